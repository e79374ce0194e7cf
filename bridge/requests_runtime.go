package main

import (
	"context"
	"fmt"
	"time"

	"duroxide/engine"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/logging"
	"duroxide/provider"
)

var storeRequests = map[string]handler{
	"store.open":    with(serveOpen),
	"store.close":   with(serveClose),
	"store.inspect": with(serveInspect),
	"postgres.sql":  with(serveSchemaSQL),
	"sqlite.sql":    with(serveSQLiteSQL),
}

var runtimeRequests = map[string]handler{
	"runtime.start":    with(serveStartRuntime),
	"runtime.shutdown": with(serveShutdown),
	"debug.echo":       with(serveEcho),
	"debug.call":       with(serveDebugCall),
}

// empty is the answer of requests that have nothing to say.
type empty struct{}

type openedStore struct {
	Store uint64 `json:"store"`
}

func serveOpen(ctx context.Context, h *host, a openArguments, _ string) (result, error) {
	s, err := openStore(ctx, a)
	if err != nil {
		return result{}, err
	}
	id, err := h.addStore(s)
	if err != nil {
		s.abandon() //nolint:contextcheck // the host, and its context with it, has ended
		return result{}, err
	}
	return result{value: openedStore{id}}, nil
}

// serveClose closes a store with its runtimes. Closing twice is harmless.
func serveClose(ctx context.Context, h *host, a storeArguments, _ string) (result, error) {
	s := h.takeStore(a.Store)
	if s == nil {
		return result{value: empty{}}, nil
	}
	return result{value: empty{}}, s.engine.Close(ctx)
}

type startArguments struct {
	Store uint64 `json:"store"`
	// Runtime is a number that the host chose.
	Runtime        uint32         `json:"runtime"`
	Options        runtimeOptions `json:"options"`
	Orchestrations []struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		// CancelGraceMs is how long a cancellation leaves its code.
		CancelGraceMs float64 `json:"cancelGraceMs"`
		// Replaces are bounds of the versions that it goes on with too; empty for none.
		Replaces []struct {
			Compare string `json:"compare"`
			Version string `json:"version"`
		} `json:"replaces"`
	} `json:"orchestrations"`
	Activities []string `json:"activities"`
}

// runtimeOptions mirrors the options that users give; zero and null mean the default.
type runtimeOptions struct {
	OrchestrationConcurrency  *int       `json:"orchestrationConcurrency"`
	WorkerConcurrency         *int       `json:"workerConcurrency"`
	DispatcherPollIntervalMs  float64    `json:"dispatcherPollIntervalMs"`
	WorkerLockTimeoutMs       float64    `json:"workerLockTimeoutMs"`
	OrchestratorLockTimeoutMs float64    `json:"orchestratorLockTimeoutMs"`
	HostTimeoutMs             float64    `json:"hostTimeoutMs"`
	OrchestrationDeadlineMs   float64    `json:"orchestrationDeadlineMs"`
	UnregisteredActivityMs    *float64   `json:"unregisteredActivityTimeoutMs"`
	UnregisteredTurnMs        float64    `json:"unregisteredOrchestrationTimeoutMs"`
	MaxSessionsPerRuntime     int        `json:"maxSessionsPerRuntime"`
	SessionIdleTimeoutMs      float64    `json:"sessionIdleTimeoutMs"`
	WorkerNodeID              string     `json:"workerNodeId"`
	WorkerTagFilter           *tagFilter `json:"workerTagFilter"`
	StrictValues              string     `json:"strictValues"`
	StrictReplay              bool       `json:"strictReplay"`
	OnNondeterminism          string     `json:"onNondeterminism"`
	CodeID                    string     `json:"codeId"`
	EvictAfterTurn            bool       `json:"evictAfterTurn"`
	// TellEnds asks to be told of executions that have ended.
	TellEnds       bool   `json:"tellEnds"`
	EvictEveryTurn bool   `json:"evictEveryTurn"`
	ServiceName    string `json:"serviceName"`
	ServiceVersion string `json:"serviceVersion"`
	// Log asks for the log sink of the process. LogFormat and LogLevel are in it; they are taken
	// beside it so that the user's options can be passed as they are.
	Log       *logging.Options `json:"log"`
	LogFormat string           `json:"logFormat"`
	LogLevel  string           `json:"logLevel"`
}

// tagFilter says which activities a runtime takes.
type tagFilter struct {
	// Mode is defaultOnly, tags, defaultAnd, any or none.
	Mode string   `json:"mode"`
	Tags []string `json:"tags"`
}

var tagModes = map[string]provider.TagMode{
	"defaultOnly": provider.TagsDefaultOnly,
	"tags":        provider.TagsOnly,
	"defaultAnd":  provider.TagsDefaultAnd,
	"any":         provider.TagsAny,
	"none":        provider.TagsNone,
}

func (o *runtimeOptions) engineOptions() (engine.RuntimeOptions, error) {
	options := engine.RuntimeOptions{
		OrchestrationConcurrency: o.OrchestrationConcurrency,
		WorkerConcurrency:        o.WorkerConcurrency,
		PollInterval:             milliseconds(o.DispatcherPollIntervalMs),
		WorkerLockTimeout:        milliseconds(o.WorkerLockTimeoutMs),
		OrchestratorLockTimeout:  milliseconds(o.OrchestratorLockTimeoutMs),
		HostTimeout:              milliseconds(o.HostTimeoutMs),
		OrchestrationDeadline:    milliseconds(o.OrchestrationDeadlineMs),
		MaxSessions:              o.MaxSessionsPerRuntime,
		SessionIdleTimeout:       milliseconds(o.SessionIdleTimeoutMs),
		WorkerNodeID:             o.WorkerNodeID,
		StrictValues:             o.StrictValues == "throw",
		StrictReplay:             o.StrictReplay,
		HoldNondeterminism:       o.OnNondeterminism == "hold",
		Code:                     o.CodeID,
		EvictAfterTurn:           o.EvictAfterTurn,
		EvictEveryTurn:           o.EvictEveryTurn,
		ServiceName:              o.ServiceName,
		ServiceVersion:           o.ServiceVersion,

		UnregisteredOrchestrationTimeout: milliseconds(o.UnregisteredTurnMs),
	}
	if ms := o.UnregisteredActivityMs; ms != nil {
		options.UnregisteredActivityTimeout = new(milliseconds(*ms))
	}
	if o.WorkerTagFilter == nil {
		return options, nil
	}
	mode, ok := tagModes[o.WorkerTagFilter.Mode]
	if !ok {
		return options, &engine.InputError{
			Message: fmt.Sprintf("unknown mode of workerTagFilter %q", o.WorkerTagFilter.Mode),
		}
	}
	options.Tags = provider.TagFilter{Mode: mode, Tags: o.WorkerTagFilter.Tags}
	return options, nil
}

// milliseconds makes a duration of a JavaScript number; what is too large becomes the largest.
func milliseconds(ms float64) time.Duration {
	const largest = float64(1<<63-1) / float64(time.Millisecond)
	switch {
	case ms >= largest:
		return time.Duration(1<<63 - 1)
	case ms <= -largest:
		return -time.Duration(1<<63 - 1)
	default:
		return time.Duration(ms * float64(time.Millisecond))
	}
}

type started struct {
	// ID is that of the start, as health shows it.
	ID string `json:"id"`
}

func serveStartRuntime(ctx context.Context, h *host, a startArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{}, err
	}
	options, err := a.Options.engineOptions()
	if err != nil {
		return result{}, err
	}
	registry, err := a.registry()
	if err != nil {
		return result{}, err
	}
	log := h.newRuntimeLog(a.Runtime, a.Options.Log)
	options.Log = logging.To(log)
	if a.Options.TellEnds {
		options.OnEnd = func(e engine.Ended) {
			record, err := encodeEnded(a.Runtime, encodeJSON(e))
			(&runtimeHost{h, a.Runtime, log}).post("tell of an end", record, err)
		}
	}
	detach := s.log.Add(log)
	r, err := s.engine.StartRuntime(ctx, options, registry, &runtimeHost{h, a.Runtime, log})
	if err != nil {
		detach()
		return result{}, err
	}
	return result{value: started{r.ID()}}, h.addRuntime(ctx, a.Runtime, startedRuntime{r, detach})
}

func (a *startArguments) registry() (*engine.Registry, error) {
	registry := engine.NewRegistry()
	for _, o := range a.Orchestrations {
		options := engine.OrchestrationOptions{CancelGrace: milliseconds(o.CancelGraceMs)}
		for _, b := range o.Replaces {
			options.Replaces = append(options.Replaces, engine.Bound(b))
		}
		if err := registry.AddOrchestrationWith(o.Name, o.Version, options); err != nil {
			return nil, err
		}
	}
	for _, name := range a.Activities {
		if err := registry.AddActivity(name); err != nil {
			return nil, err
		}
	}
	return registry, nil
}

// addRuntime lists a started runtime. A host that has ended meanwhile wants it no more.
func (h *host) addRuntime(ctx context.Context, number uint32, r startedRuntime) error {
	h.mu.Lock()
	ended := h.ended
	if !ended {
		h.runtimes[number] = r
	}
	h.mu.Unlock()
	if ended {
		defer r.detachLog()
		return r.Shutdown(ctx, 0)
	}
	return nil
}

type shutdownArguments struct {
	Runtime uint32  `json:"runtime"`
	GraceMs float64 `json:"graceMs"`
}

func serveShutdown(ctx context.Context, h *host, a shutdownArguments, _ string) (result, error) {
	r, ok := h.runtime(a.Runtime)
	if !ok {
		return result{value: empty{}}, nil
	}
	err := r.Shutdown(ctx, max(milliseconds(a.GraceMs), 0))
	r.detachLog()
	h.mu.Lock()
	delete(h.runtimes, a.Runtime)
	h.mu.Unlock()
	return result{value: empty{}}, err
}

type echoArguments struct {
	// Text comes back as the answer's value, as JSON.
	Text string `json:"text"`
}

// serveEcho sends back what it got: it measures and tests the border alone.
func serveEcho(_ context.Context, _ *host, a echoArguments, payload string) (result, error) {
	return result{value: a, payload: &payload}, nil
}

type debugCallArguments struct {
	Runtime uint32 `json:"runtime"`
	// Kind is activity or run.
	Kind string `json:"kind"`
	// Count is how many calls wait at the same time.
	Count int `json:"count"`
}

type debugCallResult struct {
	OK int `json:"ok"`
}

// serveDebugCall calls user code as the engine does, without a store: each activity gets the
// payload as its input, each run opens an instance with the payload as its input and delivers it
// once more.
func serveDebugCall(
	ctx context.Context, h *host, a debugCallArguments, payload string,
) (result, error) {
	calls := make(chan error, max(a.Count, 0))
	for range a.Count {
		start(func() { calls <- debugCall(ctx, &runtimeHost{h, a.Runtime, &logging.Log{}}, a.Kind, payload) },
			func(err error) { calls <- err })
	}
	for range a.Count {
		if err := <-calls; err != nil {
			return result{}, err
		}
	}
	return result{value: debugCallResult{a.Count}}, nil
}

// debugTokens lie far above those of the engine.
var debugTokens = tokenCounter{next: 1 << 52}

func debugCall(ctx context.Context, h *runtimeHost, kind, payload string) error {
	i := engine.Invocation{
		Token: debugTokens.take(), Instance: "debug", Execution: 1 << 40, Name: "debug", Version: "1.0.0",
	}
	if kind == "activity" {
		r, err := h.Activity(ctx, engine.ActivityCall{
			Invocation: i, Activity: "debug", ID: 1 << 40, Input: payload, WorkerID: "debug", Attempt: 1,
		})
		if err == nil && r.OK && r.Value != payload {
			err = fmt.Errorf("activity gave %d bytes instead of %d", len(r.Value), len(payload))
		}
		return err
	}
	_, err := h.Run(ctx, engine.RunRequest{
		Invocation: i, Resident: i.Token, ReplaySteps: 1,
		Open: &engine.Opening{
			Input: payload, CustomStatus: nil, StartedMs: 1 << 41, LongNames: true,
			Rules: history.NewestRules, StrictValues: true, Schedule: nil,
			Values:  []engine.KeyValue{{Key: "key", Value: "value", UpdatedAtMs: 1 << 40}},
			Patches: map[string]bool{"new": true, "old": false},
		},
		Deliveries: []replay.Delivery{{Token: 1, OK: true, Value: payload, TimeMs: 1 << 42}},
	})
	h.Drop(i.Token)
	return err
}
