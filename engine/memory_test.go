package engine_test

import (
	"context"
	"strings"
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
