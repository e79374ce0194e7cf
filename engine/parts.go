package engine

import (
	"slices"
	"time"

	"duroxide/engine/replay"
	"duroxide/provider"
)

// Bounds of what one commit takes. A turn ends where they are reached, and the next one goes on with
// the messages that are left. A single step, or an end, that is above them is committed in parts.
const (
	turnEvents = 1000
	turnBytes  = 1 << 20
	turnTime   = 100 * time.Millisecond
)

// Bounds of the deliveries of one call: user code should not keep its thread for long, and a record
// that crosses to it has a largest size.
const (
	callDeliveries = 250
	callBytes      = 1 << 20
)

// callable gives how many of these deliveries one call takes.
func callable(deliveries []replay.Delivery) int {
	bytes := 0
	for n, d := range deliveries {
		if n == callDeliveries || n > 0 && bytes >= callBytes {
			return n
		}
		bytes += len(d.Value) + len(d.Details)
	}
	return len(deliveries)
}

// isFull reports whether the turn has as much as one commit takes.
func (t *turn) isFull() bool {
	return t.r.x.Added() >= turnEvents || t.bytes >= turnBytes ||
		t.rt.e.clock.Now().Sub(t.began) >= turnTime
}

// fitting gives how many of these actions the running part takes.
func (t *turn) fitting(actions []replay.Action) int {
	events := t.r.x.Added()
	for n := range actions {
		if events+n >= turnEvents || t.bytes >= turnBytes {
			return n
		}
		t.bytes += actionBytes(&actions[n])
	}
	return len(actions)
}

func actionBytes(a *replay.Action) int {
	bytes := 64 + len(a.Name) + len(a.Input)
	if a.Value != nil {
		bytes += len(*a.Value)
	}
	return bytes
}

// takeNext marks the item that is being accepted as consumed. Items are accepted in their order.
func (t *turn) takeNext() {
	t.take(t.items[t.accepted])
	t.accepted++
}

// part commits what the turn has so far, guarded like any commit. Should the process end before the
// last part, the code is led through what is recorded, and the rest of its step is new then. What was
// consumed is gone, so a message that says nothing is left in the store until the last part: without
// it nobody would look at the instance again.
func (t *turn) part() error {
	t.partly = true
	err := t.commit(t.r.x.Take())
	t.partly = false
	if err != nil {
		return err
	}
	t.items = t.items[t.accepted:]
	t.accepted, t.bytes, t.began = 0, 0, t.rt.e.clock.Now()
	t.taken, t.tasks, t.notices, t.started = nil, nil, nil, nil
	t.last = t.r.x.LastEvent()
	return nil
}

// resumption gives the message that a part has to leave in the store, where there is none yet.
func (t *turn) resumption() []provider.Message {
	if !t.partly || t.resume != nil ||
		slices.ContainsFunc(t.items[t.accepted:], func(it item) bool { return it.msg.IsResumption() }) {
		return nil
	}
	return []provider.Message{provider.Resumption(t.r.instance, t.r.life, t.execution())}
}

// keepResumption takes note of the stored message: it is consumed with the last part, and by nobody
// else.
func (t *turn) keepResumption(m provider.Message) {
	t.resume = &item{msg: m}
	if m.ID == 0 {
		return // The store lost its answer; a later turn finds the message.
	}
	t.rt.mu.Lock()
	defer t.rt.mu.Unlock()
	t.r.known[m.ID] = struct{}{}
}

// end ends the execution. What is cancelled on the way may be above the bounds too.
func (t *turn) end(e replay.Ending) error {
	t.ending = &e
	winding := t.r.x.Wind(e)
	for winding.Next(max(turnEvents-t.r.x.Added(), 0), t.nowMs()) {
		if err := t.part(); err != nil {
			return err
		}
	}
	t.r.x.End(e, t.nowMs())
	t.ended = true
	return nil
}
