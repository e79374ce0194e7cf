package engine

import (
	"cmp"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"duroxide/provider"
)

// RuntimeOptions configures a runtime. The zero value of a field means its default.
type RuntimeOptions struct {
	// OrchestrationConcurrency is the number of turns at a time; nil means one for each CPU and at least 2,
	// zero means none.
	OrchestrationConcurrency *int
	// WorkerConcurrency is the number of activities at a time; nil means 64, zero means none.
	WorkerConcurrency *int
	// PollInterval is the shortest pause between two polls of an idle runtime, 100 ms by default.
	// Work is announced, so polls are only a safety net, and never closer together than 1 s.
	PollInterval time.Duration
	// WorkerLockTimeout is the length of the lease on activities, 30 s by default.
	WorkerLockTimeout time.Duration
	// OrchestratorLockTimeout is the length of the lease on instances, 5 s by default.
	OrchestratorLockTimeout time.Duration
	// MaxSessions is the number of distinct sessions that the runtime holds, 10 by default.
	MaxSessions int
	// SessionIdleTimeout is how long a session stays here after its last activity, 5 min by default.
	SessionIdleTimeout time.Duration
	// SessionLockTimeout is the length of the lease on sessions, 30 s by default.
	SessionLockTimeout time.Duration
	// SessionCleanupInterval is the pause between two clean-ups of sessions, 5 min by default.
	SessionCleanupInterval time.Duration
	// WorkerNodeID names the owner of sessions across restarts; "" means an owner per start.
	WorkerNodeID string
	// Tags selects the activities that run here; the zero value takes untagged ones.
	Tags provider.TagFilter

	// MaxAttempts is how often work is tried before it counts as poison, 10 by default.
	MaxAttempts int
	// UnregisteredBackoff and UnregisteredBackoffMax bound the pause before work without a
	// registered handler is tried again, 125 ms and 60 s by default. It grows fourfold: a process that
	// has the code may be about to start, or the deployment may take minutes.
	UnregisteredBackoff    time.Duration
	UnregisteredBackoffMax time.Duration
	// UnregisteredActivityTimeout is how long an activity may wait for a runtime that has it before it
	// fails. Nil means 5 min for a name that no runtime has ever announced, and for ever for others.
	UnregisteredActivityTimeout *time.Duration
	// UnregisteredOrchestrationTimeout is how long an instance that is ready may wait for a runtime that has
	// its code before it fails; zero means for ever.
	UnregisteredOrchestrationTimeout time.Duration
	// ActivityGrace is how long a cancelled activity keeps its slot, 10 s by default.
	ActivityGrace time.Duration
	// HostTimeout is how long the thread of user code may give no sign of life before what it has not
	// begun is given back, 2 s by default, 100 ms at least.
	HostTimeout time.Duration
	// OrchestrationDeadline is how long one step of orchestration code may hold its thread before it
	// is taken for one that never returns, 30 s by default.
	OrchestrationDeadline time.Duration
	// ResidentIdle is how long an instance stays in memory without work, 1 min by default.
	ResidentIdle time.Duration
	// ResidentBytes bounds the histories of instances in memory, 256 MiB by default.
	ResidentBytes int64
	// StrictValues makes executions that begin here refuse values which lose something as JSON.
	StrictValues bool
	// StrictReplay makes replays refuse code that gives other inputs, values, statuses, tags or sessions
	// than recorded, or ends earlier; without it each such replay is a warning.
	StrictReplay bool
	// OnEnd is told of executions that ended here, after the commit; nil for nobody. It must not wait.
	OnEnd func(Ended)
	// Code names the code of this runtime, for instances that are held.
	Code string
	// HoldNondeterminism holds instances that do not fit the code, instead of ending them.
	HoldNondeterminism bool
	// EvictAfterTurn drops instances from memory at random after turns. It is for tests: nothing
	// but the speed may change.
	EvictAfterTurn bool
	// EvictEveryTurn drops them after every turn.
	EvictEveryTurn bool

	// Log takes the records of this runtime, and of no other; nil means that of the engine.
	Log *slog.Logger
	// ServiceName and ServiceVersion are shown in log records.
	ServiceName    string
	ServiceVersion string
}

// Defaults and bounds of RuntimeOptions.
const (
	// Activities wait for somebody, as a rule, and cost little while they do.
	defaultWorkers         = 64
	fewestTurns            = 2
	defaultPollInterval    = 100 * time.Millisecond
	safetyPollInterval     = 5 * time.Second
	defaultTurnLease       = 5 * time.Second
	defaultTaskLease       = 30 * time.Second
	minLease               = 100 * time.Millisecond
	defaultMaxSessions     = 10
	defaultSessionLease    = 30 * time.Second
	defaultSessionIdle     = 5 * time.Minute
	defaultSessionCleanup  = 5 * time.Minute
	defaultMaxAttempts     = 10
	defaultBackoffBase     = 125 * time.Millisecond
	defaultBackoffMax      = time.Minute
	maxBackoffSteps        = 6
	defaultActivityGrace   = 10 * time.Second
	defaultHostTimeout     = 2 * time.Second
	defaultUnregistered    = 5 * time.Minute
	defaultStepDeadline    = 30 * time.Second
	defaultResidentIdle    = time.Minute
	defaultResidentBytes   = 256 << 20
	taskRenewalBuffer      = 5 * time.Second
	minTaskRenewalInterval = time.Second
	defaultServiceName     = "duroxide"
)

// Limits of what user code hands over. The texts that report them name the limit.
const (
	// MaxTagFilterTags is the highest number of tags in a filter.
	MaxTagFilterTags = 5
	// MaxTagBytes is the highest length of a tag.
	MaxTagBytes = 256
	// MaxCodeBytes is the highest length of the name of a code.
	MaxCodeBytes = 256
)

// settings are RuntimeOptions with every value resolved.
type settings struct {
	orchestrationConcurrency int
	workerConcurrency        int
	pollInterval             time.Duration
	turnLease                time.Duration
	taskLease                time.Duration
	maxSessions              int
	sessionLease             time.Duration
	sessionIdle              time.Duration
	sessionCleanup           time.Duration
	workerNodeID             string
	tags                     provider.TagFilter
	maxAttempts              int
	backoffBase              time.Duration
	backoffMax               time.Duration
	unregisteredActivity     time.Duration
	announcedToo             bool // not only names that were never announced
	unregisteredTurn         time.Duration
	activityGrace            time.Duration
	hostTimeout              time.Duration
	orchestrationDeadline    time.Duration
	residentIdle             time.Duration
	residentBytes            int64
	strictValues             bool
	strictReplay             bool
	code                     string
	holds                    bool
	evictAfterTurn           bool
	onEnd                    func(Ended)
	evictEveryTurn           bool
	serviceName              string
	serviceVersion           string
}

// takesTasks reports whether a runtime takes activities from the store.
func (s *settings) takesTasks() bool {
	return s.workerConcurrency > 0 && s.tags.Mode != provider.TagsNone
}

// withDefaults resolves the options, or says with an *InputError which one is wrong.
func (o RuntimeOptions) withDefaults() (settings, error) {
	s := settings{
		orchestrationConcurrency: pointed(o.OrchestrationConcurrency, max(runtime.GOMAXPROCS(0), fewestTurns)),
		workerConcurrency:        pointed(o.WorkerConcurrency, defaultWorkers),
		pollInterval:             max(cmp.Or(o.PollInterval, defaultPollInterval), safetyPollInterval),
		turnLease:                cmp.Or(o.OrchestratorLockTimeout, defaultTurnLease),
		taskLease:                cmp.Or(o.WorkerLockTimeout, defaultTaskLease),
		maxSessions:              cmp.Or(o.MaxSessions, defaultMaxSessions),
		sessionLease:             cmp.Or(o.SessionLockTimeout, defaultSessionLease),
		sessionIdle:              cmp.Or(o.SessionIdleTimeout, defaultSessionIdle),
		sessionCleanup:           cmp.Or(o.SessionCleanupInterval, defaultSessionCleanup),
		workerNodeID:             o.WorkerNodeID,
		tags:                     o.Tags,
		maxAttempts:              cmp.Or(o.MaxAttempts, defaultMaxAttempts),
		backoffBase:              cmp.Or(o.UnregisteredBackoff, defaultBackoffBase),
		backoffMax:               cmp.Or(o.UnregisteredBackoffMax, defaultBackoffMax),
		unregisteredActivity:     pointed(o.UnregisteredActivityTimeout, defaultUnregistered),
		announcedToo:             o.UnregisteredActivityTimeout != nil,
		unregisteredTurn:         o.UnregisteredOrchestrationTimeout,
		activityGrace:            cmp.Or(o.ActivityGrace, defaultActivityGrace),
		hostTimeout:              cmp.Or(o.HostTimeout, defaultHostTimeout),
		orchestrationDeadline:    cmp.Or(o.OrchestrationDeadline, defaultStepDeadline),
		residentIdle:             cmp.Or(o.ResidentIdle, defaultResidentIdle),
		residentBytes:            cmp.Or(o.ResidentBytes, defaultResidentBytes),
		strictValues:             o.StrictValues,
		strictReplay:             o.StrictReplay,
		code:                     o.Code,
		holds:                    o.HoldNondeterminism,
		evictAfterTurn:           o.EvictAfterTurn,
		onEnd:                    o.OnEnd,
		evictEveryTurn:           o.EvictEveryTurn,
		serviceName:              cmp.Or(o.ServiceName, defaultServiceName),
		serviceVersion:           o.ServiceVersion,
	}
	if err := s.check(); err != nil {
		return settings{}, err
	}
	return s, nil
}

// backoff gives the pause after the given attempt (1 is the first) found no handler.
func (s settings) backoff(attempt int) time.Duration {
	steps := min(max(attempt-1, 0), maxBackoffSteps)
	return min(s.backoffBase<<(2*steps), s.backoffMax)
}

// longestBackoff gives the pause of work that waits for another release.
func (s settings) longestBackoff() time.Duration { return s.backoff(maxBackoffSteps + 1) }

func (s settings) check() error {
	if err := s.checkSigns(); err != nil {
		return err
	}
	if err := checkLease("orchestrator_lock_timeout", s.turnLease); err != nil {
		return err
	}
	if err := checkLease("worker_lock_timeout", s.taskLease); err != nil {
		return err
	}
	if err := checkLease("session_lock_timeout", s.sessionLease); err != nil {
		return err
	}
	if len(s.code) > MaxCodeBytes || strings.ContainsAny(s.code, "\r\n\x00") {
		return inputErrorf("code_id must be one line of at most %d bytes", MaxCodeBytes)
	}
	if s.hostTimeout < lateAfter {
		return inputErrorf("host_timeout (%v) must be at least %v", s.hostTimeout, lateAfter)
	}
	renewal := max(s.taskLease-taskRenewalBuffer, minTaskRenewalInterval)
	if s.sessionIdle <= renewal {
		return inputErrorf("session_idle_timeout (%gs) must be greater than worker lock renewal interval (%gs)",
			s.sessionIdle.Seconds(), renewal.Seconds())
	}
	return checkTags(s.tags)
}

func (s settings) checkSigns() error {
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"orchestration_concurrency", int64(s.orchestrationConcurrency)},
		{"worker_concurrency", int64(s.workerConcurrency)},
		{"max_sessions", int64(s.maxSessions)},
		{"max_attempts", int64(s.maxAttempts)},
		{"session_cleanup_interval", int64(s.sessionCleanup)},
		{"unregistered_backoff", int64(s.backoffBase)},
		{"unregistered_backoff_max", int64(s.backoffMax)},
		{"unregistered_activity_timeout", int64(s.unregisteredActivity)},
		{"unregistered_orchestration_timeout", int64(s.unregisteredTurn)},
		{"activity_grace", int64(s.activityGrace)},
		{"orchestration_deadline", int64(s.orchestrationDeadline)},
		{"resident_idle", int64(s.residentIdle)},
		{"resident_bytes", s.residentBytes},
	} {
		if v.value < 0 {
			return inputErrorf("%s must not be negative", v.name)
		}
	}
	return nil
}

func checkLease(name string, d time.Duration) error {
	if d < minLease {
		return inputErrorf("%s (%v) must be at least %v", name, d, minLease)
	}
	return nil
}

func checkTags(f provider.TagFilter) error {
	if f.Mode != provider.TagsOnly && f.Mode != provider.TagsDefaultAnd {
		return nil
	}
	if len(f.Tags) == 0 {
		return inputErrorf("worker_tag_filter needs at least one tag")
	}
	if len(f.Tags) > MaxTagFilterTags {
		return inputErrorf("worker_tag_filter has %d tags, at most %d are allowed", len(f.Tags), MaxTagFilterTags)
	}
	for _, tag := range f.Tags {
		if len(tag) > MaxTagBytes {
			return inputErrorf("worker_tag_filter tag size (%d bytes) exceeds limit (%d bytes)",
				len(tag), MaxTagBytes)
		}
	}
	return nil
}

func inputErrorf(format string, args ...any) error {
	return &InputError{Message: fmt.Sprintf(format, args...)}
}

func pointed[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}
