// Package history is the durable record: the events of one execution, what each kind holds, and
// how they are written to bytes. It is a leaf: it knows neither engine nor store, reads no clock,
// and never looks into payloads, which are opaque text from the code that produced them.
package history

// Event is one fact of one execution. Instance and execution are implied by where it is stored.
type Event struct {
	// ID is the event's number in its execution: 1, 2, 3 …; gaps are legal, zero is not.
	ID uint64
	// Source is the id of the scheduling event that this one answers; zero means none.
	Source uint64
	// TimeMs is when the event was recorded, in Unix milliseconds. Replay never reads it.
	TimeMs int64
	// Engine is the version of the engine that wrote the event. It is never restamped.
	Engine string
	// Data holds the fields of the event's kind. It is never nil.
	Data Data
}

// Kind gives the kind of the event's data.
func (e Event) Kind() Kind { return e.Data.Kind() }

// IsTerminal reports whether the event ends its execution.
func (e Event) IsTerminal() bool {
	switch e.Data.Kind() {
	case KindOrchestrationCompleted, KindOrchestrationFailed, KindOrchestrationContinuedAsNew:
		return true
	default:
		return false
	}
}

// Parent names the scheduling event of a parent that waits for this instance.
type Parent struct {
	Instance  string
	Execution uint64
	Event     uint64
	// Life is who waits at the id of the parent.
	Life Life
}

// Is reports whether two links name the same scheduling event.
func (p Parent) Is(other Parent) bool {
	return p.Instance == other.Instance && p.Execution == other.Execution && p.Event == other.Event &&
		p.Life.Fits(other.Life)
}

// Carried is one unread queue message handed from an execution to its successor.
type Carried struct {
	Name string
	Data string
}
