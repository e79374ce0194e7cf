package history

import (
	"fmt"
	"slices"
)

// A row holds the events of one turn:
//
//	format byte, number of events, and if there are any: engine version and time of the first
//	per event: kind byte, [engine version], id delta, source, time delta, the fields of the kind
//
// Deltas are to the event before and wrap around, so that any values survive. The high bit of the
// kind byte says that the event has an engine version of its own.
const (
	engineOverride = 0x80
	// leastEvent is the number of bytes that an event takes at least.
	leastEvent = 4
)

// EncodeRow gives the stored bytes of the events of one turn. It panics if an event has no data.
func EncodeRow(events []Event) []byte {
	return Encode(func(w *Wire) { encodeEvents(w, events) })
}

func encodeEvents(w *Wire, events []Event) {
	w.Has(slices.ContainsFunc(events, hasHeaders), slices.ContainsFunc(events, hasTimeout))
	w.Format()
	w.count(len(events), leastEvent)
	if len(events) == 0 {
		return
	}
	previous := Event{Engine: events[0].Engine, TimeMs: events[0].TimeMs}
	w.Text(&previous.Engine)
	w.Int(&previous.TimeMs)
	for i := range events {
		encodeEvent(w, &events[i], &previous)
	}
}

func hasHeaders(e Event) bool {
	started, ok := e.Data.(OrchestrationStarted)
	return ok && started.Headers != ""
}

func hasTimeout(e Event) bool {
	if d, ok := e.Data.(OrchestrationStarted); ok {
		return !d.Timeout.IsZero()
	}
	if d, ok := e.Data.(OrchestrationCancelRequested); ok {
		return d.TimedOut
	}
	d, ok := e.Data.(OrchestrationCancelling)
	return ok && d.TimedOut
}

func encodeEvent(w *Wire, e, previous *Event) {
	kind := uint8(e.Kind())
	if e.Engine != previous.Engine {
		kind |= engineOverride
	}
	w.Byte(&kind)
	if kind&engineOverride != 0 {
		w.Text(&e.Engine)
	}
	id, elapsed := e.ID-previous.ID, e.TimeMs-previous.TimeMs
	w.Uint(&id)
	w.Uint(&e.Source)
	w.Int(&elapsed)
	previous.ID, previous.TimeMs = e.ID, e.TimeMs
	e.Data.encode(w)
}

// DecodeRow gives back the events of one row. Errors wrap ErrFormat; it never skips what it does
// not know, because a history with a hole would replay wrongly. The strings that it gives share a text that
// was given, or one copy of bytes.
func DecodeRow[Row []byte | string](row Row) ([]Event, error) {
	w := NewDecoder(row)
	w.Format()
	events := make([]Event, w.count(0, leastEvent))
	if len(events) > 0 {
		var previous Event
		w.Text(&previous.Engine)
		w.Int(&previous.TimeMs)
		for i := range events {
			decodeEvent(&w, &events[i], &previous)
		}
	}
	if err := w.Finish(); err != nil {
		return nil, fmt.Errorf("decode history row: %w", err)
	}
	return events, nil
}

func decodeEvent(w *Wire, e, previous *Event) {
	var kind uint8
	w.Byte(&kind)
	e.Engine = previous.Engine
	if kind&engineOverride != 0 {
		w.Text(&e.Engine)
	}
	var id uint64
	var elapsed int64
	w.Uint(&id)
	w.Uint(&e.Source)
	w.Int(&elapsed)
	e.ID, e.TimeMs = previous.ID+id, previous.TimeMs+elapsed
	previous.ID, previous.TimeMs = e.ID, e.TimeMs
	e.Data = decodeData(w, Kind(kind&^engineOverride))
}

func decodeData(w *Wire, kind Kind) Data {
	if !kind.isKnown() {
		w.Newer("event kind %d", kind)
		return nil
	}
	return kinds[kind].decode(w)
}
