package engine_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider/memory"
)

func TestWhatIsLoadedCountsAsMuchAsWhatWasRun(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	e := engine.New(store, engine.Options{Version: "0.1.0"})
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	require.NoError(t, e.Client().Start(t.Context(), engine.StartRequest{Instance: "a", Name: "big", Input: "1"}))
	for _, name := range []string{"run", "loaded"} {
		h := enginetest.NewHost()
		h.Register("blob", func(context.Context, engine.ActivityCall) (any, error) {
			return strings.Repeat("x", 60<<10), nil
		})
		h.Orchestration("big", func(c *enginetest.Code, _ string) (any, error) {
			for range 5 {
				if _, err := c.Call("blob", "1"); err != nil {
					return nil, err
				}
			}
			for {
				c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "go"}))
				c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new(name)})
			}
		})
		rt, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{
			ResidentBytes: 100 << 10, ResidentIdle: time.Hour, OrchestratorLockTimeout: 2 * time.Second,
		}, h.Registry(), h)
		require.NoError(t, err)
		require.NoError(t, errOf(e.Client().Enqueue(t.Context(), "a", "go", "1")))
		require.Eventually(t, func() bool {
			status, err := e.Client().Status(t.Context(), "a")
			require.NoError(t, err)
			return status.CustomStatus != nil && *status.CustomStatus == name && h.Living() == 0
		}, patience, 10*time.Millisecond, "what was %s stays in memory", name)
		require.NoError(t, rt.Shutdown(t.Context(), patience))
	}
}

func TestWhatWasUsedLeastRecentlyLeavesMemoryFirst(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	var begun sync.Map // how often the code of an instance began: again with each replay
	h.Register("blob", func(context.Context, engine.ActivityCall) (any, error) {
		return strings.Repeat("x", 60<<10), nil
	})
	h.Orchestration("big", func(c *enginetest.Code, _ string) (any, error) {
		times, _ := begun.LoadOrStore(c.Instance, new(atomic.Int64))
		times.(*atomic.Int64).Add(1)
		if _, err := c.Call("blob", "1"); err != nil {
			return nil, err
		}
		for n := 1; ; n++ {
			c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new(strconv.Itoa(n))})
			c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "go"}))
		}
	})
	s := startStill(t, h, engine.RuntimeOptions{
		ResidentBytes: 160 << 10, ResidentIdle: 1000 * time.Hour, OrchestratorLockTimeout: time.Hour,
	})
	reaches := func(id, status string) {
		s.eventually(func() bool {
			got, err := s.client.Status(t.Context(), id)
			require.NoError(t, err)
			return got.CustomStatus != nil && *got.CustomStatus == status
		}, id+" does not go on")
		s.clock.Advance(time.Second)
	}
	touch := func(id, status string) {
		require.NoError(t, errOf(s.client.Enqueue(t.Context(), id, "go", "1")))
		reaches(id, status)
	}
	for _, id := range []string{"a", "b"} {
		s.start(id, "big", "null")
		reaches(id, "1")
	}
	touch("a", "2")
	s.start("c", "big", "null")
	reaches("c", "1")
	s.eventually(func() bool {
		s.clock.Advance(time.Minute)
		return h.Living() == 2
	}, "three are too many")
	for _, id := range []string{"a", "c"} {
		touch(id, map[string]string{"a": "3", "c": "2"}[id])
	}
	touch("b", "2")
	for id, want := range map[string]int64{"a": 1, "b": 2, "c": 1} {
		times, _ := begun.Load(id)
		require.Equal(t, want, times.(*atomic.Int64).Load(), "how often %s was loaded", id)
	}
}
