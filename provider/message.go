package provider

import (
	"fmt"

	"duroxide/history"
)

// MessageKind numbers the kinds of messages. The numbers are stored and never reused.
type MessageKind uint8

// The kinds of messages.
const (
	// StartInstance starts an instance: Life, Name, Version, Input, Parent, Refusal.
	StartInstance MessageKind = 1
	// ContinueInstance starts the next execution: Execution, Name, Version, Input, Parent, Carried,
	// CustomStatus.
	ContinueInstance MessageKind = 2
	// ActivityDone answers a scheduled activity: Execution, Source, Data or Failure.
	ActivityDone MessageKind = 3
	// TimerDue answers a timer: Execution, Source, DueMs. With a Name it is the alarm of this limit of the
	// activity Source. With a Source of zero it answers none: it brings an instance back whose turn was
	// committed in parts, and not to its end, or one with inline activities.
	TimerDue MessageKind = 4
	// EventRaised is a signal: Name, Data.
	EventRaised MessageKind = 5
	// QueueEvent is a queue message: Name, Data.
	QueueEvent MessageKind = 6
	// ChildDone answers a scheduled child: Execution (of the parent), Source, From, Data or Failure.
	ChildDone MessageKind = 7
	// CancelInstance asks an instance to stop: Data is the reason, Stop says how. With a Parent it comes
	// from there, and only a child with this very link takes it.
	CancelInstance MessageKind = 8
	// PromiseSettled answers a promise of a life: Execution, Source (its number there), Data or Failure.
	PromiseSettled MessageKind = 20
	// RequestAnswered answers the request that is its Key: Data or Failure. It goes to nobody: the store keeps
	// it with its key, the first one, and State.Answer gives it.
	RequestAnswered MessageKind = 21
	// RequestWithdrawn takes back the message of the request Data from the queue Name, if it is unread.
	RequestWithdrawn MessageKind = 22
)

// IsKnown reports whether this version knows a kind.
func (k MessageKind) IsKnown() bool {
	return k >= StartInstance && k <= CancelInstance || k >= PromiseSettled && k <= RequestWithdrawn
}

// Stop says how an instance is to stop. The numbers are stored.
type Stop uint8

// The ways to stop.
const (
	// AsRegistered is a cancellation that leaves the rest to the instance.
	AsRegistered Stop = 0
	// AtOnce is a termination: the instance ends whatever its code says.
	AtOnce Stop = 1
	// InTime is a cancellation with a time to clean up, GraceMs.
	InTime Stop = 2
	// TimedOut is AsRegistered once the time of the instance is over. It is stored with the start and due then,
	// so it begins nothing that is delayed.
	TimedOut Stop = 3
)

// TimeOut makes the message that ends a life once its time is over.
func TimeOut(instance string, life history.Life, t history.Timeout) Message {
	return Message{
		Instance: instance, Life: life, Kind: CancelInstance, Stop: TimedOut, DueMs: t.AtMs,
		Data: fmt.Sprintf("the instance has not ended within %d ms", t.Ms),
	}
}

// StopFailure gives the failure of who is ended by a CancelInstance at once.
func (m *Message) StopFailure() *history.Failure {
	switch m.Stop {
	case AtOnce:
		return history.Terminated(m.Data)
	case TimedOut:
		return history.TimedOut(m.Data)
	case AsRegistered, InTime:
	}
	return history.Cancelled(m.Data)
}

// Resumption makes the message that brings an instance back and says nothing.
func Resumption(instance string, life history.Life, execution uint64) Message {
	return Message{Instance: instance, Life: life, Kind: TimerDue, Execution: execution}
}

// IsResumption reports whether a message is a Resumption.
func (m *Message) IsResumption() bool { return m.Kind == TimerDue && m.Source == 0 && m.Name == "" }

// reminderName tells a Reminder from a Resumption.
const reminderName = "reminder"

// Reminder makes the message that stays with an instance as long as it has inline activities open: whoever
// holds the instance runs them, and when that one has ended, the message makes another one take it up.
// suspected says that they are suspects already, whatever the marks of the message.
func Reminder(instance string, life history.Life, execution uint64, suspected bool) Message {
	m := Message{Instance: instance, Life: life, Kind: TimerDue, Execution: execution, Name: reminderName}
	if suspected {
		m.Data = "suspected"
	}
	return m
}

// IsReminder reports whether a message is a Reminder.
func (m *Message) IsReminder() bool {
	return m.Kind == TimerDue && m.Source == 0 && m.Name == reminderName
}

// Suspects reports whether the inline activities that a Reminder stands for are suspects (see MostMarks).
func (m *Message) Suspects() bool { return m.Marks >= MostMarks || m.Data != "" }

// Message is an entry of the orchestrator queue, always for one instance.
type Message struct {
	// ID is given by the store and grows with arrival order per instance.
	ID uint64
	// Instance is the target.
	Instance string
	// Life is who is meant at the target: of a start, who begins to live there. Zero means whoever
	// lives there, now or next. See package provider for what a store checks.
	Life history.Life
	// From is the life of the child that a ChildDone is about.
	From history.Life
	// Refusal says what is stored in place of a start that finds somebody else at its target. It is not
	// stored with the start.
	Refusal *Refusal
	// IfRunning drops the message where its target has ended. It is not stored either.
	IfRunning bool
	Kind      MessageKind
	// Execution and Source (event id) name what a completion answers.
	Execution uint64
	Source    uint64
	Name      string
	// Version is nil for "the registry's choice".
	Version *string
	Input   string
	// Data is a result, a payload, or a reason.
	Data string
	// Stop is that of a CancelInstance, GraceMs is for InTime.
	Stop    Stop
	GraceMs uint64
	// Key, if not empty, is by what a message is known again that is sent twice; see KeyRetention. It is
	// not stored with the message.
	Key string
	// Failure is set instead of Data when a completion reports a failure.
	Failure      *history.Failure
	Parent       *history.Parent
	Carried      []history.Carried
	CustomStatus *string
	// Headers is the JSON text of what travels with what begins an execution, or "".
	Headers string
	// Timeout is the time limit of what begins.
	Timeout history.Timeout

	// DueMs is when the message becomes visible, in Unix milliseconds; zero means at once. The
	// store sets it to the arrival time then, so that it always is the effective time. Arrival times
	// are those of the store, so that messages of several processes are in the order of arrival.
	DueMs int64
	// Level is the lowest format level that reads the message. A store raises that of the target to it,
	// and does not give it back.
	Level uint64
	// Attempts is the stored number of attempts, Marks that of marks; see InstanceClaim.
	Attempts int
	Marks    int
}

// Refusal is what is stored instead of a start whose target belongs to another life.
type Refusal struct {
	// Running is for a target that has not ended, Ended for one that has.
	Running, Ended Message
}

// For gives the message for a target with a status.
func (r *Refusal) For(s ExecutionStatus) *Message {
	if s == Completed || s == Failed {
		return &r.Ended
	}
	return &r.Running
}

// Task is an entry of the worker queue.
type Task struct {
	// ID is given by the store and grows with arrival order.
	ID       uint64
	Instance string
	// Life is that of the instance; zero where an older release wrote the task.
	Life      history.Life
	Execution uint64
	// Event is the id of the scheduling event.
	Event uint64
	Name  string
	Input string
	// Session is nil for a task that any worker may run.
	Session *string
	// Tag is nil for the default route.
	Tag *string
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
	// Orchestration and Version are those of the scheduling execution.
	Orchestration string
	Version       string
	// Progress is nil for a task without a policy. It is not among the task's own bytes.
	Progress *Progress
	// Heartbeat is what its activity has last said of itself (Renewal.Heartbeats), or nil. It is not among
	// the task's own bytes either.
	Heartbeat *string
}
