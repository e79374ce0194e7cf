package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"duroxide/provider"
)

// A turn that cannot be finished is tried again: each time after a longer pause, and counted, so that
// nothing spins and nothing waits without an end. What is to blame decides how it ends:
//
//   - The store has moved on (isStale): at once, from what is stored. Where that never fits, rows of the
//     store disagree, which is damage.
//   - Something stored cannot be read: for an hour at least, because it may be repaired. Then the instance
//     fails, and whoever waits for it is told. A cancellation ends it at once.
//   - The store, or the code's thread, refuses for good: after as many attempts as poison has, the instance
//     fails with the cause.
//   - What no attempt has been made of, what a newer release has written, and a fault of our own: it waits.

// isStale reports whether an error means that what is in memory no longer fits the store.
func isStale(err error) bool {
	return errors.Is(err, provider.ErrLockLost) || errors.Is(err, provider.ErrDuplicateEvent) ||
		errors.Is(err, provider.ErrAlreadyCommitted) || errors.Is(err, provider.ErrTaskLost) ||
		errors.Is(err, provider.ErrMessageLost)
}

// failed decides what becomes of a turn that went wrong.
func (t *turn) failed(cause error) {
	rt := t.rt
	switch {
	case rt.isOver(cause):
		rt.unload(t.r) // giveBack releases the instance; its messages are in the store.
		return
	case errors.Is(cause, provider.ErrLockLost), isStale(cause) && rt.staleTurns(t.r.instance) < mostStale:
		rt.giveUp(t.r, t.token, t.items, cause)
		return
	case isStale(cause):
		cause = fmt.Errorf("%w: what is stored does not fit together: %w", provider.ErrCorrupt, cause)
	}
	err := cause
	switch {
	case errors.Is(cause, provider.ErrCorrupt):
		err = t.giveUpReading(cause)
	case t.r.attempt == rt.set.maxAttempts && isCounted(cause):
		err = t.again().endWith(t.refusal(cause))
	}
	switch {
	case err == nil:
	case rt.isOver(err):
		rt.unload(t.r)
	case errors.Is(err, provider.ErrLockLost):
		rt.giveUp(t.r, t.token, t.items, err)
	default:
		t.putBack(cause)
	}
}

// isCounted reports whether an error is one of an attempt, which brings the instance nearer to its end.
func isCounted(cause error) bool {
	for _, waits := range []error{provider.ErrNewer, errPanic, errUnregistered, errHidden} {
		if errors.Is(cause, waits) {
			return false
		}
	}
	return true
}

// putBack gives the instance back for a while.
func (t *turn) putBack(cause error) {
	rt, r := t.rt, t.r
	delay := t.delay(cause)
	rt.log.turnAbandoned(r.instance, cause, r.attempt, delay)
	rt.inTrouble(r.instance, func(now *trouble) {
		now.cause, now.until = cause, rt.e.clock.Now().Add(delay+time.Minute)
	})
	if t.hasMore() { // To hide these would let the rest overtake them.
		rt.restUnlessCancelled(r, delay)
		delay = 0
	}
	ids := messageIDs(slices.Concat(t.start, t.items))
	if r.reminder != nil {
		ids = append(ids, r.reminder.msg.ID)
	}
	for _, it := range t.items {
		rt.keepOutcome(it)
	}
	rt.remove(r)
	rt.abandon(provider.AbandonedInstance{
		Token: t.token, Messages: ids, Delay: delay, IgnoreAttempt: t.counted || !isCounted(cause),
	})
}

// delay gives the pause before the next try.
func (t *turn) delay(cause error) time.Duration {
	set := t.rt.set
	switch {
	case errors.Is(cause, provider.ErrCorrupt):
		return unreadablePause(t.r.attempt)
	case errors.Is(cause, provider.ErrNewer), errors.Is(cause, errPanic):
		return set.longestBackoff()
	case !isCounted(cause):
		return set.backoff(t.rt.staleAgain(t.r.instance))
	default:
		return set.backoff(t.r.attempt)
	}
}

// restUnlessCancelled waits where the order of messages would not survive hiding some.
func (rt *Runtime) restUnlessCancelled(r *resident, d time.Duration) {
	isCancel := func(it item) bool { return it.msg.Kind == provider.CancelInstance }
	for ; d > 0; d -= time.Second {
		rt.mu.Lock()
		cancelled := slices.ContainsFunc(r.mailbox, isCancel)
		rt.mu.Unlock()
		if cancelled || !rt.pause(rt.ctx, min(d, time.Second)) {
			return
		}
	}
}

// abandon gives an instance back and takes note of when it can be claimed again.
func (rt *Runtime) abandon(a provider.AbandonedInstance) {
	err := rt.insist(rt.ctx, "abandon", func() error {
		result, err := rt.e.store.Abandon(rt.ctx, provider.Abandonment{Instances: []provider.AbandonedInstance{a}})
		if err == nil && !result.NextDue.IsZero() {
			rt.poller.wakeAt(result.NextDue)
		}
		return err
	})
	if err != nil {
		rt.storeFailed("abandon", err, 0) // The lease ends by itself.
	}
	rt.poller.wake()
}

func messageIDs(items []item) []uint64 {
	ids := make([]uint64, 0, len(items))
	for _, it := range items {
		if it.task == nil && !it.inline {
			ids = append(ids, it.msg.ID)
		}
	}
	return ids
}

// giveUp lets a resident go after an error that is not the instance's fault: the claim was lost,
// or what is in memory does not fit the store. If the instance is still ours, it starts again from
// what is stored. Its messages are not hidden meanwhile, which would let later ones overtake them.
func (rt *Runtime) giveUp(r *resident, token provider.Token, items []item, cause error) {
	rt.log.turnAbandoned(r.instance, cause, r.attempt, 0)
	rt.mu.Lock()
	token = newer(r.token, token) // The instance may have been claimed again meanwhile.
	rt.mu.Unlock()
	rt.remove(r)
	for _, it := range items {
		rt.keepOutcome(it)
	}
	switch {
	case errors.Is(cause, provider.ErrLockLost):
	case errors.Is(cause, errUnreadable): // Each time the next page of them is hidden.
		rt.pause(rt.ctx, stalePause(1))
	default:
		rt.pause(rt.ctx, stalePause(rt.staleAgain(r.instance)))
	}
	rt.abandon(provider.AbandonedInstance{Token: token, IgnoreAttempt: true})
}

func newer(a, b provider.Token) provider.Token {
	if a.Epoch > b.Epoch {
		return a
	}
	return b
}

// mostStale is how often in a row what is in memory may not fit the store before that is damage.
const mostStale = 10

// mostTroubles bounds the instances whose trouble is remembered.
const mostTroubles = 1000

// trouble is why an instance does not go on here. Its next commit ends it.
type trouble struct {
	stale int // turns in a row that did not fit the store
	cause error
	until time.Time // when it must have been tried again
}

// inTrouble changes what is remembered of an instance.
func (rt *Runtime) inTrouble(instance string, change func(*trouble)) trouble {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	now, known := rt.troubles[instance]
	if !known && len(rt.troubles) >= mostTroubles {
		clear(rt.troubles) // They begin again with short pauses.
	}
	change(&now)
	rt.troubles[instance] = now
	return now
}

// staleAgain counts a turn that did not fit the store.
func (rt *Runtime) staleAgain(instance string) int {
	return rt.inTrouble(instance, func(t *trouble) { t.stale++ }).stale
}

// staleTurns gives how many there were in a row.
func (rt *Runtime) staleTurns(instance string) int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.troubles[instance].stale
}

// stalePause keeps an instance that does not fit its memory from being tried in a tight loop.
func stalePause(times int) time.Duration {
	const first, last = 5 * time.Millisecond, 5 * time.Second
	return min(first<<min(times-1, mostStale), last)
}

// troubleOf says why an instance does not go on in this process, or nil.
func (e *Engine) troubleOf(instance string) error {
	for _, rt := range e.working() {
		rt.mu.Lock()
		known := rt.troubles[instance]
		rt.mu.Unlock()
		if known.cause != nil && rt.e.clock.Now().Before(known.until) {
			return fmt.Errorf("its last turn was given back: %v", known.cause) //nolint:errorlint // no error of the wait
		}
	}
	return nil
}
