package history

// What was done to an execution by hand.
const (
	KindOrchestrationRetried Kind = 110
	KindOrchestrationRewound Kind = 111
	// KindRewoundOverExecutions is an OrchestrationRewound that has taken back executions too.
	KindRewoundOverExecutions Kind = 112
	KindOrchestrationForked   Kind = 113
)

var repairKinds = family{
	KindOrchestrationRetried: named[OrchestrationRetried]("OrchestrationRetried"),
	KindOrchestrationRewound: named[OrchestrationRewound]("OrchestrationRewound"),
	KindRewoundOverExecutions: {name: "OrchestrationRewound", decode: func(w *Wire) Data {
		var d OrchestrationRewound
		d.fields(w)
		w.Uint(&d.Over)
		if d.Over == 0 {
			w.Fail("execution is missing")
		}
		return d
	}},
	KindOrchestrationForked: named[OrchestrationForked]("OrchestrationForked"),
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
	// Over is the execution that the instance was in, where those after this one were taken back; else zero. It
	// makes the event one of another kind.
	Over uint64
}

// Kind gives the number of the kind.
func (d OrchestrationRewound) Kind() Kind {
	if d.Over > 0 {
		return KindRewoundOverExecutions
	}
	return KindOrchestrationRewound
}

func (OrchestrationRewound) repairs() {}

func (d *OrchestrationRewound) fields(w *Wire) {
	w.Text(&d.Reason)
	w.Text(&d.By)
	w.Uint(&d.To)
	undone(w, &d.Undone)
	w.Uint(&d.Starts)
}

func (d OrchestrationRewound) encode(w *Wire) {
	d.fields(w)
	if d.Over > 0 {
		w.Uint(&d.Over)
	}
}

// OrchestrationForked records that what is before it in the history was lived through by another instance.
type OrchestrationForked struct {
	// Reason and By are what was said when it was asked for.
	Reason string
	By     string
	// From is the other instance, Execution and To are the last event that was taken from it.
	From      string
	Execution uint64
	To        uint64
	// Input and Version say that the fork has its own.
	Input   bool
	Version bool
}

// Kind gives the number of the kind.
func (OrchestrationForked) Kind() Kind { return KindOrchestrationForked }

func (OrchestrationForked) repairs() {}

func (d *OrchestrationForked) fields(w *Wire) {
	w.Text(&d.Reason)
	w.Text(&d.By)
	w.Text(&d.From)
	w.Uint(&d.Execution)
	w.Uint(&d.To)
	d.Input = w.present(d.Input)
	d.Version = w.present(d.Version)
}

func (d OrchestrationForked) encode(w *Wire) { d.fields(w) }

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
		Over   uint64        `json:"undoneToExecutionId,omitempty"`
	}
	forkedShape struct {
		Reason    string `json:"reason,omitempty"`
		By        string `json:"by,omitempty"`
		From      string `json:"fromInstanceId"`
		Execution uint64 `json:"executionId"`
		To        uint64 `json:"toEventId"`
		Input     bool   `json:"inputChanged,omitempty"`
		Version   bool   `json:"versionChanged,omitempty"`
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
	return rewoundShape{Reason: d.Reason, By: d.By, To: d.To, Undone: undoneShapes(d.Undone), Over: d.Over}
}

func (d OrchestrationForked) shape() any { return forkedShape(d) }

func undoneShapes(all []Undone) []undoneShape {
	shapes := make([]undoneShape, len(all))
	for n, u := range all {
		shapes[n] = undoneShape{Event: u.Event, Kind: u.Of.String()}
	}
	return shapes
}
