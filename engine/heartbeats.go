package engine

import (
	"context"
	"errors"
	"time"

	"duroxide/engine/replay"
	"duroxide/provider"
)

// Heartbeats: what a running activity says of itself is kept with its task, for the attempt after it. It is
// written with the renewals of leases, sooner where its policy asks for that, and when the attempt ends
// without an outcome. One task has one write at a time, so that nothing older comes after it.

// say takes note of what an activity says of itself, and stores it unless it has stored something just now.
func (w *workers) say(j *job, details string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if j.of != nil || j.finished {
		return // No task, or nobody comes after it.
	}
	j.said = &details
	if j.sayEvery == 0 {
		j.sayEvery = w.sayEvery(&j.claim)
	}
	if now := w.rt.e.clock.Now(); now.Sub(j.saidAt) >= j.sayEvery {
		j.saidAt = now
		w.keepSoon(j)
	}
}

// sayEvery gives how often the heartbeats of a task are stored.
func (w *workers) sayEvery(c *provider.TaskClaim) time.Duration {
	most := w.rt.renewEvery()
	if c.Task.Progress == nil {
		return most
	}
	limits := replay.LimitsOf(c.Task.Progress.Policy)
	if limits.HeartbeatMs == nil {
		return most
	}
	// Whoever may not be silent for a moment would write all the time.
	const least = 10 * time.Millisecond
	return min(most, max(time.Duration(*limits.HeartbeatMs)*time.Millisecond/3, least))
}

// keepSoon stores what an activity has said last, unless that is under way. The caller holds w.mu.
//
//nolint:contextcheck // it lives as long as the runtime
func (w *workers) keepSoon(j *job) {
	if j.saying {
		return
	}
	j.saying = w.rt.spawn("heartbeat", func() {
		w.keepHeartbeat(w.rt.ctx, j)
		w.mu.Lock()
		defer w.mu.Unlock()
		j.saying = false
	})
}

// keepHeartbeats stores what all activities have said last.
func (w *workers) keepHeartbeats() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range w.held {
		if j.said != nil && !j.finished && !j.cancelled.Load() {
			w.keepSoon(j)
		}
	}
}

// keepLastHeartbeat stores what an activity has said last when the runtime is over.
func (w *workers) keepLastHeartbeat(j *job) {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTime)
	defer cancel()
	w.keepHeartbeat(ctx, j)
}

// keepHeartbeat stores what an activity has said last, if that is not stored.
func (w *workers) keepHeartbeat(ctx context.Context, j *job) {
	j.keeping.Lock()
	defer j.keeping.Unlock()
	w.mu.Lock()
	token, said := j.claim.Token, j.said
	w.mu.Unlock()
	if said == nil {
		return
	}
	err := w.rt.insist(ctx, "renew", func() error {
		_, err := w.rt.e.store.Renew(ctx, provider.Renewal{
			Lease: token.Lease, Extend: w.rt.taskLeases.ttl,
			Heartbeats: []provider.Heartbeat{{Task: token, Details: *said}},
		})
		return err
	})
	switch {
	case err == nil:
		w.mu.Lock()
		defer w.mu.Unlock()
		if j.said == said {
			j.said = nil
		}
	case errors.Is(err, provider.ErrLockLost): // The next renewal finds out.
	default:
		w.rt.storeFailed("renew", err, 0)
	}
}
