package history

// Kind gives the number of the kind.
func (OrchestrationStarted) Kind() Kind { return KindOrchestrationStarted }

// Kind gives the number of the kind.
func (OrchestrationCompleted) Kind() Kind { return KindOrchestrationCompleted }

// Kind gives the number of the kind.
func (OrchestrationFailed) Kind() Kind { return KindOrchestrationFailed }

// Kind gives the number of the kind.
func (OrchestrationContinuedAsNew) Kind() Kind { return KindOrchestrationContinuedAsNew }

// Kind gives the number of the kind.
func (OrchestrationCancelRequested) Kind() Kind { return KindOrchestrationCancelRequested }

// Kind gives the number of the kind.
func (OrchestrationChained) Kind() Kind { return KindOrchestrationChained }

// Kind gives the number of the kind.
func (ActivityScheduled) Kind() Kind { return KindActivityScheduled }

// Kind gives the number of the kind.
func (ActivityCompleted) Kind() Kind { return KindActivityCompleted }

// Kind gives the number of the kind.
func (ActivityFailed) Kind() Kind { return KindActivityFailed }

// Kind gives the number of the kind.
func (ActivityCancelRequested) Kind() Kind { return KindActivityCancelRequested }

// Kind gives the number of the kind.
func (TimerCreated) Kind() Kind { return KindTimerCreated }

// Kind gives the number of the kind.
func (TimerFired) Kind() Kind { return KindTimerFired }

// Kind gives the number of the kind.
func (ExternalSubscribed) Kind() Kind { return KindExternalSubscribed }

// Kind gives the number of the kind.
func (ExternalEvent) Kind() Kind { return KindExternalEvent }

// Kind gives the number of the kind.
func (ExternalSubscribedCancelled) Kind() Kind { return KindExternalSubscribedCancelled }

// Kind gives the number of the kind.
func (QueueSubscribed) Kind() Kind { return KindQueueSubscribed }

// Kind gives the number of the kind.
func (QueueEventDelivered) Kind() Kind { return KindQueueEventDelivered }

// Kind gives the number of the kind.
func (QueueSubscriptionCancelled) Kind() Kind { return KindQueueSubscriptionCancelled }

// Kind gives the number of the kind.
func (SubOrchestrationScheduled) Kind() Kind { return KindSubOrchestrationScheduled }

// Kind gives the number of the kind.
func (SubOrchestrationCompleted) Kind() Kind { return KindSubOrchestrationCompleted }

// Kind gives the number of the kind.
func (SubOrchestrationFailed) Kind() Kind { return KindSubOrchestrationFailed }

// Kind gives the number of the kind.
func (SubOrchestrationCancelRequested) Kind() Kind { return KindSubOrchestrationCancelRequested }

// Kind gives the number of the kind.
func (CustomStatusUpdated) Kind() Kind { return KindCustomStatusUpdated }

// Kind gives the number of the kind.
func (KeyValueSet) Kind() Kind { return KindKeyValueSet }

// Kind gives the number of the kind.
func (KeyValueCleared) Kind() Kind { return KindKeyValueCleared }

// Kind gives the number of the kind.
func (KeyValuesCleared) Kind() Kind { return KindKeyValuesCleared }

// kindNames are the names that users see in histories.
var kindNames = map[Kind]string{
	KindOrchestrationStarted:            "OrchestrationStarted",
	KindOrchestrationCompleted:          "OrchestrationCompleted",
	KindOrchestrationFailed:             "OrchestrationFailed",
	KindOrchestrationContinuedAsNew:     "OrchestrationContinuedAsNew",
	KindOrchestrationCancelRequested:    "OrchestrationCancelRequested",
	KindOrchestrationChained:            "OrchestrationChained",
	KindActivityScheduled:               "ActivityScheduled",
	KindActivityCompleted:               "ActivityCompleted",
	KindActivityFailed:                  "ActivityFailed",
	KindActivityCancelRequested:         "ActivityCancelRequested",
	KindTimerCreated:                    "TimerCreated",
	KindTimerFired:                      "TimerFired",
	KindExternalSubscribed:              "ExternalSubscribed",
	KindExternalEvent:                   "ExternalEvent",
	KindExternalSubscribedCancelled:     "ExternalSubscribedCancelled",
	KindQueueSubscribed:                 "QueueSubscribed",
	KindQueueEventDelivered:             "QueueEventDelivered",
	KindQueueSubscriptionCancelled:      "QueueSubscriptionCancelled",
	KindSubOrchestrationScheduled:       "SubOrchestrationScheduled",
	KindSubOrchestrationCompleted:       "SubOrchestrationCompleted",
	KindSubOrchestrationFailed:          "SubOrchestrationFailed",
	KindSubOrchestrationCancelRequested: "SubOrchestrationCancelRequested",
	KindCustomStatusUpdated:             "CustomStatusUpdated",
	KindKeyValueSet:                     "KeyValueSet",
	KindKeyValueCleared:                 "KeyValueCleared",
	KindKeyValuesCleared:                "KeyValuesCleared",
}

// String gives the name that users see, or "Unknown".
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "Unknown"
}
