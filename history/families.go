package history

import "fmt"

// Which struct a kind has, by family. Type switches with direct calls keep encoding free of
// allocations, which a table of functions would cost.

func encodeData(w *Wire, data Data) {
	if !encodeOrchestration(w, data) && !encodeActivity(w, data) &&
		!encodeWait(w, data) && !encodeChild(w, data) {
		panic(fmt.Sprintf("unknown event data %T", data))
	}
}

func encodeOrchestration(w *Wire, data Data) bool {
	switch d := data.(type) {
	case OrchestrationStarted:
		d.fields(w)
	case OrchestrationCompleted:
		d.fields(w)
	case OrchestrationFailed:
		d.fields(w)
	case OrchestrationContinuedAsNew:
		d.fields(w)
	case OrchestrationCancelRequested:
		d.fields(w)
	case OrchestrationChained:
		d.fields(w)
	default:
		return false
	}
	return true
}

func encodeActivity(w *Wire, data Data) bool {
	switch d := data.(type) {
	case ActivityScheduled:
		d.fields(w)
	case ActivityCompleted:
		d.fields(w)
	case ActivityFailed:
		d.fields(w)
	case ActivityCancelRequested:
		d.fields(w)
	case TimerCreated:
		d.fields(w)
	case TimerFired:
		d.fields(w)
	default:
		return false
	}
	return true
}

func encodeWait(w *Wire, data Data) bool {
	switch d := data.(type) {
	case ExternalSubscribed:
		d.fields(w)
	case ExternalEvent:
		d.fields(w)
	case ExternalSubscribedCancelled:
		d.fields(w)
	case QueueSubscribed:
		d.fields(w)
	case QueueEventDelivered:
		d.fields(w)
	case QueueSubscriptionCancelled:
		d.fields(w)
	default:
		return false
	}
	return true
}

func encodeChild(w *Wire, data Data) bool {
	switch d := data.(type) {
	case SubOrchestrationScheduled:
		d.fields(w)
	case SubOrchestrationCompleted:
		d.fields(w)
	case SubOrchestrationFailed:
		d.fields(w)
	case SubOrchestrationCancelRequested:
		d.fields(w)
	case CustomStatusUpdated:
		d.fields(w)
	case KeyValueSet:
		d.fields(w)
	case KeyValueCleared:
		d.fields(w)
	case KeyValuesCleared:
		d.fields(w)
	default:
		return false
	}
	return true
}

func decodeData(w *Wire, kind Kind) Data {
	switch {
	case kind < KindActivityScheduled:
		return decodeOrchestration(w, kind)
	case kind < KindExternalSubscribed:
		return decodeActivity(w, kind)
	case kind < KindSubOrchestrationScheduled:
		return decodeWait(w, kind)
	default:
		return decodeChild(w, kind)
	}
}

func decodeOrchestration(w *Wire, kind Kind) Data {
	switch kind {
	case KindOrchestrationStarted:
		return decodeAs[OrchestrationStarted](w)
	case KindOrchestrationCompleted:
		return decodeAs[OrchestrationCompleted](w)
	case KindOrchestrationFailed:
		return decodeAs[OrchestrationFailed](w)
	case KindOrchestrationContinuedAsNew:
		return decodeAs[OrchestrationContinuedAsNew](w)
	case KindOrchestrationCancelRequested:
		return decodeAs[OrchestrationCancelRequested](w)
	case KindOrchestrationChained:
		return decodeAs[OrchestrationChained](w)
	default:
		return unknownKind(w, kind)
	}
}

func decodeActivity(w *Wire, kind Kind) Data {
	switch kind {
	case KindActivityScheduled:
		return decodeAs[ActivityScheduled](w)
	case KindActivityCompleted:
		return decodeAs[ActivityCompleted](w)
	case KindActivityFailed:
		return decodeAs[ActivityFailed](w)
	case KindActivityCancelRequested:
		return decodeAs[ActivityCancelRequested](w)
	case KindTimerCreated:
		return decodeAs[TimerCreated](w)
	case KindTimerFired:
		return decodeAs[TimerFired](w)
	default:
		return unknownKind(w, kind)
	}
}

func decodeWait(w *Wire, kind Kind) Data {
	switch kind {
	case KindExternalSubscribed:
		return decodeAs[ExternalSubscribed](w)
	case KindExternalEvent:
		return decodeAs[ExternalEvent](w)
	case KindExternalSubscribedCancelled:
		return decodeAs[ExternalSubscribedCancelled](w)
	case KindQueueSubscribed:
		return decodeAs[QueueSubscribed](w)
	case KindQueueEventDelivered:
		return decodeAs[QueueEventDelivered](w)
	case KindQueueSubscriptionCancelled:
		return decodeAs[QueueSubscriptionCancelled](w)
	default:
		return unknownKind(w, kind)
	}
}

func decodeChild(w *Wire, kind Kind) Data {
	switch kind {
	case KindSubOrchestrationScheduled:
		return decodeAs[SubOrchestrationScheduled](w)
	case KindSubOrchestrationCompleted:
		return decodeAs[SubOrchestrationCompleted](w)
	case KindSubOrchestrationFailed:
		return decodeAs[SubOrchestrationFailed](w)
	case KindSubOrchestrationCancelRequested:
		return decodeAs[SubOrchestrationCancelRequested](w)
	case KindCustomStatusUpdated:
		return decodeAs[CustomStatusUpdated](w)
	case KindKeyValueSet:
		return decodeAs[KeyValueSet](w)
	case KindKeyValueCleared:
		return decodeAs[KeyValueCleared](w)
	case KindKeyValuesCleared:
		return decodeAs[KeyValuesCleared](w)
	default:
		return unknownKind(w, kind)
	}
}

// fielder is the pointer to a struct of a kind.
type fielder[T Data] interface {
	*T
	fields(w *Wire)
}

func decodeAs[T Data, P fielder[T]](w *Wire) Data {
	var d T
	P(&d).fields(w)
	return d
}

func unknownKind(w *Wire, kind Kind) Data {
	w.Fail("event kind %d", kind)
	return nil
}
