package engine

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// TestClock is the time of a store, and of an engine on it, that a test moves. Due times follow it:
// those of timers, and of work that is hidden for a while. Leases, pauses between retries and the
// timeouts of clients go on by real time, so that a jump of thirty days ends no lease.
//
//   - T1 The clock moves only while nothing is under way (busy) and nothing was told that nobody has
//     looked for (wakeups.settled). Else what is under way could be overtaken by a timer.
//   - T2 It moves to the next due time at most, so that what comes first happens first.
//   - T3 Whoever moves it says what he has seen begin (moves). It does not move if more has begun.
//
// A nil clock counts nothing and rings never: it costs a comparison. It is safe for concurrent use.
type TestClock struct {
	mu     sync.Mutex
	now    time.Time
	alarms ringing
	last   uint64
	busy   int    // goroutines that may change something
	moves  uint64 // how often one began
	works  uint64 // how often one began for a reason
	// stirred is closed and replaced when one ends.
	stirred chan struct{}
}

// Rest is what a look at an engine on a TestClock has found.
type Rest struct {
	// Quiet: nothing is under way except for calls of activities.
	Quiet bool
	// NowMs is the time, NextMs when something becomes due, both in Unix milliseconds; zero: nothing does.
	NowMs  int64
	NextMs int64
	// Moves counts all that has begun, Works what has begun because there was something to do.
	Moves uint64
	Works uint64
	// Activities is the number of calls of activities whose results are wanted.
	Activities int
}

// NewTestClock gives a clock that stands at a moment.
func NewTestClock(at time.Time) *TestClock {
	return &TestClock{now: at, stirred: make(chan struct{})}
}

// Now gives the time.
func (c *TestClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// begin counts something that may change what is stored or due. end must be called after it.
func (c *TestClock) begin() { c.count(0) }

// work is begin for something that has work to do.
func (c *TestClock) work() { c.count(1) }

func (c *TestClock) count(works uint64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
	c.moves++
	c.works += works
}

func (c *TestClock) end() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	close(c.stirred)
	c.stirred = make(chan struct{})
}

// rest says that who counts as busy waits, until the function is called.
func (c *TestClock) rest() (goOn func()) {
	c.end()
	return c.begin
}

// ring calls f once when the clock comes to a moment, unless it is the zero one. After stop it is not
// called, unless it is being called already.
func (c *TestClock) ring(at time.Time, f func()) (stop func()) {
	if c == nil || at.IsZero() {
		return func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !at.After(c.now) {
		c.busy++
		c.moves++
		go func() {
			defer c.end()
			f()
		}()
		return func() {}
	}
	c.last++
	r := &ring{at: at, number: c.last, f: f}
	heap.Push(&c.alarms, r)
	return func() { c.stop(r) }
}

func (c *TestClock) stop(r *ring) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.place >= 0 {
		heap.Remove(&c.alarms, r.place)
	}
}

// Advance moves the clock, to the next due time at most, and returns when what is due by then was
// told. It does nothing, and is false, where something is under way or has begun since a Rest.
func (c *TestClock) Advance(to time.Time, moves uint64) (now time.Time, moved bool) {
	c.mu.Lock()
	if c.busy > 0 || c.moves != moves {
		defer c.mu.Unlock()
		return c.now, false
	}
	if len(c.alarms) > 0 && c.alarms[0].at.Before(to) {
		to = c.alarms[0].at
	}
	if to.After(c.now) {
		c.now = to
	}
	var due []*ring
	for len(c.alarms) > 0 && !c.alarms[0].at.After(c.now) {
		due = append(due, heap.Pop(&c.alarms).(*ring)) //nolint:forcetypeassert // nothing else is in it
	}
	c.busy++
	c.moves++
	c.works++
	now = c.now
	c.mu.Unlock()
	defer c.end()
	for _, r := range due {
		r.f()
	}
	return now, true
}

// Rest returns when nothing is under way, or when patience is over. The engine must have a TestClock.
func (e *Engine) Rest(ctx context.Context, patience time.Duration) Rest {
	const again = 2 * time.Millisecond // Some of what is looked at stirs nobody.
	over := time.After(patience)
	for first := true; ; first = false {
		if first {
			e.nudge()
		}
		rest, stirred := e.look()
		if rest.Quiet {
			return rest
		}
		select {
		case <-stirred:
		case <-time.After(again):
		case <-over:
			return rest
		case <-ctx.Done():
			return rest
		}
	}
}

// look looks once. What it finds was so at one moment, or it is not quiet.
func (e *Engine) look() (Rest, <-chan struct{}) {
	c := e.test
	c.mu.Lock()
	rest := Rest{NowMs: c.now.UnixMilli(), Moves: c.moves, Works: c.works}
	if len(c.alarms) > 0 {
		rest.NextMs = c.alarms[0].at.UnixMilli()
	}
	busy, stirred := c.busy, c.stirred
	c.mu.Unlock()
	rest.Quiet = busy == 0
	started := e.started()
	if len(e.working()) != len(started) {
		rest.Quiet = false // One is shutting down.
	}
	for _, rt := range started {
		if !rt.poller.settled() {
			rest.Quiet = false
		}
		rest.Activities += rt.workers.called()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest.Quiet = rest.Quiet && c.moves == rest.Moves
	return rest, stirred
}

// nudge has pollers look again that found no room where there is some by now: the thread of user code
// was late, and has shown up by asking.
func (e *Engine) nudge() {
	for _, rt := range e.started() {
		p := rt.poller
		p.mu.Lock()
		lacks := p.lacks
		p.mu.Unlock()
		if lacks != 0 && rt.hasRoomFor(lacks) {
			p.wake()
		}
	}
}

// settled reports whether everything was looked for that was told.
func (p *poller) settled() bool {
	return !p.rt.isLate() && p.looked.Load() == p.told.Load()
}

// called gives the number of activities that the host was given and whose results are wanted.
func (w *workers) called() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, j := range w.held {
		if j.called && !j.finished && !j.cancelled.Load() {
			n++
		}
	}
	for _, in := range w.inline {
		for _, j := range in.jobs {
			if j.called && !j.finished {
				n++
			}
		}
	}
	return n
}

// ring is one alarm of a TestClock.
type ring struct {
	at     time.Time
	number uint64
	f      func()
	place  int // in the heap; -1: it is in none any more
}

// ringing is a heap of alarms, the earliest first, and the one that was set first among equals.
type ringing []*ring

func (h ringing) Len() int { return len(h) }

func (h ringing) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].number < h[j].number
}

func (h ringing) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *ringing) Push(x any) {
	r := x.(*ring) //nolint:forcetypeassert // nothing else is pushed
	r.place = len(*h)
	*h = append(*h, r)
}

// Pop implements heap.Interface.
func (h *ringing) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	r.place = -1
	return r
}
