package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// liveness follows the thread that runs the code of a runtime. A thread that does not come to look
// is late, and from then on nothing more is claimed for it (Runtime.room, workers.reserve). After
// the host's timeout it is out: what has not begun is given back, so that other nodes do it.
//
//   - N1 Code that has begun is never given back: its activity keeps its lease, its turn its instance.
//     Whether it has begun is decided by one word that both sides change (Host.TakeBack).
//   - N2 Claims are given back, not memory: a resident that nobody moved meanwhile goes on without
//     replay (Runtime.fit).
//   - N3 While the thread is out, nothing is held that could wait for it. Whoever comes by a claim
//     looks at isOut after that, or is seen by giveBack, and lets go of it.
type liveness struct {
	rt  *Runtime
	out atomic.Bool
	// look has one entry when something may have changed.
	look chan struct{}

	mu sync.Mutex
	// changed is closed and replaced when the thread is out or lives again.
	changed chan struct{}

	// Owned by run:
	since time.Time // of the silence that is watched; zero: the thread lives
	steps []step
	stop  func() bool // the alarm of the next step
}

// step is something that a silence leads to.
type step struct {
	after time.Duration
	do    func()
}

func newLiveness(rt *Runtime) *liveness {
	return &liveness{
		rt: rt, look: make(chan struct{}, 1), changed: make(chan struct{}),
		stop: func() bool { return false },
	}
}

// isLate reports whether nothing more may be claimed for the thread.
func (rt *Runtime) isLate() bool { return rt.host.Pulse().IsLate() }

// isOut reports whether nothing may wait for the thread any more.
func (rt *Runtime) isOut() bool { return rt.alive.out.Load() }

// awaitThread returns when the thread lives; ErrTakenBack when it is out. It is called before a
// turn begins, so that what is in memory stays what is stored while the thread is late.
func (rt *Runtime) awaitThread() error {
	if !rt.isLate() && !rt.isOut() {
		return nil
	}
	for {
		changed := rt.alive.signal()
		switch {
		case rt.isOut():
			return ErrTakenBack
		case !rt.isLate():
			return nil
		}
		select {
		case <-changed:
		case <-rt.ctx.Done():
			return rt.ctx.Err()
		}
	}
}

// takeTurn sends to a channel when there is room in it, or gives up when the thread is out: what is in
// it then may stay for long.
func (rt *Runtime) takeTurn(ctx context.Context, turns chan<- struct{}) error {
	select {
	case turns <- struct{}{}:
		return nil
	default:
	}
	for {
		changed := rt.alive.signal()
		if rt.isOut() {
			return ErrTakenBack
		}
		select {
		case turns <- struct{}{}:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// signal gives a channel that is closed when the thread is out or lives again.
func (l *liveness) signal() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *liveness) change(out bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Store(out)
	close(l.changed)
	l.changed = make(chan struct{})
}

// wake makes run look.
func (l *liveness) wake() {
	select {
	case l.look <- struct{}{}:
	default:
	}
}

func (l *liveness) run(ctx context.Context) {
	stop := l.rt.host.Pulse().watch(l.look)
	defer stop()
	defer func() { l.stop() }()
	for {
		l.follow()
		if !l.sleep(ctx) {
			return
		}
	}
}

// sleep returns when there may be something to follow, or false at the end.
func (l *liveness) sleep(ctx context.Context) bool {
	defer l.rt.e.test.rest()()
	select {
	case <-l.look:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow does what the silence of the thread leads to by now, and arms the alarm for the rest.
func (l *liveness) follow() {
	since, late := l.rt.host.Pulse().silence()
	if !l.since.IsZero() && (!late || !since.Equal(l.since)) {
		l.back()
	}
	if !late {
		return
	}
	if l.since.IsZero() {
		l.since, l.steps = since, l.plan()
	}
	for len(l.steps) > 0 {
		due := l.since.Add(l.steps[0].after)
		if left := due.Sub(l.rt.e.clock.Now()); left > 0 {
			l.alarm(due, left)
			return
		}
		l.steps[0].do()
		l.steps = l.steps[1:]
	}
}

// alarm wakes run at a moment. If the alarm itself comes late, the process stood still, and not
// only the thread, which then gets a little more time.
func (l *liveness) alarm(due time.Time, in time.Duration) {
	l.stop()
	clock := l.rt.e.clock
	l.stop = clock.AfterFunc(in, func() {
		if clock.Now().Sub(due) > lateAfter {
			clock.AfterFunc(lateAfter, l.wake)
			return
		}
		l.wake()
	})
}

// plan lists what a silence leads to, in order of time.
func (l *liveness) plan() []step {
	set := l.rt.set
	warn := step{min(set.hostTimeout, slowRun), l.warn}
	giveBack := step{set.hostTimeout, l.giveBack}
	late := step{set.orchestrationDeadline, l.stepOverdue}
	if set.orchestrationDeadline < set.hostTimeout {
		return []step{warn, late, giveBack}
	}
	return []step{warn, giveBack, late}
}

// warn says what holds the thread.
func (l *liveness) warn() {
	running, certain := l.rt.host.Running()
	l.rt.log.threadBlocked(running, certain, l.rt.e.clock.Now().Sub(l.since))
}

// giveBack lets go of everything that has not begun.
func (l *liveness) giveBack() {
	rt := l.rt
	l.change(true)
	rt.host.TakeBack()
	rt.workers.resume()
	rt.giveBackIdle()
	rt.returns.flush()
}

// stepOverdue reports an orchestration step that has not returned within the deadline.
func (l *liveness) stepOverdue() {
	running, certain := l.rt.host.Running()
	if certain && running[0].Activity == "" {
		l.rt.stepOverdue(running[0].Invocation)
	}
}

// back ends a silence.
func (l *liveness) back() {
	rt, since := l.rt, l.since
	l.stop()
	warned := len(l.steps) < len(l.plan())
	l.since, l.steps = time.Time{}, nil
	l.change(false)
	if warned {
		rt.log.threadAnswers(rt.e.clock.Now().Sub(since))
	}
	rt.workers.resume()
	rt.poller.wake()
}
