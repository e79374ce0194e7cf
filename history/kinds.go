package history

// Kind numbers the kinds of events. The numbers are stored and never reused.
type Kind uint8

// The kinds of events, by family.
const (
	KindOrchestrationStarted         Kind = 1
	KindOrchestrationCompleted       Kind = 2
	KindOrchestrationFailed          Kind = 3
	KindOrchestrationContinuedAsNew  Kind = 4
	KindOrchestrationCancelRequested Kind = 5
	KindOrchestrationChained         Kind = 6

	KindActivityScheduled       Kind = 10
	KindActivityCompleted       Kind = 11
	KindActivityFailed          Kind = 12
	KindActivityCancelRequested Kind = 13

	KindTimerCreated Kind = 20
	KindTimerFired   Kind = 21

	KindExternalSubscribed          Kind = 30
	KindExternalEvent               Kind = 31
	KindExternalSubscribedCancelled Kind = 32

	KindQueueSubscribed            Kind = 40
	KindQueueEventDelivered        Kind = 41
	KindQueueSubscriptionCancelled Kind = 42

	KindSubOrchestrationScheduled       Kind = 50
	KindSubOrchestrationCompleted       Kind = 51
	KindSubOrchestrationFailed          Kind = 52
	KindSubOrchestrationCancelRequested Kind = 53

	KindCustomStatusUpdated Kind = 60
	KindKeyValueSet         Kind = 61
	KindKeyValueCleared     Kind = 62
	KindKeyValuesCleared    Kind = 63
)

// Data is implemented by the struct of each event kind in this package, and by nothing else.
type Data interface {
	Kind() Kind
}

type (
	// OrchestrationStarted is event 1 of every execution.
	OrchestrationStarted struct {
		Name    string
		Version string
		Input   string
		// Parent is nil for root instances.
		Parent *Parent
		// Carried lists the unread queue messages of the previous execution, oldest first.
		Carried []Carried
		// CustomStatus is the custom status inherited from the previous execution; nil means none.
		CustomStatus *string
		// Rules is the number of the rules that the execution is replayed under; see NewestRules.
		Rules uint64
		// StrictValues says that values which lose something as JSON are refused.
		StrictValues bool
	}
	// OrchestrationCompleted ends an execution with a result.
	OrchestrationCompleted struct{ Output string }
	// OrchestrationFailed ends an execution with a failure of any category.
	OrchestrationFailed struct{ Failure Failure }
	// OrchestrationContinuedAsNew ends an execution that a successor continues.
	OrchestrationContinuedAsNew struct {
		// Input is the input of the successor.
		Input string
	}
	// OrchestrationCancelRequested records the first cancel request of an execution.
	OrchestrationCancelRequested struct{ Reason string }
	// OrchestrationChained records a detached start of another root instance.
	OrchestrationChained struct {
		Name     string
		Instance string
		Input    string
		// Version is nil for "the registry's choice".
		Version *string
		// Number is that of the start within the life of who asks for it; see Life.Started.
		Number uint64
	}

	// ActivityScheduled records that an activity is wanted. Built-in calls use it too.
	ActivityScheduled struct {
		Name  string
		Input string
		// Session is nil for an activity that any worker may run.
		Session *string
		// Tag is nil for an activity of the default route.
		Tag *string
	}
	// ActivityCompleted is the result of the activity that Source names.
	ActivityCompleted struct{ Result string }
	// ActivityFailed is the failure of the activity that Source names.
	ActivityFailed struct{ Failure Failure }
	// ActivityCancelRequested records that the activity's result is no longer wanted.
	ActivityCancelRequested struct{ Reason string }

	// TimerCreated records a timer and the moment it is due, in Unix milliseconds.
	TimerCreated struct{ FireAtMs int64 }
	// TimerFired answers TimerCreated; FireAtMs is the planned time.
	TimerFired struct{ FireAtMs int64 }

	// ExternalSubscribed opens a wait for one signal.
	ExternalSubscribed struct{ Name string }
	// ExternalEvent records a signal, delivered or not.
	ExternalEvent struct {
		Name string
		Data string
	}
	// ExternalSubscribedCancelled closes a wait that was dropped or still open at the end.
	ExternalSubscribedCancelled struct{ Reason string }

	// QueueSubscribed asks for the next message of a queue.
	QueueSubscribed struct{ Name string }
	// QueueEventDelivered records the arrival of a queue message.
	QueueEventDelivered struct {
		Name string
		Data string
	}
	// QueueSubscriptionCancelled closes a subscription without consuming a message.
	QueueSubscriptionCancelled struct{ Reason string }

	// SubOrchestrationScheduled records that a child is wanted.
	SubOrchestrationScheduled struct {
		Name string
		// Instance is the suffix for generated ids ("sub::5"), the whole id for chosen ones.
		Instance string
		Input    string
		// Version is nil for "the registry's choice".
		Version *string
		// Number is that of the start within the life of the parent; see Life.Started. It is zero in
		// histories of older releases, where the life of the child is unknown.
		Number uint64
	}
	// SubOrchestrationCompleted is the output of the child that Source names.
	SubOrchestrationCompleted struct{ Result string }
	// SubOrchestrationFailed is the failure of the child that Source names.
	SubOrchestrationFailed struct{ Failure Failure }
	// SubOrchestrationCancelRequested records that the child was asked to stop.
	SubOrchestrationCancelRequested struct{ Reason string }

	// CustomStatusUpdated sets the custom status; nil resets it.
	CustomStatusUpdated struct{ Status *string }
	// KeyValueSet stores a value. UpdatedAtMs is the time that pruning by age compares.
	KeyValueSet struct {
		Key         string
		Value       string
		UpdatedAtMs int64
	}
	// KeyValueCleared removes one key.
	KeyValueCleared struct{ Key string }
	// KeyValuesCleared removes every key.
	KeyValuesCleared struct{}
)

// Reasons recorded on cancellation events.
const (
	ReasonDropped             = "dropped_future"
	ReasonTerminal            = "orchestration_terminal"
	ReasonTerminalCompleted   = "orchestration_terminal_completed"
	ReasonTerminalFailed      = "orchestration_terminal_failed"
	ReasonTerminalContinued   = "orchestration_terminal_continued_as_new"
	ReasonParentCanceled      = "parent canceled"
	ReasonParentDroppedChild  = "parent dropped sub-orchestration future"
	ReservedActivityPrefix    = "__duroxide_syscall:"
	SyscallNewGUID            = ReservedActivityPrefix + "new_guid"
	SyscallUTCNow             = ReservedActivityPrefix + "utc_now_ms"
	SyscallGetKeyValue        = ReservedActivityPrefix + "get_kv_value"
	ReservedChildMarker       = "sub::"
	ReservedChildMarkerInside = "::sub::"
)
