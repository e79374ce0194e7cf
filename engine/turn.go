package engine

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// turn is one turn of a resident: messages in, one commit out.
type turn struct {
	rt    *Runtime
	r     *resident
	token provider.Token
	inv   Invocation
	items []item
	// accepted counts the items that the running part has taken, bytes is what it adds, and began is
	// when it did.
	accepted int
	bytes    int
	began    time.Time
	// floorMs is what the store has seen pass: its messages were due, or have arrived; and what an
	// earlier execution of the instance has recorded.
	floorMs int64

	// What the commit consumes and writes besides the delta.
	taken   []item // stored ones
	tasks   []provider.Token
	left    []item // for the next turn
	started *provider.Started
	partly  bool  // the commit is not the last part of the turn
	resume  *item // what the parts have left in the store
	ending  *replay.Ending
	notices []provider.Message
	last    uint64 // highest event id before the turn
	ended   bool
	// codeless means that the code of the instance has not begun, or is not asked.
	codeless bool
	mayOpen  bool // its commit may open sessions
	// stillHeld is what the instance is held for after the turn, which has only looked for its end.
	stillHeld *provider.Hold
	// ahead means that what is in memory of the instance is no longer what is stored.
	ahead   bool
	counted bool   // begun has counted this attempt
	start   []item // what begins the execution, if it is not among the items any more
}

// errUnregistered means that no handler of the name and version is registered here. A store gives no such
// work, so that this is about what became so since.
var errUnregistered = errors.New("no such orchestration is registered")

// errPanic is a fault of our own. It is no outcome of anybody's code.
var errPanic = errors.New("panic")

// errHidden means that what begins an execution cannot be read yet.
var errHidden = errors.New("its start cannot be read yet")

// turn processes messages of a held instance. Whatever goes wrong, the messages are consumed by a
// commit or are still in the store. It reports whether the turn must be left to others, because the
// thread of user code does not answer, and what is left of it.
func (rt *Runtime) turn(r *resident, items []item) (left []item, takenBack bool) {
	if err := rt.awaitThread(); err != nil {
		return items, errors.Is(err, ErrTakenBack)
	}
	rt.mu.Lock()
	items, superfluous := rt.remind(r, items)
	t := &turn{rt: rt, r: r, token: r.token, items: items, taken: superfluous, last: r.last, floorMs: r.lastMs}
	r.trying = trial{token: r.token, messages: messageIDs(items)}
	rt.mu.Unlock()
	t.began = rt.e.clock.Now()
	for _, it := range items {
		t.floorMs = max(t.floorMs, it.msg.DueMs)
	}
	rt.counters.messagesFetched(len(items))
	var err error
	var m *misfit
	if t.isSuspect() {
		err = rt.alone(rt.ctx, t.suspected)
	} else {
		err = t.run()
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrTakenBack) || errors.Is(err, ErrUnheard):
		if t.ahead || errors.Is(err, ErrUnheard) {
			rt.unload(r)
			r.dropTimers()
		}
		return t.items, true
	case errors.As(err, &m):
		t.hold(m.d)
	default:
		t.failed(err)
	}
	return nil, false
}

// isSuspect reports whether the turn may be what ends the processes that have it in hand: it was marked
// twice, or once after an attempt that was counted. One that was tried too often does not run any more.
func (t *turn) isSuspect() bool {
	marked := t.r.marks >= provider.MostMarks || t.r.marks > 0 && t.r.attempt > 1
	return marked && t.r.attempt <= t.rt.set.maxAttempts
}

// suspected counts an attempt before the code of a suspect runs. Messages that were merely claimed by a
// dying process do not pay for that.
func (t *turn) suspected() error {
	t.counted = true
	if err := t.rt.charge(t.rt.charged(t.r)); err != nil {
		return err
	}
	return t.run()
}

// run takes the turn; a panic of our own code becomes an error.
func (t *turn) run() (err error) {
	defer func() {
		if v := recover(); v != nil {
			t.rt.log.panicked("turn", v, debug.Stack())
			err = fmt.Errorf("turn of %s: %w: %v", t.r.instance, errPanic, v)
		}
	}()
	t.sort()
	if bad := t.unreadableItem(); bad != nil {
		return t.endWith(unreadableFailure("read_message", "message", *bad))
	}
	switch t.r.status {
	case provider.NotCommitted:
		return t.first(provider.StartInstance)
	case provider.ContinuedAsNew:
		return t.first(provider.ContinueInstance)
	case provider.Running:
		return t.proceed()
	case provider.Completed, provider.Failed:
		return t.swallow()
	default:
		return fmt.Errorf("%w: instance %s has the unknown status %d", provider.ErrCorrupt, t.r.instance, t.r.status)
	}
}

// sort orders the items by effective time, and puts cancel requests first: a request that came
// before the turn outranks whatever else the turn would do.
func (t *turn) sort() {
	slices.SortStableFunc(t.items, func(a, b item) int {
		return cmp.Or(
			cmp.Compare(rank(a.msg.Kind), rank(b.msg.Kind)),
			cmp.Compare(a.msg.DueMs, b.msg.DueMs),
			cmp.Compare(a.msg.ID, b.msg.ID),
		)
	})
}

func rank(k provider.MessageKind) int {
	if k == provider.CancelInstance {
		return 0
	}
	return 1
}

// first is the first turn of an execution: the message of the given kind begins it.
func (t *turn) first(kind provider.MessageKind) error {
	if t.r.attempt > t.rt.set.maxAttempts {
		return t.endWith(t.poison(history.PoisonOrchestrationKind, t.r.name))
	}
	start, ok := t.takeStart(kind)
	if !ok {
		return errHidden // for a while; so the rest must wait
	}
	version, ok := t.rt.reg.Resolve(start.msg.Name, start.msg.Version)
	if !ok && kind == provider.StartInstance {
		if stop := t.stopRequest(); stop != nil {
			return t.again().endWith(*stop) // Nothing has begun, so that there is nothing to ask the code.
		}
	}
	if !ok && t.isOverdue() {
		return t.again().endWith(t.unregistered(start.msg.Name, unregisteredVersion(start.msg.Version)))
	}
	if !ok {
		return errUnregistered
	}
	if err := t.knowValues(); err != nil {
		return err
	}
	t.begin(start.msg, version)
	t.codeless = kind == provider.StartInstance
	if slices.ContainsFunc(t.items, t.endsAtOnce) {
		return t.consume() // It outranks the run, so that the code need not begin.
	}
	t.codeless = false
	if err := t.open(nil, t.r.values); err != nil {
		return err
	}
	return t.consume()
}

// takeStart takes what begins the execution out of the items.
func (t *turn) takeStart(kind provider.MessageKind) (start item, ok bool) {
	i := slices.IndexFunc(t.items, func(it item) bool { return it.msg.Kind == kind })
	if i < 0 {
		return item{}, false
	}
	start = t.items[i]
	t.items = slices.Delete(t.items, i, i+1)
	t.start = []item{start}
	return start, true
}

// endsAtOnce reports whether an item is a cancel request for this very instance that leaves no time.
func (t *turn) endsAtOnce(it item) bool {
	a := t.arrival(it.msg)
	return a.Kind == replay.CancelRequested && a.GraceMs == 0 && t.r.x.Heeds(a)
}

func unregisteredVersion(v *string) string {
	if v == nil {
		return "unknown"
	}
	return *v
}

// begin makes the execution that a start message asks for.
func (t *turn) begin(m provider.Message, version string) {
	r, p := t.r, replay.Params{
		Instance: t.r.instance, Life: t.r.life, Starts: t.r.starts,
		Execution: t.r.execution + 1, Name: m.Name, Version: version,
		Input: m.Input, Parent: m.Parent, Carried: m.Carried, CustomStatus: m.CustomStatus,
		Rules: history.NewestRules, StrictValues: t.rt.set.strictValues, Headers: m.Headers, Timeout: m.Timeout,
		Keys: t.keysBefore(), Engine: t.rt.e.version,
	}
	t.take(item{msg: m})
	t.ahead = true
	r.x = replay.Start(p, max(t.rt.nowMs(), t.floorMs))
	r.name, r.version = m.Name, version
	r.parent = m.Parent
	t.started = &provider.Started{Name: m.Name, Version: version, Parent: m.Parent}
	t.last = 0
	t.describe()
}

func (t *turn) describe() {
	p := t.r.x.Params()
	if t.r.parent == nil { // An older release stored a part of the link only.
		t.r.parent = p.Parent
	}
	t.inv = Invocation{
		Token: newToken(), Instance: p.Instance, Execution: p.Execution, Name: p.Name, Version: p.Version,
		Headers: p.Headers,
	}
	if a := (timerID{limit: timeoutAlarm}); !p.Timeout.IsZero() && t.r.timers[a] == nil {
		t.rt.setTimer(t.r, a, p.Timeout.AtMs, nil)
	}
}

// proceed is a later turn: the resident goes on, or is made again from its history.
func (t *turn) proceed() error {
	if done, err := t.overHeld(); done {
		return err
	}
	if t.r.attempt > t.rt.set.maxAttempts {
		return t.endWith(t.poison(history.PoisonOrchestrationKind, t.r.name))
	}
	if _, ok := t.rt.reg.Resolve(t.r.name, &t.r.version); !ok {
		if !t.isOverdue() {
			return errUnregistered
		}
		return t.endWith(t.unregistered(t.r.name, t.r.version))
	}
	if t.r.x == nil {
		if err := t.load(); err != nil {
			return err
		}
	} else {
		t.last = t.r.x.LastEvent()
		t.describe()
	}
	return t.consume()
}

// swallow consumes messages of an instance that has ended. A child start among them is answered.
func (t *turn) swallow() error {
	for _, it := range t.items {
		t.collide(it.msg, andTerminal)
		t.take(it)
	}
	return t.commit(replay.Delta{})
}

// collide answers the start of a child whose id is taken, so that its sender does not wait. A store
// answers those of this release; older ones left them to the turn.
func (t *turn) collide(m provider.Message, suffix string) {
	if m.Kind != provider.StartInstance || m.Parent == nil {
		return
	}
	if own := t.r.parent; own != nil && own.Is(*m.Parent) {
		return // The same start again.
	}
	t.notices = append(t.notices, childTaken(*m.Parent, m.Life, t.r.instance, suffix))
}

const andTerminal = " and is terminal"

// childTaken tells a parent that the id that it wants for a child belongs to somebody else.
func childTaken(p history.Parent, child history.Life, instance, suffix string) provider.Message {
	return childDone(p, child, "", &history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind,
		Message: fmt.Sprintf("sub-orchestration instance id '%s' already exists%s", instance, suffix),
	})
}

// childDone answers the scheduling of a child.
func childDone(
	p history.Parent, child history.Life, output string, f *history.Failure,
) provider.Message {
	return provider.Message{
		Instance: p.Instance, Life: p.Life, From: child, Kind: provider.ChildDone,
		Execution: p.Execution, Source: p.Event, Data: output, Failure: f,
	}
}

// take marks a message as consumed by this turn.
func (t *turn) take(it item) {
	t.bytes += len(it.msg.Data)
	if it.task != nil {
		t.tasks = append(t.tasks, *it.task)
		return
	}
	if it.msg.ID != 0 {
		t.taken = append(t.taken, it)
	}
}

func (t *turn) takeAll() {
	for _, it := range t.items {
		t.take(it)
	}
}

// fail ends the execution with a failure.
func (t *turn) fail(f history.Failure) error {
	return t.end(replay.Ending{Kind: replay.Failed, Failure: &f})
}
