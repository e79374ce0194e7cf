// Package readonly makes a store one that can only be read: whatever would change it is refused with
// provider.ErrReadOnly before it reaches the store. It is for programs that look at the work of others.
package readonly

import (
	"context"

	"duroxide/provider"
)

// Of gives a store of which only the reads are left.
func Of(p provider.Provider) provider.Provider { return &store{Provider: p} }

// store keeps what reads. Each call that changes something is listed, which a test compares with the
// interface.
type store struct{ provider.Provider }

func refuse(op string) error {
	return &provider.Error{
		Op: op, Message: "the store was opened to be read only: nothing can be started, changed or run on it",
		Err: provider.ErrReadOnly,
	}
}

func (*store) Submit(context.Context, provider.Submission) ([]provider.Submitted, error) {
	return nil, refuse("submit")
}

func (*store) Claim(context.Context, provider.ClaimRequest) (provider.Claimed, error) {
	return provider.Claimed{}, refuse("claim")
}

func (*store) Begin(context.Context, provider.Token, []uint64) error { return refuse("begin") }

func (*store) BeginTask(context.Context, provider.Token) error { return refuse("begin_task") }

func (*store) Commit(context.Context, provider.Commit) (provider.Committed, error) {
	return provider.Committed{}, refuse("commit")
}

func (*store) Complete(context.Context, provider.Completions) ([]provider.Submitted, error) {
	return nil, refuse("complete")
}

func (*store) Announce(context.Context, []string) error { return refuse("announce") }

func (*store) Overdue(context.Context, provider.OverdueQuery) ([]provider.TaskClaim, error) {
	return nil, refuse("overdue")
}

func (*store) Abandon(context.Context, provider.Abandonment) (provider.Abandoned, error) {
	return provider.Abandoned{}, refuse("abandon")
}

func (*store) Renew(context.Context, provider.Renewal) ([]provider.Token, error) {
	return nil, refuse("renew")
}

func (*store) RenewSessions(context.Context, provider.SessionRenewal) (int, error) {
	return 0, refuse("renew_sessions")
}

func (*store) ReleaseSessions(context.Context, string) (int, error) {
	return 0, refuse("release_sessions")
}

func (*store) CleanupSessions(context.Context) (int, error) { return 0, refuse("cleanup_sessions") }

func (*store) Delete(context.Context, provider.Deletion) (provider.Deleted, error) {
	return provider.Deleted{}, refuse("delete")
}

func (*store) Prune(context.Context, string, provider.PruneOptions) (provider.Pruned, error) {
	return provider.Pruned{}, refuse("prune")
}

func (*store) TakeOverdue(context.Context, provider.OverdueTurns) ([]provider.InstanceClaim, error) {
	return nil, refuse("take_overdue")
}

func (*store) SweepRuntimes(context.Context) error { return refuse("sweep_runtimes") }

func (*store) SetDefault(context.Context, string, []byte) error { return refuse("set_default") }

func (*store) Repair(context.Context, provider.Repair) error { return refuse("repair") }

func (*store) Resume(context.Context, string) (bool, error) { return false, refuse("resume") }

func (*store) Join(context.Context, string, []byte) error { return refuse("join") }

func (*store) Leave(context.Context, string) error { return refuse("leave") }
