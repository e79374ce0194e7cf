package engine

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

func (t *turn) poison(kind history.FailureKind, message string) history.Failure {
	return history.Failure{
		Category: history.Poison, Kind: kind, Message: message,
		Attempts: t.r.attempt - 1, MaxAttempts: t.rt.set.maxAttempts,
		Instance: t.r.instance, Execution: max(t.r.execution, 1),
	}
}

// refusal is the failure of an instance whose turns are refused for good.
func (t *turn) refusal(cause error) history.Failure {
	f := history.Failure{Category: history.Infrastructure, Operation: "turn", Message: bounded(cause.Error())}
	if e, ok := errors.AsType[*provider.Error](cause); ok {
		f.Operation = e.Op
		f.Message = bounded("the store does not take a turn of the instance: " + cmp.Or(e.Message, e.Err.Error()))
	}
	return f
}

// bounded makes a text fit to be stored.
func bounded(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	return cutText(text, maxRefusal)
}

// again gives a turn over the same messages that knows nothing but what is stored.
func (t *turn) again() *turn {
	t.rt.unload(t.r)
	t.r.dropTimers()
	items := t.items
	if t.r.status != provider.Running { // Else a part of the turn has consumed it.
		items = slices.Concat(t.start, items)
	}
	return &turn{
		rt: t.rt, r: t.r, token: t.token, items: items, last: t.r.last, floorMs: t.floorMs,
		began: t.rt.e.clock.Now(), counted: t.counted, resume: t.resume,
	}
}

// endWith ends the instance with a failure in the ordinary way, without running its code: what it waits for
// is cancelled, its parent is told. It needs a history that can be read, or none.
func (t *turn) endWith(f history.Failure) error {
	switch t.r.status {
	case provider.NotCommitted:
		t.beginAnyhow(provider.StartInstance)
	case provider.ContinuedAsNew:
		t.beginAnyhow(provider.ContinueInstance)
	case provider.Running:
		if err := t.index(); err != nil {
			if _, ok := errors.AsType[*replay.Divergence](err); ok {
				return t.unreadable(f)
			}
			return err
		}
	case provider.Completed, provider.Failed:
		return t.swallow()
	}
	if err := t.fail(f); err != nil {
		return err
	}
	t.takeAll() // with the last part: what must end stays so until the end
	return t.finish()
}

// index makes what a history means, without its code.
func (t *turn) index() error {
	record, err := t.read()
	if err != nil {
		return err
	}
	if t.r.x, _, err = replay.Load(record.Events, t.params(record)); err != nil {
		return err
	}
	t.last = t.r.x.LastEvent()
	t.describe()
	return nil
}

// beginAnyhow begins an execution that is to fail, perhaps without the message that begins it.
func (t *turn) beginAnyhow(kind provider.MessageKind) {
	start, ok := t.takeStart(kind)
	if !ok {
		start.msg = provider.Message{Name: t.r.name, Parent: t.r.parent}
		if t.r.version != "" {
			start.msg.Version = &t.r.version
		}
	}
	version, ok := t.rt.reg.Resolve(start.msg.Name, start.msg.Version)
	if !ok {
		version = unregisteredVersion(start.msg.Version)
	}
	t.begin(start.msg, version)
}

// What cannot be read is tried again after pauses that grow to lastUnreadablePause. The last triesOfLast of
// them make an hour.
const (
	lastUnreadablePause = 15 * time.Minute
	triesOfLast         = 4
	triesBefore         = 6 // until the pause is that long
)

func unreadablePause(attempt int) time.Duration {
	return min(time.Second<<(2*min(max(attempt-1, 0), triesBefore)), lastUnreadablePause)
}

// triesToRead is how often something stored is tried that cannot be read, whatever else attempts were
// counted for.
func (s settings) triesToRead() int { return max(s.maxAttempts, triesBefore) + triesOfLast }

// giveUpReading ends an instance of which something stored cannot be read, if that is final or if it is
// cancelled. Else it gives the cause.
func (t *turn) giveUpReading(cause error) error {
	f := t.poison(history.PoisonHistoryKind, bounded(cause.Error()))
	f.MaxAttempts = t.rt.set.triesToRead()
	if stop := t.stopRequest(); stop != nil {
		f = *stop
	} else if t.r.attempt <= t.rt.set.triesToRead() {
		return cause
	}
	again := t.again()
	if t.r.status == provider.NotCommitted || t.r.status == provider.ContinuedAsNew {
		return again.endWith(f)
	}
	return again.endUnread(f)
}

// stopRequest gives the failure with which a cancel request among the items ends the instance, or nil.
func (t *turn) stopRequest() *history.Failure {
	for _, it := range t.items {
		m := it.msg
		if !m.Ends(t.r.parent) {
			continue
		}
		return m.StopFailure()
	}
	return nil
}

// beyond is above the ids of every event that a damaged execution may have.
const beyond = 1 << 32

// endUnread ends an execution whose history cannot be read: what it waits for is not known.
func (t *turn) endUnread(f history.Failure) error {
	t.inv = Invocation{
		Instance: t.r.instance, Execution: t.r.execution, Name: t.r.name, Version: t.r.version,
	}
	t.ended = true
	t.takeAll()
	if t.resume != nil {
		t.take(*t.resume)
	}
	last := t.r.last
	if e, err := t.rt.e.store.LastEvent(t.rt.ctx, t.r.instance, t.r.execution); err == nil && e != nil {
		last = max(last, e.ID) // It is what clients read of the failure.
	}
	err := t.endAt(last+1, f)
	if errors.Is(err, provider.ErrDuplicateEvent) {
		err = t.endAt(last+beyond, f)
	}
	return err
}

func (t *turn) endAt(id uint64, f history.Failure) error {
	return t.commit(replay.Delta{
		Events: []history.Event{{
			ID: id, TimeMs: max(t.rt.nowMs(), t.floorMs), Engine: t.rt.e.version,
			Data: history.OrchestrationFailed{Failure: f},
		}},
		Ending: &replay.Ending{Kind: replay.Failed, Failure: &f},
	})
}
