package history

// Kind numbers the kinds of events. The numbers are stored and never reused. Each family of kinds has
// a file with everything about them: numbers, names, structs, stored fields, and what people see.
type Kind uint8

// family lists the kinds of one file.
type family map[Kind]entry

// entry is what leads from the number of a kind to the rest of it.
type entry struct {
	// name is what users see in histories.
	name   string
	decode func(w *Wire) Data
}

// kinds has every kind at its number. The high bit of a kind byte has a meaning of its own.
var kinds = table(
	orchestrationKinds, activityKinds, timerKinds, waitKinds, queueKinds, childKinds, stateKinds, patchKinds, stopKinds,
	inlineKinds, talkKinds, repairKinds,
)

func table(families ...family) (all [engineOverride]entry) {
	for _, f := range families {
		for kind, e := range f {
			all[kind] = e
		}
	}
	return all
}

// String gives the name that users see, or "Unknown".
func (k Kind) String() string {
	if k.isKnown() {
		return kinds[k].name
	}
	return "Unknown"
}

func (k Kind) isKnown() bool { return int(k) < len(kinds) && kinds[k].decode != nil }

// fielder is the pointer to a struct of a kind.
type fielder[T Data] interface {
	*T
	fields(w *Wire)
}

// named makes the entry of a kind whose struct is T.
func named[T Data, P fielder[T]](name string) entry {
	return entry{name: name, decode: func(w *Wire) Data {
		var d T
		P(&d).fields(w)
		return d
	}}
}
