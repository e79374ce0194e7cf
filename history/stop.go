package history

// What asks an instance to stop, besides a plain cancel request.
const (
	KindOrchestrationTerminateRequested Kind = 70
)

var stopKinds = family{
	KindOrchestrationTerminateRequested: named[OrchestrationTerminateRequested]("OrchestrationTerminateRequested"),
}

// OrchestrationTerminateRequested records that the instance was ended, whatever its code says.
type OrchestrationTerminateRequested struct{ Reason string }

// Kind gives the number of the kind.
func (OrchestrationTerminateRequested) Kind() Kind { return KindOrchestrationTerminateRequested }

func (OrchestrationTerminateRequested) comesIn() {}

func (d *OrchestrationTerminateRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d OrchestrationTerminateRequested) encode(w *Wire) { d.fields(w) }

func (d OrchestrationTerminateRequested) shape() any { return reasonShape(d) }
