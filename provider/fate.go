package provider

import "duroxide/history"

// FateOf compares the life that a message means with who lives at its target: there says whether
// somebody does.
func FateOf(m Message, there bool, life history.Life) Fate {
	switch {
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
