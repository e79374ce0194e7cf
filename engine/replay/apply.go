package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"duroxide/history"
)

// Limits of what code may ask for. Sizes are UTF-8 bytes.
const (
	MaxCustomStatusBytes = 262144
	MaxTagBytes          = 256
	MaxValueBytes        = 65536
	MaxKeys              = 150
)

// LimitError says that code broke a limit. The execution fails with Failure.
type LimitError struct{ Failure history.Failure }

// Error gives the text that names the limit.
func (e *LimitError) Error() string { return e.Failure.Message }

func limit(format string, args ...any) error {
	return &LimitError{Failure: history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind, Limit: true,
		Message: fmt.Sprintf(format, args...),
	}}
}

// Apply appends what a step asked for. A successor is given when the step continued as new; what
// the step asked for after that does not count. An error is a *LimitError or a *Divergence; what
// came before the offending action has been appended.
func (x *Execution) Apply(actions []Action, nowMs int64) (*Successor, error) {
	for i := range actions {
		a := &actions[i]
		if err := x.checkNames(a); err != nil {
			return nil, err
		}
		if a.Kind == ContinueAsNew {
			return &Successor{Input: a.Input, Version: a.Version}, nil
		}
		if err := x.apply(a, nowMs); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (x *Execution) apply(a *Action, nowMs int64) error {
	switch a.Kind {
	case Activity, Inline, Timer, WaitEvent, Dequeue, SubOrchestration, Syscall, MakePromise:
		return x.schedule(a, nowMs)
	case StartOrchestration:
		return x.detach(a, nowMs)
	case Send:
		return x.send(a, nowMs)
	case Patch:
		x.decide(a, nowMs)
		return nil
	case SetCustomStatus, SetValue, ClearValue, ClearValues:
		return x.change(a, nowMs)
	case Drop:
		x.drop(a.Token, nowMs)
		return nil
	case CleanupFailed:
		x.cleanupFailed(a, nowMs)
		return nil
	case TryAgain, GiveUp:
		return x.decideAttempt(a)
	case ContinueAsNew:
		return nil
	default:
		return x.diverged(0, fmt.Sprintf("unknown action kind %d", a.Kind))
	}
}

// schedule appends the scheduling event of an action that will be answered.
func (x *Execution) schedule(a *Action, nowMs int64) error {
	if a.Token != x.tokens+1 {
		return x.diverged(0, fmt.Sprintf("%s has token %d, expected %d", a.Kind.word(), a.Token, x.tokens+1))
	}
	s := &schedule{kind: a.Kind, name: a.Name, fresh: true}
	switch a.Kind {
	case Activity:
		if err := x.activity(a, s, nowMs); err != nil {
			return err
		}
	case Inline:
		s.event = x.append(0, nowMs, history.InlineActivityScheduled{Name: a.Name})
	case Timer:
		s.fireAtMs = due(a, nowMs)
		s.event = x.append(0, nowMs, history.TimerCreated{FireAtMs: s.fireAtMs})
		x.delta.Timers = append(x.delta.Timers, NewTimer{Event: s.event, FireAtMs: s.fireAtMs})
	case WaitEvent:
		s.event = x.append(0, nowMs, history.ExternalSubscribed{Name: a.Name})
		x.waits[a.Name] = append(x.waits[a.Name], s)
	case Dequeue:
		s.event = x.append(0, nowMs, history.QueueSubscribed{Name: a.Name})
		x.subscribe(s)
	case SubOrchestration:
		if err := x.child(a, s, nowMs); err != nil {
			return err
		}
	case Syscall:
		x.call(a, s, nowMs)
	case MakePromise:
		s.event = x.append(0, nowMs, history.PromiseMade{})
	case StartOrchestration, ContinueAsNew, SetCustomStatus, SetValue, ClearValue, ClearValues, Drop,
		CleanupFailed, Send, Patch, TryAgain, GiveUp:
		panic(a.Kind.misplaced("schedule"))
	default:
		panic(a.Kind.misplaced("schedule"))
	}
	x.add(s)
	if s.kind == Inline {
		x.delta.Inline = append(x.delta.Inline, s.inline())
	}
	return nil
}

func (x *Execution) activity(a *Action, s *schedule, nowMs int64) error {
	if a.Tag != nil && len(*a.Tag) > MaxTagBytes {
		return limit("Activity '%s' tag size (%d bytes) exceeds limit (%d bytes)", a.Name, len(*a.Tag), MaxTagBytes)
	}
	s.event = x.append(0, nowMs, history.ActivityScheduled{
		Name: a.Name, Input: a.Input, Session: a.Session, Tag: a.Tag, Policy: text(a.Value),
	})
	x.delta.Activities = append(x.delta.Activities, NewActivity{
		Event: s.event, Name: a.Name, Input: a.Input, Session: a.Session, Tag: a.Tag, Policy: text(a.Value),
	})
	x.limit(s, a, nowMs)
	return nil
}

func (x *Execution) child(a *Action, s *schedule, nowMs int64) error {
	recorded := x.childSuffix(x.last + 1)
	s.instance = x.params.Instance + "::" + recorded
	if a.Instance != nil {
		if strings.HasPrefix(*a.Instance, history.ReservedChildMarker) {
			return limit("sub-orchestration instance id '%s' starts with the reserved marker 'sub::',"+
				" which the runtime uses to mark auto-generated child ids; use an id that does not begin with it", *a.Instance)
		}
		recorded, s.instance = *a.Instance, *a.Instance
	}
	number := x.nextStart()
	s.life = x.params.Life.Started(number)
	s.event = x.append(0, nowMs, history.SubOrchestrationScheduled{
		Name: a.Name, Instance: recorded, Input: a.Input, Version: a.Version, Number: number,
	})
	x.delta.Children = append(x.delta.Children, NewInstance{
		Event: s.event, Instance: s.instance, Life: s.life, Name: a.Name, Version: a.Version, Input: a.Input,
	})
	return nil
}

// nextStart numbers the starts of other instances.
func (x *Execution) nextStart() uint64 {
	x.starts++
	x.delta.Starts = x.starts
	return x.starts
}

func (x *Execution) childSuffix(event uint64) string {
	if x.params.Execution == 1 {
		return fmt.Sprintf("%s%d", history.ReservedChildMarker, event)
	}
	return fmt.Sprintf("%s%d_%d", history.ReservedChildMarker, x.params.Execution, event)
}

// syscallActivities are the names under which system calls stand in histories.
var syscallActivities = map[string]string{
	NewGUID:   history.SyscallNewGUID,
	UTCNow:    history.SyscallUTCNow,
	GetValue:  history.SyscallGetKeyValue,
	GetStatus: history.SyscallGetStatus,
	Decide:    history.SyscallDecide,
}

// remoteRead is the recorded input of GetValue, and with an empty key that of GetStatus.
type remoteRead struct {
	Instance string `json:"instance_id"`
	Key      string `json:"key"`
}

// call appends a system call and queues it for an answer in the same turn.
func (x *Execution) call(a *Action, s *schedule, nowMs int64) {
	if a.Instance != nil {
		s.instance = *a.Instance
	}
	if a.Value != nil {
		s.key = *a.Value
	}
	s.event = x.append(0, nowMs, history.ActivityScheduled{Name: syscallActivities[a.Name], Input: syscallInput(a)})
	x.calls = append(x.calls, s)
}

func syscallInput(a *Action) string {
	isRead := a.Name == GetStatus || a.Name == GetValue && a.Value != nil
	if !isRead || a.Instance == nil {
		return "null"
	}
	read, err := json.Marshal(remoteRead{Instance: *a.Instance, Key: text(a.Value)})
	if err != nil { // Two strings always have a JSON text.
		return "null"
	}
	return string(read)
}

// due gives the moment of a timer, which for a given one may be over. What is no number is a timer of zero.
func due(a *Action, nowMs int64) int64 {
	if a.Value == nil {
		return after(nowMs, a.DelayMs)
	}
	atMs, err := strconv.ParseInt(*a.Value, 10, 64)
	if err != nil {
		return nowMs
	}
	return max(atMs, nowMs)
}

// after adds a delay to a time and stays at the largest time instead of overflowing.
func after(nowMs int64, delayMs uint64) int64 {
	if delayMs > uint64(math.MaxInt64-nowMs) { //nolint:gosec // a time is never negative
		return math.MaxInt64
	}
	return nowMs + int64(delayMs) //nolint:gosec // bounded above
}

func (x *Execution) detach(a *Action, nowMs int64) error {
	instance := text(a.Instance)
	if strings.HasPrefix(instance, history.ReservedChildMarker) ||
		strings.Contains(instance, history.ReservedChildMarkerInside) {
		return &LimitError{Failure: history.Failure{
			Category: history.Application, Kind: history.PanickedKind,
			Message: fmt.Sprintf("detached orchestration instance id '%s' uses the reserved sub-orchestration marker 'sub::';"+
				" root instance ids must not start with it or contain '::sub::'", instance),
		}}
	}
	number := x.nextStart()
	x.append(0, nowMs, history.OrchestrationChained{
		Name: a.Name, Instance: instance, Input: a.Input, Version: a.Version, Number: number,
	})
	x.delta.Detached = append(x.delta.Detached, NewInstance{
		Instance: instance, Life: x.params.Life.Started(number), Name: a.Name, Version: a.Version, Input: a.Input,
		Schedule: a.Value,
	})
	return nil
}

// change appends a change of the custom status or of the key-value store.
func (x *Execution) change(a *Action, nowMs int64) error {
	switch a.Kind {
	case SetCustomStatus:
		if size := len(text(a.Value)); size > MaxCustomStatusBytes {
			return limit("Custom status size (%d bytes) exceeds limit (%d bytes)", size, MaxCustomStatusBytes)
		}
		x.append(0, nowMs, history.CustomStatusUpdated{Status: a.Value})
		x.customStatus = a.Value
		x.delta.CustomStatus = &CustomStatusChange{Status: a.Value}
		return nil
	case SetValue:
		return x.setValue(a.Name, text(a.Value), nowMs)
	case ClearValue:
		x.append(0, nowMs, history.KeyValueCleared{Key: a.Name})
		delete(x.keys, a.Name)
		x.delta.Values = append(x.delta.Values, ValueChange{Key: a.Name, UpdatedAtMs: nowMs})
		return nil
	case ClearValues:
		x.append(0, nowMs, history.KeyValuesCleared{})
		clear(x.keys)
		x.delta.Values = append(x.delta.Values, ValueChange{All: true, UpdatedAtMs: nowMs})
		return nil
	case Activity, Inline, Timer, WaitEvent, Dequeue, SubOrchestration, StartOrchestration, ContinueAsNew, Syscall, Drop,
		CleanupFailed, Send, Patch, MakePromise, TryAgain, GiveUp:
		panic(a.Kind.misplaced("change"))
	default:
		panic(a.Kind.misplaced("change"))
	}
}

func (x *Execution) setValue(key, value string, nowMs int64) error {
	if len(value) > MaxValueBytes {
		return limit("KV value for key '%s' (%d bytes) exceeds limit (%d bytes)", key, len(value), MaxValueBytes)
	}
	if _, ok := x.keys[key]; !ok && len(x.keys) >= MaxKeys {
		return limit("KV key count (%d) exceeds limit (%d)", len(x.keys)+1, MaxKeys)
	}
	x.append(0, nowMs, history.KeyValueSet{Key: key, Value: value, UpdatedAtMs: nowMs})
	x.keys[key] = struct{}{}
	x.delta.Values = append(x.delta.Values, ValueChange{Key: key, Value: &value, UpdatedAtMs: nowMs})
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
