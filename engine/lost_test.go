package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// How long everything may take in these tests, whose time passes only while all goroutines wait.
const (
	taskLease = 30 * time.Second
	longGrace = 24 * time.Hour
	soon      = time.Minute
)

const takenOver = "its task was cancelled or taken over"

// bubble is an engine with one runtime inside a synctest, on a store with planned faults whose clock
// can be ahead: for the runtime, the time between was a sleep.
type bubble struct {
	*rig
	store *faulty.Provider
	slept atomic.Int64
}

// setup is what a bubble is made of: an activity "act", and what becomes of host and store.
type setup struct {
	options engine.RuntimeOptions
	act     enginetest.Activity
	host    func(*enginetest.Host) engine.Host
	store   func(provider.Provider) provider.Provider
}

// inBubble runs a test of orchestrations "one", which give the result of the activity.
func inBubble(t *testing.T, s setup, test func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		b := &bubble{}
		now := func() time.Time { return time.Now().Add(time.Duration(b.slept.Load())) }
		var store provider.Provider = memory.New(memory.Options{Clock: now})
		if s.store != nil {
			store = s.store(store)
		}
		b.store = faulty.Wrap(store)
		h := enginetest.NewHost()
		h.Register("act", s.act)
		h.Orchestration("one", func(c *enginetest.Code, input string) (any, error) {
			text, err := c.Call("act", input)
			return json.RawMessage(text), err
		})
		var host engine.Host = h
		if s.host != nil {
			host = s.host(h)
		}
		e := engine.New(b.store, engine.Options{Version: "0.1.0"})
		t.Cleanup(func() {
			require.NoError(t, e.Close(context.Background()))
			<-time.After(soon) // Until the pool has let its goroutines go: time ends with the test.
		})
		s.options.WorkerLockTimeout = taskLease
		rt, err := e.StartRuntime(t.Context(), s.options, h.Registry(), host)
		require.NoError(t, err)
		b.rig = &rig{t: t, store: b.store, e: e, rt: rt, host: h, client: e.Client()}
		test(t, b)
	})
}

// sleep lets the store's time pass, and no time of the runtime.
func (b *bubble) sleep(d time.Duration) { b.slept.Add(int64(d)) }

// stop shuts the runtime down with a long grace, and fails where that has to be waited for.
func (b *bubble) stop() {
	b.t.Helper()
	began := time.Now()
	require.NoError(b.t, b.rt.Shutdown(b.t.Context(), longGrace))
	require.Less(b.t, time.Since(began), soon, "the shutdown waited for something that never came")
}

// outcome waits for the end of "a", longer than other tests may: here it costs nothing.
func (b *bubble) outcome(patience time.Duration) engine.Status {
	b.t.Helper()
	status, err := b.client.Wait(b.t.Context(), "a", patience)
	require.NoError(b.t, err)
	return status
}

// attempts is an activity that takes note of its attempts and of how each ended.
type attempts struct {
	mu    sync.Mutex
	began []int
	told  []int
	// run is what an attempt does; its context ends when it is told that its result is unwanted.
	run func(ctx context.Context, attempt int) (any, error)
}

func (a *attempts) activity(ctx context.Context, c engine.ActivityCall) (any, error) {
	a.mu.Lock()
	a.began = append(a.began, c.Attempt)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if ctx.Err() != nil {
			a.told = append(a.told, c.Attempt)
		}
	}()
	return a.run(ctx, c.Attempt)
}

// firstHangs waits for its end in the first attempt, and lasts for three leases in the others.
func firstHangs(ctx context.Context, attempt int) (any, error) {
	if attempt == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-time.After(3 * taskLease):
		return attempt, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lasts is an attempt that takes three leases, whichever it is.
func lasts(ctx context.Context, attempt int) (any, error) { return firstHangs(ctx, attempt+1) }

func TestAnActivityIsToldThatItsLeaseEndedWhileTheProcessSlept(t *testing.T) {
	t.Parallel()
	a := &attempts{run: firstHangs}
	inBubble(t, setup{act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "one", "null")
		synctest.Wait()
		b.sleep(time.Hour)
		require.Equal(t, "2", b.outcome(10*taskLease).Output)
		require.Equal(t, []int{1, 2}, a.began, "the second attempt was kept alive")
		require.Equal(t, []int{1}, a.told)
		require.Equal(t, map[string]int{takenOver: 1}, b.host.Cancelled)
		b.stop()
	})
}

func TestAShutdownDoesNotWaitForAnActivityWhoseLeaseHasEnded(t *testing.T) {
	t.Parallel()
	a := &attempts{run: firstHangs}
	inBubble(t, setup{act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "one", "null")
		synctest.Wait()
		b.sleep(time.Hour)
		b.stop()
		require.Equal(t, []int{1}, a.told)
	})
}

func TestAnActivityIsToldThatItsTaskWasTakenOverWhileTheStoreWasAway(t *testing.T) {
	t.Parallel()
	a := &attempts{run: firstHangs}
	inBubble(t, setup{act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "one", "null")
		synctest.Wait()
		b.store.Fail(faulty.Renew, faulty.Always, faulty.Retryable(faulty.Renew))
		b.store.Fail(faulty.Claim, faulty.Always, faulty.Retryable(faulty.Claim))
		<-time.After(2 * taskLease)
		require.Empty(t, a.told, "whether the task is lost, only the store can say")
		other := engine.New(b.store.Provider, engine.Options{Version: "0.1.0"})
		rt, err := other.StartRuntime(t.Context(), engine.RuntimeOptions{WorkerLockTimeout: taskLease}, b.host.Registry(), b.host)
		require.NoError(t, err)
		synctest.Wait()
		b.store.Heal(faulty.Renew)
		b.store.Heal(faulty.Claim)
		require.Equal(t, "2", b.outcome(10*taskLease).Output)
		require.Equal(t, []int{1}, a.told)
		require.NoError(t, rt.Shutdown(t.Context(), 0))
		b.stop()
	})
}

// The lease of an activity that runs here ends because it could not be renewed in time, as on a machine
// that is too busy, and the claim that finds it is of the same runtime.
func TestAnActivityIsNotBegunAgainWhereItRuns(t *testing.T) {
	t.Parallel()
	a := &attempts{run: lasts}
	inBubble(t, setup{act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Renew, faulty.Always, faulty.Retryable(faulty.Renew))
		b.start("a", "one", "null")
		<-time.After(2 * taskLease)
		b.store.Heal(faulty.Renew)
		require.Equal(t, "2", b.outcome(10*taskLease).Output)
		require.Equal(t, []int{1}, a.began)
		require.Empty(t, a.told)
		b.stop()
	})
}

// The lease of an activity ends while it runs, it finishes, and only then its task is claimed again: what it has
// given counts, because nobody else has taken it.
func TestAnOutcomeCountsThatCameAfterTheEndOfItsLease(t *testing.T) {
	t.Parallel()
	a := &attempts{run: lasts}
	inBubble(t, setup{act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Renew, faulty.Always, faulty.Retryable(faulty.Renew))
		b.start("a", "one", "null")
		<-time.After(time.Millisecond)
		b.store.Fail(faulty.Claim, faulty.Always, faulty.Retryable(faulty.Claim))
		<-time.After(4 * taskLease)
		b.store.Heal(faulty.Renew)
		b.store.Heal(faulty.Claim)
		require.Equal(t, "2", b.outcome(10*taskLease).Output)
		require.Equal(t, []int{1}, a.began)
		require.Empty(t, a.told)
		b.stop()
	})
}

// A claim that took effect late lives in the store longer than whoever asked for it can know.
func TestAClaimIsKeptWhoseAnswerCameLate(t *testing.T) {
	t.Parallel()
	a := &attempts{run: lasts}
	noTurns := engine.RuntimeOptions{OrchestrationConcurrency: new(0)}
	inBubble(t, setup{options: noTurns, act: a.activity}, func(t *testing.T, b *bubble) {
		t.Helper()
		arrived := b.store.Block(faulty.Claim)
		only := engine.RuntimeOptions{Tags: provider.TagFilter{Mode: provider.TagsNone}}
		turns, err := b.e.StartRuntime(t.Context(), only, b.host.Registry(), b.host)
		require.NoError(t, err)
		b.start("a", "one", "null")
		<-arrived
		<-arrived
		synctest.Wait()
		b.sleep(time.Hour)
		b.store.Release(faulty.Claim)
		require.Equal(t, "2", b.outcome(10*taskLease).Output)
		require.Equal(t, []int{1}, a.began)
		require.NoError(t, turns.Shutdown(t.Context(), 0))
		b.stop()
	})
}

func TestAShutdownStoresTheOutcomesOfWhatHasFinished(t *testing.T) {
	t.Parallel()
	large := func(context.Context, engine.ActivityCall) (any, error) {
		return strings.Repeat("x", 3<<20), nil // not handed over in memory
	}
	inBubble(t, setup{act: large}, func(t *testing.T, b *bubble) {
		t.Helper()
		arrived := b.store.Block(faulty.Complete)
		b.start("a", "one", "null")
		<-arrived
		stopped := make(chan error, 1)
		go func() { stopped <- b.rt.Shutdown(t.Context(), longGrace) }()
		synctest.Wait()
		require.Empty(t, stopped, "the shutdown did not wait for the outcome to be stored")
		b.store.Release(faulty.Complete)
		require.NoError(t, <-stopped)
		depths, err := b.client.Depths(t.Context())
		require.NoError(t, err)
		require.Zero(t, depths.Tasks)
	})
}

// broken fails or panics where a store or a host should answer, so many times.
type broken struct {
	*enginetest.Host
	provider.Provider
	left atomic.Int32
}

var errUnreadable = errors.New("the answer cannot be read")

func (b *broken) Activity(ctx context.Context, c engine.ActivityCall) (engine.ActivityResult, error) {
	switch b.left.Add(-1) {
	case 1:
		return engine.ActivityResult{}, errUnreadable
	case 0:
		panic("planned")
	default:
		return b.Host.Activity(ctx, c)
	}
}

func TestAnActivityRunsAgainThatItsHostCannotAnswerFor(t *testing.T) {
	t.Parallel()
	a := &attempts{run: func(_ context.Context, attempt int) (any, error) { return attempt, nil }}
	breakHost := func(h *enginetest.Host) engine.Host {
		b := &broken{Host: h}
		b.left.Store(2)
		return b
	}
	inBubble(t, setup{act: a.activity, host: breakHost}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "one", "null")
		require.Equal(t, "3", b.outcome(time.Hour).Output)
		b.stop()
	})
}

func (b *broken) Abandon(ctx context.Context, a provider.Abandonment) (provider.Abandoned, error) {
	if b.left.Add(-1) == 0 {
		panic("planned")
	}
	return b.Provider.Abandon(ctx, a)
}

func TestAnInstanceGoesOnWhoseTurnEndedWithAPanic(t *testing.T) {
	t.Parallel()
	act := func(context.Context, engine.ActivityCall) (any, error) { return "done", nil }
	breakStore := func(p provider.Provider) provider.Provider {
		b := &broken{Provider: p}
		b.left.Store(1)
		return b
	}
	inBubble(t, setup{act: act, store: breakStore}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Commit, 1, provider.ErrMessageLost)
		b.start("a", "one", "null")
		require.Equal(t, `"done"`, b.outcome(time.Hour).Output)
		b.stop()
	})
}
