package history

// Signals and the waits for them.
const (
	KindExternalSubscribed          Kind = 30
	KindExternalEvent               Kind = 31
	KindExternalSubscribedCancelled Kind = 32
)

var waitKinds = family{
	KindExternalSubscribed:          named[ExternalSubscribed]("ExternalSubscribed"),
	KindExternalEvent:               named[ExternalEvent]("ExternalEvent"),
	KindExternalSubscribedCancelled: named[ExternalSubscribedCancelled]("ExternalSubscribedCancelled"),
}

// ExternalSubscribed opens a wait for one signal.
type ExternalSubscribed struct{ Name string }

// Kind gives the number of the kind.
func (ExternalSubscribed) Kind() Kind { return KindExternalSubscribed }

func (ExternalSubscribed) schedules() {}

func (d *ExternalSubscribed) fields(w *Wire) { w.Text(&d.Name) }

func (d ExternalSubscribed) encode(w *Wire) { d.fields(w) }

func (d ExternalSubscribed) shape() any { return nameShape(d) }

func (d ExternalSubscribed) isLong() bool { return isLong(d.Name) }

// ExternalEvent records a signal, delivered or not.
type ExternalEvent struct {
	Name string
	Data string
}

// Kind gives the number of the kind.
func (ExternalEvent) Kind() Kind { return KindExternalEvent }

func (ExternalEvent) comesIn() {}

func (d *ExternalEvent) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Data)
}

func (d ExternalEvent) encode(w *Wire) { d.fields(w) }

func (d ExternalEvent) shape() any { return messageShape{Name: d.Name, Data: payload(d.Data)} }

// ExternalSubscribedCancelled closes a wait that was dropped or still open at the end.
type ExternalSubscribedCancelled struct{ Reason string }

// Kind gives the number of the kind.
func (ExternalSubscribedCancelled) Kind() Kind { return KindExternalSubscribedCancelled }

func (ExternalSubscribedCancelled) cancels() {}

func (d *ExternalSubscribedCancelled) fields(w *Wire) { w.Text(&d.Reason) }

func (d ExternalSubscribedCancelled) encode(w *Wire) { d.fields(w) }

func (d ExternalSubscribedCancelled) shape() any { return reasonShape(d) }
