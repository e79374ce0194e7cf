package history

// Reasons recorded on cancellation events.
const (
	ReasonDropped            = "dropped_future"
	ReasonTerminal           = "orchestration_terminal"
	ReasonTerminalCompleted  = "orchestration_terminal_completed"
	ReasonTerminalFailed     = "orchestration_terminal_failed"
	ReasonTerminalContinued  = "orchestration_terminal_continued_as_new"
	ReasonParentCanceled     = "parent canceled"
	ReasonParentTerminated   = "parent terminated"
	ReasonParentDroppedChild = "parent dropped sub-orchestration future"
)
