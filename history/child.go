package history

// Children: instances that another one waits for.
const (
	KindSubOrchestrationScheduled       Kind = 50
	KindSubOrchestrationCompleted       Kind = 51
	KindSubOrchestrationFailed          Kind = 52
	KindSubOrchestrationCancelRequested Kind = 53
)

var childKinds = family{
	KindSubOrchestrationScheduled:       named[SubOrchestrationScheduled]("SubOrchestrationScheduled"),
	KindSubOrchestrationCompleted:       named[SubOrchestrationCompleted]("SubOrchestrationCompleted"),
	KindSubOrchestrationFailed:          named[SubOrchestrationFailed]("SubOrchestrationFailed"),
	KindSubOrchestrationCancelRequested: named[SubOrchestrationCancelRequested]("SubOrchestrationCancelRequested"),
}

// What marks the ids that the engine makes for children.
const (
	ReservedChildMarker       = "sub::"
	ReservedChildMarkerInside = "::sub::"
)

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

// SubOrchestrationScheduled records that a child is wanted.
type SubOrchestrationScheduled struct {
	Name string
	// Instance is the suffix for generated ids ("sub::5"), the whole id for chosen ones.
	Instance string
	Input    string
	// Version is nil for "the registry's choice".
	Version *string
	// Number is that of the start within the life of the parent; see Life.Started. It is zero in
	// histories of older releases, where the life of the child is unknown.
	Number uint64
}

// Kind gives the number of the kind.
func (SubOrchestrationScheduled) Kind() Kind { return KindSubOrchestrationScheduled }

func (SubOrchestrationScheduled) schedules() {}

func (d *SubOrchestrationScheduled) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Instance)
	w.Text(&d.Input)
	w.OptionalText(&d.Version)
	startNumber(w, &d.Number)
}

func (d SubOrchestrationScheduled) encode(w *Wire) { d.fields(w) }

func (d SubOrchestrationScheduled) shape() any {
	return callShape{Name: d.Name, Instance: d.Instance, Input: payload(d.Input), Version: d.Version}
}

func (d SubOrchestrationScheduled) isLong() bool {
	return isLong(d.Name) || isLong(d.Instance) || isLongVersion(d.Version)
}

// SubOrchestrationCompleted is the output of the child that Source names.
type SubOrchestrationCompleted struct{ Result string }

// Kind gives the number of the kind.
func (SubOrchestrationCompleted) Kind() Kind { return KindSubOrchestrationCompleted }

func (SubOrchestrationCompleted) answers() {}

func (d *SubOrchestrationCompleted) fields(w *Wire) { w.Text(&d.Result) }

func (d SubOrchestrationCompleted) encode(w *Wire) { d.fields(w) }

func (d SubOrchestrationCompleted) shape() any { return payload(d.Result) }

// SubOrchestrationFailed is the failure of the child that Source names.
type SubOrchestrationFailed struct{ Failure Failure }

// Kind gives the number of the kind.
func (SubOrchestrationFailed) Kind() Kind { return KindSubOrchestrationFailed }

func (SubOrchestrationFailed) answers() {}

func (d *SubOrchestrationFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d SubOrchestrationFailed) encode(w *Wire) { d.fields(w) }

func (d SubOrchestrationFailed) shape() any { return failureShape(d.Failure) }

func (d SubOrchestrationFailed) failure() *Failure { return &d.Failure }

// SubOrchestrationCancelRequested records that the child was asked to stop.
type SubOrchestrationCancelRequested struct{ Reason string }

// Kind gives the number of the kind.
func (SubOrchestrationCancelRequested) Kind() Kind { return KindSubOrchestrationCancelRequested }

func (SubOrchestrationCancelRequested) cancels() {}

func (d *SubOrchestrationCancelRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d SubOrchestrationCancelRequested) encode(w *Wire) { d.fields(w) }

func (d SubOrchestrationCancelRequested) shape() any { return reasonShape(d) }
