// Package provider is the storage contract: what a store keeps and the operations that the engine
// needs from it. A store is a dumb, transactional keeper of histories, messages, tasks and a few
// materialised values. It decides nothing about orchestrations, makes no events, never looks
// into event or payload contents, and removes no duplicates.
//
// All correctness of the engine rests on four promises: one holder per instance at a time, a turn
// commits completely or not at all, a message is deleted only by the commit that processed it, and
// a stale token can do nothing.
//
// Vocabulary. A lease belongs to a node and has one end; instances and tasks are claimed under a
// lease, and all of them are free again when it ends. It lasts by the time that passes, whatever
// becomes of clocks, and longer where the store could not be written meanwhile (see package clock). A
// lease that has ended is never revived: its node opens another one with its next claim. An epoch counts the claims of one instance or task:
// key and epoch together are a token that no later claim shares.
//
// Lives. An instance id is a place, and a life is who lives there (history.Life). A start that is stored
// begins a life: from then on the instance exists, with the name, the version and the parent of the
// start. A place without a life may have messages that wait for one (see Patience). An id alone never
// suffices to say who is meant, because it may be somebody else's, or belong to a later life after a
// deletion. So a store compares lives where it accepts a message, and nobody else has to:
//
//   - A start for a free place is stored. One with the life that lives there is the same start again:
//     nothing is stored (Same). One with another life never touches the first: nothing is stored for
//     the target, but the Refusal of the start where it has one (Refused, else Taken).
//   - Any other message that names a life is stored only if that life is at its target, running or
//     ended; else it is dropped (Dropped). It never waits for a start.
//   - A message without a life is for whoever lives there, or will next.
//   - What ends somebody who has not begun (Message.Ends) is for whoever claims, with the start, which a
//     store brings forward where it was delayed, and all that waits with it: nobody has to have the code.
//     What ends it because its time is over (TimedOut) waits until then, and brings nothing forward.
//   - A life that is unknown, because an older release stored it, is any life. A commit gives such an
//     instance the life that it brings along.
//
// Deleting an instance ends its life: its messages, tasks and claims go with it, and its key is never
// used again.
package provider

import (
	"context"
	"time"

	"duroxide/history"
)

// Provider is one opened store. All methods are safe for concurrent use. Each returns either an
// error and has had no effect, or has succeeded completely; one refused call never fails another
// that was committed with it. Errors are *Error or wrap one of the sentinels of errors.go.
// A cancelled context means an unknown outcome, never half of one.
type Provider interface {
	Work
	Leases
	Upkeep
	Defaults
	State
	Management
	Repairs
	// Name gives the kind of store ("sqlite", "postgres", "memory") and a version text.
	Name() (name, version string)
	// Now gives the time of the store, with which due times are compared. It never goes back.
	Now() time.Time
	// Close finishes what was accepted and releases files and connections. Calls after it, and a
	// second Close, return ErrClosed.
	Close(ctx context.Context) error
}

// Work is what turns and activities need.
type Work interface {
	// Submit stores messages and, for targets that are free, claims them for the given holder.
	// It gives one Submitted for each message, in order.
	Submit(ctx context.Context, s Submission) ([]Submitted, error)
	// Claim takes ready instances and ready tasks for a holder. Nothing to claim is no error and
	// writes nothing. Tasks are taken fairly over instances: a task that begins to wait gets its turn
	// after one more of each instance that waits already, however many they have; those of one
	// instance go in the order of arrival. What was taken before and given back goes first. What the
	// holders do not serve is left alone, here and wherever else a call claims something.
	Claim(ctx context.Context, r ClaimRequest) (Claimed, error)
	// Begin counts an attempt for messages of a held instance, before code runs over them. It is for
	// suspects (see MostMarks): only what really was tried counts, and not what a dying process had
	// merely claimed. ErrLockLost.
	Begin(ctx context.Context, t Token, messages []uint64) error
	// BeginTask does the same for a held task. ErrLockLost.
	BeginTask(ctx context.Context, t Token) error
	// Commit writes one turn. ErrLockLost, ErrDuplicateEvent, ErrTaskLost (see *TaskLostError) and
	// ErrAlreadyCommitted mean that nothing was written by this call.
	Commit(ctx context.Context, c Commit) (Committed, error)
	// Complete deletes finished tasks and stores their outcomes as messages, each on its own: one
	// result per completion, in order, with Err set to ErrLockLost where the task was not held.
	Complete(ctx context.Context, c Completions) ([]Submitted, error)
	// Abandon gives claimed instances and tasks back. Tokens that are no longer valid are reported
	// in the result and change nothing.
	Abandon(ctx context.Context, a Abandonment) (Abandoned, error)
	// Pending gives the first page of the messages of a held instance that are due now, as Claim does. It
	// leaves out what cannot be read, and says so; where a page has nothing else, the holder has to give the
	// instance back: the next claim counts that, and hides it.
	Pending(ctx context.Context, t Token) (Page, error)
	// Load gives the whole history of one execution and the key-value layer that it started from
	// (the state at the end of the previous execution). ErrCorrupt: a row cannot be decoded, or is
	// missing. ErrNewer: a row is of a newer release. A store knows how many events it has written, and
	// never gives a shorter history.
	Load(ctx context.Context, instance string, execution uint64) (Record, error)
}

// Leases keeps claims alive.
type Leases interface {
	// Renew moves the end of a live lease to now+Extend, never backwards, and reports which of the
	// given tasks are no longer held. ErrLockLost: the lease has ended.
	Renew(ctx context.Context, r Renewal) (lost []Token, err error)
	// Held lists everything that is claimed under any lease of a node, ended or not. A holder whose
	// call ended with an unknown outcome finds here what it does not know of, and gives it back.
	Held(ctx context.Context, node string) (Held, error)
	// RenewSessions extends live sessions of the owners that were active within Idle; it gives
	// their number. Sessions that have ended are not revived.
	RenewSessions(ctx context.Context, r SessionRenewal) (int, error)
	// ReleaseSessions ends the live sessions of an owner that takes no more tasks, so that others can
	// have them at once; it gives their number.
	ReleaseSessions(ctx context.Context, owner string) (int, error)
	// CleanupSessions deletes ended sessions that no task refers to; it gives their number.
	CleanupSessions(ctx context.Context) (int, error)
}

// Upkeep is what runtimes do now and then.
type Upkeep interface {
	// Announce remembers the names of activities that a runtime has. Nothing is ever forgotten.
	Announce(ctx context.Context, activities []string) error
	// Overdue gives tasks that have waited long and that the asking node has no code for. Complete takes
	// their tokens as long as nobody has claimed them.
	Overdue(ctx context.Context, q OverdueQuery) ([]TaskClaim, error)
	// TakeOverdue takes instances that have been ready for long and that the asking node has no code for,
	// so that it can end them. Their formats are among those that it reads.
	TakeOverdue(ctx context.Context, q OverdueTurns) ([]InstanceClaim, error)
	// Join announces a runtime, or what has changed of it. It lives until it leaves, or its process ends:
	// the store sees that by itself.
	Join(ctx context.Context, node string, body []byte) error
	// Leave takes back what Join said.
	Leave(ctx context.Context, node string) error
	// Runtimes lists the runtimes that live, in the order in which they joined.
	Runtimes(ctx context.Context) ([]Presence, error)
	// SweepRuntimes forgets runtimes that have ended. Whoever has joined calls it once in SignOfLife.
	SweepRuntimes(ctx context.Context) error
}

// Defaults says which versions starts take that ask for none. What is stored means nothing to a store.
type Defaults interface {
	// SetDefault stores what is said of an orchestration; nil forgets it.
	SetDefault(ctx context.Context, orchestration string, body []byte) error
	// Defaults gives all of it, by orchestration.
	Defaults(ctx context.Context) (map[string][]byte, error)
}

// State is what clients read of one instance, and how they learn of changes.
type State interface {
	// Status gives the state of an instance, or nil. One whose first turn is not committed yet has
	// status NotCommitted.
	Status(ctx context.Context, instance string) (*Status, error)
	// Value gives a live value of the key-value store, or nil.
	Value(ctx context.Context, instance, key string) (*string, error)
	// Values gives all live values.
	Values(ctx context.Context, instance string) (map[string]string, error)
	// Stats gives sizes of an instance, or nil where none was committed yet.
	Stats(ctx context.Context, instance string) (*Stats, error)
	// Standing gives what an instance waits for, as far as the store knows, or nil where nobody lives there; of
	// its tasks those from an event on.
	// Where there is no current lease it may name the holder of one that has just ended.
	Standing(ctx context.Context, instance string, from uint64) (*Standing, error)
	// LastEvent gives the last event of an execution, or of the current one for zero; nil where there is
	// none. So the failure of an execution is known without its whole history.
	LastEvent(ctx context.Context, instance string, execution uint64) (*history.Event, error)
	// Answer gives the answer that is kept for a request of whoever lives at an id, as a message with a life, Data
	// and Failure, or nil.
	Answer(ctx context.Context, instance, request string) (*Message, error)
	// Watch calls changed after commits, until stop is called. It must return quickly and must not
	// call the provider. A change may be reported twice or for nothing; none is lost, but some
	// stores report the commits of other processes late.
	Watch(changed func(Change)) (stop func())
}

// Record is a stored execution.
type Record struct {
	Events []history.Event
	// Values is the base layer of the key-value store, by key.
	Values map[string]Value
}

// Value is one entry of the key-value store.
type Value struct {
	Data        string
	UpdatedAtMs int64
}

// Change tells watchers what a commit did.
type Change struct {
	// Instances lists ids whose custom status, values or answers may have changed, or that have ended or
	// were deleted. That an instance has had its first turn is no change: nobody waits for that.
	Instances []string
	// All means that any instance may have changed.
	All bool
	// Deleted means that another process has deleted instances: what this one holds may be gone.
	Deleted bool
	// Work means that there may be work that nobody holds. With TasksOnly it is tasks, so that nodes
	// without a free slot for activities need not look.
	Work      bool
	TasksOnly bool
	// NextDue is the earliest due time of delayed work that nobody holds, if this change added
	// any; zero means none.
	NextDue time.Time
}
