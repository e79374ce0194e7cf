package faulty

import (
	"context"

	"duroxide/history"
	"duroxide/provider"
)

// Submit stores messages.
func (p *Provider) Submit(
	ctx context.Context, s provider.Submission,
) ([]provider.Submitted, error) {
	return call(ctx, p, Submit, func() ([]provider.Submitted, error) {
		return p.Provider.Submit(ctx, s)
	})
}

// Claim takes ready work.
func (p *Provider) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	return call(ctx, p, Claim, func() (provider.Claimed, error) { return p.Provider.Claim(ctx, r) })
}

// Commit writes one turn.
func (p *Provider) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	return call(ctx, p, Commit, func() (provider.Committed, error) {
		return p.Provider.Commit(ctx, c)
	})
}

// Complete finishes tasks.
func (p *Provider) Complete(
	ctx context.Context, c provider.Completions,
) ([]provider.Submitted, error) {
	return call(ctx, p, Complete, func() ([]provider.Submitted, error) {
		return p.Provider.Complete(ctx, c)
	})
}

// Announce remembers names.
func (p *Provider) Announce(ctx context.Context, activities []string) error {
	return p.run(ctx, Announce, func() error { return p.Provider.Announce(ctx, activities) })
}

// Overdue gives tasks that have waited long.
func (p *Provider) Overdue(ctx context.Context, q provider.OverdueQuery) ([]provider.TaskClaim, error) {
	return call(ctx, p, Overdue, func() ([]provider.TaskClaim, error) { return p.Provider.Overdue(ctx, q) })
}

// TakeOverdue takes instances that have been ready for long.
func (p *Provider) TakeOverdue(ctx context.Context, q provider.OverdueTurns) ([]provider.InstanceClaim, error) {
	return call(ctx, p, TakeOverdue, func() ([]provider.InstanceClaim, error) { return p.Provider.TakeOverdue(ctx, q) })
}

// Join announces a runtime.
func (p *Provider) Join(ctx context.Context, node string, body []byte) error {
	return p.run(ctx, Join, func() error { return p.Provider.Join(ctx, node, body) })
}

// Leave takes that back.
func (p *Provider) Leave(ctx context.Context, node string) error {
	return p.run(ctx, Leave, func() error { return p.Provider.Leave(ctx, node) })
}

// Runtimes lists the runtimes that live.
func (p *Provider) Runtimes(ctx context.Context) ([]provider.Presence, error) {
	return call(ctx, p, Runtimes, func() ([]provider.Presence, error) { return p.Provider.Runtimes(ctx) })
}

// SweepRuntimes forgets runtimes that have ended.
func (p *Provider) SweepRuntimes(ctx context.Context) error {
	return p.run(ctx, SweepRuntimes, func() error { return p.Provider.SweepRuntimes(ctx) })
}

// SetDefault stores what starts take.
func (p *Provider) SetDefault(ctx context.Context, orchestration string, body []byte) error {
	return p.run(ctx, SetDefault, func() error { return p.Provider.SetDefault(ctx, orchestration, body) })
}

// Defaults gives what starts take.
func (p *Provider) Defaults(ctx context.Context) (map[string][]byte, error) {
	return call(ctx, p, Defaults, func() (map[string][]byte, error) { return p.Provider.Defaults(ctx) })
}

// Abandon gives claims back.
func (p *Provider) Abandon(
	ctx context.Context, a provider.Abandonment,
) (provider.Abandoned, error) {
	return call(ctx, p, Abandon, func() (provider.Abandoned, error) {
		return p.Provider.Abandon(ctx, a)
	})
}

// Renew extends a lease.
func (p *Provider) Renew(ctx context.Context, r provider.Renewal) ([]provider.Token, error) {
	return call(ctx, p, Renew, func() ([]provider.Token, error) { return p.Provider.Renew(ctx, r) })
}

// Held lists the claims of a node.
func (p *Provider) Held(ctx context.Context, node string) (provider.Held, error) {
	return call(ctx, p, Held, func() (provider.Held, error) { return p.Provider.Held(ctx, node) })
}

// Pending gives due messages.
func (p *Provider) Pending(ctx context.Context, t provider.Token) (provider.Page, error) {
	return call(ctx, p, Pending, func() (provider.Page, error) {
		return p.Provider.Pending(ctx, t)
	})
}

// Load gives a stored execution.
func (p *Provider) Load(
	ctx context.Context, id string, execution uint64,
) (provider.Record, error) {
	return call(ctx, p, Load, func() (provider.Record, error) {
		return p.Provider.Load(ctx, id, execution)
	})
}

// RenewSessions extends sessions.
func (p *Provider) RenewSessions(ctx context.Context, r provider.SessionRenewal) (int, error) {
	return call(ctx, p, RenewSessions, func() (int, error) {
		return p.Provider.RenewSessions(ctx, r)
	})
}

// ReleaseSessions ends the sessions of an owner.
func (p *Provider) ReleaseSessions(ctx context.Context, owner string) (int, error) {
	return call(ctx, p, ReleaseSessions, func() (int, error) {
		return p.Provider.ReleaseSessions(ctx, owner)
	})
}

// CleanupSessions deletes ended sessions.
func (p *Provider) CleanupSessions(ctx context.Context) (int, error) {
	return call(ctx, p, CleanupSessions, func() (int, error) {
		return p.Provider.CleanupSessions(ctx)
	})
}

// Status gives the state of an instance.
func (p *Provider) Status(ctx context.Context, id string) (*provider.Status, error) {
	return call(ctx, p, Status, func() (*provider.Status, error) {
		return p.Provider.Status(ctx, id)
	})
}

// Value gives one value.
func (p *Provider) Value(ctx context.Context, id, key string) (*string, error) {
	return call(ctx, p, Value, func() (*string, error) { return p.Provider.Value(ctx, id, key) })
}

// Values gives all values.
func (p *Provider) Values(ctx context.Context, id string) (map[string]string, error) {
	return call(ctx, p, Values, func() (map[string]string, error) {
		return p.Provider.Values(ctx, id)
	})
}

// Stats gives sizes.
func (p *Provider) Stats(ctx context.Context, id string) (*provider.Stats, error) {
	return call(ctx, p, Stats, func() (*provider.Stats, error) { return p.Provider.Stats(ctx, id) })
}

// Standing gives what an instance waits for.
func (p *Provider) Standing(ctx context.Context, id string, from uint64) (*provider.Standing, error) {
	return call(ctx, p, Standing, func() (*provider.Standing, error) { return p.Provider.Standing(ctx, id, from) })
}

// LastEvent gives the last event of an execution.
func (p *Provider) LastEvent(
	ctx context.Context, id string, execution uint64,
) (*history.Event, error) {
	return call(ctx, p, LastEvent, func() (*history.Event, error) {
		return p.Provider.LastEvent(ctx, id, execution)
	})
}

// Answer gives the answer that is kept for a request.
func (p *Provider) Answer(ctx context.Context, id, request string) (*provider.Message, error) {
	return call(ctx, p, Answer, func() (*provider.Message, error) { return p.Provider.Answer(ctx, id, request) })
}

// List gives instances.
func (p *Provider) List(ctx context.Context, q provider.ListQuery) ([]string, error) {
	return call(ctx, p, List, func() ([]string, error) { return p.Provider.List(ctx, q) })
}

// Summaries gives instances.
func (p *Provider) Summaries(ctx context.Context, q provider.ListQuery) (provider.SummaryPage, error) {
	return call(ctx, p, Summaries, func() (provider.SummaryPage, error) { return p.Provider.Summaries(ctx, q) })
}

// Count counts instances.
func (p *Provider) Count(ctx context.Context, q provider.ListQuery, by provider.Grouping) (provider.Counted, error) {
	return call(ctx, p, Count, func() (provider.Counted, error) { return p.Provider.Count(ctx, q, by) })
}

// Instance describes an instance.
func (p *Provider) Instance(ctx context.Context, id string) (provider.InstanceInfo, error) {
	return call(ctx, p, Instance, func() (provider.InstanceInfo, error) {
		return p.Provider.Instance(ctx, id)
	})
}

// Executions lists executions.
func (p *Provider) Executions(ctx context.Context, id string) ([]uint64, error) {
	return call(ctx, p, Executions, func() ([]uint64, error) {
		return p.Provider.Executions(ctx, id)
	})
}

// Execution describes an execution.
func (p *Provider) Execution(
	ctx context.Context, id string, execution uint64,
) (provider.ExecutionInfo, error) {
	return call(ctx, p, Execution, func() (provider.ExecutionInfo, error) {
		return p.Provider.Execution(ctx, id, execution)
	})
}

// History gives events.
func (p *Provider) History(
	ctx context.Context, id string, execution uint64,
) ([]history.Event, error) {
	return call(ctx, p, History, func() ([]history.Event, error) {
		return p.Provider.History(ctx, id, execution)
	})
}

// Children lists children.
func (p *Provider) Children(ctx context.Context, id string) ([]string, error) {
	return call(ctx, p, Children, func() ([]string, error) { return p.Provider.Children(ctx, id) })
}

// Metrics counts over the store.
func (p *Provider) Metrics(ctx context.Context) (provider.Metrics, error) {
	return call(ctx, p, Metrics, func() (provider.Metrics, error) {
		return p.Provider.Metrics(ctx)
	})
}

// Size gives the bytes on disk.
func (p *Provider) Size(ctx context.Context) (int64, error) {
	return call(ctx, p, Size, func() (int64, error) { return p.Provider.Size(ctx) })
}

// Depths counts what is not claimed.
func (p *Provider) Depths(ctx context.Context) (provider.Depths, error) {
	return call(ctx, p, Depths, func() (provider.Depths, error) { return p.Provider.Depths(ctx) })
}

// Delete deletes instances.
func (p *Provider) Delete(
	ctx context.Context, d provider.Deletion,
) (provider.Deleted, error) {
	return call(ctx, p, Delete, func() (provider.Deleted, error) { return p.Provider.Delete(ctx, d) })
}

// Prune deletes old executions.
func (p *Provider) Prune(
	ctx context.Context, id string, o provider.PruneOptions,
) (provider.Pruned, error) {
	return call(ctx, p, Prune, func() (provider.Pruned, error) {
		return p.Provider.Prune(ctx, id, o)
	})
}

// Close closes the store.
func (p *Provider) Close(ctx context.Context) error {
	return p.run(ctx, Close, func() error { return p.Provider.Close(ctx) })
}
