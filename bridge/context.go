package main

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"duroxide/engine"
	"duroxide/logging"
)

// invocation is what this side knows of user code in flight: one turn's run, or one attempt of an
// activity.
type invocation struct {
	host *host
	log  *logging.Log
	of   engine.Invocation
	// replaySteps is the number of leading steps whose traces were already shown.
	replaySteps uint64
	// activity is set for activities.
	activity  *engine.ActivityCall
	cancelled atomic.Bool
}

// attributes gives the fields of a trace.
func (i *invocation) attributes() []slog.Attr {
	attributes := []slog.Attr{
		slog.String("instance_id", i.of.Instance),
		slog.Uint64("execution_id", i.of.Execution),
		slog.String("orchestration_name", i.of.Name),
		slog.String("orchestration_version", i.of.Version),
	}
	attributes = append(attributes, i.of.Trace()...)
	if a := i.activity; a != nil {
		attributes = append(attributes,
			slog.String("activity_name", a.Activity),
			slog.Uint64("activity_id", a.ID),
			slog.String("worker_id", a.WorkerID))
	}
	return attributes
}

func (i *invocation) target() string {
	if i.activity != nil {
		return logging.TargetActivity
	}
	return logging.TargetOrchestration
}

// invocations is the one map from tokens to user code in flight, for the whole process. An entry is
// put in before its record is appended. A run's entry goes when the run returns; an activity's goes
// when its function has ended, which may be after the engine has stopped waiting for it.
var invocations = invocationMap{entries: map[uint64]*invocation{}}

type invocationMap struct {
	mu      sync.RWMutex
	entries map[uint64]*invocation
}

func (m *invocationMap) put(token uint64, i *invocation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[token] = i
}

func (m *invocationMap) remove(token uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, token)
}

// find gives the invocation if it belongs to the host, else nil.
func (m *invocationMap) find(h *host, token uint64) *invocation {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := m.entries[token]
	if i == nil || i.host != h {
		return nil
	}
	return i
}

// of lists the invocations of a host.
func (m *invocationMap) of(h *host) []*invocation {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []*invocation
	for _, i := range m.entries {
		if i.host == h {
			all = append(all, i)
		}
	}
	return all
}

// removeHost forgets everything of a host that has ended.
func (m *invocationMap) removeHost(h *host) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for token, i := range m.entries {
		if i.host == h {
			delete(m.entries, token)
		}
	}
}
