package history

import "fmt"

// Category says where a failure comes from.
type Category string

// The categories of failures.
const (
	Application    Category = "application"
	Configuration  Category = "configuration"
	Infrastructure Category = "infrastructure"
	Poison         Category = "poison"
)

// FailureKind refines a category.
type FailureKind string

// The kinds of failures. Six belong to Application, one to Configuration, the last three to Poison;
// Infrastructure has none.
const (
	ActivityFailedKind      FailureKind = "ActivityFailed"
	OrchestrationFailedKind FailureKind = "OrchestrationFailed"
	PanickedKind            FailureKind = "Panicked"
	CancelledKind           FailureKind = "Cancelled"
	TerminatedKind          FailureKind = "Terminated"
	TimedOutKind            FailureKind = "TimedOut"
	NondeterminismKind      FailureKind = "Nondeterminism"
	PoisonOrchestrationKind FailureKind = "Orchestration"
	PoisonActivityKind      FailureKind = "Activity"
	PoisonHistoryKind       FailureKind = "FailedDeserialization"
)

// Failure is a failure as data: what is stored in events and sent to parents and clients. It is
// not a Go error, because it is an outcome of user code, not of ours.
type Failure struct {
	Category Category    `json:"category"`
	Kind     FailureKind `json:"kind,omitempty"`
	// Message is the text for Application, Configuration and Infrastructure; for Poison it is the
	// serialised poisoned message or the decode error.
	Message string `json:"message,omitempty"`
	// Reason is set for Cancelled, Terminated and TimedOut.
	Reason string `json:"reason,omitempty"`
	// Operation is set for Infrastructure.
	Operation string `json:"operation,omitempty"`
	Retryable bool   `json:"retryable,omitempty"`
	// Details is a JSON object that the host made and reads again (name, stack, cause); "" means
	// none. It is opaque here.
	Details string `json:"details,omitempty"`

	// The rest is set for Poison, the name of the activity for all that failed, and Attempts for those
	// with a policy. Older releases set both for Poison only.
	Attempts     int    `json:"attempts,omitempty"`
	MaxAttempts  int    `json:"maxAttempts,omitempty"`
	Instance     string `json:"instance,omitempty"`
	Execution    uint64 `json:"execution,omitempty"`
	ActivityName string `json:"activityName,omitempty"`
	ActivityID   uint64 `json:"activityId,omitempty"`

	// Limit says that a published limit was broken.
	Limit bool `json:"limit,omitempty"`

	// PauseMs is set while the failure is that of an attempt, of which code says whether it was the last
	// one: so long is the pause before the next. No event has it.
	PauseMs *uint64 `json:"pauseMs,omitempty"`
}

// Cancelled gives the failure of an execution that was asked to stop.
func Cancelled(reason string) *Failure {
	return &Failure{Category: Application, Kind: CancelledKind, Reason: reason}
}

// Terminated gives the failure of an execution that was ended without asking its code.
func Terminated(reason string) *Failure {
	return &Failure{Category: Application, Kind: TerminatedKind, Reason: reason}
}

// TimedOut gives the failure of an instance whose time was over.
func TimedOut(reason string) *Failure {
	return &Failure{Category: Application, Kind: TimedOutKind, Reason: reason}
}

// IsStop reports whether somebody asked for this end: the execution was cancelled or terminated, or its time
// was over.
func (f Failure) IsStop() bool { return f.IsCancelled() || f.Kind == TerminatedKind }

// IsCancelled reports whether the code could have been asked to stop.
func (f Failure) IsCancelled() bool { return f.Kind == CancelledKind || f.Kind == TimedOutKind }

// Display gives the text that users see, and that a parent's code catches.
func (f Failure) Display() string {
	switch f.Category {
	case Infrastructure:
		return fmt.Sprintf("infrastructure:%s: %s", f.Operation, f.Message)
	case Configuration:
		return "nondeterministic: " + f.Message
	case Poison:
		return f.displayPoison()
	case Application:
		return f.displayApplication()
	default: // A newer release has written it.
		return f.displayApplication()
	}
}

func (f Failure) displayApplication() string {
	switch f.Kind {
	case CancelledKind:
		return "canceled: " + f.Reason
	case TerminatedKind:
		return "terminated: " + f.Reason
	case TimedOutKind:
		return "timed out: " + f.Reason
	case PanickedKind:
		return "orchestration panicked: " + f.Message
	case ActivityFailedKind, OrchestrationFailedKind, NondeterminismKind,
		PoisonOrchestrationKind, PoisonActivityKind, PoisonHistoryKind:
		return f.Message
	default: // A newer release has written it.
		return f.Message
	}
}

func (f Failure) displayPoison() string {
	switch f.Kind {
	case PoisonActivityKind:
		return fmt.Sprintf("poison: activity %s#%d did not end after %d attempts",
			f.ActivityName, f.ActivityID, f.tries())
	case PoisonHistoryKind:
		return fmt.Sprintf(
			"poison: orchestration %s history deserialization failed after %d attempts: %s",
			f.Instance, f.tries(), f.Message)
	case PoisonOrchestrationKind, ActivityFailedKind, OrchestrationFailedKind, PanickedKind,
		CancelledKind, TerminatedKind, TimedOutKind, NondeterminismKind:
		return f.displayPoisonedInstance()
	default: // A newer release has written it.
		return f.displayPoisonedInstance()
	}
}

func (f Failure) displayPoisonedInstance() string {
	return fmt.Sprintf("poison: orchestration %s did not end after %d attempts", f.Instance, f.tries())
}

// tries is how often poison was tried. Older releases counted the one that was not made as well.
func (f Failure) tries() int { return min(f.Attempts, f.MaxAttempts) }
