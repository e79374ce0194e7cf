package history

// Limits of what names things, in bytes of UTF-8. They are the same for every store: an index of the
// strictest one holds such a text, and no index holds two.
const (
	// MaxNameBytes is for what a caller gives: ids of instances, names of orchestrations, activities,
	// events, queues and sessions, and keys of values.
	MaxNameBytes = 2000
	// MaxVersionBytes is for versions of orchestrations.
	MaxVersionBytes = 256
	// MaxIDBytes is for ids of instances that the engine makes from that of a parent. Stores hold
	// longer ones where they were made before there was a limit, and may refuse new ones.
	MaxIDBytes = 2600
)

// IsLong reports whether an event holds a name that a caller may not give any more: the rules of its
// execution are older than these limits.
func (e Event) IsLong() bool {
	switch d := e.Data.(type) {
	case ActivityScheduled:
		return isLong(d.Name) || d.Session != nil && isLong(*d.Session)
	case ExternalSubscribed:
		return isLong(d.Name)
	case QueueSubscribed:
		return isLong(d.Name)
	case SubOrchestrationScheduled:
		return isLong(d.Name) || isLong(d.Instance) || isLongVersion(d.Version)
	case OrchestrationChained:
		return isLong(d.Name) || isLong(d.Instance) || isLongVersion(d.Version)
	case KeyValueSet:
		return isLong(d.Key)
	default:
		return false
	}
}

func isLong(name string) bool { return len(name) > MaxNameBytes }

func isLongVersion(version *string) bool { return version != nil && len(*version) > MaxVersionBytes }
