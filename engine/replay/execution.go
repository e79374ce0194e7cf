// Package replay is the pure core: what a history means, what a message changes, and what code
// asked for. It is a function of its arguments: it reads no clock, touches no store and starts no
// goroutine, so it is tested by tables, saved histories and fuzzing.
//
// Invariants.
//
//	I1  Messages are taken one at a time: the answer is appended, the code runs, what it asked for
//	    is appended. A history therefore is the exact sequence of what happened.
//	I2  Every action that has a token is written as exactly one scheduling event, in order. The
//	    n-th such event of a history belongs to token n.
//	I3  A schedule is answered or cancelled once. Whatever comes after that is dropped.
//	I4  A queue message is given to the oldest open subscription of its queue, once. Subscriptions
//	    that find a message waiting are served after the step that made them, in their order, and
//	    before anything else is appended.
//	I5  Between the history and the index of an Execution there is no difference: loading the
//	    history gives the index that the live execution had.
package replay

import (
	"duroxide/history"
)

// Params describes an execution.
type Params struct {
	Instance string
	// Life is who lives at the instance id. Starts is how many others it has started, in all its
	// executions: the next one gets the number that follows.
	Life      history.Life
	Starts    uint64
	Execution uint64
	Name      string
	Version   string
	Input     string
	Parent    *history.Parent
	// Carried are the unread queue messages of the previous execution, oldest first.
	Carried []history.Carried
	// CustomStatus is inherited from the previous execution; nil means none.
	CustomStatus *string
	// Rules and StrictValues are what the start event fixes; see history.OrchestrationStarted.
	Rules        uint64
	StrictValues bool
	// StrictReplay refuses whatever the code does otherwise than recorded; without it inputs, values,
	// statuses, tags and sessions may differ.
	StrictReplay bool
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
	// Timeout is the time limit of the instance, as it is by now.
	Timeout history.Timeout
	// Keys are the keys of the key-value store at the start.
	Keys []string
	// Engine is the version to write into events.
	Engine string
}

// Execution is the index over one execution: what is open, what waits, and what the running turn
// has added. It is not safe for concurrent use.
type Execution struct {
	params Params
	last   uint64
	tokens uint64
	starts uint64

	open    map[uint64]*schedule // by event id
	byToken map[uint64]*schedule
	waits   map[string][]*schedule
	queues  map[string]*queue
	arrived uint64      // numbers queue arrivals over all queues
	ready   []*schedule // subscriptions that found a message waiting (I4)
	fresh   []*schedule // those that the running turn has made
	calls   []*schedule // system calls without an answer
	givenUp []*schedule // activities whose failed attempt was the last one
	inline  int         // open inline activities

	keys         map[string]struct{}
	patches      map[string]bool
	customStatus *string
	stopped      *history.Failure // see Stopped
	grace        *grace
	ended        bool
	longNames    bool // see LongNames

	// startedMs and stepMs are the recorded times of the first and of the running step, lastMs is that
	// of the latest event.
	startedMs int64
	stepMs    int64
	// repairedMs is when the execution was taken up again by hand; zero: never.
	repairedMs int64
	lastMs     int64

	// Only between Load and Verify:
	segments    []segment
	tokenEvents []uint64            // event id by token-1
	drops       map[uint64]struct{} // schedules with a recorded cancellation
	differences []*Divergence       // what Verify has let pass

	delta Delta
}

// schedule is an open action: it waits for an answer.
type schedule struct {
	event uint64
	token uint64
	kind  ActionKind
	name  string
	// instance is a child's full id, or the target of a remote read.
	instance string
	// life is that of a child.
	life     history.Life
	key      string
	fireAtMs int64 // of timers
	// failed is what an activity has failed with of which code has to decide.
	failed *history.Failure
	// limited is set for activities with a policy.
	limited *limited
	closed  bool
	// stopping means that the child was asked to stop, and is still waited for.
	stopping bool
	// fresh means that the schedule was made by the running turn.
	fresh bool
}

// Start begins a new execution: it appends the start event and the carried messages.
func Start(p Params, nowMs int64) *Execution {
	x := newExecution(p)
	x.startedMs, x.stepMs = nowMs, nowMs
	x.append(0, nowMs, history.OrchestrationStarted{
		Name: p.Name, Version: p.Version, Input: p.Input,
		Parent: p.Parent, Carried: p.Carried, CustomStatus: p.CustomStatus,
		Rules: p.Rules, StrictValues: p.StrictValues, Headers: p.Headers, Timeout: p.Timeout,
	})
	for _, c := range p.Carried {
		x.append(0, nowMs, history.QueueEventDelivered(c))
		x.queue(c.Name).push(x.nextArrival(), c.Data)
	}
	return x
}

func newExecution(p Params) *Execution {
	x := &Execution{
		params:       p,
		starts:       p.Starts,
		open:         map[uint64]*schedule{},
		byToken:      map[uint64]*schedule{},
		waits:        map[string][]*schedule{},
		queues:       map[string]*queue{},
		patches:      map[string]bool{},
		keys:         make(map[string]struct{}, len(p.Keys)),
		customStatus: p.CustomStatus,
		longNames:    len(p.Instance) > history.MaxIDBytes,
	}
	for _, key := range p.Keys {
		x.keys[key] = struct{}{}
	}
	return x
}

// Params gives what the execution was made from; for a loaded one, what its start event says.
func (x *Execution) Params() Params { return x.params }

// StartedMs gives the recorded time of the start.
func (x *Execution) StartedMs() int64 { return x.startedMs }

// RepairedMs gives when the execution was last taken up again by hand; 0: never.
func (x *Execution) RepairedMs() int64 { return x.repairedMs }

// LastMs gives the latest recorded time. What is recorded later must not have an earlier one.
func (x *Execution) LastMs() int64 { return x.lastMs }

// LastEvent gives the highest event id so far, those of the running turn included.
func (x *Execution) LastEvent() uint64 { return x.last }

// Ended reports whether the execution has a terminal event.
func (x *Execution) Ended() bool { return x.ended }

// Open gives the number of schedules without an answer.
func (x *Execution) Open() int { return len(x.open) }

// deliver begins a step at a recorded time, and gives its delivery that time.
func (x *Execution) deliver(d Delivery, atMs int64) Delivery {
	x.stepMs, d.TimeMs = atMs, atMs
	return d
}

// append adds an event to the running turn.
func (x *Execution) append(source uint64, nowMs int64, data history.Data) uint64 {
	x.last++
	x.lastMs = max(x.lastMs, nowMs)
	x.delta.Events = append(x.delta.Events, history.Event{
		ID: x.last, Source: source, TimeMs: nowMs, Engine: x.params.Engine, Data: data,
	})
	return x.last
}

// add registers a schedule under its event id and, if it has one, its token (I2).
func (x *Execution) add(s *schedule) {
	x.tokens++
	s.token = x.tokens
	x.open[s.event] = s
	x.byToken[s.token] = s
	if s.kind == Inline {
		x.inline++
	}
	if s.fresh {
		x.fresh = append(x.fresh, s)
	}
}

// close ends a schedule (I3). Waits and subscriptions leave their lists.
func (x *Execution) close(s *schedule) {
	s.closed = true
	delete(x.open, s.event)
	delete(x.byToken, s.token)
	switch s.kind {
	case WaitEvent:
		x.waits[s.name] = without(x.waits[s.name], s)
		if len(x.waits[s.name]) == 0 {
			delete(x.waits, s.name)
		}
	case Dequeue:
		q := x.queue(s.name)
		q.subscriptions = without(q.subscriptions, s)
	case Inline:
		x.inline--
	case Activity:
		x.unlimit(s)
	case Timer, SubOrchestration, Syscall, MakePromise:
	case StartOrchestration, ContinueAsNew, SetCustomStatus, SetValue, ClearValue, ClearValues, Drop,
		CleanupFailed, Send, Patch, TryAgain, GiveUp:
		panic(s.kind.misplaced("close"))
	default:
		panic(s.kind.misplaced("close"))
	}
}

func without(list []*schedule, s *schedule) []*schedule {
	if len(list) > 0 && list[0] == s { // as nearly always, and then nothing has to move
		list[0] = nil
		return list[1:]
	}
	for i, other := range list {
		if other == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// Continued reports whether the running turn ended the execution in favour of a successor.
func (x *Execution) Continued() bool {
	return x.delta.Ending != nil && x.delta.Ending.Kind == Continued
}

// OpenTimers lists the timers that have neither fired nor been dropped, that of the time to clean up
// among them.
func (x *Execution) OpenTimers(nowMs int64) []NewTimer {
	var timers []NewTimer
	if x.grace != nil {
		timers = append(timers, NewTimer{Event: x.grace.event, FireAtMs: x.grace.untilMs})
	}
	for _, s := range x.open {
		if s.kind == Timer {
			timers = append(timers, NewTimer{Event: s.event, FireAtMs: s.fireAtMs})
		}
		if s.isTimed() {
			timers = append(timers, s.limitTimers(nowMs)...)
		}
	}
	return timers
}
