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
	case history.Schedule, history.OrchestrationChained, history.MessageSent, history.PatchDecided, history.CleanupFailed,
		history.OrchestrationStarted, history.Answer, history.Input, history.Ending, history.Repair:
		return "schedule mismatch"
	default:
		panic(unknownEvent(e))
	}
}

// fit says how an action stands to the event that is recorded in its place.
type fit uint8

const (
	// other: the code does something else.
	other fit = iota
	// otherData: it does the same with an input, a value, a tag or a session that is another one. Rules
	// before history.LooseReplayRules take it for something else.
	otherData
	// otherDetail is what those rules do not compare: the custom status, the id that code gave a child.
	otherDetail
	same
)

// diverges reports whether a replay that is not strict ends there.
func (f fit) diverges(rules uint64) bool {
	return f == other || f == otherData && rules < history.LooseReplayRules
}

// given is same where what code gave is what was recorded.
func (f fit) given(equal bool) fit {
	if equal {
		return same
	}
	return f
}

// only is other where something does not hold.
func (f fit) only(holds bool) fit {
	if holds {
		return f
	}
	return other
}

// fits compares an action with a recorded event. Timers are compared by kind only, because code
// computes the time anew; so is a child's version, which is adopted from the history.
func (x *Execution) fits(a *Action, e history.Event) fit {
	switch d := e.Data.(type) {
	case history.Schedule:
		return x.fitsSchedule(a, d)
	case history.OrchestrationChained:
		if text(a.Instance) != d.Instance {
			return other
		}
		return a.asks(StartOrchestration, d.Name, d.Input)
	case history.MessageSent:
		return a.fitsSending(d)
	case history.Change:
		return a.fitsChange(d)
	case history.Cancellation:
		return other.given(a.Kind == Drop && a.Token > 0 && a.Token <= uint64(len(x.tokenEvents)) &&
			x.tokenEvents[a.Token-1] == e.Source)
	case history.CleanupFailed:
		return otherDetail.given(a.Input == d.Failure.Message).only(a.Kind == CleanupFailed)
	case history.OrchestrationStarted, history.PatchDecided, history.Answer, history.Input, history.Ending, history.Repair:
		return other // Code asks for none of them among its steps.
	default:
		panic(unknownEvent(e))
	}
}

func (x *Execution) fitsSchedule(a *Action, opened history.Schedule) fit {
	switch d := opened.(type) {
	case history.ActivityScheduled:
		return a.fitsActivity(d)
	case history.InlineActivityScheduled:
		return other.given(a.Kind == Inline && a.Name == d.Name)
	case history.TimerCreated:
		return other.given(a.Kind == Timer)
	case history.ExternalSubscribed:
		return other.given(a.Kind == WaitEvent && a.Name == d.Name)
	case history.PromiseMade:
		return other.given(a.Kind == MakePromise)
	case history.QueueSubscribed:
		return other.given(a.Kind == Dequeue && a.Name == d.Name)
	case history.SubOrchestrationScheduled:
		return min(a.asks(SubOrchestration, d.Name, d.Input), x.fitsChildID(a, d))
	default:
		panic(unknownData(opened))
	}
}

// fitsChildID compares the id that code gave a child.
func (x *Execution) fitsChildID(a *Action, d history.SubOrchestrationScheduled) fit {
	generated := strings.HasPrefix(d.Instance, history.ReservedChildMarker)
	switch {
	case a.Instance == nil && generated, a.Instance != nil && *a.Instance == d.Instance:
		return same
	case x.params.Rules < history.LooseReplayRules:
		return otherDetail
	default:
		return other
	}
}

func (a *Action) fitsActivity(d history.ActivityScheduled) fit {
	if a.Kind == Syscall {
		return other.given(d.Name == syscallActivities[a.Name] && d.Input == syscallInput(a))
	}
	return min(a.asks(Activity, d.Name, d.Input), otherData.given(a.runsLike(d)))
}

// runsLike compares how an activity is run. Where it is not all said by the code, nothing of it is compared:
// what it was registered with may be another today, and is recorded.
func (a *Action) runsLike(d history.ActivityScheduled) bool {
	return sameText(a.Session, d.Session) && sameText(a.Tag, d.Tag) && text(a.Value) == d.Policy ||
		isRegistered(text(a.Value)) || isRegistered(d.Policy)
}

// isRegistered reports whether a policy was not said by the code alone.
func isRegistered(policy string) bool {
	var p struct {
		Registered bool `json:"registered"`
	}
	return policy != "" && json.Unmarshal([]byte(policy), &p) == nil && p.Registered
}

func (a *Action) asks(kind ActionKind, name, input string) fit {
	if a.Kind != kind || a.Name != name {
		return other
	}
	return otherData.given(sameValue(a.Input, input))
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

func (a *Action) fitsChange(change history.Change) fit {
	switch d := change.(type) {
	case history.CustomStatusUpdated:
		if a.Kind != SetCustomStatus {
			return other
		}
		return otherDetail.given(sameText(a.Value, d.Status) || sameValue(text(a.Value), text(d.Status)))
	case history.KeyValueSet:
		if a.Kind != SetValue || a.Name != d.Key {
			return other
		}
		return otherData.given(sameValue(text(a.Value), d.Value))
	case history.KeyValueCleared:
		return other.given(a.Kind == ClearValue && a.Name == d.Key)
	case history.KeyValuesCleared:
		return other.given(a.Kind == ClearValues)
	default:
		panic(unknownData(change))
	}
}

func sameText(a, b *string) bool {
	return (a == nil) == (b == nil) && text(a) == text(b)
}

// String describes an action in error texts.
func (a *Action) String() string {
	switch a.Kind {
	case Activity:
		return describeActivity(a.Name, a.Input, a.Session, a.Tag, text(a.Value))
	case SubOrchestration:
		return describeChild(a.Name, a.Input)
	case StartOrchestration:
		return describeDetached(a.Name, text(a.Instance), a.Input)
	case Send:
		return describeSending(text(a.Value), a.Name, text(a.Instance), a.Input)
	case SetValue:
		return describeValue(a.Name, text(a.Value))
	case Inline, WaitEvent, Dequeue, ClearValue, Syscall, Patch:
		return fmt.Sprintf("%s '%s'", a.Kind.word(), a.Name)
	case Drop, TryAgain, GiveUp:
		return fmt.Sprintf("%s of action %d", a.Kind.word(), a.Token)
	case SetCustomStatus:
		return describeStatus(a.Value)
	case CleanupFailed:
		return describeCleanup(a.Input)
	case Timer, ContinueAsNew, ClearValues, MakePromise:
		return a.Kind.word()
	default: // It matches no event.
		return a.Kind.word()
	}
}

// describe gives an event in the words of actions.
func describe(e history.Event) string {
	switch d := e.Data.(type) {
	case history.ActivityScheduled:
		return describeActivity(d.Name, d.Input, d.Session, d.Tag, d.Policy)
	case history.InlineActivityScheduled:
		return fmt.Sprintf("inline activity '%s'", d.Name)
	case history.SubOrchestrationScheduled:
		return describeChild(d.Name, d.Input)
	case history.OrchestrationChained:
		return describeDetached(d.Name, d.Instance, d.Input)
	case history.MessageSent:
		return describeSending(d.What, d.Name, d.Instance, d.Data)
	case history.ExternalSubscribed:
		return fmt.Sprintf("external event '%s'", d.Name)
	case history.QueueSubscribed:
		return fmt.Sprintf("queue subscription '%s'", d.Name)
	case history.Change:
		return describeChange(d)
	case history.TimerCreated:
		return "timer"
	case history.CleanupFailed:
		return describeCleanup(d.Failure.Message)
	case history.PatchDecided:
		return fmt.Sprintf("patch '%s'", d.Name)
	case history.PromiseMade, history.Cancellation,
		history.OrchestrationStarted, history.Answer, history.Input, history.Ending, history.Repair:
		return e.Kind().String()
	default:
		panic(unknownEvent(e))
	}
}

func describeChange(change history.Change) string {
	switch d := change.(type) {
	case history.KeyValueSet:
		return describeValue(d.Key, d.Value)
	case history.KeyValueCleared:
		return fmt.Sprintf("kv clear '%s'", d.Key)
	case history.CustomStatusUpdated:
		return describeStatus(d.Status)
	case history.KeyValuesCleared:
		return change.Kind().String()
	default:
		panic(unknownData(change))
	}
}

// The descriptions hold everything that is compared, so that both sides show what differs.

func describeActivity(name, input string, session, tag *string, policy string) string {
	description := fmt.Sprintf("activity '%s' with input %s", name, shorten(input))
	if session != nil {
		description += fmt.Sprintf(" on session '%s'", *session)
	}
	if tag != nil {
		description += fmt.Sprintf(" with tag '%s'", *tag)
	}
	if policy != "" {
		description += " with policy " + shorten(policy)
	}
	return description
}

func describeCleanup(message string) string { return "failed cleanup: " + shorten(message) }

func describeChild(name, input string) string {
	return fmt.Sprintf("suborchestration '%s' with input %s", name, shorten(input))
}

func describeDetached(name, instance, input string) string {
	return fmt.Sprintf("detached start '%s' as '%s' with input %s", name, instance, shorten(input))
}

func describeStatus(status *string) string {
	if status == nil {
		return "custom status that is reset"
	}
	return "custom status " + shorten(*status)
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
