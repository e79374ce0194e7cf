package provider

import (
	"time"

	"duroxide/history"
)

// ExecutionStatus is the state of an execution.
type ExecutionStatus uint8

// The states of an execution. The numbers are stored.
const (
	// NotCommitted: there are at most messages for the instance.
	NotCommitted   ExecutionStatus = 0
	Running        ExecutionStatus = 1
	Completed      ExecutionStatus = 2
	Failed         ExecutionStatus = 3
	ContinuedAsNew ExecutionStatus = 4
)

// String gives the name that users see.
func (s ExecutionStatus) String() string {
	switch s {
	case Running:
		return "Running"
	case Completed:
		return "Completed"
	case Failed:
		return "Failed"
	case ContinuedAsNew:
		return "ContinuedAsNew"
	case NotCommitted:
		return "Unknown"
	default:
		return "Unknown"
	}
}

// IsFinal reports whether the status ends an execution.
func (s ExecutionStatus) IsFinal() bool {
	return s == Completed || s == Failed || s == ContinuedAsNew
}

// Commit is one turn of a held instance: everything in it happens, or nothing.
type Commit struct {
	// Token must be a valid claim under a live lease.
	Token Token
	// Execution is the execution that the turn ran. It may be one above the stored one.
	Execution uint64
	// LastEvent is the highest event id of that execution before this turn; zero for a new one. If
	// the stored one differs, the commit is refused with ErrDuplicateEvent (or ErrAlreadyCommitted).
	LastEvent uint64
	// Events are appended in order. Ids must rise strictly, from above LastEvent.
	Events []history.Event
	// Life is given to an instance whose life is unknown, because an older release started it.
	Life history.Life
	// Starts is the highest number of a start that this life has used. The stored one never falls.
	Starts uint64
	// Level is the lowest format level that reads what this turn writes: that of its format, not that of
	// who writes. The stored one never falls.
	Level uint64

	// Messages are the ids of the consumed messages; each must exist.
	Messages []uint64
	// Tasks are the finished tasks whose outcomes this turn consumed from memory. If one of them is
	// no longer held, the commit is refused with a *TaskLostError.
	Tasks []Token

	// Started describes the execution; set in its first turn.
	Started *Started
	// Outcome sets status and output of the execution; nil leaves them.
	Outcome *Outcome
	// CustomStatus, if set, changes the custom status and raises its version by one.
	CustomStatus *CustomStatusChange
	// Values are changes of the key-value store, in order. With a final Outcome the layer of the
	// current execution then becomes the base of the next one.
	Values []ValueChange

	// NewTasks are inserted; those with Claim are taken for TaskHolder at once.
	NewTasks []NewTask
	// CancelTasks are event ids of this execution whose tasks are deleted, held or not, after
	// NewTasks were inserted.
	CancelTasks []uint64
	// Retries are tasks of this execution that waited for a decision and are tried again.
	Retries []Retry
	// DropTimers are event ids of this execution whose TimerDue messages are deleted.
	DropTimers []uint64
	// DropTimeout deletes the TimedOut message that is not due yet, with the end of an instance.
	DropTimeout bool
	// Send are messages for this or other instances, in order.
	Send []Message

	// Cancelling, if set, says that the instance is being cancelled. It stands until the instance has ended.
	Cancelling *Cancelling
	// Patches, if set, are all answers that the execution has been given at its patches.
	Patches map[string]bool
	// Hold, if set, holds the instance; it goes with Release, and without Events and an Outcome. A commit
	// without it ends a hold.
	Hold *Hold

	// TurnHolder, if set, claims free targets of Send for this node.
	TurnHolder *Holder
	// TaskHolder takes the new tasks that are marked.
	TaskHolder *Holder
	// Release gives the instance back with this commit.
	Release bool
}

// IsAwaited reports whether the turn changes what clients may wait for.
func (c *Commit) IsAwaited() bool {
	return (c.Outcome != nil && c.Outcome.Status.IsFinal()) || c.CustomStatus != nil || len(c.Values) > 0 ||
		c.Cancelling != nil
}

// Started describes an execution at its first turn.
type Started struct {
	Name    string
	Version string
	// Parent is nil for root instances. What the start said stands; this is for instances that an
	// older release started.
	Parent *history.Parent
}

// Outcome is a status and what goes with it.
type Outcome struct {
	Status ExecutionStatus
	// Output is the result, the failure's display text, or the successor's input.
	Output string
}

// CustomStatusChange sets the custom status; nil resets it.
type CustomStatusChange struct{ Status *string }

// ValueChange is one change of the key-value store: a set (Value not nil), the clearing of a key,
// or, with All, the clearing of every key.
type ValueChange struct {
	All         bool
	Key         string
	Value       *string
	UpdatedAtMs int64
}

// Retry makes the task of an event due after Delay, if it waits for a decision (see Completion.Kept).
type Retry struct {
	Event uint64
	Delay time.Duration
}

// NewTask is a task to insert.
type NewTask struct {
	Task Task
	// Claim takes it for the commit's TaskHolder. The holder must serve it and Route match, or it stays
	// unclaimed.
	Claim bool
	// Route is the worker's route, checked by the store where Claim is set.
	Route Route
}

// Committed is the result of a Commit.
type Committed struct {
	// Tasks gives, for each new task in order, its claim, or nil where it was left unclaimed (or
	// cancelled by the same commit).
	Tasks []*TaskClaim
	// TaskLease is the lease of those claims, possibly new; zero where none was claimed.
	TaskLease LeaseID
	// Sent gives one result for each message of Send.
	Sent []Submitted
	// TurnLease is the lease of claims in Sent, possibly new; zero where none was claimed.
	TurnLease LeaseID
	// Work means that with Release the instance still has due messages.
	Work bool
}
