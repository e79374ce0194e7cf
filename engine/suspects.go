package engine

import (
	"context"

	"duroxide/provider"
)

// Suspects. What a process had in hand when it ended is marked and runs again at once, beside everything
// else: most of it is innocent. What was marked twice is a suspect. It runs with no other suspect beside
// it in this process, and an attempt is stored before its code runs, so that the next end of the process
// is charged to what really ran; after enough attempts it fails as poison. Ordinary work goes on beside
// it, and may be marked with it, but never pays. A step of orchestration code that does
// not return within its deadline is charged with an attempt while it runs, so that one mark makes it a suspect.

// trial is what an attempt of a turn is counted on.
type trial struct {
	token    provider.Token
	messages []uint64
	charged  bool
}

// alone runs a suspect when no other one runs, on a thread that lives, so that no attempt is counted
// which cannot begin. Its error is that of the context, ErrTakenBack, or that of what ran.
func (rt *Runtime) alone(ctx context.Context, run func() error) error {
	if err := rt.takeTurn(ctx, rt.e.suspect); err != nil {
		return err
	}
	defer func() { <-rt.e.suspect }()
	if err := rt.awaitThread(); err != nil {
		return err
	}
	// The suspect before this one may have ended the thread: that is not to be charged to two.
	if rt.host.Pulse().HasEnded() {
		return ErrHostGone
	}
	return run()
}

// charged gives what the running turn of a resident is to be charged with, once: then there are no
// messages any more.
func (rt *Runtime) charged(r *resident) trial {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if r.trying.charged {
		return trial{}
	}
	r.trying.charged = true
	return r.trying
}

// charge counts an attempt of a turn.
func (rt *Runtime) charge(t trial) error {
	if len(t.messages) == 0 {
		return nil
	}
	return rt.insist(rt.ctx, "begin", func() error {
		return rt.e.store.Begin(rt.ctx, t.token, t.messages)
	})
}

// stepOverdue charges a step that may never return, and then says so. Its instance stays here, because nobody
// can say that it has not begun; an attempt that outlives this process belongs to it.
func (rt *Runtime) stepOverdue(inv Invocation) {
	rt.mu.Lock()
	r := rt.residents[inv.Instance]
	rt.mu.Unlock()
	rt.spawn("overdue step", func() {
		if r != nil {
			if err := rt.charge(rt.charged(r)); err != nil {
				rt.storeFailed("begin", err, 0)
			}
		}
		rt.log.stepOverdue(inv, rt.set.orchestrationDeadline)
	})
}
