package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Prefetch: short activities would leave their slots idle for a claim each time, so a few more
// tasks are claimed ahead, as many as the slots finish within prefetchTime. Activities that take
// longer are never claimed ahead: another node could run them meanwhile.
const (
	prefetchTime = 20 * time.Millisecond
	maxPrefetch  = 256
)

// workers runs activities: a bounded number at a time, from a small queue of claimed tasks.
type workers struct {
	rt *Runtime

	mu       sync.Mutex
	started  int // given to the host
	reserved int
	opening  bool // a call is on its way that may open sessions
	queue    []*job
	// held are the jobs that wait, run, or have finished and are not committed yet.
	held    map[provider.Token]*job
	average time.Duration // of recent activities; zero means unknown
	late    map[taskKey]late
	// again are claims of tasks whose outcomes are on their way to the store under the claim before.
	again map[taskKey]provider.TaskClaim
	// inline has what is in hand of residents, ring those of whom something waits for a slot.
	inline     map[*resident]*inline
	ring       []*resident
	inlineNext bool      // after a task
	offered    time.Time // when a slot was last left to tasks

	backlog atomic.Int64 // the length of ring
}

// job is one claimed task.
type job struct {
	// claim does not change, except for its token while the job is not finished: see workers.adopt.
	claim provider.TaskClaim
	token uint64
	// cancelled is set under workers.mu: nobody wants the result. The host reads it.
	cancelled atomic.Bool
	// of is set for inline activities: whose it is. action is the token of its action, and reminder the
	// message that its attempts are counted on, if it is a suspect.
	of       *resident
	action   uint64
	reminder uint64
	// Guarded by workers.mu:
	doubtful bool // a renewal has not found the task under a lease that may have ended
	started  bool
	finished bool // its outcome was handed over
	ending   bool // and is its last one, on its way to the store
	called   bool // the host may know the token
	abort    context.CancelFunc
	// generator is the living code that has the closure of an inline activity.
	generator uint64
	// said is what it has said of itself and is not stored; saying means that a goroutine stores it. One was
	// begun for that at saidAt, and is every sayEvery.
	said     *string
	saying   bool
	saidAt   time.Time
	sayEvery time.Duration

	keeping sync.Mutex // is held while heartbeats are written
}

func newWorkers(rt *Runtime) *workers {
	return &workers{
		rt: rt, held: map[provider.Token]*job{}, inline: map[*resident]*inline{},
		late: map[taskKey]late{}, again: map[taskKey]provider.TaskClaim{},
	}
}

// room gives the number of tasks that can be claimed now.
func (w *workers) room() int {
	if !w.rt.set.takesTasks() || w.rt.isStopping() || w.rt.isLate() {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roomLocked()
}

func (w *workers) roomLocked() int {
	return max(w.window()-w.started-len(w.queue)-w.reserved, 0)
}

// window is the number of activities that may be with the host: one for each slot, and a few ahead. There
// is one for inline ones where there are none for tasks.
func (w *workers) window() int {
	slots := max(w.rt.set.workerConcurrency, 1)
	if w.average == 0 {
		return slots
	}
	return slots + min(maxPrefetch, slots*int(prefetchTime/w.average))
}

// reserve sets room aside for at most n tasks, so that what is claimed never waits behind other
// work. It gives the number, for unreserve.
func (w *workers) reserve(n int) int {
	if !w.rt.set.takesTasks() || w.rt.isStopping() || w.rt.isLate() {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(n, w.roomLocked())
	w.reserved += n
	return n
}

func (w *workers) unreserve(n int) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	w.reserved -= n
	w.mu.Unlock()
	w.rt.poller.roomy(taskRoom)
}

// idle reports whether no activity runs or waits here, and no outcome waits to be stored.
func (w *workers) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) > 0 || w.started > 0 {
		return false
	}
	for _, in := range w.inline {
		for _, j := range in.jobs {
			if !j.finished {
				return false
			}
		}
	}
	return true
}

// add takes claimed tasks and starts as many as there are free slots.
func (w *workers) add(claims []provider.TaskClaim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range claims {
		if w.rt.e.gone.has(c.Task.Life) {
			continue // Its task went with its instance.
		}
		if c.Task.Session != nil {
			w.rt.sessions.touch()
		}
		if w.adopt(c) {
			continue
		}
		j := &job{claim: c, token: newToken()}
		w.held[c.Token] = j
		w.queue = append(w.queue, j)
	}
	w.pump()
}

// pump fills free slots, or lets go of what waits for one while the thread is out. The caller holds
// w.mu.
//
//nolint:contextcheck // an activity lives as long as the runtime, not as long as a call
func (w *workers) pump() {
	if w.rt.isOut() {
		w.returnQueue()
		return
	}
	for w.started < w.window() && w.rt.ctx.Err() == nil {
		j := w.next()
		if j == nil {
			return
		}
		if j.cancelled.Load() {
			continue
		}
		ctx, abort := context.WithCancel(w.rt.ctx)
		if !w.rt.spawn("activity", func() { w.work(ctx, j) }) {
			abort()
			return // The runtime is over; giveBack has the task.
		}
		j.started, j.abort = true, abort
		w.started++
	}
}

// work runs one task to its end and hands its outcome over.
func (w *workers) work(ctx context.Context, j *job) {
	msg, took, err := w.outcome(ctx, j)
	w.mu.Lock()
	j.abort()
	w.started--
	w.average = blend(w.average, took)
	j.finished, j.ending = true, err == nil && msg != nil && !isTriedAgain(msg)
	cancelled := j.cancelled.Load()
	if cancelled {
		delete(w.held, j.claim.Token)
	}
	w.pump()
	w.mu.Unlock()
	if j.claim.Task.Session != nil {
		w.rt.poller.roomy(taskRoom) // for another session
	}
	defer w.rt.poller.freed()
	switch {
	case j.of != nil:
		w.endInline(j, msg, err)
	case cancelled: // The task is gone; nobody wants the result.
	case errors.Is(err, ErrTakenBack):
		w.rt.returns.task(j.claim.Token)
	case w.rt.isOver(err): // giveBack has the task.
		w.keepLastHeartbeat(j) //nolint:contextcheck // that of the activity is over
		w.forget([]provider.Token{j.claim.Token})
	case err != nil:
		w.tryAgain(j, err)
	case msg != nil:
		w.handOver(j, *msg)
	default: // Put back already.
	}
}

// blend gives the moving average; a last of zero means that nothing ran.
func blend(average, last time.Duration) time.Duration {
	switch {
	case last == 0:
		return average
	case average == 0:
		return last
	default:
		return (7*average + last) / 8
	}
}

// outcome runs the activity and gives its message, or nil where the task was put back, and how
// long the function ran. A panic of our own code becomes an error.
func (w *workers) outcome(
	ctx context.Context, j *job,
) (_ *provider.Message, took time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			w.rt.log.panicked("activity", v, debug.Stack())
			err = fmt.Errorf("activity %s: panic: %v", j.claim.Task.Name, v)
		}
	}()
	rt, task := w.rt, j.claim.Task
	msg := provider.Message{
		Instance: task.Instance, Life: task.Life, Kind: provider.ActivityDone,
		Execution: task.Execution, Source: task.Event,
	}
	if j.claim.Attempt > rt.set.maxAttempts {
		rt.counters.activityPoisoned()
		msg.Failure = &history.Failure{
			Category: history.Poison, Kind: history.PoisonActivityKind, Attempts: j.claim.Attempt - 1,
			MaxAttempts: rt.set.maxAttempts, Instance: task.Instance, Execution: task.Execution,
			ActivityName: task.Name, ActivityID: task.Event, Message: task.Input,
		}
		return w.stamped(msg), 0, nil
	}
	if !w.mayCall(j) {
		return nil, 0, context.Canceled
	}
	call := w.call(j)
	if msg.Failure = w.beganLate(&j.claim); msg.Failure != nil {
		rt.log.activityFailed(call, 0, *msg.Failure)
		return w.stamped(msg), 0, nil
	}
	result, err := w.attempt(ctx, j, call)
	took = max(result.Took, time.Microsecond)
	w.ran(j, result, err, took)
	switch {
	case err != nil:
		return nil, 0, err
	case result.Returned:
		w.stopPrefetch()
		if j.of == nil {
			w.abandon(provider.AbandonedTask{Token: w.tokenOf(j), IgnoreAttempt: true})
		}
		return nil, 0, nil
	case j.cancelled.Load(): // Nobody wants to know what it makes of that.
		rt.log.activityStopped(call, took)
		return nil, took, nil
	case result.OK:
		msg.Data = result.Value
		rt.log.activityCompleted(call, took, len(result.Value))
	case result.Retries:
		pause, f := pauseOf(result.PauseMs), failed(&j.claim, &result)
		rt.log.attemptFailed(call, took, *f, pause)
		w.putBack(j, f, pause)
		return nil, took, nil
	default:
		msg.Failure = failed(&j.claim, &result)
		rt.log.activityFailed(call, took, *msg.Failure)
	}
	return w.stamped(msg), took, nil
}

// attempt has the host run an activity. A suspect runs alone, and its attempt is stored before.
func (w *workers) attempt(
	ctx context.Context, j *job, call ActivityCall,
) (result ActivityResult, err error) {
	rt := w.rt
	call.Say = func(details string) { w.say(j, details) }
	run := func() error {
		rt.log.activityStarted(call)
		w.began(j)
		defer rt.e.test.rest()()
		result, err = rt.host.Activity(ctx, call)
		return err
	}
	if j.claim.Marks < provider.MostMarks {
		err = run()
		return result, err
	}
	err = rt.alone(ctx, func() error {
		if err := w.charge(ctx, j); err != nil {
			return err
		}
		return run()
	})
	return result, err
}

// stopPrefetch makes activities count as long: some are, and others waited behind them. Short ones
// that finish make the average fall again.
func (w *workers) stopPrefetch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.average = max(w.average, 2*prefetchTime)
}

// mayCall reports whether a started task still is wanted, and takes note that it is called.
func (w *workers) mayCall(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.called = !j.cancelled.Load()
	return j.called
}

func (w *workers) stamped(m provider.Message) *provider.Message {
	m.DueMs = w.rt.nowMs()
	return &m
}

func (w *workers) call(j *job) ActivityCall {
	task := j.claim.Task
	return ActivityCall{
		Invocation: Invocation{
			Token: j.token, Instance: task.Instance, Execution: task.Execution,
			Name: task.Orchestration, Version: task.Version, Headers: task.Headers,
		},
		Activity: task.Name, ID: task.Event, Life: task.Life, Input: task.Input, WorkerID: w.rt.workerID(),
		Session: task.Session, Tag: task.Tag, Headers: task.Headers, Attempt: attemptOf(&j.claim), Progress: task.Progress,
		Unwanted: &j.cancelled, Resident: j.generator, Action: j.action,
		Heartbeat: task.Heartbeat,
	}
}

// workerID names this runtime in activity contexts and log records.
func (rt *Runtime) workerID() string {
	if rt.set.workerNodeID != "" {
		return "work-" + rt.set.workerNodeID
	}
	return "work-" + rt.node
}

// tryAgain gives a task back whose host could not say how the activity ended.
func (w *workers) tryAgain(j *job, cause error) {
	delay := w.rt.set.backoff(j.claim.Attempt)
	w.rt.log.activityAbandoned(w.call(j), cause, delay)
	w.abandon(provider.AbandonedTask{Token: j.claim.Token, Delay: delay})
}

// abandon gives a task back.
func (w *workers) abandon(task provider.AbandonedTask) {
	rt := w.rt
	w.forget([]provider.Token{task.Token})
	err := rt.insist(rt.ctx, "abandon", func() error {
		result, err := rt.e.store.Abandon(rt.ctx, provider.Abandonment{Tasks: []provider.AbandonedTask{task}})
		if err == nil && !result.NextDue.IsZero() {
			rt.poller.wakeAt(result.NextDue)
		}
		return err
	})
	if err != nil {
		rt.storeFailed("abandon", err, 0) // The lease ends by itself.
	}
}

// cancel stops the activities of an execution whose results are no longer wanted, and tells them why.
func (w *workers) cancel(instance string, execution uint64, reasons map[uint64]string) {
	for event, reason := range reasons {
		w.mu.Lock()
		for _, j := range w.held {
			t := j.claim.Task
			if t.Event == event && t.Execution == execution && t.Instance == instance {
				w.stop(j, reason)
			}
		}
		w.mu.Unlock()
	}
}

// deleted stops the activities of instances that are no more. Inline ones have ended with their residents.
func (w *workers) deleted(instances []provider.Gone) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range w.held {
		t := j.claim.Task
		if slices.ContainsFunc(instances, func(i provider.Gone) bool {
			return i.Instance == t.Instance && i.Life.Fits(t.Life)
		}) {
			w.stop(j, "its instance was deleted")
		}
	}
}
