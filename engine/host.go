package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Why a call of a Host has no answer.
var (
	// ErrHostGone means that the environment that runs user code has ended.
	ErrHostGone = errors.New("the host of user code is gone")
	// ErrTakenBack means that the call was taken back: user code has not begun it, and never will.
	ErrTakenBack = errors.New("taken back from a host that does not answer")
	// ErrUnheard means that the run has ended, but that its answer is on a thread that gives no sign
	// of life: the generator is ahead of what is known of it. A late answer is dropped.
	ErrUnheard = errors.New("the answer cannot be had from a host that does not answer")
)

// Host runs user code, on one thread. The engine calls it from many goroutines; each call blocks
// its goroutine until user code has answered, the context ends, the host is gone (ErrHostGone) or
// TakeBack ends the call.
type Host interface {
	// Run advances one resident generator, or makes it first (Open). The answer has one step for
	// the start, if there was one, and one for each delivery that was taken: fewer than were given
	// when a step asked for something that must be answered first, or when the code ended.
	Run(ctx context.Context, r RunRequest) (replay.Answer, error)
	// Drop forgets a resident generator. It does not wait.
	Drop(resident uint64)
	// Activity runs one activity to its end. When ctx ends, the call returns at once with the
	// context's error; the function may go on and its result is dropped. The host runs as many at a
	// time as the runtime has worker slots; it is given a few more, so that a slot which comes free
	// goes on without asking.
	Activity(ctx context.Context, c ActivityCall) (ActivityResult, error)
	// CancelActivity tells a running activity that its result is no longer wanted. A call that user
	// code has not begun is taken back: it ends with ErrTakenBack. It does not wait. Whoever calls it
	// has set ActivityCall.Unwanted before, so that a call on its way here is taken back too.
	CancelActivity(token uint64, reason string)

	// Pulse tells whether the thread gives signs of life. It is always the same one.
	Pulse() *Pulse
	// TakeBack ends every call of this runtime that user code has not begun, with ErrTakenBack, and
	// every run whose code has ended without the answer having come, with ErrUnheard. Later calls
	// return ErrTakenBack too, until the next sign of life. What has begun goes on. It does not wait.
	TakeBack()
	// Running gives the user code that holds the thread, whatever runtime it belongs to. Where that is
	// not certain, because activities go on after they have waited for something, it gives the
	// activities that have begun and not ended; they may be none.
	Running() (running []Running, certain bool)
}

// Running is user code that has begun and not ended.
type Running struct {
	Invocation Invocation
	// Activity is the name of the activity, or "" for orchestration code; ID is the event id of its
	// scheduling event.
	Activity string
	ID       uint64
}

// RunRequest is one run of a generator until every path is blocked.
type RunRequest struct {
	// Invocation identifies this run for traces; it is unique in the process.
	Invocation Invocation
	// Resident names the living generator; unique in the process, never zero.
	Resident uint64
	// Open, if set, makes the generator anew: the run begins with a step of its own.
	Open *Opening
	// Deliveries are taken in order, one step each.
	Deliveries []replay.Delivery
	// ReplaySteps is the number of leading steps whose traces were already shown.
	ReplaySteps int
	// Locate asks for the location of each action. It is dear, and for error texts only.
	Locate bool
}

// Opening describes an execution to user code.
type Opening struct {
	// Life is who lives at the instance id.
	Life         history.Life
	Input        string
	CustomStatus *string
	// StartedMs is the recorded time of the start.
	StartedMs int64
	// LongNames says that names have no limit in this execution, which began before there was one.
	LongNames bool
	// Rules and StrictValues are what the start of the execution has fixed.
	Rules        uint64
	StrictValues bool
	// Patches are the answers that the execution has recorded.
	Patches map[string]bool
	// Schedule is what a schedule has told the instance that it has started; nil for others.
	Schedule *string
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
	// Values is the key-value store at the start of the execution, in key order.
	Values []KeyValue
}

// KeyValue is one entry of the key-value store.
type KeyValue struct {
	Key         string
	Value       string
	UpdatedAtMs int64
}

// Invocation says on whose behalf user code runs: what traces and context getters show.
type Invocation struct {
	// Token is unique in the process and never reused.
	Token     uint64
	Instance  string
	Execution uint64
	Name      string
	Version   string
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
}

// ActivityCall is one attempt of an activity.
type ActivityCall struct {
	Invocation Invocation
	Activity   string
	// ID is the event id of the scheduling event, Life who lives at the instance.
	ID       uint64
	Life     history.Life
	Input    string
	WorkerID string
	Session  *string
	Tag      *string
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
	// Resident and Action name the closure of an inline activity: the living generator, and the token of the
	// action that asked for it. Zero means that the activity is registered.
	Resident, Action uint64
	// Attempt is 1 for the first. Progress is nil where there is no policy.
	Attempt  int
	Progress *provider.Progress
	// Unwanted is set when the result is no longer wanted. Nil means that it always is.
	Unwanted *atomic.Bool
	// Heartbeat is what an attempt before has last said of itself, as JSON, or nil.
	Heartbeat *string
	// Say takes what this one says of itself. It is safe for concurrent use, and only touches memory.
	Say func(details string)
}

// IsUnwanted reports whether the result is no longer wanted.
func (c *ActivityCall) IsUnwanted() bool { return c.Unwanted != nil && c.Unwanted.Load() }

// ActivityResult is the outcome of an attempt: a JSON text, or an error.
type ActivityResult struct {
	OK    bool
	Value string
	// Message and Details describe the error; Details is a JSON object or "".
	Message string
	Details string
	// Took is how long the function itself ran.
	Took time.Duration
	// Retries means that the policy has another attempt after the pause, Asks that it is for the code to
	// decide about that.
	Retries, Asks bool
	PauseMs       uint64
	// Returned means that the activity was not begun, because no slot came free for it soon, or because the
	// generator with its closure is not there any more.
	Returned bool
}
