// Package faulty wraps a store so that a test decides which calls fail, before or after they took
// effect, and which wait. It is for tests of the engine; it adds no behaviour of its own.
package faulty

import (
	"context"
	"sync"

	"duroxide/provider"
)

// Op names an operation of the contract, after its method.
type Op string

// The operations that can be made to fail or wait.
const (
	Submit          Op = "Submit"
	Claim           Op = "Claim"
	Commit          Op = "Commit"
	Complete        Op = "Complete"
	Announce        Op = "Announce"
	Overdue         Op = "Overdue"
	TakeOverdue     Op = "TakeOverdue"
	Join            Op = "Join"
	Leave           Op = "Leave"
	Runtimes        Op = "Runtimes"
	SweepRuntimes   Op = "SweepRuntimes"
	SetDefault      Op = "SetDefault"
	Defaults        Op = "Defaults"
	Abandon         Op = "Abandon"
	Renew           Op = "Renew"
	Held            Op = "Held"
	Pending         Op = "Pending"
	Load            Op = "Load"
	RenewSessions   Op = "RenewSessions"
	ReleaseSessions Op = "ReleaseSessions"
	CleanupSessions Op = "CleanupSessions"
	Status          Op = "Status"
	Value           Op = "Value"
	Values          Op = "Values"
	Stats           Op = "Stats"
	LastEvent       Op = "LastEvent"
	Answer          Op = "Answer"
	Standing        Op = "Standing"
	List            Op = "List"
	Summaries       Op = "Summaries"
	Count           Op = "Count"
	Instance        Op = "Instance"
	Executions      Op = "Executions"
	Execution       Op = "Execution"
	History         Op = "History"
	Children        Op = "Children"
	Metrics         Op = "Metrics"
	Depths          Op = "Depths"
	Size            Op = "Size"
	Delete          Op = "Delete"
	Prune           Op = "Prune"
	Close           Op = "Close"
)

// Always makes every call fail until Heal.
const Always = -1

// Provider is a store with planned faults. It is safe for concurrent use.
type Provider struct {
	provider.Provider

	// Guarded by mu.
	mu    sync.Mutex
	plans map[Op]*plan
}

var _ provider.Provider = (*Provider)(nil)

// plan is what a test wants of one operation.
type plan struct {
	calls int
	// before and after are the faults of the next calls, without and with effect.
	before, after fault
	// gate is open, or calls wait until it is closed; nil means open.
	gate    chan struct{}
	arrived chan struct{}
	// hold, if set, is for the next call.
	hold *hold
}

// hold keeps a call that has taken effect from returning.
type hold struct{ held, released chan struct{} }

type fault struct {
	left int
	err  error
}

// take gives the error of this call, or nil.
func (f *fault) take() error {
	if f.left == 0 {
		return nil
	}
	if f.left > 0 {
		f.left--
	}
	return f.err
}

// Wrap gives a store without faults over p.
func Wrap(p provider.Provider) *Provider {
	return &Provider{Provider: p, plans: make(map[Op]*plan)}
}

// Retryable is what a busy or unreachable store returns; tests hand it to Fail and FailAfter.
func Retryable(op Op) error {
	return &provider.Error{Op: string(op), Message: "injected fault", Retryable: true}
}

// Fail makes the next n calls return err without reaching the store.
func (p *Provider) Fail(op Op, n int, err error) {
	p.change(op, func(pl *plan) { pl.before = fault{n, err} })
}

// FailAfter makes the next n calls take effect and return err all the same, as when the reply of a
// database is lost.
func (p *Provider) FailAfter(op Op, n int, err error) {
	p.change(op, func(pl *plan) { pl.after = fault{n, err} })
}

// Heal ends the faults of an operation.
func (p *Provider) Heal(op Op) {
	p.change(op, func(pl *plan) { pl.before, pl.after = fault{}, fault{} })
}

// Block makes calls wait before they reach the store, until Release or the end of their context.
// The channel gets a value for each call that began to wait, as long as somebody receives.
func (p *Provider) Block(op Op) (arrived <-chan struct{}) {
	p.change(op, func(pl *plan) {
		if pl.gate == nil {
			pl.gate, pl.arrived = make(chan struct{}), make(chan struct{}, 64)
		}
		arrived = pl.arrived
	})
	return arrived
}

// Release lets the waiting calls go on and ends Block.
func (p *Provider) Release(op Op) {
	p.change(op, func(pl *plan) {
		if pl.gate != nil {
			close(pl.gate)
			pl.gate = nil
		}
	})
}

// Hold makes the next call wait after it has taken effect, before it returns: what it did can be seen
// by everybody but its caller. held is closed when it waits; release, which may be called at any
// time, lets it go on.
func (p *Provider) Hold(op Op) (held <-chan struct{}, release func()) {
	h := &hold{held: make(chan struct{}), released: make(chan struct{})}
	p.change(op, func(pl *plan) { pl.hold = h })
	return h.held, sync.OnceFunc(func() { close(h.released) })
}

// Calls gives how often an operation was called, failed calls included.
func (p *Provider) Calls(op Op) int {
	calls := 0
	p.change(op, func(pl *plan) { calls = pl.calls })
	return calls
}

func (p *Provider) change(op Op, change func(pl *plan)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.plans[op]
	if pl == nil {
		pl = new(plan)
		p.plans[op] = pl
	}
	change(pl)
}

// enter counts a call, waits if it is told to, and gives what the plan says about it.
func (p *Provider) enter(ctx context.Context, op Op) (held *hold, before, after error) {
	var gate chan struct{}
	p.change(op, func(pl *plan) {
		pl.calls++
		before = pl.before.take()
		if before == nil {
			after = pl.after.take()
			held, pl.hold = pl.hold, nil
		}
		if gate = pl.gate; gate != nil {
			select {
			case pl.arrived <- struct{}{}:
			default:
			}
		}
	})
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err(), nil
		}
	}
	return held, before, after
}

// wait holds a call that has taken effect.
func (h *hold) wait(ctx context.Context) error {
	if h == nil {
		return nil
	}
	close(h.held)
	select {
	case <-h.released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call runs one operation under its plan.
func call[R any](
	ctx context.Context, p *Provider, op Op, operation func() (R, error),
) (R, error) {
	var none R
	held, before, after := p.enter(ctx, op)
	if before != nil {
		return none, before
	}
	result, err := operation()
	if ended := held.wait(ctx); ended != nil {
		return none, ended
	}
	if err == nil && after != nil {
		return none, after
	}
	return result, err
}

// run is call for an operation that gives nothing.
func (p *Provider) run(ctx context.Context, op Op, operation func() error) error {
	_, err := call(ctx, p, op, func() (struct{}, error) { return struct{}{}, operation() })
	return err
}
