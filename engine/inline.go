package engine

import (
	"context"
	"errors"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// inline are the inline activities of a resident that are in hand here. It is guarded by workers.mu.
type inline struct {
	// jobs are those whose answers are not committed, by event id.
	jobs map[uint64]*job
	// waiting are those that have to begin, the oldest first.
	waiting []*job
	// generator is the living code that has the closures; zero: it is not in memory.
	generator uint64
	// asked: somebody brings the code into memory.
	asked bool
	// doubtful: the last look has not found the claim of the instance.
	doubtful bool
}

// Pauses before an inline activity is tried again that could not begin: its slot was taken, or its code has
// left the memory.
const inlineAgain = 10 * time.Millisecond

// While inline activities wait for slots, tasks that wait in the store are offered one from time to time.
const (
	offerEvery = 100 * time.Millisecond
	offerFor   = 20 * time.Millisecond
)

// knows reports whether all that is open of a loaded resident is in hand.
func (w *workers) knows(r *resident) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	return in != nil && in.generator == r.resident
}

// addInline takes jobs of a resident whose code is in memory, and begins as many as there are free slots.
func (w *workers) addInline(r *resident, generator uint64, jobs []*job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		in = &inline{jobs: map[uint64]*job{}}
		w.inline[r] = in
	}
	in.generator, in.asked = generator, false
	for _, j := range jobs {
		if in.jobs[j.claim.Task.Event] == nil {
			in.jobs[j.claim.Task.Event] = j
			w.queueInline(j)
		}
	}
	w.pump()
}

// queueInline makes a job wait for a slot. The caller holds w.mu.
func (w *workers) queueInline(j *job) {
	in := w.inline[j.of]
	if in.waiting = append(in.waiting, j); len(in.waiting) == 1 {
		w.ring = append(w.ring, j.of)
		w.backlog.Store(int64(len(w.ring)))
	}
}

// next takes what begins next, nil if nothing may. Tasks and inline activities take turns, and so do
// the instances among these. The caller holds w.mu.
func (w *workers) next() *job {
	if len(w.queue) > 0 && (!w.inlineNext || len(w.ring) == 0) {
		j := w.queue[0]
		w.queue, w.inlineNext = w.queue[1:], true
		return j
	}
	if len(w.ring) == 0 || w.offers() {
		return nil
	}
	for range len(w.ring) {
		r := w.ring[0]
		w.ring = w.ring[1:]
		in := w.inline[r]
		if in == nil || len(in.waiting) == 0 {
			continue
		}
		if in.generator == 0 {
			w.ring = append(w.ring, r)
			w.bring(r, in)
			continue
		}
		j := in.waiting[0]
		if in.waiting = in.waiting[1:]; len(in.waiting) > 0 {
			w.ring = append(w.ring, r)
		}
		w.backlog.Store(int64(len(w.ring)))
		w.inlineNext, j.generator = false, in.generator
		return j
	}
	if len(w.queue) > 0 {
		w.inlineNext = false
		return w.next()
	}
	return nil
}

// offers leaves a slot to tasks that wait in the store, for a moment. The caller holds w.mu.
func (w *workers) offers() bool {
	now := w.rt.e.clock.Now()
	if now.Sub(w.offered) < offerFor {
		return w.started > 0
	}
	if w.started == 0 || now.Sub(w.offered) < offerEvery || !w.rt.poller.isCrowded(taskRoom) {
		return false
	}
	w.offered = now
	w.rt.poller.roomy(taskRoom)
	w.rt.e.clock.AfterFunc(offerFor, w.resume)
	return true
}

// bring has the code of a resident brought into memory. The caller holds w.mu.
func (w *workers) bring(r *resident, in *inline) {
	if in.asked {
		return
	}
	in.asked = true
	rt, life := w.rt, in.waiting[0].claim.Task.Life
	rt.spawn("load", func() {
		it := item{msg: provider.Reminder(r.instance, life, 0, false)}
		if !rt.deliver(r.instance, life, it) {
			rt.poller.wake() // Whoever claims the instance gets its reminder.
		}
	})
}

// answered forgets jobs whose answers are committed.
func (w *workers) answered(r *resident, events []history.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		return
	}
	for i := range events {
		if _, ok := events[i].Data.(history.Answer); ok {
			delete(in.jobs, events[i].Source)
		}
	}
	w.tidy(r, in)
}

// tidy forgets a resident that has nothing in hand. The caller holds w.mu.
func (w *workers) tidy(r *resident, in *inline) {
	if len(in.jobs) == 0 && in.generator == 0 {
		delete(w.inline, r)
	}
}

// unloaded takes note that the code of a resident leaves the memory.
func (w *workers) unloaded(r *resident) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if in := w.inline[r]; in != nil {
		in.generator = 0
		w.tidy(r, in)
	}
}

// stopInline ends what is in hand of a resident.
func (w *workers) stopInline(r *resident, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		return
	}
	delete(w.inline, r)
	for _, j := range in.jobs {
		w.stop(j, reason)
	}
}

// cancelInline stops what an execution does not wait for any more.
func (w *workers) cancelInline(r *resident, reasons map[uint64]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		return
	}
	for event, reason := range reasons {
		if j := in.jobs[event]; j != nil {
			w.stop(j, reason)
		}
	}
}

// forgetInline forgets a job that was stopped; where it waits, it is passed over. The caller holds w.mu.
func (w *workers) forgetInline(j *job) {
	in := w.inline[j.of]
	if in != nil && in.jobs[j.claim.Task.Event] == j {
		delete(in.jobs, j.claim.Task.Event)
		w.tidy(j.of, in)
	}
}

// endInline takes what has come of an attempt.
func (w *workers) endInline(j *job, msg *provider.Message, err error) {
	rt := w.rt
	switch {
	case j.cancelled.Load():
	case errors.Is(err, ErrTakenBack):
		w.tryInline(j, 0)
		rt.letGo(j.of)
	case rt.isOver(err): // The reminder tells the next one.
	case err != nil:
		delay := rt.set.backoff(j.claim.Attempt)
		rt.log.activityAbandoned(w.call(j), err, delay)
		w.tryInline(j, delay)
	case msg == nil:
		w.tryInline(j, inlineAgain)
	default:
		w.answerInline(j, *msg)
	}
}

// tryInline makes a job wait for a slot again.
func (w *workers) tryInline(j *job, pause time.Duration) {
	w.mu.Lock()
	j.started, j.finished, j.called, j.token = false, false, false, newToken()
	w.mu.Unlock()
	again := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if in := w.inline[j.of]; in != nil && in.jobs[j.claim.Task.Event] == j && !j.cancelled.Load() {
			w.queueInline(j)
			w.pump()
		}
	}
	if pause == 0 {
		again()
		return
	}
	w.rt.spawn("inline activity", func() {
		if w.rt.pause(w.rt.ctx, pause) {
			again()
		}
	})
}

// answerInline gives an outcome to the instance: in memory, or through the store where it is not held here,
// and where running the activity once more would be worse than a commit.
func (w *workers) answerInline(j *job, msg provider.Message) {
	rt := w.rt
	rt.counters.activityEnded(msg.Failure == nil)
	if j.claim.Attempt+j.claim.Marks == 1 && len(msg.Data) <= maxFused &&
		rt.deliver(msg.Instance, msg.Life, item{msg: msg, inline: true}) {
		return
	}
	rt.submitInline(msg)
}

// submitInline stores the outcome of an inline activity.
func (rt *Runtime) submitInline(msg provider.Message) {
	msgs := []provider.Message{msg}
	s := provider.Submission{Messages: msgs}
	if s.Claim = rt.claimant(); s.Claim != nil {
		defer rt.claiming()()
	}
	var results []provider.Submitted
	err := rt.insist(rt.ctx, "submit", func() (err error) {
		results, err = rt.e.store.Submit(rt.ctx, s)
		return err
	})
	if err != nil {
		rt.storeFailed("submit", err, 0) // The activity runs again: its reminder is there.
		return
	}
	rt.e.route(rt, msgs, results)
}

// keepOutcome stores an outcome that no turn has taken.
func (rt *Runtime) keepOutcome(it item) {
	switch {
	case it.task != nil:
		rt.completeLater(it)
	case it.inline:
		rt.spawn("completion", func() { // Else the activity runs again.
			defer rt.poller.freed()
			rt.submitInline(it.msg)
		})
	}
}

// charge counts an attempt of a suspect before its code runs.
func (w *workers) charge(ctx context.Context, j *job) error {
	rt := w.rt
	if j.of == nil {
		return rt.insist(ctx, "begin_task", func() error { return rt.e.store.BeginTask(ctx, w.tokenOf(j)) })
	}
	rt.mu.Lock()
	token := j.of.token
	rt.mu.Unlock()
	return rt.insist(ctx, "begin", func() error {
		return rt.e.store.Begin(ctx, token, []uint64{j.reminder})
	})
}

// needsCode reports whether the code of a resident must stay in memory, because inline activities of it
// have to begin; inHand, whether any wait or run.
func (w *workers) needsCode(r *resident) (needed, inHand bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		return false, false
	}
	for _, j := range in.jobs {
		needed = needed || !j.called
	}
	return needed, len(in.jobs) > 0
}

// letGo gives the instance back while the thread is out, unless code of it has begun (N1, L2).
func (rt *Runtime) letGo(r *resident) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.isOut() && !r.running && rt.residents[r.instance] == r {
		rt.release(r)
	}
}

// hasBegun reports whether code of an inline activity of a resident may run.
func (w *workers) hasBegun(r *resident) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil {
		return false
	}
	for _, j := range in.jobs {
		if j.called && !j.finished {
			return true
		}
	}
	return false
}

// findLostInline stops what runs for instances that this runtime does not hold any more: their lease
// has ended, or another process has deleted them. One look is not certain, because a claim of our own may
// be under way.
func (rt *Runtime) findLostInline(ctx context.Context) {
	w := rt.workers
	residents := w.withInline()
	if len(residents) == 0 {
		return
	}
	held, err := rt.e.store.Held(ctx, rt.node)
	if err != nil {
		rt.storeFailed("held", err, 0)
		return
	}
	ours := make(map[provider.Token]struct{}, len(held.Instances))
	for _, token := range held.Instances {
		ours[token] = struct{}{}
	}
	for _, r := range residents {
		rt.mu.Lock()
		_, ok := ours[r.token]
		rt.mu.Unlock()
		if w.isLost(r, ok) {
			w.stopInline(r, "its instance was deleted or taken over")
		}
	}
}

// isLost takes note of whether the claim of a resident was found, and reports whether it is lost.
func (w *workers) isLost(r *resident, found bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.inline[r]
	if in == nil || found {
		if in != nil {
			in.doubtful = false
		}
		return false
	}
	lost := in.doubtful
	in.doubtful = true
	return lost
}

// withInline lists the residents with something in hand.
func (w *workers) withInline() []*resident {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*resident
	for r, in := range w.inline {
		if len(in.jobs) > 0 {
			all = append(all, r)
		}
	}
	return all
}
