package provider

import (
	"context"
	"time"

	"duroxide/history"
)

// Management lists, inspects and deletes. Unknown ids give ErrInstanceNotFound or
// ErrExecutionNotFound unless a method says otherwise. An instance is there from the moment at which
// its start is stored: until its first turn is committed its status is NotCommitted, its execution
// zero, its version empty unless the start asks for one. Messages alone are no instance.
type Management interface {
	// List gives instances, newest first.
	List(ctx context.Context, q ListQuery) ([]string, error)
	// Summaries gives a page of instances, with what Instance says of them but for their output. With a Limit
	// it looks at a bounded number of instances, so that a page may have fewer than asked for, or none, though
	// others follow. What was failed by an older release fits every Failure.
	Summaries(ctx context.Context, q ListQuery) (SummaryPage, error)
	// Count counts, in any order, a part of the instances that a query without IDs and Limit selects: a
	// bounded number behind its After. What was failed by an older release is of no Failure.
	Count(ctx context.Context, q ListQuery, by Grouping) (Counted, error)
	// Instance describes one instance.
	Instance(ctx context.Context, instance string) (InstanceInfo, error)
	// Executions lists execution ids, ascending; empty for unknown instances.
	Executions(ctx context.Context, instance string) ([]uint64, error)
	// Execution describes one execution.
	Execution(ctx context.Context, instance string, execution uint64) (ExecutionInfo, error)
	// History gives the events of one execution, or of the current one for zero; empty for unknown.
	// ErrCorrupt as for Load.
	History(ctx context.Context, instance string, execution uint64) ([]history.Event, error)
	// Children lists direct children; empty for unknown instances.
	Children(ctx context.Context, instance string) ([]string, error)
	// Metrics counts over the whole store.
	Metrics(ctx context.Context) (Metrics, error)
	// Size gives how many bytes the store takes on disk; zero for one in memory.
	Size(ctx context.Context) (int64, error)
	// Depths counts messages and tasks that are not claimed.
	Depths(ctx context.Context) (Depths, error)
	// Delete deletes exactly the listed instances with all that belongs to them, in one transaction.
	// Unknown ids are ignored. ErrStillRunning (unless force): one runs, and its parent is not listed; a
	// child that is listed with its parent is winding down. ErrOrphanedChild.
	Delete(ctx context.Context, d Deletion) (Deleted, error)
	// Prune deletes old executions of one instance: never the current one, never a running one.
	Prune(ctx context.Context, instance string, o PruneOptions) (Pruned, error)
}

// Repairs takes back what has happened to an instance.
type Repairs interface {
	// Resume ends the hold of an instance, so that everybody may take it again; false where it is not held.
	// ErrInstanceNotFound.
	Resume(ctx context.Context, instance string) (bool, error)
	// Repair gives instances another history, all of them in one transaction. Their claims end, and those of
	// their tasks, which go. ErrChanged: one of them, or of what they wait for, is not as it is said to be, or the
	// execution that is meant is not stored any more.
	Repair(ctx context.Context, r Repair) error
	// InUse counts instances that have not ended by orchestration and version, in this order, with their answers
	// at patches; "" is all orchestrations.
	InUse(ctx context.Context, name string) ([]InUse, error)
}

// InUse counts the instances that have not ended of one version of an orchestration.
type InUse struct {
	Name string
	// Version is "" for what has not begun and leaves the choice to the registry.
	Version string
	// Running are all of them, Held those that are held.
	Running int
	Held    int
	// Oldest is when the first of them was made.
	Oldest time.Time
	// Patches counts those that have been answered at a patch in their current execution, by its name. Nil is
	// none.
	Patches map[string]PatchUse
}

// Repair is what one repair changes.
type Repair struct {
	Rewrites []Rewrite
	// Running are children that must not have ended, and that nobody has asked to stop.
	Running []Place
}

// Place names who lives somewhere.
type Place struct {
	Instance string
	Life     history.Life
}

// Rewrite is what becomes of one instance.
type Rewrite struct {
	Place
	// Execution, LastEvent and Status are those that it must have.
	Execution uint64
	LastEvent uint64
	Status    ExecutionStatus

	// Events replace the history of the execution, which runs again. Level is the lowest format level that
	// reads them.
	Events []history.Event
	Level  uint64
	// Current, if it is not zero, is the execution that the instance must be in, to which LastEvent and Status
	// belong then. Executions after Execution go.
	Current uint64
	// Started, if set, is what the execution is one of, where the instance may be of another version by now.
	Started *Started
	// Fresh makes the instance, with this execution as its only one; then LastEvent and Status say nothing,
	// and Started is set. ErrChanged: somebody lives there.
	Fresh bool
	// Base is the key-value layer that the execution starts from. Live, if set, replaces the live values,
	// and CustomStatus changes that.
	Base         map[string]Value
	Live         map[string]Value
	CustomStatus *CustomStatusChange
	// Tasks are inserted, and Send are messages that are stored, after all messages of the instance are
	// deleted that are no input from outside.
	Tasks []Task
	Send  []Message
	// Forget are hashes of keys of messages that count no more; see Message.KeyHash.
	Forget [][]byte
}

// At gives the execution that the instance must be in.
func (w *Rewrite) At() uint64 {
	if w.Current > 0 {
		return w.Current
	}
	return w.Execution
}

// Start gives the message that would have begun a fresh instance.
func (w *Rewrite) Start() Message {
	return Message{
		Kind: StartInstance, Instance: w.Instance, Life: w.Life, Level: w.Level,
		Name: w.Started.Name, Version: &w.Started.Version,
	}
}

// IsInput reports whether a message comes from outside, whatever the instance has asked for.
func (k MessageKind) IsInput() bool {
	return k == EventRaised || k == QueueEvent || k == PromiseSettled
}

// ListQuery filters List. The zero value lists everything.
type ListQuery struct {
	// Status, if not NotCommitted, selects by the current execution's status. Running selects those
	// that wait for their first turn too.
	Status ExecutionStatus
	// RootsOnly leaves out children.
	RootsOnly bool
	// FinalOnly leaves out instances whose current execution is running or continued as new.
	FinalOnly bool
	// IDs, if not nil, selects these ids only.
	IDs []string
	// CompletedBefore, if not zero, selects current executions that ended strictly before.
	CompletedBefore time.Time
	// Limit, if above zero, is the highest number of results.
	Limit int
	// Before, if not empty, is the id of the last instance of the previous page.
	Before string
	// After, if not nil, is the Next of the previous page, and Order that of the list. They are for Summaries
	// and Count.
	After *Cursor
	Order Order
	// IDPrefix, Name, Version and Parent, if not empty, select by id prefix, orchestration and its version,
	// and the id of the parent.
	IDPrefix string
	Name     string
	Version  string
	Parent   string
	// UpdatedFrom and UpdatedBefore, if not zero, select by the time of the last change.
	UpdatedFrom, UpdatedBefore time.Time
	// CreatedFrom and CreatedBefore, if not zero, select by creation time.
	CreatedFrom   time.Time
	CreatedBefore time.Time
	// Failure, if not empty, selects what has failed so; Held, if not nil, what is held or is not.
	Failure history.Class
	Held    *bool
}

// Summary is an instance in a list. Key is what lists by time are ordered by; Failure is empty where it has
// not failed, or was failed by an older release.
type Summary struct {
	InstanceInfo
	Key     uint64
	Failure history.Class
}

// InstanceInfo describes an instance.
type InstanceInfo struct {
	Instance  string
	Name      string
	Version   string
	Execution uint64
	Status    ExecutionStatus
	Output    string
	Created   time.Time
	Updated   time.Time
	// StartAt is when the first turn is due; zero where that was not delayed, or is over. Only Instance gives it.
	StartAt time.Time
	// TimeoutAt is when the time of the instance is over; zero where it has no limit, or that is past. Only
	// Instance gives it.
	TimeoutAt time.Time
	// Parent is "" for root instances.
	Parent string
	// Life is who lives at the id; zero where an older release started it.
	Life history.Life
	// Hold is nil where the instance is not held.
	Hold *Hold
	// Cancelling is nil where the instance is not being cancelled.
	Cancelling *Cancelling
	// Imported says that it is inert, see Inert.
	Imported bool
}

// StartAt gives when a start that was stored at a time is due; zero where that was at once.
func StartAt(effectiveMs, createdMs int64) time.Time {
	if effectiveMs <= createdMs {
		return time.Time{}
	}
	return time.UnixMilli(effectiveMs)
}

// ExecutionInfo describes an execution.
type ExecutionInfo struct {
	Execution uint64
	Status    ExecutionStatus
	Output    string
	Started   time.Time
	// Completed is zero while the execution runs.
	Completed time.Time
	Events    int
}

// Status is what waiting clients read.
type Status struct {
	Execution uint64
	Status    ExecutionStatus
	// Output is the result or the failure's display text; empty while running.
	Output string
	// CustomStatus is nil where none is set.
	CustomStatus        *string
	CustomStatusVersion uint64
	// Hold is nil where the instance is not held.
	Hold *Hold
	// Cancelling is nil where the instance is not being cancelled.
	Cancelling *Cancelling
}

// Stats are sizes of one instance.
type Stats struct {
	// Events and Bytes are those of the current execution's history.
	Events int
	Bytes  int64
	// Messages is the number of stored messages that wait for the instance.
	Messages int
	// Keys and ValueBytes are those of the live key-value store.
	Keys       int
	ValueBytes int64
}

// Metrics counts over a whole store.
type Metrics struct {
	Instances  int
	Executions int
	Running    int
	Completed  int
	Failed     int
	Events     int
}

// Depths counts unclaimed entries. Timers are the TimerDue messages that are not due yet.
type Depths struct {
	Messages int
	Tasks    int
	Timers   int
}

// Deletion says what to delete.
type Deletion struct {
	Instances []string
	// Root, if it is not zero, is the life that the first of the instances must have. Where another one
	// lives there by now, nothing is deleted: the call may be the second try of one that was done.
	Root  history.Life
	Force bool
}

// Deleted tells what Delete removed.
type Deleted struct {
	// Gone are the instances themselves.
	Gone       []Gone
	Instances  int
	Executions int
	Events     int
	Messages   int
}

// Gone is an instance that was deleted.
type Gone struct {
	Instance string
	// Key is the one that tokens of the instance have.
	Key  uint64
	Life history.Life
}

// PruneOptions limits Prune. The zero value removes all but the current execution.
type PruneOptions struct {
	// KeepLast keeps the newest executions, the current one included.
	KeepLast int
	// CompletedBefore, if not zero, removes only executions that ended strictly before.
	CompletedBefore time.Time
}

// Pruned counts what Prune removed.
type Pruned struct {
	Executions int
	Events     int
}
