package provider

import (
	"errors"
	"fmt"

	"duroxide/history"
)

// HistoryRows puts the stored rows of one execution together. It gives the whole history, or ErrCorrupt,
// or ErrNewer where a row is of a newer release, never a shorter one: what is missing would be done again when it is replayed. It is
// for stores, and for one goroutine.
type HistoryRows struct {
	execution uint64
	all       []history.Event
	damage    error
}

// NewHistoryRows begins with nothing of an execution.
func NewHistoryRows(execution uint64) *HistoryRows { return &HistoryRows{execution: execution} }

// Add takes the next row: the id under which it is stored, which is that of its first event, and
// its bytes.
func (h *HistoryRows) Add(first uint64, body []byte) {
	if h.damage != nil {
		return
	}
	row, err := history.DecodeRow(body)
	switch {
	case err != nil:
		h.damage = unreadable(err)
		return
	case len(row) == 0 || row[0].ID != first:
		h.fail("the row of event %d holds something else", first)
		return
	}
	last := h.last()
	for i := range row {
		if row[i].ID <= last {
			h.fail("event %d follows event %d", row[i].ID, last)
			return
		}
		last = row[i].ID
	}
	if h.all == nil {
		h.all = row
	} else {
		h.all = append(h.all, row...)
	}
}

// Complete gives all events if they are as many as were written. last is the id of the last one, or
// zero where it is not known any more.
func (h *HistoryRows) Complete(events int64, last uint64) ([]history.Event, error) {
	switch {
	case h.damage != nil:
	case int64(len(h.all)) != events:
		h.fail("%d events were written, and %d are there", events, len(h.all))
	case last != 0 && h.last() != last:
		h.fail("event %d was written last, and event %d is there", last, h.last())
	}
	if h.damage == nil {
		return h.all, nil
	}
	trouble := "is damaged"
	if errors.Is(h.damage, ErrNewer) {
		trouble = "cannot be read by this release"
	}
	return nil, &Error{
		Message: fmt.Sprintf("the history of execution %d %s: %v", h.execution, trouble, h.damage),
		Err:     h.damage,
	}
}

func (h *HistoryRows) last() uint64 {
	if n := len(h.all); n > 0 {
		return h.all[n-1].ID
	}
	return 0
}

func (h *HistoryRows) fail(format string, args ...any) {
	h.damage = fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

// LastOf gives the last event of a stored row, or ErrCorrupt.
func LastOf(execution, first uint64, body []byte) (*history.Event, error) {
	rows := NewHistoryRows(execution)
	rows.Add(first, body)
	events, err := rows.Complete(int64(len(rows.all)), 0)
	if err != nil {
		return nil, err
	}
	return &events[len(events)-1], nil
}

// outputApart is from how many bytes on stores may leave an output where it is already: in the last event.
const outputApart = 1 << 10

// OutputIsLast reports whether the last of the events with which an execution ends tells its output, so that
// a store need not have a second copy of it.
func OutputIsLast(events []history.Event, o *Outcome) bool {
	if o == nil || len(o.Output) < outputApart || len(events) == 0 {
		return false
	}
	told, ok := outputOf(&events[len(events)-1])
	return ok && told == o.Output
}

// LastOutput gives the output that the last event of a stored row tells. Errors wrap ErrCorrupt or ErrNewer.
func LastOutput(row string) (string, error) {
	events, err := history.DecodeRow(row)
	if err != nil {
		return "", unreadable(err)
	}
	if n := len(events); n > 0 {
		if output, ok := outputOf(&events[n-1]); ok {
			return output, nil
		}
	}
	return "", fmt.Errorf("%w: the last event of an execution tells no output", ErrCorrupt)
}

func outputOf(e *history.Event) (output string, ok bool) {
	if d, completed := e.Data.(history.OrchestrationCompleted); completed {
		return d.Output, true
	}
	d, continued := e.Data.(history.OrchestrationContinuedAsNew)
	return d.Input, continued
}
