package provider

import "time"

// How long a message waits for an instance that does not exist yet. What is over is dropped with a
// warning.
const (
	// CancelPatience is that of a cancel request: it can only meet a start that is on its way.
	CancelPatience = 5 * time.Second
	// SignalPatience is that of a raised event.
	SignalPatience = 10 * time.Minute
	// OrphanRetention is that of a queue message, where the store is told nothing else.
	OrphanRetention = 7 * 24 * time.Hour
)

// Patience is how long a message of a kind waits for its instance, given that of queue messages.
func Patience(k MessageKind, queue time.Duration) time.Duration {
	switch k {
	case CancelInstance:
		return CancelPatience
	case QueueEvent:
		return queue
	case StartInstance, ContinueInstance, ActivityDone, TimerDue, EventRaised, ChildDone, PromiseSettled,
		RequestAnswered, RequestWithdrawn:
		return SignalPatience
	default: // A newer release has stored it.
		return SignalPatience
	}
}
