package providertest

import (
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Wanted gives queries that people ask for, with each condition alone and with some pairs, for stores whose
// instances are as the tests of finding make them. middle is a time that half of them are from before.
func Wanted(middle time.Time) map[string]provider.ListQuery {
	yes, no := true, false
	return map[string]provider.ListQuery{
		"all": {}, "name": {Name: "usual"}, "rare name": {Name: "rare"}, "no name": {Name: "none"},
		"version": {Version: "1.0.0"}, "parent": {Parent: "p"},
		"prefix": {IDPrefix: "i12"}, "common prefix": {IDPrefix: "i"}, "no prefix": {IDPrefix: "z"},
		"held": {Held: &yes}, "not held": {Held: &no},
		"running": {Status: provider.Running}, "completed": {Status: provider.Completed},
		"failed": {Status: provider.Failed}, "continued": {Status: provider.ContinuedAsNew},
		"failure": {Failure: history.TimeoutClass}, "no failure": {Failure: history.PoisonClass},
		"created from": {CreatedFrom: middle}, "created before": {CreatedBefore: middle},
		"updated from": {UpdatedFrom: middle}, "updated before": {UpdatedBefore: middle},
		"running, name":         {Status: provider.Running, Name: "usual"},
		"running, rare name":    {Status: provider.Running, Name: "rare"},
		"completed, rare name":  {Status: provider.Completed, Name: "rare"},
		"failed, name":          {Status: provider.Failed, Name: "usual"},
		"failure, updated from": {Failure: history.TimeoutClass, UpdatedFrom: middle},
		"failure, name":         {Failure: history.TimeoutClass, Name: "usual"},
		"prefix, failed":        {IDPrefix: "i12", Status: provider.Failed},
		"parent, running":       {Parent: "p", Status: provider.Running},
	}
}
