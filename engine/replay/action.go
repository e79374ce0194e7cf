package replay

import "fmt"

// ActionKind numbers what code can ask for in a step. The numbers cross the border.
type ActionKind uint8

// The kinds of actions.
const (
	// Activity: Name, Input, Session, Tag, Value (the policy; nil: it is tried once).
	Activity ActionKind = 1
	// Timer: DelayMs, or Value, which is a moment in Unix milliseconds.
	Timer ActionKind = 2
	// WaitEvent: Name.
	WaitEvent ActionKind = 3
	// Dequeue: Name.
	Dequeue ActionKind = 4
	// SubOrchestration: Name, Version, Instance (nil: generated), Input.
	SubOrchestration ActionKind = 5
	// StartOrchestration is detached: Name, Version, Instance, Input. It has no token. With a Value it is a
	// start of a schedule: the instance begins with that as a message of history.ScheduleQueue, and an id
	// that is taken is told to the starter in its own queue of that name.
	StartOrchestration ActionKind = 6
	// ContinueAsNew: Input, Version. It has no token, and nothing after it counts.
	ContinueAsNew ActionKind = 7
	// SetCustomStatus: Value (nil: reset). It has no token.
	SetCustomStatus ActionKind = 8
	// SetValue: Name is the key, Value. It has no token.
	SetValue ActionKind = 9
	// ClearValue: Name is the key. It has no token.
	ClearValue ActionKind = 10
	// ClearValues has neither fields nor a token.
	ClearValues ActionKind = 11
	// Syscall: Name is newGuid, utcNow, getKvValue (then Instance and Value, which is the key), getStatus
	// (then Instance) or decide (then Value is the JSON text to record, nil in a replay: the code takes
	// what was recorded).
	Syscall ActionKind = 12
	// Drop: Token is that of an earlier action whose result is no longer wanted.
	Drop ActionKind = 13
	// CleanupFailed tells of a branch that nobody waits for any more: Input is what it threw, as text, and
	// Value as the host describes it. It has no token.
	CleanupFailed ActionKind = 14
	// Inline is an activity whose code is a closure of the orchestration code: Name.
	Inline ActionKind = 20
	// Send: Instance is whom to, Value what (history.SentMessage and its like), Name that of a queue or
	// signal, Input the data or the reason, Tag the key of a message. It has no token.
	Send ActionKind = 25
	// MakePromise has a token, by which the promise is named outside, and nothing else.
	MakePromise ActionKind = 26
	// Patch: Name, Value ("true" or "false"), what the code was told where nothing is recorded. It has no token.
	Patch ActionKind = 40
	// TryAgain answers the failure of an attempt: the activity with Token is tried again. Only the failure of
	// a live attempt is asked about, so no history knows of it.
	TryAgain ActionKind = 45
	// GiveUp does too: it was the last attempt. Value is the JSON text that describes what the decision
	// has thrown, and Input its text; nil where it has thrown nothing.
	GiveUp ActionKind = 46
)

// misplaced is what a panic says where an action has come that cannot come there: a kind was forgotten.
func (k ActionKind) misplaced(where string) string {
	return fmt.Sprintf("%s: no place for %s", where, k.word())
}

// Names of system calls in actions.
const (
	NewGUID   = "newGuid"
	UTCNow    = "utcNow"
	GetValue  = "getKvValue"
	GetStatus = "getStatus"
	Decide    = "decide"
)

// Action is one thing that code asked for, at the call, whether or not it waits for it.
type Action struct {
	Kind ActionKind
	// Token numbers the actions that are answered: 1, 2, 3 … in the order of an execution.
	Token uint64
	Name  string
	Input string
	// Value is a custom status, a stored value, the key of a remote read, the moment of a timer, what an
	// instance that a schedule starts is told, a policy, or a description.
	Value    *string
	Version  *string
	Instance *string
	Session  *string
	Tag      *string
	DelayMs  uint64
	// Location is where in the user's file the action was asked for; "" unless the run was to tell.
	Location string
}

// Delivery is the answer to an earlier action, or tells the code to stop.
type Delivery struct {
	// Token is that of the action; zero tells the code to stop, and Value is the reason.
	Token uint64
	OK    bool
	// Asks means that an attempt has failed: the code is to say whether there is another one.
	Asks bool
	// Value is JSON text for OK, else the failure's text.
	Value string
	// Details is what is told of a failure, history.Told as JSON, or "".
	Details string
	// TimeMs is the recorded time of the step that takes it: the same at every replay.
	TimeMs int64
}

// Answer is what a run produced.
type Answer struct {
	// Steps holds the actions of each step.
	Steps [][]Action
	// Done is set when the code returned or threw in the last step.
	Done bool
	// OK tells a return from a throw.
	OK bool
	// Output is the JSON text returned.
	Output string
	// Message and Details describe what was thrown.
	Message string
	Details string
	// Stopped says that what was thrown is the cancellation that the code was told of.
	Stopped bool
}
