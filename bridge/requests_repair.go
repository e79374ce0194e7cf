package main

import (
	"context"

	"duroxide/engine"
	"duroxide/provider"
)

var repairRequests = map[string]handler{
	"client.retry":  withClient(serveRetry),
	"client.rewind": withClient(serveRewind),
	"client.fork":   withClient(serveFork),
	"client.inUse":  withClient(serveInUse),

	"client.setDefault": withClient(serveSetDefault),
	"client.defaults":   withClient(serveDefaults),
}

// repairedValue says what a repair has done.
type repairedValue struct {
	Instances []string `json:"instances"`
}

type retryArguments struct {
	instanceArguments
	Reason  string `json:"reason"`
	By      string `json:"by"`
	Parents bool   `json:"parents"`
	DryRun  bool   `json:"dryRun"`
}

func serveRetry(ctx context.Context, c *engine.Client, a retryArguments, _ string) (result, error) {
	repaired, err := c.Retry(ctx, a.Instance, engine.RetryOptions{Reason: a.Reason, By: a.By, Parents: a.Parents, DryRun: a.DryRun})
	return result{value: repairedValue{Instances: notNil(repaired.Instances)}}, err
}

// holdValue says what an instance is held for.
type holdValue struct {
	ExecutionID uint64   `json:"executionId"`
	CodeIDs     []string `json:"codeIds"`
	EventID     uint64   `json:"eventId"`
	Reason      string   `json:"reason"`
	Asked       *string  `json:"asked"`
	Recorded    *string  `json:"recorded"`
	Place       *string  `json:"place"`
	Since       int64    `json:"since"`
}

// holdOf gives the hold of an instance, or null.
func holdOf(h *provider.Hold) *holdValue {
	if h == nil {
		return nil
	}
	return &holdValue{
		ExecutionID: h.Execution, CodeIDs: h.Codes, EventID: h.Event, Reason: h.Reason,
		Asked: textOrNil(h.Asked), Recorded: textOrNil(h.Recorded), Place: textOrNil(h.Place), Since: h.SinceMs,
	}
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

type rewindArguments struct {
	instanceArguments
	Execution  uint64 `json:"execution"`
	Event      uint64 `json:"event"`
	Failure    bool   `json:"failure"`
	AcceptUndo bool   `json:"acceptUndo"`
	Reason     string `json:"reason"`
	By         string `json:"by"`
	DryRun     bool   `json:"dryRun"`
}

func serveRewind(ctx context.Context, c *engine.Client, a rewindArguments, _ string) (result, error) {
	repaired, err := c.Rewind(ctx, a.Instance, engine.RewindOptions{
		Execution: a.Execution, Event: a.Event, Failure: a.Failure, AcceptUndo: a.AcceptUndo,
		Reason: a.Reason, By: a.By, DryRun: a.DryRun,
	})
	return result{value: repairedValue{Instances: notNil(repaired.Instances)}}, err
}

type forkArguments struct {
	instanceArguments
	NewInstance string  `json:"newInstance"`
	Execution   uint64  `json:"execution"`
	Event       uint64  `json:"event"`
	Version     *string `json:"version"`
	Edited      bool    `json:"edited"`
	Reason      string  `json:"reason"`
	By          string  `json:"by"`
	DryRun      bool    `json:"dryRun"`
}

func serveFork(ctx context.Context, c *engine.Client, a forkArguments, input string) (result, error) {
	o := engine.ForkOptions{
		Instance: a.NewInstance, Execution: a.Execution, Event: a.Event, Version: a.Version,
		Reason: a.Reason, By: a.By, DryRun: a.DryRun,
	}
	if a.Edited {
		o.Input = &input
	}
	repaired, err := c.Fork(ctx, a.Instance, o)
	return result{value: repairedValue{Instances: notNil(repaired.Instances)}}, err
}

type inUseArguments struct {
	storeArguments
	Name *string `json:"name"`
}

type inUseValue struct {
	Name     string              `json:"name"`
	Version  *string             `json:"version"`
	Running  int                 `json:"running"`
	Held     int                 `json:"held"`
	OldestAt *int64              `json:"oldestAt"`
	Runtimes int                 `json:"runtimes"`
	Patches  []engine.PatchInUse `json:"patches"`
}

type inUseResult struct {
	Versions []inUseValue `json:"versions"`
}

func serveInUse(ctx context.Context, c *engine.Client, a inUseArguments, _ string) (result, error) {
	found, err := c.VersionsInUse(ctx, valueOf(a.Name))
	all := make([]inUseValue, len(found))
	for n, u := range found {
		all[n] = inUseValue{
			Name: u.Name, Version: textOrNil(u.Version), Running: u.Running, Held: u.Held, OldestAt: timeMs(u.Oldest),
			Runtimes: u.Runtimes, Patches: u.Answers,
		}
	}
	return result{value: inUseResult{all}}, err
}

type defaultArguments struct {
	storeArguments
	Name    string  `json:"name"`
	Version *string `json:"version"`
	Percent int     `json:"percent"`
}

func serveSetDefault(ctx context.Context, c *engine.Client, a defaultArguments, _ string) (result, error) {
	return result{}, c.SetDefaultVersion(ctx, a.Name, valueOf(a.Version), a.Percent)
}

type defaultValue struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Percent int     `json:"percent"`
	Before  *string `json:"otherwise"`
}

type defaultsResult struct {
	Versions []defaultValue `json:"versions"`
}

func serveDefaults(ctx context.Context, c *engine.Client, _ storeArguments, _ string) (result, error) {
	found, err := c.DefaultVersions(ctx)
	all := make([]defaultValue, len(found))
	for n, d := range found {
		all[n] = defaultValue{Name: d.Name, Version: d.Version, Percent: d.Percent, Before: textOrNil(d.Before)}
	}
	return result{value: defaultsResult{all}}, err
}
