package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

func TestRecordedTimesDoNotGoBackWithTheClock(t *testing.T) {
	t.Parallel()
	var back atomic.Int64
	clock := func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
	e := engine.New(memory.New(memory.Options{Clock: clock}), engine.Options{Version: "0.1.0"})
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	h := enginetest.NewHost()
	h.Register("jump", func(context.Context, engine.ActivityCall) (any, error) {
		back.Add(int64(time.Hour))
		return nil, nil
	})
	h.Orchestration("a", func(c *enginetest.Code, _ string) (any, error) {
		for range 3 {
			c.Await(c.Schedule(replay.Action{Kind: replay.Syscall, Name: replay.UTCNow}))
			c.Await(c.Schedule(replay.Action{Kind: replay.Activity, Name: "jump"}))
		}
		return nil, nil
	})
	_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	client := e.Client()
	require.NoError(t, client.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "a"}))
	status, err := client.Wait(t.Context(), "a", patience)
	require.NoError(t, err)
	require.Equal(t, "Completed", status.State, status.Error)
	requireOrder(t, client, 0)
}

// requireOrder demands that no event of an execution of "a" is older than the one before it, and no timer
// fired before it was due. It gives the time of the last event.
func requireOrder(t *testing.T, client *engine.Client, execution uint64) (lastMs int64) {
	t.Helper()
	events, err := client.History(t.Context(), "a", execution)
	require.NoError(t, err)
	require.NotEmpty(t, events)
	var times []int64
	for _, event := range events {
		times = append(times, event.TimeMs)
		if fired, ok := event.Data.(history.TimerFired); ok {
			require.GreaterOrEqual(t, event.TimeMs, fired.FireAtMs, "a timer fired early")
		}
	}
	require.True(t, slices.IsSorted(times), "%v", times)
	return times[len(times)-1]
}

// timed is a store as one node sees it whose view of the store's time lags behind.
type timed struct {
	provider.Provider
	behind time.Duration
}

func (s *timed) Now() time.Time { return s.Provider.Now().Add(-s.behind) }

func (*timed) Close(context.Context) error { return nil }

// startNode starts a runtime of its own engine on a store that others use too.
func startNode(t *testing.T, s provider.Provider, behind time.Duration, h *enginetest.Host) (*engine.Engine, func()) {
	t.Helper()
	e := engine.New(&timed{s, behind}, engine.Options{Version: "0.1.0"})
	_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	return e, func() { require.NoError(t, e.Close(context.Background())) }
}

func TestATimerIsNotRecordedBeforeItWasDue(t *testing.T) {
	t.Parallel()
	code := func() *enginetest.Host {
		h := enginetest.NewHost()
		h.Orchestration("now", func(*enginetest.Code, string) (any, error) { return nil, nil })
		h.Orchestration("sleeper", func(c *enginetest.Code, _ string) (any, error) {
			c.Sleep(200)
			if c.Execution == 1 {
				c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: "null"})
			}
			return nil, nil
		})
		return h
	}
	ctx, store := t.Context(), memory.New(memory.Options{})
	first, stop := startNode(t, store, 0, code())
	require.NoError(t, first.Client().Start(ctx, engine.StartRequest{Instance: "a", Name: "sleeper"}))
	require.Eventually(t, func() bool {
		events, err := first.Client().History(ctx, "a", 0)
		return err == nil && len(events) == 2
	}, patience, time.Millisecond)
	stop()
	// The store gives the timer to a node that takes it to be earlier, and that looks for work all the
	// time.
	second, stop := startNode(t, store, 100*time.Millisecond, code())
	defer stop()
	client := second.Client()
	for i := 0; ; i++ {
		other := fmt.Sprint("other", i)
		_, err := store.Submit(ctx, provider.Submission{Messages: []provider.Message{startOf(other, "now")}})
		require.NoError(t, err)
		_, err = client.Wait(ctx, other, patience)
		require.NoError(t, err)
		if status, err := client.Status(ctx, "a"); err == nil && status.State == "Completed" {
			break
		}
	}
	last := requireOrder(t, client, 1)
	requireOrder(t, client, 2)
	next, err := client.History(ctx, "a", 2)
	require.NoError(t, err)
	require.GreaterOrEqual(t, next[0].TimeMs, last, "an execution began before the one before it ended")
}

func TestAnotherNodeRecordsNothingBeforeWhatItFollows(t *testing.T) {
	t.Parallel()
	code := func() *enginetest.Host {
		h := enginetest.NewHost()
		h.Orchestration("two", func(c *enginetest.Code, _ string) (any, error) {
			for range 2 {
				c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
				<-time.After(20 * time.Millisecond) // code that is slow
			}
			return nil, nil
		})
		return h
	}
	ctx, store := t.Context(), memory.New(memory.Options{})
	first, stop := startNode(t, store, 0, code())
	require.NoError(t, first.Client().Start(ctx, engine.StartRequest{Instance: "a", Name: "two"}))
	require.NoError(t, errOf(first.Client().Raise(ctx, "a", "go", "1")))
	require.Eventually(t, func() bool {
		events, err := first.Client().History(ctx, "a", 0)
		return err == nil && len(events) == 4
	}, patience, time.Millisecond)
	stop()
	second, stop := startNode(t, store, time.Minute, code())
	defer stop()
	require.NoError(t, errOf(second.Client().Raise(ctx, "a", "go", "1")))
	status, err := second.Client().Wait(ctx, "a", patience)
	require.NoError(t, err)
	require.Equal(t, "Completed", status.State, status.Error)
	requireOrder(t, second.Client(), 0)
}

func TestATimerFiresByTheTimeOfTheStore(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	own, stored := enginetest.NewClock(), enginetest.NewClock()
	h := enginetest.NewHost()
	h.Orchestration("sleeper", func(c *enginetest.Code, _ string) (any, error) {
		c.Sleep(uint64(25 * hour / time.Millisecond))
		return nil, nil
	})
	store := faulty.Wrap(memory.New(memory.Options{Clock: stored.Now}))
	e := engine.New(store, engine.Options{Version: "0.1.0", Clock: own})
	o := engine.RuntimeOptions{OrchestratorLockTimeout: 100 * hour, ResidentIdle: 100 * hour}
	_, err := e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	client := e.Client()
	require.NoError(t, client.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "sleeper"}))
	require.Eventually(t, func() bool {
		events, err := client.History(t.Context(), "a", 0)
		return err == nil && len(events) == 2
	}, patience, time.Millisecond)
	// The alarm, the poller and upkeep.
	require.NoError(t, own.AwaitTimers(t.Context(), 3))
	both := func(d time.Duration) {
		stored.Advance(d)
		own.Advance(d)
	}
	both(25*hour - time.Minute)
	own.Advance(hour) // The clock of the store is slower.
	events, err := client.History(t.Context(), "a", 0)
	require.NoError(t, err)
	require.Len(t, events, 2, "a timer fired early")

	// No safety poll is needed when it is due.
	store.Fail(faulty.Claim, faulty.Always, faulty.Retryable(faulty.Claim))
	both(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status, err := client.Wait(ctx, "a", 1000*hour)
	require.NoError(t, err, "the timer was late")
	require.Equal(t, "Completed", status.State, status.Error)
	requireOrder(t, client, 0)
}
