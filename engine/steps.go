package engine

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"duroxide/engine/replay"
	"duroxide/provider"
)

// slowRun is how long user code may hold its thread at most before a warning is written.
const slowRun = 5 * time.Second

// call runs the code once, under a turn slot.
func (t *turn) call(request RunRequest) (replay.Answer, error) {
	rt := t.rt
	if err := rt.takeTurn(rt.ctx, rt.turnSlots); err != nil {
		return replay.Answer{}, err
	}
	defer func() { <-rt.turnSlots }()
	request.Invocation = t.inv
	request.Invocation.Token = newToken()
	request.Resident = t.r.resident
	answer, err := rt.host.Run(rt.ctx, request)
	if err != nil {
		return answer, err
	}
	t.ahead = true
	most := len(request.Deliveries)
	if request.Open != nil {
		most++
	}
	if n := len(answer.Steps); n == 0 || n > most {
		return answer, fmt.Errorf("the host answered %d steps instead of %d: %s", n, most, answer.Message)
	}
	return answer, nil
}

// nowMs is the time of what this turn records. Code compares such times, so within an instance they
// never go back, and nothing is recorded before it was due, whatever the clocks of nodes do.
func (t *turn) nowMs() int64 { return max(t.rt.nowMs(), t.floorMs, t.r.x.LastMs()) }

// consume takes the items one by one, lets the code answer each, and commits. Completions that are
// waiting side by side go to the code in one call; they are still taken one by one.
func (t *turn) consume() error {
	items := t.items
	if err := t.judge(items); err != nil {
		return err
	}
	for len(items) > 0 && !t.ended {
		n, err := t.batch(items)
		if err != nil {
			return err
		}
		items = items[n:]
		if t.isFull() {
			break
		}
	}
	if t.ended {
		t.settleRest(items)
	} else {
		t.left = items
	}
	return t.finish()
}

// settleRest decides about items that came after the end of the execution: a successor gets what
// is not an answer to the old execution; for everybody else they are consumed.
func (t *turn) settleRest(items []item) {
	continued := t.r.x.Continued()
	for _, it := range items {
		if continued && isInput(it.msg.Kind) {
			t.left = append(t.left, it)
			continue
		}
		t.collide(it.msg, andTerminal)
		t.take(it)
	}
}

// isInput reports whether a message is for whatever execution is current.
func isInput(k provider.MessageKind) bool {
	switch k {
	case provider.EventRaised, provider.QueueEvent, provider.CancelInstance, provider.StartInstance,
		provider.RequestWithdrawn:
		return true
	case provider.ContinueInstance, provider.ActivityDone, provider.TimerDue, provider.ChildDone,
		provider.PromiseSettled, provider.RequestAnswered:
		return false
	default:
		panic(unknownMessage(k))
	}
}

// unknownMessage is what a panic says of a kind that was forgotten. What this version does not know
// does not come out of a store.
func unknownMessage(k provider.MessageKind) string { return fmt.Sprintf("unknown message kind %d", k) }

// batch takes as many items as can go to the code in one call; it gives their number. Code sees the
// time of a step, so their time is that of the call; only the last step lasts until now.
func (t *turn) batch(items []item) (int, error) {
	nowMs := t.nowMs()
	var deliveries []replay.Delivery
	for _, it := range items {
		d, ok := t.r.x.Peek(arrivalOf(it.msg), nowMs)
		if !ok {
			break
		}
		if deliveries = append(deliveries, d); len(deliveries) == callDeliveries {
			break
		}
	}
	if len(deliveries) == 0 {
		if isTakenBack(items[0].msg, items[1:]) {
			t.ahead = true
			t.takeNext()
			return 1, nil
		}
		return 1, t.single(items[0])
	}
	deliveries = deliveries[:callable(deliveries)]
	answer, err := t.call(RunRequest{Deliveries: deliveries})
	if err != nil {
		return 0, err
	}
	for i := range answer.Steps {
		_, delivered, err := t.accept(items[i], nowMs)
		if err != nil || t.ended {
			return i + 1, err
		}
		if !delivered {
			continue // An earlier step of this call dropped it; the code did nothing for it.
		}
		if i == len(answer.Steps)-1 {
			nowMs = t.nowMs()
		}
		if err := t.step(answer, i, nowMs); err != nil || t.ended {
			return i + 1, err
		}
	}
	return len(answer.Steps), nil
}

// single takes an item that is not the completion of an open schedule. Here too the code runs first:
// if it cannot, nothing has changed.
func (t *turn) single(it item) error {
	nowMs := t.nowMs()
	var answer replay.Answer
	d, awaited := t.r.x.PeekInput(arrivalOf(it.msg), nowMs)
	if awaited {
		var err error
		if answer, err = t.call(RunRequest{Deliveries: []replay.Delivery{d}}); err != nil {
			return err
		}
	}
	d, delivered, err := t.accept(it, nowMs)
	if err != nil || t.ended || !delivered {
		return err
	}
	if !awaited {
		if answer, err = t.call(RunRequest{Deliveries: []replay.Delivery{d}}); err != nil {
			return err
		}
	}
	return t.step(answer, 0, t.nowMs())
}

// accept appends what the history must know of an item.
func (t *turn) accept(it item, nowMs int64) (d replay.Delivery, ok bool, err error) {
	t.ahead = true
	if it.msg.IsResumption() {
		t.takeNext()
		return replay.Delivery{}, false, nil
	}
	if it.msg.Kind == provider.StartInstance || it.msg.Kind == provider.ContinueInstance {
		t.takeNext()
		t.collide(it.msg, "")
		return replay.Delivery{}, false, nil
	}
	if it.msg.Kind == provider.TimerDue {
		t.r.dropTimer(timerID{it.msg.Source, it.msg.Name})
	}
	before := t.r.x.LastEvent()
	waiting := t.waitingAtEnd(it.msg)
	d, ok, err = t.r.x.Accept(t.arrival(it.msg), nowMs)
	if err != nil {
		err = t.broken(err)
		t.takeNext() // With the last part of the end: nothing else stored tells that it must come.
		return d, false, err
	}
	t.takeNext()
	if f := t.r.x.Stopped(); f != nil && !t.ended {
		if t.r.x.Cancelling() != nil {
			t.rt.log.graceOver(t.inv, f.Reason, waiting)
		}
		return d, false, t.fail(*f)
	}
	isKept := it.msg.Kind == provider.QueueEvent || it.msg.Kind == provider.CancelInstance ||
		it.msg.Kind == provider.RequestWithdrawn
	if !ok && (!isKept || t.r.x.LastEvent() == before) {
		t.rt.log.messageDropped(t.r.instance, it.msg, "nobody waits for it")
	}
	return d, ok, nil
}

// step takes one step of an answer, and then serves what can be answered inside the turn.
func (t *turn) step(answer replay.Answer, i int, nowMs int64) error {
	if err := t.apply(answer, i, nowMs); err != nil || t.ended {
		return err
	}
	return t.serve()
}

// apply takes the actions of one step, in as many parts as they need, and what the code ended with if
// it was the last.
func (t *turn) apply(answer replay.Answer, i int, nowMs int64) error {
	actions := answer.Steps[i]
	for {
		n := t.fitting(actions)
		successor, err := t.r.x.Apply(actions[:n], nowMs)
		switch {
		case err != nil:
			return t.broken(err)
		case successor != nil:
			return t.end(replay.Ending{Kind: replay.Continued, Successor: successor})
		}
		if actions = actions[n:]; len(actions) == 0 {
			break
		}
		if err := t.part(); err != nil {
			return err
		}
	}
	if answer.Done && i == len(answer.Steps)-1 {
		return t.returned(answer)
	}
	return nil
}

func (t *turn) returned(answer replay.Answer) error {
	if answer.OK {
		return t.end(replay.Ending{Kind: replay.Completed, Output: answer.Output})
	}
	return t.fail(t.thrown(answer))
}

// serve answers subscriptions that found a message waiting, and system calls, until there are none.
func (t *turn) serve() error {
	for !t.ended {
		d, ok := t.r.x.NextReady()
		if !ok {
			var err error
			if d, ok, err = t.next(); !ok || err != nil {
				return err
			}
		}
		answer, err := t.call(RunRequest{Deliveries: []replay.Delivery{d}})
		if err != nil {
			return err
		}
		if err := t.apply(answer, 0, t.nowMs()); err != nil {
			return err
		}
		if !t.ended && t.isFull() { // Code may ask without end.
			if err := t.part(); err != nil {
				return err
			}
		}
	}
	return nil
}

// next gives the answer to the next system call, or the failure of an activity that was tried for the last
// time.
func (t *turn) next() (d replay.Delivery, ok bool, err error) {
	call, ok := t.r.x.NextCall()
	if !ok {
		d, ok = t.r.x.NextGivenUp(t.nowMs())
		return d, ok, nil
	}
	nowMs := t.nowMs()
	value, err := t.answer(call, nowMs)
	if err != nil {
		return d, false, err
	}
	t.bytes += len(value)
	return t.r.x.Answer(call, value, nowMs), true, nil
}

// answer computes a system call.
func (t *turn) answer(c replay.Call, nowMs int64) (string, error) {
	switch c.Name {
	case replay.NewGUID:
		return strconv.Quote(uuid.NewString()), nil
	case replay.UTCNow:
		return strconv.FormatInt(nowMs, 10), nil
	case replay.Decide:
		return cmp.Or(c.Key, "null"), nil
	case replay.GetStatus:
		return t.statusOf(c.Instance)
	default:
		var value *string
		err := t.rt.insist(t.rt.ctx, "value", func() (err error) {
			value, err = t.rt.e.store.Value(t.rt.ctx, c.Instance, c.Key)
			return err
		})
		if err != nil {
			return "", err
		}
		return jsonString(value), nil
	}
}

// statusOf gives the JSON text of the status of any instance, as it is stored: null where there is none.
func (t *turn) statusOf(instance string) (string, error) {
	var info provider.InstanceInfo
	err := t.rt.insist(t.rt.ctx, "status", func() (err error) {
		info, err = t.rt.e.store.Instance(t.rt.ctx, instance)
		return err
	})
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return "null", nil
	case err != nil:
		return "", err
	case info.Status == provider.Completed, info.Status == provider.Failed:
		return strconv.Quote(info.Status.String()), nil
	default:
		return strconv.Quote(provider.Running.String()), nil
	}
}

// broken ends the execution because code broke a limit or does not fit the history, unless that holds the
// instance; any other error is ours and is passed on.
func (t *turn) broken(err error) error {
	if limit, ok := errors.AsType[*replay.LimitError](err); ok {
		return t.fail(limit.Failure)
	}
	if d, ok := errors.AsType[*replay.Divergence](err); ok {
		return t.diverged(d)
	}
	return err
}

// arrivalOf gives a message in the words of replay.
func arrivalOf(m provider.Message) replay.Arrival {
	a := replay.Arrival{
		Execution: m.Execution, Source: m.Source, From: m.From, Name: m.Name, Data: m.Data,
		Failure: m.Failure, FireAtMs: m.DueMs,
	}
	switch m.Kind {
	case provider.ActivityDone:
		a.Kind, a.Attempt = replay.ActivityDone, m.Failure != nil && m.Failure.PauseMs != nil
		a.Late = m.Name != ""
	case provider.TimerDue:
		if a.Kind = replay.TimerFired; m.Name != "" {
			a.Kind = replay.Nothing // A limit that is kept: see judge.
		}
	case provider.ChildDone:
		a.Kind = replay.ChildDone
	case provider.PromiseSettled:
		a.Kind = replay.PromiseSettled
	case provider.RequestWithdrawn:
		a.Kind = replay.RequestWithdrawn
	case provider.EventRaised:
		a.Kind = replay.EventRaised
	case provider.QueueEvent:
		a.Kind = replay.QueueEvent
	case provider.CancelInstance:
		a.Kind, a.Parent, a.Terminates = replay.CancelRequested, m.Parent, m.Stop == provider.AtOnce
		a.TimedOut = m.Stop == provider.TimedOut
	case provider.StartInstance, provider.ContinueInstance, provider.RequestAnswered:
		a.Kind = replay.Nothing
	default:
		panic(unknownMessage(m.Kind))
	}
	return a
}

// jsonString gives the JSON text of a string, or null.
func jsonString(s *string) string {
	if s == nil {
		return "null"
	}
	text, err := json.Marshal(*s)
	if err != nil { // A string always has a JSON text.
		return "null"
	}
	return string(text)
}
