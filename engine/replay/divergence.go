package replay

import (
	"fmt"

	"duroxide/history"
)

// Divergence says that code and history do not fit together.
type Divergence struct { //nolint:errname // divergence is the word for it everywhere
	Instance  string
	Execution uint64
	// Name and Version are those of the orchestration.
	Name    string
	Version string
	// EventID is the recorded event in question; zero when there is none.
	EventID uint64
	// Reason says what does not fit, with both sides where there are two.
	Reason string
	// Asked is what the code asked for, Recorded what the history has in its place; both may be "".
	Asked    string
	Recorded string
	// Step and Action are the indices of the action that does not fit, in the steps that were
	// compared; Step is -1 where no action is to blame.
	Step   int
	Action int
	// Location is where in the user's file the action was asked for, or "" where it is not known.
	Location string
}

// Error gives the reason with the place.
func (d *Divergence) Error() string {
	place := ""
	if d.Location != "" {
		place = "; the action was asked for at " + d.Location
	}
	return fmt.Sprintf("%s (%s %s, instance %s, execution %d, event %d)%s",
		d.Reason, d.Name, d.Version, d.Instance, d.Execution, d.EventID, place)
}

// Failure gives the divergence as the outcome of the instance.
func (d *Divergence) Failure() history.Failure {
	return history.Failure{
		Category: history.Configuration,
		Kind:     history.NondeterminismKind,
		Message: d.Error() + ". The code of a running orchestration must not change: restore the order" +
			" of its steps, or register the new code as a new version",
	}
}

func (x *Execution) diverged(event uint64, reason string) *Divergence {
	return &Divergence{
		Instance: x.params.Instance, Execution: x.params.Execution,
		Name: x.params.Name, Version: x.params.Version, EventID: event, Reason: reason, Step: -1,
	}
}

// divergedAt blames one action.
func (x *Execution) divergedAt(step, action int, event uint64, reason string) *Divergence {
	d := x.diverged(event, reason)
	d.Step, d.Action = step, action
	return d
}

// words name the families of actions in error texts.
var words = map[ActionKind]string{
	Activity:           "activity",
	Inline:             "inline activity",
	Timer:              "timer",
	WaitEvent:          "external event",
	Dequeue:            "queue subscription",
	SubOrchestration:   "suborchestration",
	StartOrchestration: "detached start",
	ContinueAsNew:      "continue-as-new",
	SetCustomStatus:    "custom status",
	SetValue:           "kv set",
	ClearValue:         "kv clear",
	ClearValues:        "kv clear_all",
	Syscall:            "system call",
	Drop:               "cancellation",
	CleanupFailed:      "failed cleanup",
	Send:               "message",
	MakePromise:        "promise",
	Patch:              "patch",
	TryAgain:           "another attempt",
	GiveUp:             "the end of the attempts",
}

func (k ActionKind) word() string {
	if word, ok := words[k]; ok {
		return word
	}
	return fmt.Sprintf("action %d", k)
}
