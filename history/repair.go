package history

// What was done to an execution by hand.
const (
	KindOrchestrationRetried Kind = 110
	KindOrchestrationRewound Kind = 111
)

var repairKinds = family{
	KindOrchestrationRetried: named[OrchestrationRetried]("OrchestrationRetried"),
	KindOrchestrationRewound: named[OrchestrationRewound]("OrchestrationRewound"),
}

// OrchestrationRetried records that the end of the execution was taken back, with what had led to it. What
// it names is no longer in the history, and its ids are not used again.
type OrchestrationRetried struct {
	// Reason and By are what was said when it was asked for.
	Reason string
	By     string
	// Failure is what the execution had ended with.
	Failure Failure
	// Undone are the events that were taken back.
	Undone []Undone
}

// OrchestrationRewound records that everything after an event was taken back. What it names is no longer in
// the history, and its ids are not used again.
type OrchestrationRewound struct {
	// Reason and By are what was said when it was asked for.
	Reason string
	By     string
	// To is the last event that was kept, and Undone are those after it.
	To     uint64
	Undone []Undone
	// Starts is the highest number of a start that was used until then; see Life.Started.
	Starts uint64
}

// Kind gives the number of the kind.
func (OrchestrationRewound) Kind() Kind { return KindOrchestrationRewound }

func (OrchestrationRewound) repairs() {}

func (d *OrchestrationRewound) fields(w *Wire) {
	w.Text(&d.Reason)
	w.Text(&d.By)
	w.Uint(&d.To)
	undone(w, &d.Undone)
	w.Uint(&d.Starts)
}

func (d OrchestrationRewound) encode(w *Wire) { d.fields(w) }

// Undone is an event that was taken back.
type Undone struct {
	Event uint64
	Of    Kind
}

// Kind gives the number of the kind.
func (OrchestrationRetried) Kind() Kind { return KindOrchestrationRetried }

func (OrchestrationRetried) repairs() {}

func (d *OrchestrationRetried) fields(w *Wire) {
	w.Text(&d.Reason)
	w.Text(&d.By)
	requiredFailure(w, &d.Failure)
	undone(w, &d.Undone)
}

func (d OrchestrationRetried) encode(w *Wire) { d.fields(w) }

// undone carries a list of events.
func undone(w *Wire, all *[]Undone) {
	n := w.count(len(*all), 2)
	if w.decoding && n > 0 {
		*all = make([]Undone, n)
	}
	for i := range *all {
		w.Uint(&(*all)[i].Event)
		kind := uint8((*all)[i].Of)
		w.Byte(&kind)
		(*all)[i].Of = Kind(kind)
	}
}

type (
	retriedShape struct {
		Reason  string        `json:"reason,omitempty"`
		By      string        `json:"by,omitempty"`
		Failure any           `json:"failure"`
		Undone  []undoneShape `json:"undone"`
	}
	rewoundShape struct {
		Reason string        `json:"reason,omitempty"`
		By     string        `json:"by,omitempty"`
		To     uint64        `json:"toEventId"`
		Undone []undoneShape `json:"undone"`
	}
	undoneShape struct {
		Event uint64 `json:"eventId"`
		Kind  string `json:"kind"`
	}
)

func (d OrchestrationRetried) shape() any {
	return retriedShape{Reason: d.Reason, By: d.By, Failure: failureShape(d.Failure), Undone: undoneShapes(d.Undone)}
}

func (d OrchestrationRewound) shape() any {
	return rewoundShape{Reason: d.Reason, By: d.By, To: d.To, Undone: undoneShapes(d.Undone)}
}

func undoneShapes(all []Undone) []undoneShape {
	shapes := make([]undoneShape, len(all))
	for n, u := range all {
		shapes[n] = undoneShape{Event: u.Event, Kind: u.Of.String()}
	}
	return shapes
}
