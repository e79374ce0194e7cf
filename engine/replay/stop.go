package replay

import (
	"fmt"

	"duroxide/history"
)

// grace is the time that code has to clean up, once it was told to stop.
type grace struct {
	// event is the recorded request that says when the time is over; its timer has this number.
	event   uint64
	reason  string
	sinceMs int64
	untilMs int64
	// timedOut says that it was told because the time of the instance was over.
	timedOut bool
}

// Cancelling describes an execution whose code was told to stop and has not ended.
type Cancelling struct {
	Reason  string
	SinceMs int64
	UntilMs int64
}

// Stopped gives the failure with which the execution has to end because somebody asked for that, or nil.
func (x *Execution) Stopped() *history.Failure { return x.stopped }

// ToldFailure gives the failure of code that has ended as it was told, or nil where it was told nothing.
func (x *Execution) ToldFailure() *history.Failure {
	if x.grace == nil {
		return nil
	}
	return cancelled(x.grace.reason, x.grace.timedOut)
}

func cancelled(reason string, timedOut bool) *history.Failure {
	if timedOut {
		return history.TimedOut(reason)
	}
	return history.Cancelled(reason)
}

// Cancelling gives what is known of a cancellation that the code was told of, or nil.
func (x *Execution) Cancelling() *Cancelling {
	if x.grace == nil {
		return nil
	}
	return &Cancelling{Reason: x.grace.reason, SinceMs: x.grace.sinceMs, UntilMs: x.grace.untilMs}
}

// stop takes a cancel request, if it is heeded. The first one that leaves no time decides; one that leaves
// some tells the code, and is followed by others only where they leave less.
func (x *Execution) stop(a Arrival, nowMs int64) (Delivery, bool) {
	untilMs := after(nowMs, a.GraceMs)
	switch {
	case x.stopped != nil || !x.Heeds(a):
		return Delivery{}, false
	case a.Terminates:
		x.append(0, nowMs, history.OrchestrationTerminateRequested{Reason: a.Data})
		x.stopped = history.Terminated(a.Data)
		return Delivery{}, false
	case a.GraceMs == 0:
		x.cancelNow(a, nowMs)
		return Delivery{}, false
	case x.grace != nil && untilMs >= x.grace.untilMs:
		return Delivery{}, false
	}
	x.dropGrace()
	asked := history.OrchestrationCancelling{Reason: a.Data, UntilMs: untilMs, TimedOut: a.TimedOut}
	event := x.append(0, nowMs, asked)
	x.delta.Timers = append(x.delta.Timers, NewTimer{Event: event, FireAtMs: untilMs})
	x.delta.CancellingChanged = true
	told := x.grace == nil
	d, ok := x.wind(event, asked, nowMs)
	if told {
		x.askChildren()
	}
	return d, ok
}

// askChildren asks the children that the code waits for to stop. They may have a time of their own.
func (x *Execution) askChildren() {
	for _, s := range x.openInOrder() {
		if s.stopping {
			x.delta.CancelChildren = append(x.delta.CancelChildren, ChildCancel{
				Instance: s.instance, Life: s.life, Event: s.event, Reason: history.ReasonParentCanceled,
			})
		}
	}
}

// cancelNow ends the execution. What its code was told first is the reason.
func (x *Execution) cancelNow(a Arrival, nowMs int64) {
	if x.grace != nil {
		a.Data, a.TimedOut = x.grace.reason, x.grace.timedOut
	}
	x.append(0, nowMs, history.OrchestrationCancelRequested{Reason: a.Data, TimedOut: a.TimedOut})
	x.stopped = cancelled(a.Data, a.TimedOut)
}

// wind takes note of when the time is over. The first time it tells the code, and its children are asked to
// stop.
func (x *Execution) wind(event uint64, d history.OrchestrationCancelling, atMs int64) (Delivery, bool) {
	if x.grace != nil {
		x.grace.event, x.grace.untilMs = event, d.UntilMs
		return Delivery{}, false
	}
	x.grace = &grace{event: event, reason: d.Reason, sinceMs: atMs, untilMs: d.UntilMs, timedOut: d.TimedOut}
	for _, s := range x.open {
		s.stopping = s.kind == SubOrchestration
	}
	return Delivery{Value: d.Reason}, true
}

// endsGrace reports whether a timer says that the time to clean up is over.
func (x *Execution) endsGrace(a Arrival) bool {
	return a.Kind == TimerFired && x.grace != nil && a.Source == x.grace.event && a.Execution == x.params.Execution
}

// dropGrace takes back the timer of the time to clean up.
func (x *Execution) dropGrace() {
	if x.grace == nil {
		return
	}
	for i, t := range x.delta.Timers {
		if t.Event == x.grace.event {
			x.delta.Timers = append(x.delta.Timers[:i:i], x.delta.Timers[i+1:]...)
			return
		}
	}
	x.delta.DropTimers = append(x.delta.DropTimers, x.grace.event)
}

// mostNamed bounds what Waiting names.
const mostNamed = 10

// Waiting names what the code waits for, at most ten of it.
func (x *Execution) Waiting() []string {
	var names []string
	for _, s := range x.openInOrder() {
		if len(names) == mostNamed {
			return append(names, fmt.Sprintf("and %d more", len(x.open)-mostNamed))
		}
		name := s.kind.word()
		if s.name != "" {
			name += fmt.Sprintf(" '%s'", s.name)
		}
		names = append(names, name)
	}
	return names
}

// cleanupFailed records what a branch has thrown that nobody waits for any more.
func (x *Execution) cleanupFailed(a *Action, nowMs int64) {
	x.append(0, nowMs, history.CleanupFailed{Failure: history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind,
		Message: a.Input, Details: text(a.Value),
	}})
}
