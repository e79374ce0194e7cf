package history

// Activities whose code is a closure of the orchestration code. They are answered, and cancelled, like any
// other activity.
const (
	KindInlineActivityScheduled Kind = 80
)

var inlineKinds = family{
	KindInlineActivityScheduled: named[InlineActivityScheduled]("InlineActivityScheduled"),
}

// InlineActivityScheduled records that an inline activity is wanted. Its input is in its closure.
type InlineActivityScheduled struct{ Name string }

// Kind gives the number of the kind.
func (InlineActivityScheduled) Kind() Kind { return KindInlineActivityScheduled }

func (InlineActivityScheduled) schedules() {}

func (d *InlineActivityScheduled) fields(w *Wire) { w.Text(&d.Name) }

func (d InlineActivityScheduled) encode(w *Wire) { d.fields(w) }

func (d InlineActivityScheduled) shape() any { return nameShape(d) }

func (d InlineActivityScheduled) isLong() bool { return isLong(d.Name) }
