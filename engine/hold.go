package engine

import (
	"errors"
	"slices"
	"strings"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// maxHoldText bounds each text of a hold, in bytes.
const maxHoldText = 4000

// misfit is a divergence that does not end its instance: that is held, for other code or for a repair.
type misfit struct{ d *replay.Divergence }

// Error gives the divergence.
func (m *misfit) Error() string { return m.d.Error() }

// diverged ends the execution, or gives what its instance is to be held for. Nothing of an execution is
// stored before its first commit; then there is nothing to keep.
func (t *turn) diverged(d *replay.Divergence) error {
	if t.rt.set.holds && t.started == nil && t.r.status == provider.Running {
		return &misfit{d}
	}
	return t.fail(d.Failure())
}

// hold gives the instance back so that nobody takes it who has this code. What the turn has taken and not
// committed is still in the store.
func (t *turn) hold(d *replay.Divergence) {
	rt, r := t.rt, t.r
	for _, it := range t.items {
		rt.keepOutcome(it)
	}
	h := provider.Hold{
		Execution: r.execution, LastEvent: r.last, Event: d.EventID, SinceMs: rt.nowMs(),
		Reason: cutText(d.Reason, maxHoldText), Asked: cutText(d.Asked, maxHoldText),
		Recorded: cutText(d.Recorded, maxHoldText), Place: cutText(d.Location, maxHoldText),
	}.Again(r.hold, rt.set.code)
	c := provider.Commit{
		Token: t.token, Execution: r.execution, LastEvent: r.last, Life: r.life, Starts: r.starts,
		Hold: h, Release: true,
	}
	rt.remove(r)
	var done provider.Committed
	err := rt.insist(rt.ctx, "hold", func() (err error) {
		done, err = rt.e.store.Commit(rt.ctx, c)
		return err
	})
	if err != nil { // Whoever has it now finds out by itself, or the end of the lease brings it back.
		rt.storeFailed("hold", err, 0)
		return
	}
	rt.counters.holds.Add(1)
	rt.log.held(d, rt.set.code)
	if done.Work {
		rt.poller.wake()
	}
}

// overHeld takes what ends a held instance, without asking its code. It is false where nothing does.
func (t *turn) overHeld() (done bool, err error) {
	n := slices.IndexFunc(t.items, func(it item) bool { return !it.msg.Kind.EndsHeld() })
	if n < 0 {
		n = len(t.items)
	}
	if t.r.hold == nil || n == 0 {
		return false, nil
	}
	t.ahead, t.codeless = true, true // There will be no code to what is loaded.
	err = t.index()
	if _, ok := errors.AsType[*replay.Divergence](err); ok {
		return true, t.unreadable(*t.items[0].msg.StopFailure())
	}
	if err != nil {
		return true, err
	}
	nowMs := t.nowMs()
	for _, it := range t.items[:n] {
		if _, _, err := t.accept(it, nowMs); err != nil {
			return true, err
		}
		if t.ended {
			t.settleRest(t.items[t.accepted:])
			return true, t.finish()
		}
	}
	t.stillHeld = t.r.hold
	t.left = nil // The rest stays in the store.
	return true, t.finish()
}

// unreadable ends an instance whose history cannot be loaded.
func (t *turn) unreadable(f history.Failure) error {
	record, err := t.read()
	if err == nil && len(record.Events) == 0 {
		err = provider.ErrCorrupt
	}
	if err != nil {
		return err
	}
	return t.endUnreadable(record, f)
}

// cutText gives the beginning of a text that is too long.
func cutText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
