package replay

import "duroxide/history"

// LongNames reports whether names in this execution have no limit: its history holds one that is
// longer than those that may be given now, or its own id is, so that it began before there was a
// limit. The answer never changes within an execution, so that a replay does what the first run did.
func (x *Execution) LongNames() bool { return x.longNames }

// checkNames refuses an action with a name, an id, a key or a version that is too long.
func (x *Execution) checkNames(a *Action) error {
	if x.longNames || a.Kind == ClearValue { // an old key must be got rid of
		return nil
	}
	most := history.MaxNameBytes
	for _, given := range []struct {
		what, text string
		most       int
	}{
		{"version", text(a.Version), history.MaxVersionBytes},
		{nameWord(a.Kind), a.Name, most},
		{"instanceId", a.chosenID(), most},
		{"sessionId", text(a.Session), most},
	} {
		if len(given.text) > given.most {
			return limit("%s size (%d bytes) exceeds limit (%d bytes)", given.what, len(given.text), given.most)
		}
	}
	return nil
}

// chosenID is the id of an instance that an action starts, or "". One that is merely read may be an
// old one, which is longer.
func (a *Action) chosenID() string {
	if a.Kind == SubOrchestration || a.Kind == StartOrchestration {
		return text(a.Instance)
	}
	return ""
}

func nameWord(kind ActionKind) string {
	switch kind {
	case Dequeue:
		return "queueName"
	case SetValue:
		return "KV key"
	case Activity, Inline, Timer, WaitEvent, SubOrchestration, StartOrchestration, ContinueAsNew, SetCustomStatus,
		ClearValue, ClearValues, Syscall, Drop, CleanupFailed, Send, Patch, MakePromise, TryAgain, GiveUp:
		return "name"
	default: // Apply says what is wrong with it.
		return "name"
	}
}
