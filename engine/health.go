package engine

import (
	"context"
	"sort"

	"duroxide/provider"
)

// Health is how a whole store is doing.
type Health struct {
	// Runtimes live.
	Runtimes []RuntimeInfo
	// Waiting is the oldest ready work of each sort that nobody holds, the oldest first: of at most
	// provider.MostUnserved sorts.
	Waiting []WaitingWork
	// SizeBytes is what the store takes on disk; zero in memory.
	SizeBytes int64
}

// WaitingWork is ready work of one sort. The JSON names are those that users see.
type WaitingWork struct {
	// Kind is code or activity.
	Kind    WaitKind `json:"kind"`
	Name    string   `json:"name"`
	Version string   `json:"version,omitempty"`
	Tag     *string  `json:"tag,omitempty"`
	// Instance is the one that has waited longest, since Since.
	Instance string `json:"instanceId"`
	Since    int64  `json:"since"`
	// State is queued, no-worker or no-code.
	State WaitState `json:"state"`
}

// Health tells how the store is doing.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	var err error
	if h.Runtimes, err = c.Runtimes(ctx); err != nil {
		return h, err
	}
	if h.SizeBytes, err = retry(ctx, c, c.e.store.Size); err != nil {
		return h, err
	}
	claimed, err := retry(ctx, c, func(ctx context.Context) (provider.Claimed, error) {
		return c.e.store.Claim(ctx, everythingLeft())
	})
	for _, u := range claimed.Unserved {
		h.Waiting = append(h.Waiting, h.waiting(u))
	}
	sort.Slice(h.Waiting, func(i, j int) bool {
		a, b := h.Waiting[i], h.Waiting[j]
		return a.Since < b.Since || a.Since == b.Since && a.Name < b.Name
	})
	return h, err
}

// everythingLeft is a claim that can run nothing: it takes nothing, and tells of what it leaves.
func everythingLeft() provider.ClaimRequest {
	nobody := &provider.Holder{Node: "nobody", TTL: minLease, Serves: &provider.Serves{
		Orchestration: func(string, string) bool { return false },
		Activity:      func(string) bool { return false },
	}}
	return provider.ClaimRequest{
		Turns: nobody, Tasks: nobody, MaxTasks: 1, Unserved: true,
		Route: provider.Route{
			Tags: provider.TagFilter{Mode: provider.TagsAny}, Session: &provider.SessionHolder{Owner: "nobody", TTL: minLease},
		},
	}
}

// Health tells how busy the runtime is, once its store has answered. ErrShutdown: it takes no more work.
func (rt *Runtime) Health(ctx context.Context) (RuntimeLoad, error) {
	if rt.isStopping() {
		return RuntimeLoad{}, ErrShutdown
	}
	if _, err := rt.e.store.Status(ctx, rt.node); err != nil { // Nobody lives there.
		return RuntimeLoad{}, err
	}
	return rt.load(), nil
}

func (h *Health) waiting(u provider.Unserved) WaitingWork {
	w := WaitingWork{
		Kind: WaitsForCode, Name: u.Lane.Name, Version: u.Lane.Version, Instance: u.Instance, Since: u.DueMs, State: NoCode,
	}
	isTurn := u.Lane.Kind == provider.Turn
	if !isTurn {
		w.Kind = WaitsForActivity
	}
	if u.Lane.Tagged {
		w.Tag = &u.Lane.Tag
	}
	for n := range h.Runtimes {
		r := &h.Runtimes[n]
		switch {
		case isTurn && r.runs(u.Lane), !isTurn && r.has(w.Name) && r.takes(w.Tag):
			w.State = Queued
			return w
		case !isTurn && r.has(w.Name):
			w.State = NoWorker
		}
	}
	return w
}
