package replay

import (
	"fmt"
	"slices"

	"duroxide/history"
)

// NoEventError says that there is no such event, or nothing after it, or that it is the end.
type NoEventError struct {
	Event uint64
	Last  bool
	End   bool
}

// Error says which.
func (e *NoEventError) Error() string {
	if e.End {
		return fmt.Sprintf("event %d is its end", e.Event)
	}
	if e.Last {
		return fmt.Sprintf("event %d is the last one", e.Event)
	}
	return fmt.Sprintf("there is no event %d", e.Event)
}

// Rewind gives the history of an execution up to an event, with a note as its last event, and what came
// after; later are the events of the executions after it. Where code has caused any of that, undo must be
// true. Errors: *NoEventError, *WouldUndoError.
func Rewind(
	events, later []history.Event, note history.OrchestrationRewound, undo bool, nowMs int64, engine string,
) (kept, undone []history.Event, err error) {
	at := slices.IndexFunc(events, func(e history.Event) bool { return e.ID == note.To })
	switch {
	case at < 0:
		return nil, nil, &NoEventError{Event: note.To}
	case at == len(events)-1:
		return nil, nil, &NoEventError{Event: note.To, Last: true}
	}
	undone = events[at+1:]
	caused := slices.DeleteFunc(slices.Clone(undone), func(e history.Event) bool {
		return !isCaused(e) && (len(later) == 0 || !e.IsTerminal())
	})
	if len(caused) > 0 && !undo {
		return nil, nil, &WouldUndoError{Events: caused}
	}
	for _, e := range slices.Concat(events, later) {
		note.Starts = max(note.Starts, startsOf(e.Data))
	}
	for _, e := range undone {
		note.Undone = append(note.Undone, history.Undone{Event: e.ID, Of: e.Kind()})
	}
	last := events[len(events)-1]
	kept = append(slices.Clone(events[:at+1]), history.Event{
		ID: last.ID + 1, TimeMs: max(nowMs, last.TimeMs), Engine: engine, Data: note,
	})
	return kept, undone, nil
}

// Promises gives the numbers by which promises are named outside, by the events that have made them.
func Promises(events []history.Event) map[uint64]uint64 {
	numbers := map[uint64]uint64{}
	number := uint64(0)
	for _, e := range events {
		if _, ok := e.Data.(history.Schedule); !ok {
			continue
		}
		number++
		if _, ok := e.Data.(history.PromiseMade); ok {
			numbers[e.ID] = number
		}
	}
	return numbers
}

// Unmade gives the numbers of the promises that were made after an event.
func Unmade(events []history.Event, since uint64) (numbers []uint64) {
	for event, number := range Promises(events) {
		if event > since {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// Unsettled gives the numbers of the promises that were rejected in a history and are not in what was kept
// of it.
func Unsettled(events, kept []history.Event) (numbers []uint64) {
	settled := map[uint64]bool{}
	for _, e := range kept {
		settled[e.Source] = true
	}
	promises := Promises(events)
	for _, e := range events {
		if _, ok := e.Data.(history.PromiseRejected); ok && !settled[e.Source] {
			numbers = append(numbers, promises[e.Source])
		}
	}
	return numbers
}

// startsOf gives the highest number of a start that an event knows of; zero where it knows none.
func startsOf(data history.Data) uint64 {
	if d, ok := data.(history.SubOrchestrationScheduled); ok {
		return d.Number
	}
	if d, ok := data.(history.OrchestrationChained); ok {
		return d.Number
	}
	if d, ok := data.(history.OrchestrationRewound); ok {
		return d.Starts
	}
	return 0
}

// BeforeFailure gives the last event before the first failure of something that was waited for and was not
// made good later; zero where there is none.
func BeforeFailure(events []history.Event) uint64 {
	for n, e := range events {
		if isAnswer(e) && e.Failure() != nil && !isOvercome(events, n) {
			return events[n-1].ID
		}
	}
	return 0
}
