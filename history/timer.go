package history

// Timers.
const (
	KindTimerCreated Kind = 20
	KindTimerFired   Kind = 21
)

var timerKinds = family{
	KindTimerCreated: named[TimerCreated]("TimerCreated"),
	KindTimerFired:   named[TimerFired]("TimerFired"),
}

type timerShape struct {
	FireAtMs int64 `json:"fireAtMs"`
}

// TimerCreated records a timer and the moment it is due, in Unix milliseconds.
type TimerCreated struct{ FireAtMs int64 }

// Kind gives the number of the kind.
func (TimerCreated) Kind() Kind { return KindTimerCreated }

func (TimerCreated) schedules() {}

func (d *TimerCreated) fields(w *Wire) { w.Int(&d.FireAtMs) }

func (d TimerCreated) encode(w *Wire) { d.fields(w) }

func (d TimerCreated) shape() any { return timerShape(d) }

// TimerFired answers TimerCreated; FireAtMs is the planned time.
type TimerFired struct{ FireAtMs int64 }

// Kind gives the number of the kind.
func (TimerFired) Kind() Kind { return KindTimerFired }

func (TimerFired) answers() {}

func (d *TimerFired) fields(w *Wire) { w.Int(&d.FireAtMs) }

func (d TimerFired) encode(w *Wire) { d.fields(w) }

func (d TimerFired) shape() any { return timerShape(d) }
