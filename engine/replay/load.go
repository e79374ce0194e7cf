package replay

import (
	"encoding/json"
	"fmt"
	"strings"

	"duroxide/history"
)

// segment is the part of a history between two answers: the events that the steps of this part
// must produce again. It has more than one step when subscriptions were served in it (I4).
type segment struct {
	steps  int
	events []history.Event
}

// Load makes the index of a recorded execution and the deliveries that lead the code through it.
// The caller runs the code with them, then calls Verify with all steps. An error is a *Divergence:
// the history cannot have come from any code.
func Load(events []history.Event, p Params) (*Execution, []Delivery, error) {
	l := &loader{x: newExecution(p)}
	if len(events) == 0 {
		return nil, nil, l.x.diverged(0, "corrupted history: empty")
	}
	started, ok := events[0].Data.(history.OrchestrationStarted)
	if !ok {
		return nil, nil, l.x.diverged(events[0].ID, "corrupted history: first event must be OrchestrationStarted")
	}
	l.start(started, events[0])
	for _, e := range events[1:] {
		if err := l.event(e); err != nil {
			return nil, nil, err
		}
	}
	if !l.x.ended {
		l.serve()
	}
	l.x.openLimits()
	return l.x, l.deliveries, nil
}

// loader walks a history and keeps the index as the live execution had it (I5).
type loader struct {
	x          *Execution
	deliveries []Delivery
}

func (l *loader) start(s history.OrchestrationStarted, e history.Event) {
	p := &l.x.params
	p.Name, p.Version, p.Input, p.Parent = s.Name, s.Version, s.Input, s.Parent
	p.Carried, p.CustomStatus = s.Carried, s.CustomStatus
	p.Rules, p.StrictValues, p.Headers, p.Timeout = s.Rules, s.StrictValues, s.Headers, s.Timeout
	l.x.customStatus = s.CustomStatus
	l.x.last = e.ID
	l.x.startedMs, l.x.stepMs, l.x.lastMs = e.TimeMs, e.TimeMs, e.TimeMs
	l.x.segments = []segment{{steps: 1}}
	l.x.drops = map[uint64]struct{}{}
}

func (l *loader) event(e history.Event) error {
	l.x.last, l.x.lastMs = e.ID, max(l.x.lastMs, e.TimeMs)
	switch d := e.Data.(type) {
	case history.Answer:
		return l.completion(e, d)
	case history.Input:
		l.serve()
		answer, ok := l.input(e, d)
		l.deliver(answer, ok, e)
	case history.Ending: // The last step may be that of a message which was waiting.
		l.serve()
		l.x.ended = true
	case history.Cancellation:
		l.cancellation(e, d)
	case history.Schedule:
		l.output(e)
		l.schedule(e, d)
	case history.Change:
		l.output(e)
		l.change(d)
	case history.OrchestrationChained:
		l.output(e)
		l.x.starts = max(l.x.starts, d.Number)
	case history.MessageSent, history.CleanupFailed:
		l.output(e)
	case history.PatchDecided:
		l.x.patches[d.Name] = d.Applied
	case history.Repair: // Nobody has asked for it, and limits count from anew.
		l.x.starts, l.x.repairedMs = max(l.x.starts, startsOf(d)), e.TimeMs
		l.x.params.Timeout = l.x.params.Timeout.Anew(e.TimeMs)
	case history.OrchestrationStarted: // A second start: no code has asked for it.
		l.output(e)
	default:
		panic(unknownEvent(e))
	}
	return nil
}

// input takes what came from outside, and gives the answer that it brought.
func (l *loader) input(e history.Event, in history.Input) (answer Delivery, ok bool) {
	switch d := in.(type) {
	case history.ExternalEvent:
		return l.x.signal(d.Name, d.Data)
	case history.QueueEventDelivered:
		return l.x.arrive(d.Name, d.Data)
	case history.QueueEventWithdrawn:
		l.x.withdraw(d.Name, d.Request)
	case history.OrchestrationCancelling:
		return l.x.wind(e.ID, d, e.TimeMs)
	case history.OrchestrationCancelRequested:
		l.x.stopped = cancelled(d.Reason, d.TimedOut)
	case history.OrchestrationTerminateRequested:
		l.x.stopped = history.Terminated(d.Reason)
	default:
		panic(unknownData(in))
	}
	return Delivery{}, false
}

// unknownEvent is what a panic says of a kind that was forgotten. What this version does not know does
// not come out of a store.
func unknownEvent(e history.Event) string { return unknownData(e.Data) }

func unknownData(d history.Data) string { return fmt.Sprintf("unknown event data %T", d) }

// serve delivers what subscriptions found waiting; these steps belong to the running segment.
func (l *loader) serve() {
	for {
		d, ok := l.x.NextReady()
		if !ok {
			return
		}
		l.deliveries = append(l.deliveries, d)
		l.x.segments[len(l.x.segments)-1].steps++
	}
}

// deliver begins a segment with the answer that an event brought, if it brought one.
func (l *loader) deliver(d Delivery, ok bool, e history.Event) {
	if ok {
		l.deliveries = append(l.deliveries, l.x.deliver(d, e.TimeMs))
		l.x.segments = append(l.x.segments, segment{steps: 1})
	}
}

func (l *loader) completion(e history.Event, answer history.Answer) error {
	l.serve()
	s := l.x.open[e.Source]
	if s == nil {
		return l.x.diverged(e.ID, "completion without open schedule")
	}
	a := arrivalOf(answer)
	if !a.answers(s.kind) && (s.kind != Syscall || a.Kind != ActivityDone) {
		return l.x.diverged(e.ID, "completion kind mismatch: expected "+s.kind.word())
	}
	l.x.close(s)
	l.deliver(a.delivery(s), true, e)
	return nil
}

func arrivalOf(answer history.Answer) Arrival {
	switch d := answer.(type) {
	case history.ActivityCompleted:
		return Arrival{Kind: ActivityDone, Data: d.Result}
	case history.ActivityFailed:
		return Arrival{Kind: ActivityDone, Failure: &d.Failure}
	case history.TimerFired:
		return Arrival{Kind: TimerFired}
	case history.SubOrchestrationCompleted:
		return Arrival{Kind: ChildDone, Data: d.Result}
	case history.SubOrchestrationFailed:
		return Arrival{Kind: ChildDone, Failure: &d.Failure}
	case history.PromiseResolved:
		return Arrival{Kind: PromiseSettled, Data: d.Value}
	case history.PromiseRejected:
		return Arrival{Kind: PromiseSettled, Failure: &d.Failure}
	default:
		panic(unknownData(answer))
	}
}

// output takes an event that a step produced: it belongs to the running segment.
func (l *loader) output(e history.Event) {
	segment := &l.x.segments[len(l.x.segments)-1]
	segment.events = append(segment.events, e)
	l.x.longNames = l.x.longNames || e.IsLong()
}

// cancellation takes what closes a schedule. Code has asked for it if it dropped the schedule. What the
// end of the execution has produced stands in the history of one that goes on only where an end was
// committed in parts, and not to its own end: then the end is to come again.
func (l *loader) cancellation(e history.Event, c history.Cancellation) {
	if reasonOf(c) == history.ReasonDropped {
		l.output(e)
		l.x.drops[e.Source] = struct{}{}
	}
	if s := l.x.open[e.Source]; s != nil {
		l.x.close(s)
	}
}

func reasonOf(c history.Cancellation) string {
	switch d := c.(type) {
	case history.ActivityCancelRequested:
		return d.Reason
	case history.SubOrchestrationCancelRequested:
		return d.Reason
	case history.ExternalSubscribedCancelled:
		return d.Reason
	case history.QueueSubscriptionCancelled:
		return d.Reason
	default:
		panic(unknownData(c))
	}
}

func (l *loader) change(change history.Change) {
	switch d := change.(type) {
	case history.CustomStatusUpdated:
		l.x.customStatus = d.Status
	case history.KeyValueSet:
		l.x.keys[d.Key] = struct{}{}
	case history.KeyValueCleared:
		delete(l.x.keys, d.Key)
	case history.KeyValuesCleared:
		clear(l.x.keys)
	default:
		panic(unknownData(change))
	}
}

func (l *loader) schedule(e history.Event, opened history.Schedule) {
	s := &schedule{event: e.ID}
	switch d := opened.(type) {
	case history.ActivityScheduled:
		l.activity(s, d)
		if d.Policy != "" {
			s.limited = &limited{policy: d.Policy, tag: d.Tag, sinceMs: e.TimeMs}
		}
	case history.PromiseMade:
		s.kind = MakePromise
	case history.InlineActivityScheduled:
		s.kind, s.name = Inline, d.Name
	case history.TimerCreated:
		s.kind, s.fireAtMs = Timer, d.FireAtMs
	case history.ExternalSubscribed:
		s.kind, s.name = WaitEvent, d.Name
		l.x.waits[d.Name] = append(l.x.waits[d.Name], s)
	case history.QueueSubscribed:
		s.kind, s.name = Dequeue, d.Name
		l.x.subscribe(s)
	case history.SubOrchestrationScheduled:
		s.kind, s.name = SubOrchestration, d.Name
		s.instance, s.life = ChildOf(l.x.params.Instance, l.x.params.Life, d)
		l.x.starts = max(l.x.starts, d.Number)
	default:
		panic(unknownData(opened))
	}
	l.x.add(s)
	l.x.tokenEvents = append(l.x.tokenEvents, e.ID)
}

// ChildOf gives the id of a child, and its life; zero where an older release has started it.
func ChildOf(parent string, life history.Life, d history.SubOrchestrationScheduled) (string, history.Life) {
	id := d.Instance
	if strings.HasPrefix(id, history.ReservedChildMarker) {
		id = parent + "::" + id
	}
	if d.Number == 0 {
		return id, history.Life{}
	}
	return id, life.Started(d.Number)
}

func (l *loader) activity(s *schedule, d history.ActivityScheduled) {
	s.kind, s.name = Activity, d.Name
	for call, name := range syscallActivities {
		if d.Name == name {
			s.kind, s.name = Syscall, call
			l.x.calls = append(l.x.calls, s)
		}
	}
	if s.kind == Syscall && (s.name == GetValue || s.name == GetStatus) {
		var read remoteRead
		if json.Unmarshal([]byte(d.Input), &read) == nil {
			s.instance, s.key = read.Instance, read.Key
		}
	}
}
