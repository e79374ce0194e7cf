package history

// Limits of what names things, in bytes of UTF-8. They are the same for every store: an index of the
// strictest one holds such a text, and no index holds two.
const (
	// MaxNameBytes is for what a caller gives: ids of instances, names of orchestrations, activities,
	// events, queues and sessions, and keys of values.
	MaxNameBytes = 2000
	// MaxVersionBytes is for versions of orchestrations.
	MaxVersionBytes = 256
	// MaxReasonBytes is for the reasons of cancellations.
	MaxReasonBytes = 64 << 10
	// MaxIDBytes is for ids of instances that the engine makes from that of a parent. Stores hold
	// longer ones where they were made before there was a limit, and may refuse new ones.
	MaxIDBytes = 2600
)

// IsLong reports whether an event holds a name that a caller may not give any more: the rules of its
// execution are older than these limits, and so are the kinds for which this is asked.
func (e Event) IsLong() bool {
	named, ok := e.Data.(interface{ isLong() bool })
	return ok && named.isLong()
}

func isLong(name string) bool { return len(name) > MaxNameBytes }

func isLongVersion(version *string) bool { return version != nil && len(*version) > MaxVersionBytes }
