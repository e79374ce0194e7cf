package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/faulty"
)

// fan is an orchestration that schedules so many activities at once; of gives the n-th.
func fan(count int, of func(n int) replay.Action) enginetest.Orchestration {
	return func(c *enginetest.Code, _ string) (any, error) {
		var tokens []uint64
		for n := range count {
			a := of(n)
			a.Kind, a.Name, a.Input = replay.Activity, "work", "null"
			tokens = append(tokens, c.Schedule(a))
		}
		for _, token := range tokens {
			c.Await(token)
		}
		return nil, nil
	}
}

// The clock stands still, so that no poll helps: every session has to follow the one before. And nobody
// looks for more while there is no room for it.
func TestSessionsFollowEachOtherWithoutAPoll(t *testing.T) {
	t.Parallel()
	for _, sessions := range []int{10, 25} {
		var calls *faulty.Provider
		f := newFixture(t, func(p provider.Provider) provider.Provider {
			calls = faulty.Wrap(p)
			return calls
		})
		h := enginetest.NewHost()
		var mu sync.Mutex
		inFlight, most := map[string]int{}, 0
		h.Register("work", func(_ context.Context, c engine.ActivityCall) (any, error) {
			mu.Lock()
			inFlight[*c.Session]++
			most = max(most, len(inFlight))
			mu.Unlock()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				if inFlight[*c.Session]--; inFlight[*c.Session] == 0 {
					delete(inFlight, *c.Session)
				}
			}()
			return nil, nil
		})
		h.Orchestration("fan", fan(300, func(n int) replay.Action {
			session := fmt.Sprint("s", n%sessions)
			return replay.Action{Session: &session}
		}))
		slots := 12
		_, err := f.engine.StartRuntime(t.Context(),
			engine.RuntimeOptions{WorkerConcurrency: &slots}, h.Registry(), h)
		require.NoError(t, err)
		require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "fan", Input: "null"}))
		status, err := f.awaitEnd(t, "a")
		require.NoError(t, err)
		require.Equal(t, engine.StateCompleted, status.State, status.Error)
		require.LessOrEqual(t, most, 10, "sessions at a time")
		require.Less(t, calls.Calls(faulty.Claim), 3*300, "claims")
	}
}

// awaitEnd waits for an instance in real time, while the clock stands still.
func (f *fixture) awaitEnd(t *testing.T, instance string) (status engine.Status, err error) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, err = f.Status(t.Context(), instance)
		return err != nil || status.IsTerminal()
	}, patience, patience/1000, "%s has not ended, and nothing but a poll would help", instance)
	return status, err
}

func TestASmallInstanceDoesNotWaitForAWideOne(t *testing.T) {
	t.Parallel()
	const wide, begin = 6000, 100
	f := newFixture(t, nil)
	h := enginetest.NewHost()
	var ran, ended atomic.Int64
	begun := make(chan struct{})
	h.Register("work", func(context.Context, engine.ActivityCall) (any, error) {
		if ran.Add(1) == begin {
			close(begun)
		}
		return nil, nil
	})
	h.Register("step", func(context.Context, engine.ActivityCall) (any, error) {
		ended.Store(ran.Load())
		return nil, nil
	})
	h.Orchestration("wide", fan(wide, func(int) replay.Action { return replay.Action{} }))
	h.Orchestration("small", func(c *enginetest.Code, _ string) (any, error) {
		for range 2 {
			if _, err := c.Call("step", "null"); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	_, err := f.engine.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "w", Name: "wide", Input: "null"}))
	<-begun
	require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "s", Name: "small", Input: "null"}))
	for _, instance := range []string{"s", "w"} {
		status, err := f.awaitEnd(t, instance)
		require.NoError(t, err)
		require.Equal(t, engine.StateCompleted, status.State, status.Error)
	}
	// What was claimed ahead may run before each of its steps.
	require.Less(t, ended.Load(), int64(wide/2))
}
