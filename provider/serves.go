package provider

// FormatLevel is the level of what this release stores: the release, packed by PackVersion, that brought
// the newest format which it writes. It is not the version of the release itself: one that changes no
// format keeps the level of the one before, and works beside it in both directions.
const FormatLevel uint64 = 2_000

// Serves says what a node can run. A store gives a node nothing else, in any call that claims: what the
// node has no code for, or cannot read, stays where it is for others, and that is no attempt. Nil serves
// everything. The functions are called while a store claims: they must be quick, and must not call it.
type Serves struct {
	// Level is the highest format level that the node reads; zero means any.
	Level uint64
	// Orchestration reports whether there is code of a name and version; "" is the version of a start
	// that asks for none. Nil means all.
	Orchestration func(name, version string) bool
	// Activity reports whether there is code of a name. Nil means all.
	Activity func(name string) bool
}

// Wanted is what the next turn of an instance needs. The zero value is a turn that needs no code.
type Wanted struct {
	Name    string
	Version string
}

// TakesTurn reports whether a node can run the next turn of an instance whose rows have a level.
func (s *Serves) TakesTurn(w Wanted, level uint64) bool {
	switch {
	case s == nil:
		return true
	case s.Level != 0 && level > s.Level:
		return false
	default:
		return w.Name == "" || s.Orchestration == nil || s.Orchestration(w.Name, w.Version)
	}
}

// TakesTask reports whether a node can run a task.
func (s *Serves) TakesTask(name string) bool {
	return s == nil || s.Activity == nil || s.Activity(name)
}

// Unserved is work that is ready and that the asking node cannot run.
type Unserved struct {
	// Activity tells the name of an activity from that of an orchestration.
	Activity bool
	Name     string
	// Version is "" for "the registry's choice" and for activities.
	Version string
	// Instance is one of those that wait.
	Instance string
}
