package replay

import (
	"cmp"
	"slices"

	"duroxide/history"
)

// drop cancels an open schedule whose result the code no longer wants. A timer leaves no trace in
// the history: it is simply deleted. A schedule that was answered already stays as it is (I3).
func (x *Execution) drop(token uint64, nowMs int64) {
	if s := x.byToken[token]; s != nil {
		x.cancel(s, history.ReasonDropped, history.ReasonParentDroppedChild, nowMs)
	}
}

// cancel closes a schedule, records it, and takes back or undoes what the schedule caused.
func (x *Execution) cancel(s *schedule, reason, childReason string, nowMs int64) {
	x.close(s)
	switch s.kind {
	case Activity, Inline:
		x.append(s.event, nowMs, history.ActivityCancelRequested{Reason: reason})
		x.takeBack(s)
	case Timer:
		if s.fresh {
			x.delta.Timers = slices.DeleteFunc(x.delta.Timers, func(t NewTimer) bool { return t.Event == s.event })
		} else {
			x.delta.DropTimers = append(x.delta.DropTimers, s.event)
		}
	case SubOrchestration:
		x.append(s.event, nowMs, history.SubOrchestrationCancelRequested{Reason: reason})
		if s.fresh {
			x.delta.Children = slices.DeleteFunc(x.delta.Children, func(c NewInstance) bool { return c.Event == s.event })
		} else if !s.stopping { // Else it was asked, and has all of its time.
			x.delta.CancelChildren = append(x.delta.CancelChildren, ChildCancel{
				Instance: s.instance, Life: s.life, Event: s.event, Reason: childReason,
			})
		}
	case WaitEvent:
		x.append(s.event, nowMs, history.ExternalSubscribedCancelled{Reason: reason})
	case Dequeue:
		x.append(s.event, nowMs, history.QueueSubscriptionCancelled{Reason: reason})
	case Syscall: // It is answered in its own turn or not at all.
	case MakePromise: // Whoever settles it is told that nobody waits.
	case StartOrchestration, ContinueAsNew, SetCustomStatus, SetValue, ClearValue, ClearValues, Drop,
		CleanupFailed, Send, Patch, TryAgain, GiveUp:
		panic(s.kind.misplaced("cancel"))
	default:
		panic(s.kind.misplaced("cancel"))
	}
}

// takeBack stops an activity, or has it never begin.
func (x *Execution) takeBack(s *schedule) {
	d := &x.delta
	switch {
	case s.kind == Activity && s.fresh:
		d.Activities = slices.DeleteFunc(d.Activities, func(a NewActivity) bool { return a.Event == s.event })
	case s.kind == Activity:
		d.CancelActivities = append(d.CancelActivities, s.event)
	case s.fresh:
		d.Inline = slices.DeleteFunc(d.Inline, func(a OpenInline) bool { return a.Event == s.event })
	default:
		d.CancelInline = append(d.CancelInline, s.event)
	}
}

// Winding cancels what is open at the end of an execution, a part at a time.
type Winding struct {
	x                   *Execution
	reason, childReason string
	left                []*schedule
}

// Wind begins an end. End must follow once as much as the caller wants is cancelled.
func (x *Execution) Wind(e Ending) *Winding {
	w := &Winding{x: x, left: x.openInOrder()}
	w.reason, w.childReason = x.endReasons(e)
	return w
}

// Next cancels at most so many schedules. It is false where nothing is left.
func (w *Winding) Next(most int, nowMs int64) bool {
	now := w.left[:min(most, len(w.left))]
	w.left = w.left[len(now):]
	for _, s := range now {
		reason := w.reason
		if s.kind == WaitEvent || s.kind == Dequeue {
			reason = history.ReasonTerminal
		}
		w.x.cancel(s, reason, w.childReason, nowMs)
	}
	return len(w.left) > 0
}

// End is the one way to end an execution, whatever the cause: it cancels everything open, records
// the terminal event, and says what it leaves. childReason is what children are told.
func (x *Execution) End(e Ending, nowMs int64) {
	x.Wind(e).Next(len(x.open), nowMs)
	x.dropGrace()
	switch e.Kind {
	case Completed:
		x.append(0, nowMs, history.OrchestrationCompleted{Output: e.Output})
	case Continued:
		e.Successor.Carried = x.Unread()
		e.Successor.CustomStatus = x.customStatus
		x.append(0, nowMs, history.OrchestrationContinuedAsNew{Input: e.Successor.Input})
	case Failed:
		x.append(0, nowMs, history.OrchestrationFailed{Failure: *e.Failure})
	default:
		panic(e.Kind.unknown())
	}
	x.ended = true
	x.delta.Ending = &e
}

func (x *Execution) endReasons(e Ending) (reason, childReason string) {
	childReason = history.ReasonParentDroppedChild
	switch e.Kind {
	case Completed:
		return history.ReasonTerminalCompleted, childReason
	case Continued:
		return history.ReasonTerminalContinued, childReason
	case Failed:
		if e.Failure != nil && e.Failure.IsCancelled() {
			childReason = history.ReasonParentCanceled
		}
		if e.Failure != nil && e.Failure.Kind == history.TerminatedKind {
			childReason = history.ReasonParentTerminated
		}
		return history.ReasonTerminalFailed, childReason
	default:
		panic(e.Kind.unknown())
	}
}

// openInOrder lists the open schedules: activities, timers, children, waits, subscriptions, each
// family by event id.
func (x *Execution) openInOrder() []*schedule {
	order := map[ActionKind]int{
		Activity: 0, Inline: 0, Timer: 1, SubOrchestration: 2, WaitEvent: 3, Dequeue: 4, Syscall: 5, MakePromise: 6,
	}
	all := make([]*schedule, 0, len(x.open))
	for _, s := range x.open {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *schedule) int {
		return cmp.Or(cmp.Compare(order[a.kind], order[b.kind]), cmp.Compare(a.event, b.event))
	})
	return all
}
