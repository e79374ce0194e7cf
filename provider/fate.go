package provider

import "duroxide/history"

// FateOf compares the life that a message means with who lives at its target: there says whether
// somebody does, and status and level are those of the target.
func FateOf(m Message, there bool, life history.Life, status ExecutionStatus, level uint64) Fate {
	switch {
	case level == Inert && m.Kind != StartInstance && !m.IsResumption():
		return Unheard
	case m.hasNobody(there, status):
		return Dropped
	case m.Kind == StartInstance && !there:
		return Stored
	case m.Kind == StartInstance && !m.Life.IsZero() && m.Life == life:
		return Same
	case m.Kind == StartInstance:
		return Taken
	case m.Life.IsZero() || there && m.Life.Fits(life):
		return Stored
	default:
		return Dropped
	}
}

// hasNobody reports whether a message is only for somebody who is not at its target.
func (m *Message) hasNobody(there bool, status ExecutionStatus) bool {
	return m.IfRunning && (status == Completed || status == Failed) || m.IsKept() && !there
}
