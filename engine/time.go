package engine

import (
	"context"
	"time"

	"duroxide/provider"
)

// maxAlarm is the longest time that an alarm is set for; later ones are set again from there.
const maxAlarm = 24 * time.Hour

// afterMs calls f when the store's time reaches a moment in Unix milliseconds.
func (rt *Runtime) afterMs(atMs int64, f func()) (stop func() bool) {
	left := atMs - rt.nowMs()
	if left > maxAlarm.Milliseconds() {
		return rt.e.clock.AfterFunc(maxAlarm, func() { rt.poller.wake() })
	}
	return rt.e.clock.AfterFunc(time.Duration(max(left, 0))*time.Millisecond, f)
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
