// Package enginetest holds what tests of the engine share: a clock moved by hand. It ships no
// assertion library, so that stores and hosts written for tests can use it too.
package enginetest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock is an engine.Clock that stands still until a test moves it. Its Now can serve a store as
// time base, so that leases and timers move with it. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
	// changed is closed and replaced when a timer is added.
	changed chan struct{}
}

type timer struct {
	due time.Time
	run func()
}

// NewClock gives a clock that stands at a fixed moment, a whole number of milliseconds.
func NewClock() *Clock {
	return &Clock{
		now:     time.Date(2024, time.March, 1, 12, 0, 0, 0, time.UTC),
		changed: make(chan struct{}),
	}
}

// Now gives the moment at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f from the Advance that reaches now+d. A d of zero or less is reached by the
// next Advance, whatever its length.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{due: c.now.Add(max(d, 0)), run: f}
	c.timers = append(c.timers, t)
	close(c.changed)
	c.changed = make(chan struct{})
	return func() bool { return c.remove(t) }
}

// Advance moves the clock by d and calls what becomes due on the way, in due order, each at its
// own moment and on the calling goroutine. Calls that a callback asks for are included.
func (c *Clock) Advance(d time.Duration) {
	target := c.Now().Add(d)
	for {
		t := c.next(target)
		if t == nil {
			return
		}
		t.run()
	}
}

// Pump calls what is asked for without delay as soon as it is asked for, until ctx ends. The time
// stands still meanwhile, unless Advance is called.
func (c *Clock) Pump(ctx context.Context) {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		c.Advance(0)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// AwaitTimers returns when at least n timers are pending, or with the context's error.
func (c *Clock) AwaitTimers(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		pending, changed := len(c.timers), c.changed
		c.mu.Unlock()
		if pending >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pending gives the number of timers that were neither called nor stopped.
func (c *Clock) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// next takes the earliest timer that is due by target and moves the clock to it, or moves the
// clock to target and gives nil.
func (c *Clock) next(target time.Time) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first *timer
	for _, t := range c.timers {
		if !t.due.After(target) && (first == nil || t.due.Before(first.due)) {
			first = t
		}
	}
	if first == nil {
		c.move(target)
		return nil
	}
	c.move(first.due)
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool { return t == first })
	return first
}

// move never turns the clock back: another Advance may be ahead.
func (c *Clock) move(to time.Time) {
	if to.After(c.now) {
		c.now = to
	}
}

func (c *Clock) remove(t *timer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.timers)
	c.timers = slices.DeleteFunc(c.timers, func(o *timer) bool { return o == t })
	return len(c.timers) < before
}
