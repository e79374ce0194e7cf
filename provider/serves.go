package provider

// Serves says what a node can run and read. A store gives a node nothing else, however work is claimed.
// The functions are called under locks of the store, and often: they must be quick and must not call it.
type Serves struct {
	// Level is the highest format level that the node reads.
	Level uint64
	// Orchestration reports whether the node has a version of an orchestration; an empty version is
	// the registry's choice.
	Orchestration func(name, version string) bool
	// Activity reports whether the node has an activity.
	Activity func(name string) bool
	// Code names the code of the node: what is held for it is not given to it.
	Code string
}

// Inert is the format level of an instance that is only looked at: no release reads it, so that nobody claims it.
// Stores keep messages from it but Resumptions, never count it as one that runs, and delete it like one that has
// ended.
const Inert = uint64(1<<63 - 1)

// LaneKind says what a lane is made of. The numbers are stored.
type LaneKind uint8

// The kinds of lanes.
const (
	// AnyTurn: turns that need no code, because their instance has ended.
	AnyTurn LaneKind = 1
	// Turn: turns of a version of an orchestration.
	Turn LaneKind = 2
	// FreeTask: tasks that any worker may run.
	FreeTask LaneKind = 3
	// SessionTask: tasks that belong to sessions.
	SessionTask LaneKind = 4
	// HeldTurn: turns of a version of an orchestration that some codes do not fit. Tag names these.
	HeldTurn LaneKind = 5
)

// Lane is what a claim selects work by. Stores give each lane a small number, once, and keep it with the
// work: so a claim matches lanes, and work that nobody here can run costs nothing, however much it is.
type Lane struct {
	Kind LaneKind
	// Name is that of the orchestration or activity, Version that of the orchestration; an empty one is
	// the registry's choice.
	Name, Version string
	// Tag is that of a task, where Tagged says that it has one.
	Tagged bool
	Tag    string
	// Level is the lowest format level that reads the work.
	Level uint64
}

// TurnLane gives the lane of an instance that goes on with a version of an orchestration.
func TurnLane(name, version string, level uint64) Lane {
	return Lane{Kind: Turn, Name: name, Version: version, Level: level}
}

// LaneOf gives the lane of a task.
func LaneOf(t *Task) Lane {
	l := Lane{Kind: FreeTask, Name: t.Name}
	if t.Session != nil {
		l.Kind = SessionTask
	}
	if t.Tag != nil {
		l.Tagged, l.Tag = true, *t.Tag
	}
	return l
}

// LaneOf gives the lane of what a message that begins an execution asks for.
func (m *Message) LaneOf(level uint64) Lane {
	version := ""
	if m.Version != nil {
		version = *m.Version
	}
	return TurnLane(m.Name, version, level)
}

// tag gives the tag of a lane of tasks.
func (l *Lane) tag() *string {
	if !l.Tagged {
		return nil
	}
	return &l.Tag
}

// Turns reports whether a holder takes the turns of a lane.
func (h *Holder) Turns(l Lane) bool {
	s := h.Serves
	switch {
	case l.Kind == AnyTurn:
		return true
	case l.Kind != Turn && l.Kind != HeldTurn:
		return false
	case s != nil && l.Kind == HeldTurn && l.misfits(s.Code):
		return false
	case s == nil:
		return true
	default:
		return l.Level <= s.Level && (s.Orchestration == nil || s.Orchestration(l.Name, l.Version))
	}
}

// Tasks reports whether a holder takes the tasks of a lane on a route. Whose a session is, is another
// question.
func (h *Holder) Tasks(l Lane, r Route) bool {
	s := h.Serves
	switch {
	case l.Kind != FreeTask && l.Kind != SessionTask:
		return false
	case !r.Covers(l):
		return false
	case s == nil:
		return true
	default:
		return l.Level <= s.Level && (s.Activity == nil || s.Activity(l.Name))
	}
}

// Overdue reports whether tasks of a lane are asked for, apart from what was announced.
func (q *OverdueQuery) Overdue(l Lane) bool {
	s := q.Serves
	return (l.Kind == FreeTask || l.Kind == SessionTask) &&
		(s == nil || s.Activity != nil && !s.Activity(l.Name))
}

// Overdue reports whether instances of a lane are asked for.
func (q *OverdueTurns) Overdue(l Lane) bool {
	s := q.Holder.Serves
	return l.Kind == Turn && s != nil && s.Orchestration != nil && l.Level <= s.Level &&
		!s.Orchestration(l.Name, l.Version)
}

// Covers reports whether a route takes the tasks of a lane, whatever they are.
func (r Route) Covers(l Lane) bool {
	return r.Tags.Matches(l.tag()) && (l.Kind != SessionTask || r.Session != nil)
}

// Unserved is work that is ready and that the node which claims cannot run.
type Unserved struct {
	Lane Lane
	// Instance is the one that has waited longest, since DueMs.
	Instance string
	DueMs    int64
}

// MostUnserved bounds how much of it one claim reports.
const MostUnserved = 16
