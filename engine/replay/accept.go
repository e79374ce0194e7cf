package replay

import (
	"fmt"

	"duroxide/history"
)

// ArrivalKind says what a message means for an execution.
type ArrivalKind uint8

// The kinds of arrivals.
const (
	// Nothing is a message that an execution does not take: it begins one.
	Nothing ArrivalKind = iota
	ActivityDone
	TimerFired
	ChildDone
	EventRaised
	QueueEvent
	CancelRequested
	// PromiseSettled answers the promise whose number is Source.
	PromiseSettled
	// RequestWithdrawn takes back the unread message of the request Data from the queue Name.
	RequestWithdrawn
)

// Arrival is one message for the execution.
type Arrival struct {
	Kind ArrivalKind
	// Execution and Source name what a completion answers.
	Execution uint64
	Source    uint64
	// From is the life of the child that has ended.
	From history.Life
	// Parent is who asks for a cancellation; nil is a client.
	Parent *history.Parent
	// Name is that of a signal or queue.
	Name string
	// Data is a result, a payload, or the reason of a cancel request.
	Data string
	// Terminates says that a cancel request ends the execution whatever its code says.
	Terminates bool
	// TimedOut says that a cancel request comes because the time of the instance is over.
	TimedOut bool
	// GraceMs is how long a cancel request leaves the code to clean up. Zero ends the execution at once.
	GraceMs uint64
	// Failure, if set, replaces Data.
	Failure *history.Failure
	// Attempt means that the Failure is that of an attempt, of which code has to decide, and Late that it is
	// that of an activity which did not keep a limit, so that its task is still there.
	Attempt, Late bool
	// FireAtMs is the planned time of a timer.
	FireAtMs int64
}

// answers reports whether an arrival is what a kind of action waits for. How an activity ends is the same
// for inline ones.
func (a Arrival) answers(kind ActionKind) bool {
	return kind == a.completes() || kind == Inline && a.Kind == ActivityDone
}

// completes gives the kind of action that an arrival answers, or zero.
func (a Arrival) completes() ActionKind {
	switch a.Kind {
	case ActivityDone:
		return Activity
	case TimerFired:
		return Timer
	case ChildDone:
		return SubOrchestration
	case PromiseSettled:
		return MakePromise
	case Nothing, EventRaised, QueueEvent, CancelRequested, RequestWithdrawn:
		return 0
	default:
		panic(a.Kind.unknown())
	}
}

// unknown is what a panic says of a kind that was forgotten.
func (k ArrivalKind) unknown() string { return fmt.Sprintf("unknown arrival kind %d", k) }

// Peek gives the delivery that Accept would make of a completion at that time, without taking it.
// It is false for everything but the completion of an open schedule, so that several completions
// can be given to the code in one run.
func (x *Execution) Peek(a Arrival, nowMs int64) (Delivery, bool) {
	if a.completes() == 0 || a.Execution != x.params.Execution {
		return Delivery{}, false
	}
	s := x.answered(a)
	if s == nil || !a.answers(s.kind) || !s.life.Fits(a.From) {
		return Delivery{}, false
	}
	d := a.delivery(s)
	d.TimeMs = nowMs
	return d, true
}

// PeekInput is Peek for one signal or queue message: it gives the delivery that Accept would make of
// it, if somebody waits for it. It must not be asked while NextReady has something to give.
func (x *Execution) PeekInput(a Arrival, nowMs int64) (Delivery, bool) {
	var s *schedule
	switch a.Kind {
	case EventRaised:
		if waits := x.waits[a.Name]; len(waits) > 0 {
			s = waits[0]
		}
	case QueueEvent:
		if q := x.queues[a.Name]; q != nil && len(q.unread) == 0 && len(q.subscriptions) > 0 {
			s = q.subscriptions[0]
		}
	case Nothing, ActivityDone, TimerFired, ChildDone, CancelRequested, PromiseSettled, RequestWithdrawn:
	default:
		panic(a.Kind.unknown())
	}
	if s == nil {
		return Delivery{}, false
	}
	return Delivery{Token: s.token, OK: true, Value: a.Data, TimeMs: nowMs}, true
}

// answered gives the open schedule that an arrival answers, or nil.
func (x *Execution) answered(a Arrival) *schedule {
	if a.Kind == PromiseSettled {
		return x.byToken[a.Source]
	}
	return x.open[a.Source]
}

func (a Arrival) delivery(s *schedule) Delivery {
	switch {
	case a.Failure != nil:
		return Delivery{Token: s.token, Asks: a.Attempt, Value: a.Failure.Display(), Details: a.Failure.Told().String()}
	case a.Kind == TimerFired:
		return Delivery{Token: s.token, OK: true, Value: "null"}
	default:
		return Delivery{Token: s.token, OK: true, Value: a.Data}
	}
}

// Accept takes one message: it appends what the history must know of it and gives the delivery
// for the code, if there is one. A completion of another execution, or of a schedule that was
// answered or cancelled, changes nothing (I3). An error is a *Divergence: the message answers
// something that this execution never asked for.
func (x *Execution) Accept(a Arrival, nowMs int64) (Delivery, bool, error) {
	d, ok, err := x.accept(a, nowMs)
	if ok {
		d = x.deliver(d, nowMs)
	}
	return d, ok, err
}

func (x *Execution) accept(a Arrival, nowMs int64) (Delivery, bool, error) {
	switch a.Kind {
	case EventRaised:
		x.append(0, nowMs, history.ExternalEvent{Name: a.Name, Data: a.Data})
		d, ok := x.signal(a.Name, a.Data)
		return d, ok, nil
	case QueueEvent:
		x.append(0, nowMs, history.QueueEventDelivered{Name: a.Name, Data: a.Data})
		d, ok := x.arrive(a.Name, a.Data)
		return d, ok, nil
	case RequestWithdrawn:
		if x.withdraw(a.Name, a.Data) {
			x.append(0, nowMs, history.QueueEventWithdrawn{Name: a.Name, Request: a.Data})
		}
		return Delivery{}, false, nil
	case CancelRequested:
		d, ok := x.stop(a, nowMs)
		return d, ok, nil
	case ActivityDone, TimerFired, ChildDone, PromiseSettled:
		if x.endsGrace(a) {
			x.cancelNow(a, nowMs)
			return Delivery{}, false, nil
		}
		return x.complete(a, nowMs)
	case Nothing:
		return Delivery{}, false, nil
	default:
		panic(a.Kind.unknown())
	}
}

// Heeds reports whether a cancel request is for this instance: a client's always is, another's only
// if it comes from the scheduling that this instance is the child of.
func (x *Execution) Heeds(a Arrival) bool {
	own := x.params.Parent
	return a.Parent == nil || own != nil && own.Is(*a.Parent)
}

func (x *Execution) complete(a Arrival, nowMs int64) (Delivery, bool, error) {
	if a.Execution != x.params.Execution {
		return Delivery{}, false, nil
	}
	s := x.answered(a)
	if a.Kind == PromiseSettled && (s == nil || s.kind != MakePromise) {
		return Delivery{}, false, nil // Whoever has made up a token is nobody's business.
	}
	if s == nil {
		if a.Source > x.last {
			return Delivery{}, false, x.diverged(a.Source, fmt.Sprintf(
				"no matching schedule for %s id=%d", a.word(), a.Source))
		}
		return Delivery{}, false, nil
	}
	if !a.answers(s.kind) {
		return Delivery{}, false, x.diverged(a.Source, fmt.Sprintf(
			"completion kind mismatch for id=%d, expected '%s', got '%s'", a.Source, s.kind.word(), a.completes().word()))
	}
	if !s.life.Fits(a.From) {
		return Delivery{}, false, nil // Another child had this place before.
	}
	if a.Attempt {
		x.failedAttempt(s, a.Failure)
		return a.delivery(s), true, nil
	}
	x.append(s.event, nowMs, a.event())
	x.close(s)
	if a.Late {
		x.delta.CancelActivities = append(x.delta.CancelActivities, s.event)
	}
	return a.delivery(s), true, nil
}

// event gives the history event of a completion.
func (a Arrival) event() history.Data {
	switch a.Kind {
	case TimerFired:
		return history.TimerFired{FireAtMs: a.FireAtMs}
	case ChildDone:
		if a.Failure != nil {
			return history.SubOrchestrationFailed{Failure: *a.Failure}
		}
		return history.SubOrchestrationCompleted{Result: a.Data}
	case PromiseSettled:
		if a.Failure != nil {
			return history.PromiseRejected{Failure: *a.Failure}
		}
		return history.PromiseResolved{Value: a.Data}
	case ActivityDone:
		if a.Failure != nil {
			return history.ActivityFailed{Failure: *a.Failure}
		}
		return history.ActivityCompleted{Result: a.Data}
	case Nothing, EventRaised, QueueEvent, CancelRequested, RequestWithdrawn:
		panic(a.Kind.unknown()) // These complete nothing.
	default:
		panic(a.Kind.unknown())
	}
}

func (a Arrival) word() string {
	if a.Kind == ActivityDone {
		return "completion"
	}
	return a.completes().word()
}

func (x *Execution) signal(name, data string) (Delivery, bool) {
	waits := x.waits[name]
	if len(waits) == 0 {
		return Delivery{}, false
	}
	s := waits[0]
	x.close(s)
	return Delivery{Token: s.token, OK: true, Value: data}, true
}

// Call is a system call that the engine answers inside the turn.
type Call struct {
	// Name is NewGUID, UTCNow, GetValue, GetStatus or Decide.
	Name string
	// Instance is that of GetValue and GetStatus, Key that of GetValue. Key is what code has decided for Decide, or "" where that
	// is not known any more: then it decides again.
	Instance string
	Key      string

	schedule *schedule
}

// NextCall gives the oldest system call without an answer. It must be asked after NextReady has
// none, and be answered with Answer before anything else is taken.
func (x *Execution) NextCall() (Call, bool) {
	for len(x.calls) > 0 {
		s := x.calls[0]
		x.calls = x.calls[1:]
		if !s.closed {
			return Call{Name: s.name, Instance: s.instance, Key: s.key, schedule: s}, true
		}
	}
	return Call{}, false
}

// Answer records the JSON text that answers a system call.
func (x *Execution) Answer(c Call, value string, nowMs int64) Delivery {
	x.append(c.schedule.event, nowMs, history.ActivityCompleted{Result: value})
	x.close(c.schedule)
	return x.deliver(Delivery{Token: c.schedule.token, OK: true, Value: value}, nowMs)
}
