package engine

import (
	"sync/atomic"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Snapshot is a copy of a runtime's counters, all counted since it started. The JSON names are
// those that users see.
type Snapshot struct {
	// OrchStarts counts executions started.
	OrchStarts uint64 `json:"orchStarts"`
	// OrchCompletions counts executions that ended, however they ended.
	OrchCompletions uint64 `json:"orchCompletions"`
	// OrchFailures counts executions that failed; the next four are their categories.
	OrchFailures             uint64 `json:"orchFailures"`
	OrchApplicationErrors    uint64 `json:"orchApplicationErrors"`
	OrchInfrastructureErrors uint64 `json:"orchInfrastructureErrors"`
	OrchConfigurationErrors  uint64 `json:"orchConfigurationErrors"`
	OrchPoison               uint64 `json:"orchPoison"`
	// ActivitySuccess and ActivityAppErrors count finished activities, built-in ones included.
	ActivitySuccess   uint64 `json:"activitySuccess"`
	ActivityAppErrors uint64 `json:"activityAppErrors"`
	// ActivityInfraErrors counts outcomes that could not be stored.
	ActivityInfraErrors uint64 `json:"activityInfraErrors"`
	// ActivityConfigErrors is always zero.
	ActivityConfigErrors uint64 `json:"activityConfigErrors"`
	// ActivityPoison counts activities that failed because they were tried too often.
	ActivityPoison uint64 `json:"activityPoison"`
	// OrchDispatcherItemsFetched counts messages that turns took.
	OrchDispatcherItemsFetched uint64 `json:"orchDispatcherItemsFetched"`
	// WorkerDispatcherItemsFetched counts tasks that were claimed here.
	WorkerDispatcherItemsFetched uint64 `json:"workerDispatcherItemsFetched"`
	// OrchContinueAsNew counts executions that a successor continued.
	OrchContinueAsNew uint64 `json:"orchContinueAsNew"`
	// SuborchestrationCalls counts children scheduled.
	SuborchestrationCalls uint64 `json:"suborchestrationCalls"`
	// ProviderErrors counts errors of the store.
	ProviderErrors uint64 `json:"providerErrors"`
}

// metrics are the counters of a runtime. Each transition is counted once, after the commit that
// made it true. All methods are safe for concurrent use.
type metrics struct {
	orchStarts            atomic.Uint64
	orchCompletions       atomic.Uint64
	orchFailures          atomic.Uint64
	orchApplication       atomic.Uint64
	orchInfrastructure    atomic.Uint64
	orchConfiguration     atomic.Uint64
	orchPoison            atomic.Uint64
	orchContinueAsNew     atomic.Uint64
	activitySuccess       atomic.Uint64
	activityApplication   atomic.Uint64
	activityInfra         atomic.Uint64
	activityPoison        atomic.Uint64
	messagesTaken         atomic.Uint64
	tasksTaken            atomic.Uint64
	suborchestrationCalls atomic.Uint64
	providerErrors        atomic.Uint64

	// What only Measure tells.
	turns, holds, retries, replays atomic.Uint64
	replayNs                       atomic.Int64
	ran, queued                    histogram
}

// replayed counts an instance that was made again from its history.
func (m *metrics) replayed(took time.Duration) {
	m.replays.Add(1)
	m.replayNs.Add(int64(took))
}

// orchestrationStarted counts the first committed turn of an execution.
func (m *metrics) orchestrationStarted() { m.orchStarts.Add(1) }

// orchestrationEnded counts the committed end of an execution; the failure is looked at only for
// the status Failed.
func (m *metrics) orchestrationEnded(status provider.ExecutionStatus, f *history.Failure) {
	if !status.IsFinal() {
		return
	}
	m.orchCompletions.Add(1)
	if status == provider.ContinuedAsNew {
		m.orchContinueAsNew.Add(1)
	}
	if status == provider.Failed {
		m.orchFailures.Add(1)
		m.orchestrationFailed(f)
	}
}

func (m *metrics) orchestrationFailed(f *history.Failure) {
	if f == nil {
		return
	}
	switch f.Category {
	case history.Application:
		m.orchApplication.Add(1)
	case history.Infrastructure:
		m.orchInfrastructure.Add(1)
	case history.Configuration:
		m.orchConfiguration.Add(1)
	case history.Poison:
		m.orchPoison.Add(1)
	}
}

// activityEnded counts an activity's outcome when it is stored.
func (m *metrics) activityEnded(ok bool) {
	if ok {
		m.activitySuccess.Add(1)
	} else {
		m.activityApplication.Add(1)
	}
}

// activityPoisoned counts an activity that was tried too often.
func (m *metrics) activityPoisoned() { m.activityPoison.Add(1) }

// activityNotStored counts an outcome that the store refused.
func (m *metrics) activityNotStored() { m.activityInfra.Add(1) }

// messagesFetched counts messages that a turn took.
func (m *metrics) messagesFetched(n int) { m.messagesTaken.Add(uint64(max(n, 0))) }

// tasksFetched counts tasks that were claimed.
func (m *metrics) tasksFetched(n int) { m.tasksTaken.Add(uint64(max(n, 0))) }

// childrenScheduled counts children of a committed turn.
func (m *metrics) childrenScheduled(n int) { m.suborchestrationCalls.Add(uint64(max(n, 0))) }

// providerFailed counts an error of the store.
func (m *metrics) providerFailed() { m.providerErrors.Add(1) }

// snapshot copies the counters. They are read one by one, so sums may be off by what happens
// meanwhile.
func (m *metrics) snapshot() Snapshot {
	return Snapshot{
		OrchStarts:                   m.orchStarts.Load(),
		OrchCompletions:              m.orchCompletions.Load(),
		OrchFailures:                 m.orchFailures.Load(),
		OrchApplicationErrors:        m.orchApplication.Load(),
		OrchInfrastructureErrors:     m.orchInfrastructure.Load(),
		OrchConfigurationErrors:      m.orchConfiguration.Load(),
		OrchPoison:                   m.orchPoison.Load(),
		ActivitySuccess:              m.activitySuccess.Load(),
		ActivityAppErrors:            m.activityApplication.Load(),
		ActivityInfraErrors:          m.activityInfra.Load(),
		ActivityPoison:               m.activityPoison.Load(),
		OrchDispatcherItemsFetched:   m.messagesTaken.Load(),
		WorkerDispatcherItemsFetched: m.tasksTaken.Load(),
		OrchContinueAsNew:            m.orchContinueAsNew.Load(),
		SuborchestrationCalls:        m.suborchestrationCalls.Load(),
		ProviderErrors:               m.providerErrors.Load(),
	}
}
