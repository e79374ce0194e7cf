package replay

import (
	"slices"

	"duroxide/history"
)

// asksToStop are the kinds of events that say that an execution is to stop.
var asksToStop = []history.Kind{
	history.KindOrchestrationCancelRequested, history.KindOrchestrationTerminateRequested,
	history.KindOrchestrationCancelling,
}

// Forkable gives the last event of an execution that another instance can go on from: its end is none, nor is
// what has asked it to stop, with all that came of that. It is zero where there is none.
func Forkable(events []history.Event) uint64 {
	at := slices.IndexFunc(events, func(e history.Event) bool {
		return e.IsTerminal() || slices.Contains(asksToStop, e.Kind())
	})
	if at < 0 {
		at = len(events)
	}
	for at > 0 && isOfAnEnd(events[at-1]) {
		at--
	}
	if at == 0 {
		return 0
	}
	return events[at-1].ID
}

// isOfAnEnd reports whether an end cancels something with an event.
func isOfAnEnd(e history.Event) bool {
	d, ok := e.Data.(history.Cancellation)
	return ok && reasonOf(d) != history.ReasonDropped
}

// Fork gives the history of an execution up to the event that a note names, as that of a root of its own with
// another input or version, which are kept where they are nil. The note is its last event. *NoEventError.
func Fork(
	events []history.Event, note history.OrchestrationForked, input, version *string, nowMs int64, engine string,
) ([]history.Event, error) {
	at := slices.IndexFunc(events, func(e history.Event) bool { return e.ID == note.To })
	if at < 0 {
		return nil, &NoEventError{Event: note.To}
	}
	last := events[at]
	if last.IsTerminal() {
		return nil, &NoEventError{Event: note.To, End: true}
	}
	kept := slices.Clone(events[:at+1])
	if s, ok := kept[0].Data.(history.OrchestrationStarted); ok {
		s.Parent = nil
		if input != nil {
			s.Input, note.Input = *input, true
		}
		if version != nil {
			s.Version, note.Version = *version, true
		}
		kept[0].Data = s
	}
	return append(kept, history.Event{
		ID: last.ID + 1, TimeMs: max(nowMs, last.TimeMs), Engine: engine, Data: note,
	}), nil
}
