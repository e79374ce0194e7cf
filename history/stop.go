package history

// What asks an instance to stop, besides a plain cancel request, and what code does then.
const (
	KindOrchestrationTerminateRequested Kind = 70
	KindOrchestrationCancelling         Kind = 71
	KindCleanupFailed                   Kind = 72
)

var stopKinds = family{
	KindOrchestrationTerminateRequested: named[OrchestrationTerminateRequested]("OrchestrationTerminateRequested"),
	KindOrchestrationCancelling:         named[OrchestrationCancelling]("OrchestrationCancelling"),
	KindCleanupFailed:                   named[CleanupFailed]("CleanupFailed"),
}

// OrchestrationTerminateRequested records that the instance was ended, whatever its code says.
type OrchestrationTerminateRequested struct{ Reason string }

// Kind gives the number of the kind.
func (OrchestrationTerminateRequested) Kind() Kind { return KindOrchestrationTerminateRequested }

func (OrchestrationTerminateRequested) comesIn() {}

func (d *OrchestrationTerminateRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d OrchestrationTerminateRequested) encode(w *Wire) { d.fields(w) }

func (d OrchestrationTerminateRequested) shape() any { return reasonShape(d) }

// OrchestrationCancelling records a cancel request that leaves the code time to clean up. The first one
// tells the code; later ones only shorten the time.
type OrchestrationCancelling struct {
	Reason string
	// UntilMs is when the time is over, in Unix milliseconds.
	UntilMs int64
	// TimedOut says that it is because the time of the instance was over.
	TimedOut bool
}

// Kind gives the number of the kind.
func (OrchestrationCancelling) Kind() Kind { return KindOrchestrationCancelling }

func (OrchestrationCancelling) comesIn() {}

func (d *OrchestrationCancelling) fields(w *Wire) {
	w.Text(&d.Reason)
	w.Int(&d.UntilMs)
	w.timedOut(&d.TimedOut)
}

func (d OrchestrationCancelling) encode(w *Wire) { d.fields(w) }

type cancellingShape struct {
	Reason  string `json:"reason"`
	UntilMs int64  `json:"untilMs"`
}

func (d OrchestrationCancelling) shape() any {
	return cancellingShape{Reason: d.Reason, UntilMs: d.UntilMs}
}

// CleanupFailed records that a branch which nobody waited for any more has failed. It changes no result.
type CleanupFailed struct{ Failure Failure }

// Kind gives the number of the kind.
func (CleanupFailed) Kind() Kind { return KindCleanupFailed }

func (d *CleanupFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d CleanupFailed) encode(w *Wire) { d.fields(w) }

func (d CleanupFailed) shape() any { return failureShape(d.Failure) }

func (d CleanupFailed) failure() *Failure { return &d.Failure }
