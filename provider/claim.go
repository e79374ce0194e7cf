package provider

import (
	"math"
	"slices"
	"time"

	"duroxide/history"
)

// LeaseID names one lease of a node; zero means none.
type LeaseID uint64

// Token is a claim of one instance or one task: valid while the stored epoch is the same and the
// lease lives.
type Token struct {
	// Key is the store's number of the instance or task.
	Key   uint64
	Epoch uint64
	Lease LeaseID
}

// Holder is a node that wants to claim.
type Holder struct {
	// Node is the random id of a runtime start, one for each kind of work.
	Node string
	// Lease is the node's current lease. Zero, or a lease that has ended: the first claim joins the
	// live lease that the node has otherwise, or opens one. So calls that claim at the same time
	// for the first time share a lease.
	Lease LeaseID
	// TTL is the length of a new lease. A live lease with less than half of it left is extended
	// to TTL by a claim.
	TTL time.Duration
	// Most bounds the targets that are claimed where messages are stored (Submission, Commit,
	// Completions): what one node has no room for is left to all of them. Zero means any number.
	Most int
	// Serves is what the node can run; nil is everything.
	Serves *Serves
}

// ClaimRequest asks for ready work.
type ClaimRequest struct {
	// Turns and MaxTurns ask for instances; nil or zero means none.
	Turns    *Holder
	MaxTurns int
	// Tasks and MaxTasks ask for tasks; nil or zero means none.
	Tasks    *Holder
	MaxTasks int
	Route    Route
	// Unserved asks for what is ready and left because the holders cannot run it.
	Unserved bool
}

// Route says which tasks a worker takes.
type Route struct {
	Tags TagFilter
	// Session, if set, also takes tasks that belong to sessions; nil takes only tasks without.
	Session *SessionHolder
}

// SessionHolder is who owns the sessions that a worker claims, and how many it may work on.
type SessionHolder struct {
	Owner string
	TTL   time.Duration
	// Open are the sessions that the worker works on now, and Most is how many it may at a time; zero
	// means any number. A claim takes the tasks of open ones, and of as many others as that leaves.
	Open []string
	Most int
}

// Room gives how many sessions more may be opened.
func (s *SessionHolder) Room() int {
	if s.Most == 0 {
		return math.MaxInt
	}
	return max(s.Most-len(s.Open), 0)
}

// Works reports whether a session is open.
func (s *SessionHolder) Works(session string) bool { return slices.Contains(s.Open, session) }

// Opening gives the route of a worker that has taken a task of the session too; nil is none.
func (r Route) Opening(session *string) Route {
	if session == nil || r.Session == nil || r.Session.Works(*session) {
		return r
	}
	holder := *r.Session
	holder.Open = append(slices.Clip(holder.Open), *session)
	r.Session = &holder
	return r
}

// TagMode says how a TagFilter works.
type TagMode uint8

// The modes of TagFilter.
const (
	// TagsDefaultOnly takes untagged tasks only.
	TagsDefaultOnly TagMode = iota
	// TagsOnly takes the listed tags only.
	TagsOnly
	// TagsDefaultAnd takes untagged tasks and the listed tags.
	TagsDefaultAnd
	// TagsAny takes everything.
	TagsAny
	// TagsNone takes nothing.
	TagsNone
)

// TagFilter selects tasks by tag.
type TagFilter struct {
	Mode TagMode
	Tags []string
}

// Matches reports whether a task with this tag (nil: untagged) is taken.
func (f TagFilter) Matches(tag *string) bool {
	switch f.Mode {
	case TagsAny:
		return true
	case TagsNone:
		return false
	case TagsOnly:
		return tag != nil && f.lists(*tag)
	case TagsDefaultAnd:
		return tag == nil || f.lists(*tag)
	case TagsDefaultOnly:
		return tag == nil
	default:
		return false
	}
}

func (f TagFilter) lists(tag string) bool {
	return slices.Contains(f.Tags, tag)
}

// Claimed is what a Claim took.
type Claimed struct {
	Instances []InstanceClaim
	Tasks     []TaskClaim
	// MoreTasks means that there may be more ready tasks of the route: the claim ended at its limit, at
	// the number of sessions, or at a bound of the store.
	MoreTasks bool
	// MoreTurns means that there may be more ready instances, although MaxTurns was not reached: the claim
	// ended at a bound of the store.
	MoreTurns bool
	// Waiting lists what is due of instances held under the given turn lease, ordered by instance: of each
	// lane at most MostWaiting messages, so that later claims may list others. The holder knows most of it
	// already and asks Pending for the rest.
	Waiting []Waiting
	// Undecodable lists ready tasks that cannot be read. They are kept, hidden for a while, and never block
	// others.
	Undecodable []UndecodableTask
	// TurnLease and TaskLease are the leases that the claims are under, possibly new; zero where
	// nothing was claimed. A new lease means that the old one has ended with all its claims.
	TurnLease LeaseID
	TaskLease LeaseID
	// NextDue is the earliest future due time of a message or task that nobody holds; zero means none.
	// Messages that the holder could not take are left out.
	NextDue time.Time
	// Unserved is set where that was asked for: at most MostUnserved lanes, in no order.
	Unserved []Unserved
}

// MostWaiting bounds the messages of one lane in Claimed.Waiting.
const MostWaiting = 4000

// Waiting are due messages of one held instance.
type Waiting struct {
	Instance string
	Messages []uint64
}

// InstanceClaim is one claimed instance with its visible messages.
type InstanceClaim struct {
	Token    Token
	Instance string
	// Life is who lives there; zero where an older release started it and nobody has committed since.
	Life history.Life
	// Starts is the highest number of a start that this life has used.
	Starts uint64
	// Execution is the current execution, zero for an instance that was never committed.
	Execution uint64
	// LastEvent is the highest event id of the current execution.
	LastEvent uint64
	// Level is the lowest format level that reads what is stored of the instance. It never falls.
	Level uint64
	// Status is the current execution's status.
	Status ExecutionStatus
	// Name and Version are those of the last started execution; before the first, those that the start
	// asks for, with an empty version for "the registry's choice".
	Name    string
	Version string
	// Parent is nil for root instances, and where an older release did not store the whole link.
	Parent *history.Parent
	// Hold says what it is held for, where it is: it is claimed by other code, or to be ended.
	Hold *Hold
	// Messages are the first page of those visible at the claim, ordered by (DueMs, ID): at most
	// PageMessages, and not more than PageBytes before the last one. What GoesFirst is among them. More
	// means that there are others; Pending gives them once these are consumed.
	Messages []Message
	More     bool
	// Undecodable lists stored messages that cannot be read. They are kept, hidden for a while, and
	// never block others.
	Undecodable []UndecodableMessage
	// Attempt is 1 plus the highest stored number of attempts of the messages. They are counted by Begin
	// and Abandon only.
	Attempt int
	// Marks is the highest number of marks of the messages: how often a lease ended without a word that
	// they were claimed under, up to MostMarks.
	Marks int
}

// MostMarks is the highest number of marks. Whoever has it is a suspect: perhaps it is what ends the
// processes that have it in hand.
const MostMarks = 2

// UndecodableMessage is a stored message that cannot be read.
type UndecodableMessage struct {
	ID uint64
	Unreadable
}

// UndecodableTask is a stored task that cannot be read, although everything beside its body can.
type UndecodableTask struct {
	// Token is that of a task that nobody has claimed: Complete takes it.
	Token     Token
	Instance  string
	Execution uint64
	Event     uint64
	Unreadable
}

// TaskClaim is one claimed task.
type TaskClaim struct {
	Token Token
	Task  Task
	// Attempt is 1 plus the stored number of attempts, which are counted by BeginTask and Abandon only.
	Attempt int
	// Marks is how often a lease ended without a word that the task was claimed under, up to MostMarks.
	Marks int
	// DueMs is since when the task was ready: when it was scheduled, or when the pause before this attempt was over.
	DueMs int64
}

// Submission is a group of messages to store.
type Submission struct {
	Messages []Message
	// Claim, if set, claims free targets for this holder.
	Claim *Holder
}

// Submitted is what became of one message.
type Submitted struct {
	// Fate is what the store did with the message. Only a Stored one has what follows.
	Fate Fate
	// ID is the message's number, and DueMs its effective time: what it is ordered by. Both are zero,
	// and Held with them, where the store knows that the message is stored, but lost the answer.
	ID    uint64
	DueMs int64
	// Life is who lives at the target; zero where nobody does yet, or where it is unknown.
	Life history.Life
	// Existing is the status of the target before: NotCommitted where it had no committed turn.
	Existing ExecutionStatus
	// Starting says that a start of the target was waiting for its turn already.
	Starting bool
	// Claim is set where the message's target was claimed for the asking holder.
	Claim *InstanceClaim
	// Held is the live lease that holds the target; zero where nobody does.
	Held LeaseID
	// Err is set only by Complete.
	Err error
}

// Fate is what became of a message.
type Fate uint8

// The fates of messages.
const (
	// Stored: it waits for its target.
	Stored Fate = iota
	// Same: a start that is there already; the life is the same.
	Same
	// Taken: a start whose target belongs to another life. Nothing was stored.
	Taken
	// Refused: as Taken, and the Refusal of the start was stored; the result is about that.
	Refused
	// Dropped: nobody with the life that the message means is at the target, or has ended where it is for one
	// that runs. Nothing was stored.
	Dropped
	// Repeated: the key of the message is known. Nothing was stored.
	Repeated
	// Late: the message answers an execution that has ended. Nothing was stored.
	Late
	// Unheard: the target is inert (see Inert). Nothing was stored.
	Unheard
)

// Renewal asks for a longer lease.
type Renewal struct {
	Lease  LeaseID
	Extend time.Duration
	// Tasks are the tokens of the tasks that the node still runs.
	Tasks []Token
	// Heartbeats are kept with their tasks and given with every later claim of them. Those of tasks that are
	// not held change nothing.
	Heartbeats []Heartbeat
	// Load, if set, is for Runtimes.
	Load *Load
}

// Heartbeat is what the activity of a held task says of itself.
type Heartbeat struct {
	Task    Token
	Details string
}

// Held is what a node has claimed.
type Held struct {
	Instances []Token
	Tasks     []Token
}

// SessionRenewal asks for longer sessions.
type SessionRenewal struct {
	Owners []string
	Extend time.Duration
	Idle   time.Duration
}

// Abandonment gives claims back.
type Abandonment struct {
	Instances []AbandonedInstance
	Tasks     []AbandonedTask
}

// AbandonedInstance gives an instance back.
type AbandonedInstance struct {
	Token Token
	// Messages lists the messages that this abandon is about; the rest of the instance's messages
	// keep their state.
	Messages []uint64
	// Delay hides the listed messages for so long; zero leaves them as they are. It does not change
	// their place among the others: what they are ordered by stays.
	Delay time.Duration
	// IgnoreAttempt leaves their attempts as they are; otherwise each counts one more.
	IgnoreAttempt bool
	// Mark leaves a mark on the messages of the claim, as the end of its lease would.
	Mark bool
}

// AbandonedTask gives a task back: it is visible again after Delay.
type AbandonedTask struct {
	Token Token
	Delay time.Duration
	// IgnoreAttempt leaves its attempts as they are; otherwise it counts one more.
	IgnoreAttempt bool
	// Mark leaves a mark on it, as the end of its lease would.
	Mark bool
	// Progress, if set, replaces that of the task: an attempt has failed. So the process has survived it,
	// and attempts and marks begin anew; IgnoreAttempt and Mark do not matter then.
	Progress *Progress
}

// Abandoned is the result of Abandon.
type Abandoned struct {
	// Lost are the tokens that were not valid.
	Lost []Token
	// Work means that some of what was given back is ready again now.
	Work bool
	// NextDue is the earliest due time of what was given back and is delayed; zero means none.
	NextDue time.Time
}

// Completions is a group of finished tasks.
type Completions struct {
	Items []Completion
	// Claim, if set, claims free targets for this holder.
	Claim *Holder
}

// OverdueQuery says which tasks are overdue.
type OverdueQuery struct {
	// Before is when they must have begun to wait.
	Before time.Time
	// Serves is what the node can run: that is never overdue. Nil is nothing.
	Serves *Serves
	// Announced includes activities that have ever been announced.
	Announced bool
	Limit     int
}

// OverdueTurns says which instances are overdue.
type OverdueTurns struct {
	// Before is when they must have become ready.
	Before time.Time
	// Holder takes them. What it serves is never overdue; one that serves everything takes none.
	Holder *Holder
	Limit  int
}

// Completion is one finished task.
type Completion struct {
	// Task is a claim, or of a task that nobody has claimed: its number and epoch without a lease.
	Task Token
	// Message is the outcome (kind ActivityDone); nil drops the task without a word.
	Message *Message
	// Kept, if set, is that of an attempt only, and the task is not deleted: it is given back with this
	// progress, as AbandonedTask says, and waits until a turn of its instance decides (Commit.Retries,
	// Commit.CancelTasks).
	Kept *Progress
}
