package replay

import (
	"cmp"
	"fmt"
	"slices"

	"duroxide/history"
)

// NotEndedError says that an execution has not failed, so that there is no failure to take back.
type NotEndedError struct{ Completed bool }

// Error says how it stands.
func (e *NotEndedError) Error() string {
	if e.Completed {
		return "it has completed"
	}
	return "it has not ended"
}

// WouldUndoError says that code has gone on since the failure that led to the end: what it did then would
// be undone.
type WouldUndoError struct{ Events []history.Event }

// Error gives their number.
func (e *WouldUndoError) Error() string {
	return fmt.Sprintf("%d events that code has caused since the failure would be undone", len(e.Events))
}

// Retry gives the history of a failed execution without its end and without what has led to it. A note of
// that is its last event. Errors: *NotEndedError, *WouldUndoError.
func Retry(events []history.Event, note history.OrchestrationRetried, nowMs int64, engine string) ([]history.Event, error) {
	failure, err := failureOf(events)
	if err != nil {
		return nil, err
	}
	since, err := undoable(events, failure)
	if err != nil {
		return nil, err
	}
	kept := slices.Clone(events[:since])
	note.Failure = *failure
	for _, e := range events[since:] {
		if isTakenBack(e, failure) {
			note.Undone = append(note.Undone, history.Undone{Event: e.ID, Of: e.Kind()})
		} else {
			kept = append(kept, e)
		}
	}
	last := events[len(events)-1]
	return append(kept, history.Event{
		ID: last.ID + 1, TimeMs: max(nowMs, last.TimeMs), Engine: engine, Data: note,
	}), nil
}

func failureOf(events []history.Event) (*history.Failure, error) {
	if len(events) == 0 {
		return nil, &NotEndedError{}
	}
	last := events[len(events)-1]
	if d, ok := last.Data.(history.OrchestrationFailed); ok {
		return &d.Failure, nil
	}
	return nil, &NotEndedError{Completed: last.IsTerminal()}
}

// undoable gives the index of the first event that code has not caused and that no such event follows.
func undoable(events []history.Event, failure *history.Failure) (int, error) {
	since := len(events)
	for since > 1 && !isCaused(events[since-1]) {
		since--
	}
	first := since
	for n := range events[:since] {
		if isTakenBack(events[n], failure) && !isOvercome(events, n) {
			first = n
			break
		}
	}
	caused := slices.DeleteFunc(slices.Clone(events[first:since]), func(e history.Event) bool { return !isCaused(e) })
	if first < since && len(caused) > 0 && !slices.ContainsFunc(events[since:], func(e history.Event) bool {
		return isAnswer(e) && isTakenBack(e, failure)
	}) {
		return 0, &WouldUndoError{Events: caused}
	}
	return since, nil
}

// isCaused reports whether code has asked for what an event says.
func isCaused(e history.Event) bool {
	switch d := e.Data.(type) {
	case history.Schedule, history.Change, history.OrchestrationChained, history.MessageSent, history.CleanupFailed,
		history.OrchestrationStarted:
		return true
	case history.Cancellation:
		return reasonOf(d) == history.ReasonDropped
	case history.Answer, history.Input, history.Ending, history.PatchDecided, history.Repair:
		return false
	default:
		panic(unknownEvent(e))
	}
}

// isTakenBack reports whether an event goes together with the failure that the execution has ended with:
// the failures of what the code waited for if it has failed itself, and what asked it to stop.
func isTakenBack(e history.Event, failure *history.Failure) bool {
	switch d := e.Data.(type) {
	case history.Ending, history.OrchestrationCancelRequested, history.OrchestrationTerminateRequested,
		history.OrchestrationCancelling:
		return true
	case history.Answer:
		own := failure.Category == history.Application && !failure.IsStop() && !failure.Limit
		return own && e.Failure() != nil
	case history.Cancellation:
		return reasonOf(d) != history.ReasonDropped
	case history.OrchestrationStarted, history.OrchestrationChained, history.MessageSent, history.Schedule,
		history.Input, history.Change, history.PatchDecided, history.CleanupFailed, history.Repair:
		return false
	default:
		panic(unknownEvent(e))
	}
}

func isAnswer(e history.Event) bool {
	_, ok := e.Data.(history.Answer)
	return ok
}

// isOvercome reports whether a failure was made good later: the same was asked for again, and did not fail.
func isOvercome(events []history.Event, n int) bool {
	failed := asked(events, events[n].Source)
	return failed != nil && slices.ContainsFunc(events[n:], func(e history.Event) bool {
		return isAnswer(e) && e.Failure() == nil && asked(events, e.Source) == failed
	})
}

// asked gives what a scheduling event asks for, in a form that can be compared; nil where there is none.
func asked(events []history.Event, id uint64) any {
	n, ok := slices.BinarySearchFunc(events, id, func(e history.Event, id uint64) int {
		return cmp.Compare(e.ID, id)
	})
	if !ok {
		return nil
	}
	if d, ok := events[n].Data.(history.ActivityScheduled); ok {
		return [3]string{"activity", d.Name, d.Input}
	}
	if d, ok := events[n].Data.(history.InlineActivityScheduled); ok {
		return [3]string{"inline activity", d.Name}
	}
	if d, ok := events[n].Data.(history.SubOrchestrationScheduled); ok {
		return [3]string{"child", d.Name, d.Input}
	}
	return nil
}

// Work is what an execution waits for, to be brought about again.
type Work struct {
	Activities []NewActivity
	Timers     []NewTimer
	Children   []NewInstance
}

// OpenWork gives what a loaded execution waits for from outside, in the order in which it was asked for.
func (x *Execution) OpenWork(events []history.Event) Work {
	var w Work
	for _, e := range events {
		s := x.open[e.ID]
		if s == nil {
			continue
		}
		// Signals and queue messages come as they come.
		if d, ok := e.Data.(history.ActivityScheduled); ok && s.kind == Activity {
			w.Activities = append(w.Activities, NewActivity{
				Event: e.ID, Name: d.Name, Input: d.Input, Session: d.Session, Tag: d.Tag, Policy: d.Policy, SinceMs: x.repairedMs,
			})
			w.Timers = append(w.Timers, LimitsOf(d.Policy).Timers(e.ID, x.repairedMs)...)
		}
		if d, ok := e.Data.(history.TimerCreated); ok {
			w.Timers = append(w.Timers, NewTimer{Event: e.ID, FireAtMs: d.FireAtMs})
		}
		if d, ok := e.Data.(history.SubOrchestrationScheduled); ok {
			w.Children = append(w.Children, NewInstance{
				Event: e.ID, Instance: s.instance, Life: s.life, Name: d.Name, Version: d.Version, Input: d.Input,
			})
		}
	}
	return w
}
