package replay

import (
	"fmt"

	"duroxide/history"
)

// Delta is what one turn adds: the events, and everything that must happen with their commit.
type Delta struct {
	Events []history.Event
	// Starts is the number of the last start of another instance; zero means that there was none.
	Starts uint64
	// Activities, Inline, Timers and Children were scheduled by this turn and are still wanted.
	Activities []NewActivity
	Inline     []OpenInline
	Timers     []NewTimer
	Children   []NewInstance
	// Detached starts happen whatever becomes of the execution.
	Detached []NewInstance
	// Sent is for other instances, whatever becomes of the execution.
	Sent []Sending
	// CancelActivities, CancelInline and DropTimers name schedules of earlier turns by event id.
	CancelActivities []uint64
	CancelInline     []uint64
	// Retries are activities whose failed attempt is not the last one.
	Retries    []Retried
	DropTimers []uint64
	// CancelChildren lists children of earlier turns.
	CancelChildren []ChildCancel
	Values         []ValueChange
	// CancellingChanged says that what Cancelling gives has changed.
	CancellingChanged bool
	// CustomStatus is the last change of the turn; nil means unchanged.
	CustomStatus *CustomStatusChange
	// Ending is set when the turn ended the execution.
	Ending *Ending
}

// NewActivity is an activity to run.
type NewActivity struct {
	Event   uint64
	Name    string
	Input   string
	Session *string
	Tag     *string
	// Policy is "" for an activity that is tried once, and without limits.
	Policy string
	// SinceMs is when it was scheduled.
	SinceMs int64
}

// Retried is an activity that is tried again, after a pause.
type Retried struct {
	Event   uint64
	DelayMs uint64
}

// NewTimer is a timer to set.
type NewTimer struct {
	Event    uint64
	FireAtMs int64
	// Limit says of which limit of an activity it is; "" for a timer that code has set.
	Limit string
}

// NewInstance is an orchestration to start. Event is zero for a detached one.
type NewInstance struct {
	Event    uint64
	Instance string
	Life     history.Life
	Name     string
	Version  *string
	Input    string
	// Schedule is what an instance is told that a schedule starts; nil for others.
	Schedule *string
}

// ChildCancel is a child to cancel.
type ChildCancel struct {
	Instance string
	Life     history.Life
	// Event is the scheduling event.
	Event  uint64
	Reason string
}

// ValueChange is one change of the key-value store: a set (Value not nil), the clearing of a key,
// or, with All, of every key.
type ValueChange struct {
	All         bool
	Key         string
	Value       *string
	UpdatedAtMs int64
}

// CustomStatusChange sets the custom status; nil resets it.
type CustomStatusChange struct{ Status *string }

// EndKind says how an execution ends.
type EndKind uint8

// The ways to end.
const (
	Completed EndKind = iota + 1
	Failed
	Continued
)

// unknown is what a panic says of a kind that was forgotten.
func (k EndKind) unknown() string { return fmt.Sprintf("unknown end kind %d", k) }

// Ending is how an execution ends, and what it leaves.
type Ending struct {
	Kind EndKind
	// Output is the result of Completed.
	Output string
	// Failure is that of Failed.
	Failure *history.Failure
	// Successor is that of Continued.
	Successor *Successor
}

// Successor is what the next execution starts from.
type Successor struct {
	Input string
	// Version is nil for "the registry's choice".
	Version      *string
	Carried      []history.Carried
	CustomStatus *string
}

// Take gives what the running turn has added and begins a new turn. It is called once the turn is
// committed, or to commit it; an execution whose commit was refused must be thrown away.
func (x *Execution) Take() Delta {
	d := x.delta
	x.delta = Delta{}
	for _, s := range x.fresh {
		s.fresh = false
	}
	x.fresh = nil
	return d
}

// Added gives the number of events that the running turn has added.
func (x *Execution) Added() int { return len(x.delta.Events) }

// Dirty reports whether the running turn has added anything.
func (x *Execution) Dirty() bool { return len(x.delta.Events) > 0 }
