package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// fixture is a client of an engine without runtimes, on a store whose instances the test writes.
type fixture struct {
	*engine.Client
	engine *engine.Engine
	clock  *enginetest.Clock
	store  provider.Provider
	turns  map[string]*written
}

// written is what a test has committed of an instance.
type written struct {
	execution, last uint64
}

// newFixture makes the engine on a memory store, or on what wrap makes of it.
// errOf gives the error of a call that also gives something that a test does not look at.
func errOf[T any](_ T, err error) error { return err }

func newFixture(t *testing.T, wrap func(provider.Provider) provider.Provider) *fixture {
	t.Helper()
	clock := enginetest.NewClock()
	f := &fixture{clock: clock, turns: map[string]*written{}}
	f.store = memory.New(memory.Options{Clock: clock.Now})
	if wrap != nil {
		f.store = wrap(f.store)
	}
	f.engine = engine.New(f.store, engine.Options{Clock: clock})
	f.Client = f.engine.Client()
	t.Cleanup(func() {
		if err := f.engine.Close(context.Background()); err != nil {
			require.ErrorIs(t, err, provider.ErrClosed)
		}
	})
	return f
}

// turn is one committed turn of a test's instance.
type turn struct {
	parent string
	// fresh begins the next execution.
	fresh   bool
	outcome *provider.Outcome
	status  *provider.CustomStatusChange
	values  []provider.ValueChange
	events  []history.Data
	// cancelling says that the instance cleans up.
	cancelling *provider.Cancelling
	// answers gives the source of events, both by event id.
	answers map[uint64]uint64
}

// commit writes a turn of an instance, its first one included.
func (f *fixture) commit(t *testing.T, instance string, c turn) {
	t.Helper()
	ctx := t.Context()
	w := f.turns[instance]
	m := provider.Message{Instance: instance, Kind: provider.EventRaised, Name: "turn"}
	var started *provider.Started
	if w == nil || c.fresh {
		if w == nil {
			w = &written{}
			f.turns[instance] = w
		}
		w.execution, w.last = w.execution+1, 0
		started = &provider.Started{Name: "test", Version: "1.0.0"}
		if c.parent != "" {
			started.Parent = &history.Parent{Instance: c.parent, Execution: 1, Event: 2}
			m.Parent = started.Parent
		}
		c.events = append([]history.Data{history.OrchestrationStarted{Name: "test", Version: "1.0.0"}}, c.events...)
		m.Kind, m.Name = provider.StartInstance, "test"
		if w.execution > 1 {
			m.Kind, m.Execution = provider.ContinueInstance, w.execution
		}
	}
	holder := &provider.Holder{Node: "test", TTL: time.Minute}
	sent, err := f.store.Submit(ctx, provider.Submission{Messages: []provider.Message{m}, Claim: holder})
	require.NoError(t, err)
	require.NotNil(t, sent[0].Claim)
	commit := provider.Commit{
		Token: sent[0].Claim.Token, Execution: w.execution, LastEvent: w.last, Started: started,
		Outcome: c.outcome, CustomStatus: c.status, Values: c.values, Cancelling: c.cancelling, Release: true,
	}
	for _, claimed := range sent[0].Claim.Messages {
		commit.Messages = append(commit.Messages, claimed.ID)
	}
	for _, data := range c.events {
		w.last++
		commit.Events = append(commit.Events, history.Event{
			ID: w.last, Source: c.answers[w.last], TimeMs: f.clock.Now().UnixMilli(), Engine: "0.1.0", Data: data,
		})
	}
	_, err = f.store.Commit(ctx, commit)
	require.NoError(t, err)
}

func ended(status provider.ExecutionStatus, output string) *provider.Outcome {
	return &provider.Outcome{Status: status, Output: output}
}

func completed(output string) turn {
	return turn{
		outcome: ended(provider.Completed, output),
		events:  []history.Data{history.OrchestrationCompleted{Output: output}},
	}
}

// result is what a call on another goroutine gave.
type result[T any] struct {
	value T
	err   error
}

// inBackground runs a waiting call. The channel gives its result.
func inBackground[T any](call func() (T, error)) <-chan result[T] {
	done := make(chan result[T], 1)
	go func() {
		value, err := call()
		done <- result[T]{value, err}
	}()
	return done
}

// awaitWaiter returns when a wait has armed its two timers: the deadline and the next look.
func (f *fixture) awaitWaiter(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, f.clock.AwaitTimers(ctx, 2), "no waiter")
}

// flaky fails calls of a store while failures are left.
type flaky struct {
	provider.Provider
	failures chan error
}

func newFlaky(errs ...error) *flaky {
	f := &flaky{failures: make(chan error, 100)}
	for _, err := range errs {
		f.failures <- err
	}
	return f
}

func (f *flaky) wrap(p provider.Provider) provider.Provider {
	f.Provider = p
	return f
}

func (f *flaky) fail() error {
	select {
	case err := <-f.failures:
		return err
	default:
		return nil
	}
}

func (f *flaky) Status(ctx context.Context, instance string) (*provider.Status, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Provider.Status(ctx, instance)
}

func (f *flaky) Submit(ctx context.Context, s provider.Submission) ([]provider.Submitted, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Provider.Submit(ctx, s)
}

func (f *flaky) Delete(ctx context.Context, d provider.Deletion) (provider.Deleted, error) {
	if err := f.fail(); err != nil {
		return provider.Deleted{}, err
	}
	return f.Provider.Delete(ctx, d)
}

var errBusy = &provider.Error{Op: "status", Message: "database is locked", Retryable: true}
