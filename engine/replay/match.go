package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"duroxide/history"
)

// Verify compares what the code asked for, step by step, with what the history recorded. It gives
// the actions that the code asked for beyond the end of the history: they are new work. Code that
// returned before the recorded end is accepted (done). An error is a *Divergence.
func (x *Execution) Verify(steps [][]Action, done bool) (extra []Action, err error) {
	extra, _, err = x.verify(steps, done)
	return extra, err
}

// Rehearse is Verify for code that is only tried: it may not return before the recorded end either, and
// must end as the recorded execution has ended.
func (x *Execution) Rehearse(steps [][]Action, a Answer, end history.Event) error {
	extra, left, err := x.verify(steps, a.Done)
	switch {
	case err != nil:
		return err
	case left != nil:
		d := x.diverged(left.ID, fmt.Sprintf("the code %s, and the history goes on with event=%s", a.end(), describe(*left)))
		d.Asked, d.Recorded = a.end(), describe(*left)
		return d
	default:
		return x.endsAs(extra, len(steps)-1, a, end)
	}
}

// endsAs compares the end of code with the recorded one, if that was the code's own.
func (x *Execution) endsAs(extra []Action, step int, a Answer, end history.Event) error {
	asked := a.end()
	if len(extra) > 0 {
		asked = extra[0].String()
	}
	if fitsEnd(extra, a, end) {
		return nil
	}
	recorded := end.Kind().String()
	d := x.diverged(end.ID, fmt.Sprintf("the ends differ: the code %s vs event=%s", asked, recorded))
	d.Asked, d.Recorded = asked, recorded
	if len(extra) > 0 {
		d.Reason = fmt.Sprintf("the code goes on behind the recorded end: action=%s vs event=%s", asked, recorded)
		d.Step = step
	}
	return d
}

// fitsEnd reports whether code has ended as it is recorded, with actions that are not.
func fitsEnd(extra []Action, a Answer, end history.Event) bool {
	switch e := end.Data.(type) {
	case history.OrchestrationCompleted:
		return len(extra) == 0 && a.Done && a.OK
	case history.OrchestrationFailed:
		own := e.Failure.Category == history.Application && e.Failure.Kind != history.CancelledKind
		return !own || len(extra) == 0 && a.Done && !a.OK
	case history.OrchestrationContinuedAsNew:
		return len(extra) > 0 && extra[0].Kind == ContinueAsNew
	case history.OrchestrationStarted, history.OrchestrationChained, history.Schedule, history.Answer,
		history.Change, history.Cancellation, history.Input:
		return true // It goes on.
	default:
		panic(unknownEvent(end))
	}
}

// end says in words how code has ended.
func (a *Answer) end() string {
	switch {
	case !a.Done:
		return "waits"
	case a.OK:
		return "returns"
	default:
		return "throws " + shorten(a.Message)
	}
}

// verify is Verify; left is the first recorded event that code which has returned did not ask for.
func (x *Execution) verify(steps [][]Action, done bool) (extra []Action, left *history.Event, err error) {
	segments := x.segments
	x.segments = nil
	defer func() { x.tokenEvents, x.drops = nil, nil }()
	next := 0
	for i, seg := range segments {
		end := min(next+seg.steps, len(steps))
		rest := seg.events
		for ; next < end; next++ {
			var more []Action
			rest, more, err = x.verifyStep(steps, next, rest, i == len(segments)-1)
			if err != nil {
				return nil, nil, err
			}
			extra = append(extra, more...)
		}
		if len(rest) > 0 && (!done || next < len(steps)) {
			d := x.diverged(rest[0].ID,
				"history schedule but no emitted action: action=none vs event="+describe(rest[0]))
			d.Asked, d.Recorded = "nothing", describe(rest[0])
			return nil, nil, d
		}
		if len(rest) > 0 && left == nil {
			left = &rest[0]
		}
	}
	return extra, left, nil
}

// verifyStep takes the events of one step off the segment's.
func (x *Execution) verifyStep(
	steps [][]Action, step int, events []history.Event, last bool,
) (rest []history.Event, extra []Action, err error) {
	actions := steps[step]
	for i := range actions {
		a := &actions[i]
		if a.Kind == Drop && x.dropsSilently(a.Token) {
			continue
		}
		if len(events) == 0 {
			if last {
				return nil, actions[i:], nil
			}
			d := x.divergedAt(step, i, x.last, fmt.Sprintf(
				"schedule mismatch: action=%s vs event=none: the history goes on with the answer to an earlier step", a))
			d.Asked, d.Recorded = a.String(), "the answer to an earlier step"
			return nil, nil, d
		}
		if !x.matches(a, events[0]) {
			d := x.divergedAt(step, i, events[0].ID, fmt.Sprintf("%s: action=%s vs event=%s",
				mismatchWord(events[0]), a, describe(events[0])))
			d.Asked, d.Recorded = a.String(), describe(events[0])
			return nil, nil, d
		}
		events = events[1:]
	}
	return events, nil, nil
}

// dropsSilently closes a dropped schedule that leaves no event: a timer, or an unanswered system
// call. It is also true for one that was answered before it was dropped.
func (x *Execution) dropsSilently(token uint64) bool {
	s := x.byToken[token]
	if s == nil {
		return !x.recordedDrop(token)
	}
	if s.kind == Timer || s.kind == Syscall {
		x.close(s)
		return true
	}
	return false
}

// recordedDrop reports whether the history holds a cancellation of the token's schedule.
func (x *Execution) recordedDrop(token uint64) bool {
	if token == 0 || token > uint64(len(x.tokenEvents)) {
		return false
	}
	_, ok := x.drops[x.tokenEvents[token-1]]
	return ok
}

func mismatchWord(e history.Event) string {
	switch e.Data.(type) {
	case history.CustomStatusUpdated:
		return "custom status mismatch"
	case history.KeyValueSet:
		return "kv set mismatch"
	case history.KeyValueCleared:
		return "kv clear mismatch"
	case history.KeyValuesCleared:
		return "kv clear_all mismatch"
	case history.ActivityCancelRequested:
		return "cancellation mismatch (activities)"
	case history.SubOrchestrationCancelRequested:
		return "cancellation mismatch (sub-orchestrations)"
	case history.ExternalSubscribedCancelled:
		return "cancellation mismatch (external waits)"
	case history.QueueSubscriptionCancelled:
		return "cancellation mismatch (persistent waits)"
	case history.Schedule, history.OrchestrationChained, history.OrchestrationStarted,
		history.Answer, history.Input, history.Ending:
		return "schedule mismatch"
	default:
		panic(unknownEvent(e))
	}
}

// matches compares an action with a recorded event. Timers are compared by kind only, because code
// computes the time anew; so are custom statuses, and a child's id and version, which are adopted
// from the history.
func (x *Execution) matches(a *Action, e history.Event) bool {
	switch d := e.Data.(type) {
	case history.Schedule:
		return a.isSchedule(d)
	case history.OrchestrationChained:
		return a.asks(StartOrchestration, d.Name, d.Input) && text(a.Instance) == d.Instance
	case history.Change:
		return a.isChange(d)
	case history.Cancellation:
		return a.Kind == Drop && a.Token > 0 && a.Token <= uint64(len(x.tokenEvents)) &&
			x.tokenEvents[a.Token-1] == e.Source
	case history.OrchestrationStarted, history.Answer, history.Input, history.Ending:
		return false // Code asks for none of them.
	default:
		panic(unknownEvent(e))
	}
}

func (a *Action) isSchedule(opened history.Schedule) bool {
	switch d := opened.(type) {
	case history.ActivityScheduled:
		return a.isActivity(d)
	case history.TimerCreated:
		return a.Kind == Timer
	case history.ExternalSubscribed:
		return a.Kind == WaitEvent && a.Name == d.Name
	case history.QueueSubscribed:
		return a.Kind == Dequeue && a.Name == d.Name
	case history.SubOrchestrationScheduled:
		return a.asks(SubOrchestration, d.Name, d.Input)
	default:
		panic(unknownData(opened))
	}
}

func (a *Action) isActivity(d history.ActivityScheduled) bool {
	if a.Kind == Syscall {
		return d.Name == syscallActivities[a.Name] && d.Input == syscallInput(a)
	}
	return a.asks(Activity, d.Name, d.Input) && same(a.Session, d.Session) && same(a.Tag, d.Tag)
}

func (a *Action) asks(kind ActionKind, name, input string) bool {
	return a.Kind == kind && a.Name == name && sameValue(a.Input, input)
}

// sameValue reports whether two payloads are the same value: the order of keys means nothing.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, xOK := decoded(a)
	y, yOK := decoded(b)
	return xOK && yOK && reflect.DeepEqual(x, y)
}

// decoded gives a JSON value with its numbers as they are written.
func decoded(text string) (value any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return nil, false
	}
	return value, errors.Is(d.Decode(new(any)), io.EOF)
}

func (a *Action) isChange(change history.Change) bool {
	switch d := change.(type) {
	case history.CustomStatusUpdated:
		return a.Kind == SetCustomStatus
	case history.KeyValueSet:
		return a.Kind == SetValue && a.Name == d.Key && sameValue(text(a.Value), d.Value)
	case history.KeyValueCleared:
		return a.Kind == ClearValue && a.Name == d.Key
	case history.KeyValuesCleared:
		return a.Kind == ClearValues
	default:
		panic(unknownData(change))
	}
}

func same(a, b *string) bool {
	return (a == nil) == (b == nil) && text(a) == text(b)
}

// String describes an action in error texts.
func (a *Action) String() string {
	switch a.Kind {
	case Activity:
		return describeActivity(a.Name, a.Input, a.Session, a.Tag)
	case SubOrchestration:
		return describeChild(a.Name, a.Input)
	case StartOrchestration:
		return describeDetached(a.Name, text(a.Instance), a.Input)
	case SetValue:
		return describeValue(a.Name, text(a.Value))
	case WaitEvent, Dequeue, ClearValue, Syscall:
		return fmt.Sprintf("%s '%s'", a.Kind.word(), a.Name)
	case Drop:
		return fmt.Sprintf("cancellation of action %d", a.Token)
	case Timer, ContinueAsNew, SetCustomStatus, ClearValues:
		return a.Kind.word()
	default: // It matches no event.
		return a.Kind.word()
	}
}

// describe gives an event in the words of actions.
func describe(e history.Event) string {
	switch d := e.Data.(type) {
	case history.ActivityScheduled:
		return describeActivity(d.Name, d.Input, d.Session, d.Tag)
	case history.SubOrchestrationScheduled:
		return describeChild(d.Name, d.Input)
	case history.OrchestrationChained:
		return describeDetached(d.Name, d.Instance, d.Input)
	case history.ExternalSubscribed:
		return fmt.Sprintf("external event '%s'", d.Name)
	case history.QueueSubscribed:
		return fmt.Sprintf("queue subscription '%s'", d.Name)
	case history.KeyValueSet:
		return describeValue(d.Key, d.Value)
	case history.KeyValueCleared:
		return fmt.Sprintf("kv clear '%s'", d.Key)
	case history.TimerCreated:
		return "timer"
	case history.CustomStatusUpdated, history.KeyValuesCleared, history.Cancellation,
		history.OrchestrationStarted, history.Answer, history.Input, history.Ending:
		return e.Kind().String()
	default:
		panic(unknownEvent(e))
	}
}

// The descriptions hold everything that is compared, so that both sides show what differs.

func describeActivity(name, input string, session, tag *string) string {
	description := fmt.Sprintf("activity '%s' with input %s", name, shorten(input))
	if session != nil {
		description += fmt.Sprintf(" on session '%s'", *session)
	}
	if tag != nil {
		description += fmt.Sprintf(" with tag '%s'", *tag)
	}
	return description
}

func describeChild(name, input string) string {
	return fmt.Sprintf("suborchestration '%s' with input %s", name, shorten(input))
}

func describeDetached(name, instance, input string) string {
	return fmt.Sprintf("detached start '%s' as '%s' with input %s", name, instance, shorten(input))
}

func describeValue(key, value string) string {
	return fmt.Sprintf("kv set '%s' to '%s'", key, shorten(value))
}

// shorten keeps error texts readable.
func shorten(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
