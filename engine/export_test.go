package engine

import (
	"log/slog"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Resolved shows what tests of the options look at.
type Resolved struct {
	Orchestrations, Workers, MaxSessions, MaxAttempts int

	Poll, TurnLease, TaskLease, Grace         time.Duration
	SessionLease, SessionIdle, SessionCleanup time.Duration
	Backoff                                   func(attempt int) time.Duration
	Tags                                      provider.TagFilter
	ServiceName                               string
}

// Resolve gives the options with their defaults.
func Resolve(o RuntimeOptions) (Resolved, error) {
	s, err := o.withDefaults()
	return Resolved{
		Orchestrations: s.orchestrationConcurrency, Workers: s.workerConcurrency,
		MaxSessions: s.maxSessions, MaxAttempts: s.maxAttempts,
		Poll: s.pollInterval, TurnLease: s.turnLease, TaskLease: s.taskLease, Grace: s.activityGrace,
		SessionLease: s.sessionLease, SessionIdle: s.sessionIdle, SessionCleanup: s.sessionCleanup,
		Backoff: s.backoff, Tags: s.tags, ServiceName: s.serviceName,
	}, err
}

// Counters gives tests the runtime's counters.
type Counters struct{ m metrics }

func (c *Counters) Started()              { c.m.orchestrationStarted() }
func (c *Counters) ActivityEnded(ok bool) { c.m.activityEnded(ok) }
func (c *Counters) ActivityPoisoned()     { c.m.activityPoisoned() }
func (c *Counters) ActivityNotStored()    { c.m.activityNotStored() }
func (c *Counters) Fetched(messages, tasks int) {
	c.m.messagesFetched(messages)
	c.m.tasksFetched(tasks)
}
func (c *Counters) Children(n int)     { c.m.childrenScheduled(n) }
func (c *Counters) ProviderFailed()    { c.m.providerFailed() }
func (c *Counters) Snapshot() Snapshot { return c.m.snapshot() }
func (c *Counters) Ended(s provider.ExecutionStatus, f *history.Failure) {
	c.m.orchestrationEnded(s, f)
}

// Records gives tests the engine's log.
type Records struct{ l log }

// NewRecords gives a log that writes to out.
func NewRecords(out *slog.Logger) Records { return Records{newLog(out)} }

func (r Records) OrchestrationFailed(inv Invocation, events int, f history.Failure) {
	r.l.orchestrationFailed(inv, events, f)
}

func (r Records) ActivityFailed(call ActivityCall, f history.Failure) {
	r.l.activityFailed(call, time.Second, f)
}

func (r Records) Unserved(u provider.Unserved, waits time.Duration) { r.l.unserved(u, waits) }

func (r Records) RuntimeStarted(o RuntimeOptions) error {
	s, err := o.withDefaults()
	r.l.runtimeStarted("node", "1.2.3", "memory", "1", s)
	return err
}

// Full says that a caller has found no room for an activity a moment ago.
func (rt *Runtime) Full() { rt.poller.full(taskRoom) }
