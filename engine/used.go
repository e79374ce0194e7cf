package engine

import (
	"context"
	"sort"
	"sync"
	"time"

	"duroxide/provider"
)

// VersionInUse counts what is in use of a version of an orchestration, and who has its code.
type VersionInUse struct {
	provider.InUse
	// Runtimes is how many of those that live can run it.
	Runtimes int
	// Answers are those at each patch that an instance of the orchestration has asked for, in the order of their
	// names.
	Answers []PatchInUse
}

// PatchInUse counts instances by what they were answered at a patch: code that goes on with all of them may lose
// the old path when AnsweredFalse and NotAsked are zero. The JSON names are those that users see.
type PatchInUse struct {
	Name          string `json:"name"`
	AnsweredTrue  int    `json:"answeredTrue"`
	AnsweredFalse int    `json:"answeredFalse"`
	NotAsked      int    `json:"notAsked"`
}

// InUse counts instances that have not ended by orchestration and version; "" is all orchestrations.
func (c *Client) InUse(ctx context.Context, name string) ([]provider.InUse, error) {
	return retry(ctx, c, func(ctx context.Context) ([]provider.InUse, error) { return c.e.store.InUse(ctx, name) })
}

// VersionsInUse gives what InUse counts, with the patches and with who has the code.
func (c *Client) VersionsInUse(ctx context.Context, name string) ([]VersionInUse, error) {
	found, err := c.InUse(ctx, name)
	if err != nil {
		return nil, err
	}
	runtimes, err := c.Runtimes(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]VersionInUse, len(found))
	asked := map[string]map[string]bool{} // the names of patches, by orchestration
	for _, u := range found {
		for patch := range u.Patches {
			if asked[u.Name] == nil {
				asked[u.Name] = map[string]bool{}
			}
			asked[u.Name][patch] = true
		}
	}
	for n, u := range found {
		all[n] = versionInUse(u, asked[u.Name], runtimes)
	}
	return all, nil
}

func versionInUse(u provider.InUse, asked map[string]bool, runtimes []RuntimeInfo) VersionInUse {
	v := VersionInUse{InUse: u, Answers: []PatchInUse{}}
	for n := range runtimes {
		if runtimes[n].runs(provider.Lane{Kind: provider.Turn, Name: u.Name, Version: u.Version}) {
			v.Runtimes++
		}
	}
	for name := range asked {
		p := u.Patches[name]
		v.Answers = append(v.Answers, PatchInUse{name, p.True, p.False, u.Running - p.True - p.False})
	}
	sort.Slice(v.Answers, func(i, j int) bool { return v.Answers[i].Name < v.Answers[j].Name })
	return v
}

const (
	// usedKept is how long at least a count of instances is told again before the store is asked once more: it
	// reads all that have not ended.
	usedKept = 10 * time.Second
	// usedShare bounds such reads to one part in so many of the time.
	usedShare = 20
)

// usedCounts keeps the measures of instances by code. It is safe for concurrent use.
type usedCounts struct {
	mu    sync.Mutex
	last  []Measure
	until time.Time
}

// measures gives what was counted last, or counts; nothing where the store has not answered.
func (u *usedCounts) measures(ctx context.Context, c *Client) []Measure {
	u.mu.Lock()
	defer u.mu.Unlock()
	began := c.e.clock.Now()
	if began.Before(u.until) || ctx.Err() != nil {
		return u.last
	}
	used, err := c.InUse(ctx, "")
	now := c.e.clock.Now()
	kept := usedShare * now.Sub(began)
	u.last = nil
	if err == nil {
		kept = max(kept, usedKept)
		u.last = usedMeasures(used)
	}
	u.until = now.Add(kept)
	return u.last
}
