package engine_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
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
	events, err := client.History(t.Context(), "a", 0)
	require.NoError(t, err)
	var times []int64
	for _, event := range events {
		times = append(times, event.TimeMs)
	}
	require.True(t, slices.IsSorted(times), "%v", times)
}
