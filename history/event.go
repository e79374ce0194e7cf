// Package history is the durable record: the events of one execution, what each kind holds, how
// they are written to bytes, and how people read them. It is a leaf: it knows neither engine nor store,
// reads no clock, and does not look into payloads, which are opaque text from the code that produced
// them.
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

// Data is implemented by the struct of each kind of event in this package, and by nothing else. A
// switch over it must name every kind, or the role that the kind has.
//
//sumtype:decl
type Data interface {
	// Kind gives the number of the kind.
	Kind() Kind
	// encode writes the fields. It is a method with a value, so that encoding makes no garbage.
	encode(w *Wire)
	// shape gives what JSON is made of for people, or nil where there are no fields.
	shape() any
}

// The roles of kinds follow. What has none of them stands alone: OrchestrationStarted begins,
// OrchestrationChained and MessageSent ask for something that has no answer, PatchDecided has no place among
// the steps, and CleanupFailed tells of code that nobody waits for.

// Schedule opens something that will be answered or cancelled.
//
//sumtype:decl
type Schedule interface {
	Data
	schedules()
}

// Answer closes the schedule that Source names with what came of it.
//
//sumtype:decl
type Answer interface {
	Data
	answers()
}

// Cancellation closes the schedule that Source names because nobody waits for it any more.
//
//sumtype:decl
type Cancellation interface {
	Data
	cancels()
}

// Input comes from outside, and answers whatever waits for it.
//
//sumtype:decl
type Input interface {
	Data
	comesIn()
}

// Change is a change of the state that outlives the execution.
//
//sumtype:decl
type Change interface {
	Data
	changes()
}

// Ending is the last event of an execution.
//
//sumtype:decl
type Ending interface {
	Data
	ends()
}

// Repair notes what was done to the execution by hand. It means nothing for replay.
//
//sumtype:decl
type Repair interface {
	Data
	repairs()
}

// Kind gives the kind of the event's data.
func (e Event) Kind() Kind { return e.Data.Kind() }

// IsTerminal reports whether the event ends its execution.
func (e Event) IsTerminal() bool {
	_, ok := e.Data.(Ending)
	return ok
}

// Failure gives the failure that the event records, or nil.
func (e Event) Failure() *Failure {
	if failed, ok := e.Data.(interface{ failure() *Failure }); ok {
		return failed.failure()
	}
	return nil
}
