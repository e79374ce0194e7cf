package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lateAfter is how long a thread may owe its next exchange before nothing more is claimed for it.
const lateAfter = 100 * time.Millisecond

// Pulse is the sign of life of one thread that runs user code (D17). Its host reports when the
// thread was told that something waits for it, and when it came to look; runtimes see from it
// whether the thread lives. It is safe for concurrent use.
//
//   - P1 The thread owes an exchange from Owe until Rest. Each Sign in between begins the waiting
//     anew: the thread is at work and comes back by itself.
//   - P2 Whoever reports pays for a look at the clock, never for a timer of its own: one timer is
//     pending while the thread owes, and finds out by itself that it does no more.
type Pulse struct {
	clock Clock
	epoch time.Time
	// owed is since when the thread owes, in nanoseconds after the epoch; zero: it owes nothing.
	owed atomic.Int64
	// armed says that the timer is pending.
	armed atomic.Bool
	late  atomic.Bool
	ended atomic.Bool
	signs atomic.Uint64

	mu       sync.Mutex // guards watchers, and the changes of late
	watchers []chan<- struct{}
}

// NewPulse gives the pulse of a thread that owes nothing.
func NewPulse(c Clock) *Pulse {
	// The first moment must not be zero, which stands for nothing.
	return &Pulse{clock: c, epoch: c.Now().Add(-time.Nanosecond)}
}

func (p *Pulse) now() int64 { return int64(p.clock.Now().Sub(p.epoch)) }

// Owe says that the thread was told of something that waits for it.
func (p *Pulse) Owe() {
	if p.owed.CompareAndSwap(0, p.now()) {
		p.arm(lateAfter)
	}
}

// Sign says that the thread came to look. It is called on the thread only.
func (p *Pulse) Sign() {
	p.signs.Add(1)
	if p.owed.Load() != 0 {
		p.owed.Store(p.now())
	}
	if p.late.Load() {
		p.revive()
	}
}

// Rest says that the thread found nothing, so that it owes nothing until the next Owe.
func (p *Pulse) Rest() { p.owed.Store(0) }

// End says that the thread is gone. It is called before any call of its host ends for that.
func (p *Pulse) End() { p.ended.Store(true) }

// HasEnded reports whether the thread is gone.
func (p *Pulse) HasEnded() bool { return p.ended.Load() }

// Owed gives for how long the thread has owed an exchange; zero: it owes nothing.
func (p *Pulse) Owed() time.Duration {
	owed := p.owed.Load()
	if owed == 0 {
		return 0
	}
	return time.Duration(max(p.now()-owed, 0))
}

// Signs counts the signs of life: as long as it stays the same, there was none.
func (p *Pulse) Signs() uint64 { return p.signs.Load() }

// IsLate reports whether the thread has owed an exchange for too long to be given more.
func (p *Pulse) IsLate() bool { return p.late.Load() }

// silence gives since when a late thread has given no sign of life. It is false for one that lives.
func (p *Pulse) silence() (since time.Time, late bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch.Add(time.Duration(p.owed.Load())), p.late.Load()
}

// watch sends to a channel, which needs room for one, whenever the thread becomes late or lives
// again.
func (p *Pulse) watch(changed chan<- struct{}) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers = append(p.watchers, changed)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.watchers = slices.DeleteFunc(p.watchers, func(w chan<- struct{}) bool { return w == changed })
	}
}

// arm has check called, unless that is already so.
func (p *Pulse) arm(in time.Duration) {
	if p.armed.CompareAndSwap(false, true) {
		due := p.now() + int64(in)
		p.clock.AfterFunc(in, func() { p.check(due) })
	}
}

// check finds out whether the thread is late, and comes back as long as it owes. Whoever makes it
// owe again looks at armed after that, so that no time of owing goes unseen.
func (p *Pulse) check(due int64) {
	p.armed.Store(false)
	owed, now := p.owed.Load(), p.now()
	switch {
	case owed == 0:
		return
	case now-due > int64(lateAfter):
		// The process stood still, not the thread: it was stopped, or starved. The waiting begins anew.
		p.owed.CompareAndSwap(owed, now)
		p.arm(lateAfter)
	case now-owed < int64(lateAfter):
		p.arm(lateAfter - time.Duration(now-owed))
	default:
		p.falter(owed)
	}
}

// falter makes the thread late, unless it has given a sign meanwhile.
func (p *Pulse) falter(owed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late.Load() {
		return
	}
	p.late.Store(true)
	if p.owed.Load() != owed { // It may have missed that it was late.
		p.late.Store(false)
		p.arm(lateAfter)
		return
	}
	p.tell()
}

func (p *Pulse) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late.CompareAndSwap(true, false) {
		p.arm(lateAfter)
		p.tell()
	}
}

// tell has the watchers look. The caller holds p.mu.
func (p *Pulse) tell() {
	for _, w := range p.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}
