package engine

import (
	"context"
	"sync"
	"time"

	"duroxide/provider"
)

// maxAlarm is the longest time that an alarm sleeps before it looks at the store's time again. The
// two may drift apart: somebody may set the clock of the store.
const maxAlarm = time.Hour

// alarm calls a function when the time of the store reaches a moment.
type alarm struct {
	rt *Runtime
	at time.Time
	f  func()

	mu     sync.Mutex
	over   bool
	cancel func() bool
}

// at calls f once when the store's time reaches a moment in Unix milliseconds, never before (W5).
// After stop it is not called, unless it is being called already.
func (rt *Runtime) at(atMs int64, f func()) (stop func()) {
	if rt.e.test != nil {
		return rt.e.test.ring(time.UnixMilli(atMs), f)
	}
	a := &alarm{rt: rt, at: time.UnixMilli(atMs), f: f}
	a.set()
	return a.stop
}

func (a *alarm) set() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	left := a.at.Sub(a.rt.e.store.Now())
	a.cancel = a.rt.e.clock.AfterFunc(min(max(left, 0), maxAlarm), a.ring)
}

func (a *alarm) ring() {
	if a.rt.e.store.Now().Before(a.at) {
		a.set()
		return
	}
	a.mu.Lock()
	over := a.over
	a.over = true
	a.mu.Unlock()
	if !over {
		a.f()
	}
}

func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.cancel()
}

// nowMs is the store's time in Unix milliseconds.
func (rt *Runtime) nowMs() int64 { return rt.e.store.Now().UnixMilli() }

// Pauses between tries of a call that the store refused for now.
const (
	firstRetryPause = 10 * time.Millisecond
	lastRetryPause  = time.Second
)

// insist repeats a call as long as the store's faults are transient and the runtime lives. A
// transient fault never becomes an outcome.
func (rt *Runtime) insist(ctx context.Context, op string, call func() error) error {
	pause := firstRetryPause
	for {
		err := call()
		if err == nil || !provider.IsRetryable(err) {
			return err
		}
		rt.storeFailed(op, err, pause)
		if !rt.pause(ctx, pause) {
			return err
		}
		pause = min(2*pause, lastRetryPause)
	}
}
