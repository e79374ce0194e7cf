package engine

import (
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Attempts of activities with a policy. The host says of a failed attempt whether there is another one,
// because only it reads policies; then the task goes back to the queue with its next due time, its failure
// and its number of attempts, in one commit that the claim guards. Nobody else has to know: the instance may
// sleep, and its history does not grow. Where the policy has a function, the failure goes to the instance
// first, and its task waits for what the code decides (replay.TryAgain, replay.GiveUp).

// progressAfter gives what is kept of a task once its running attempt has failed.
func progressAfter(c *provider.TaskClaim, f *history.Failure) *provider.Progress {
	p := *c.Task.Progress
	p.Failed++
	p.Lost += uint64(c.Attempt - 1 + c.Marks) //nolint:gosec // both count from there
	p.Last = f
	return &p
}

// attemptOf numbers the running attempt: those that have failed and those that were lost count.
func attemptOf(c *provider.TaskClaim) int {
	n := c.Attempt + c.Marks
	if p := c.Task.Progress; p != nil {
		n += int(p.Failed + p.Lost) //nolint:gosec // they were counted one by one
	}
	return n
}

// failed gives the failure of an attempt.
func failed(c *provider.TaskClaim, r *ActivityResult) *history.Failure {
	f := &history.Failure{
		Category: history.Application, Kind: history.ActivityFailedKind, ActivityName: c.Task.Name,
		Message: r.Message, Details: r.Details,
	}
	if p := c.Task.Progress; p != nil {
		f.Attempts = int(p.Failed) + 1 //nolint:gosec // they were counted one by one
	}
	if r.Asks {
		f.PauseMs = &r.PauseMs
	}
	return f
}

// beganLate gives the failure of an activity that did not begin in time; nil where it did, or has begun before.
func (w *workers) beganLate(c *provider.TaskClaim) *history.Failure {
	p := c.Task.Progress
	if p == nil || attemptOf(c) > 1 {
		return nil
	}
	limits := replay.LimitsOf(p.Policy)
	if limits.QueueMs == nil || w.rt.nowMs() <= int64(p.SinceMs)+*limits.QueueMs { //nolint:gosec // a time
		return nil
	}
	a := replay.Limited{Name: c.Task.Name, Tag: c.Task.Tag, Limits: limits}
	return tooLate(a, replay.QueueLimit, provider.TaskStanding{Progress: p})
}

// putBack gives the task of a failed attempt back, to be tried again after the pause.
func (w *workers) putBack(j *job, f *history.Failure, pause time.Duration) {
	w.rt.counters.activityEnded(false)
	w.rt.counters.retries.Add(1)
	w.keepHeartbeat(w.rt.ctx, j)
	w.abandon(provider.AbandonedTask{
		Token: w.tokenOf(j), Delay: pause, Progress: progressAfter(&j.claim, f),
	})
}

// pauseOf gives a pause of the host. One that no clock can count to is cut.
func pauseOf(ms uint64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return time.Duration(min(ms, uint64(most.Milliseconds()))) * time.Millisecond //nolint:gosec // bounded
}

// taskProgress gives the progress of a new task; nil where it has no policy.
func taskProgress(a replay.NewActivity) *provider.Progress {
	if a.Policy == "" {
		return nil
	}
	return &provider.Progress{Policy: a.Policy, SinceMs: uint64(a.SinceMs)} //nolint:gosec // it is after 1970
}

// wakeForRetries has the poller look when the tasks are due that a turn has decided about.
func (rt *Runtime) wakeForRetries(retries []provider.Retry) {
	for _, r := range retries {
		rt.poller.wakeAt(rt.e.store.Now().Add(r.Delay))
	}
}
