package engine

import (
	"errors"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// maxFused is the largest result that is handed over in memory: a larger one is stored first, because
// it would make the group that its turn is written in too long for those beside it. Storing it first
// writes it twice.
const maxFused = 2 << 20

// Pauses between tries to store an outcome that the store refuses for good.
const (
	firstRefusedPause = 200 * time.Millisecond
	lastRefusedPause  = 30 * time.Second
)

// triesForGood is how often an outcome is refused before its place is offered to a failure.
const triesForGood = 3

// maxRefusal bounds the text of a refusal that becomes an outcome, in bytes.
const maxRefusal = 2000

// handOver gives an outcome to the instance if it lives here: its next commit deletes the task.
// An outcome of a later attempt is stored first, so that a turn which ends the process does not
// make a successful activity run over and over.
func (w *workers) handOver(j *job, msg provider.Message) {
	w.rt.counters.activityEnded(msg.Failure == nil)
	it := item{msg: msg, task: &j.claim.Token}
	if isTriedAgain(&msg) {
		it.kept = progressAfter(&j.claim, msg.Failure)
		w.keepHeartbeat(w.rt.ctx, j)
	}
	if it.kept == nil && j.claim.Attempt+j.claim.Marks == 1 && len(msg.Data) <= maxFused && w.rt.deliver(msg.Instance, msg.Life, it) {
		return
	}
	w.rt.complete(it)
}

// isTriedAgain reports whether an outcome is that of an attempt after which another one may come.
func isTriedAgain(msg *provider.Message) bool {
	return msg.Failure != nil && msg.Failure.PauseMs != nil
}

// complete stores an outcome as a message and deletes its task. It goes on until the outcome is
// stored or the task is not ours any more: an instance would wait for ever for what is neither.
func (rt *Runtime) complete(it item) {
	task := *it.task
	defer rt.workers.forget([]provider.Token{task})
	pause := firstRefusedPause
	for tries := 1; rt.workers.holds(task); tries++ {
		err := rt.store(it)
		if err == nil || rt.ctx.Err() != nil { // giveBack has the task.
			return
		}
		if tries == 1 {
			rt.counters.activityNotStored()
		}
		if isLost(err) {
			rt.outcomeNotStored(task, err, 0)
			rt.workers.keepLate(it)
			return
		}
		rt.outcomeNotStored(task, err, pause)
		// If the store takes this instead, a moment later, the outcome was to blame and not the store.
		if tries >= triesForGood && rt.store(refused(it, err)) == nil {
			return
		}
		if !rt.pause(rt.ctx, pause) {
			return
		}
		pause = min(2*pause, lastRefusedPause)
	}
	rt.workers.keepLate(it)
}

// store stores an outcome once, as often as the store has transient trouble.
func (rt *Runtime) store(it item) error {
	c := provider.Completions{Items: []provider.Completion{{Task: *it.task, Message: &it.msg, Kept: it.kept}}}
	if c.Claim = rt.claimant(); c.Claim != nil {
		defer rt.claiming()()
	}
	var results []provider.Submitted
	err := rt.insist(rt.ctx, "complete", func() (err error) {
		results, err = rt.e.store.Complete(rt.ctx, c)
		return err
	})
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	if err == nil {
		rt.e.route(rt, []provider.Message{it.msg}, results)
	}
	return err
}

func isLost(err error) bool {
	return errors.Is(err, provider.ErrLockLost) || errors.Is(err, provider.ErrTaskLost)
}

// refused makes the failure of an activity whose outcome the store does not take.
func refused(it item, cause error) item {
	it.msg.Data, it.kept = "", nil
	it.msg.Failure = &history.Failure{
		Category: history.Infrastructure, Operation: "complete",
		Message: "the store does not take the outcome of the activity: " + bounded(cause.Error()),
	}
	return it
}

// outcomeNotStored reports a refusal; the outcome is tried again after the pause, or dropped if that
// is zero.
func (rt *Runtime) outcomeNotStored(task provider.Token, err error, pause time.Duration) {
	if call, ok := rt.workers.callOf(task); ok {
		rt.log.activityNotStored(call, err, pause)
	}
}

// completeLater stores an outcome that could not be fused with a turn.
func (rt *Runtime) completeLater(it item) {
	rt.spawn("completion", func() { // Else giveBack has the task.
		defer rt.poller.freed()
		rt.complete(it)
	})
}
