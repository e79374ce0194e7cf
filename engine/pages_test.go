package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// backlog is what waits for an instance in these tests: several pages.
const backlog = 5*provider.PageMessages + 7

// readerHost has an orchestration that reads as many messages as its input says, and fails on the first
// that is not the next one.
func readerHost() *enginetest.Host {
	h := enginetest.NewHost()
	h.Orchestration("reader", func(c *enginetest.Code, input string) (any, error) {
		count, err := strconv.Atoi(input)
		for n := 0; n < count && err == nil; n++ {
			_, d := c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "q"}))
			if d.Value != strconv.Itoa(n) {
				err = fmt.Errorf("message %s in place of %d", d.Value, n)
			}
		}
		return count, err
	})
	return h
}

// waiting gives a store in which an instance waits with its backlog, and an engine on it.
func waiting(t *testing.T) (*memory.Provider, *engine.Engine) {
	t.Helper()
	store := memory.New(memory.Options{})
	e := engine.New(store, engine.Options{Version: "0.1.0"})
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	require.NoError(t, e.Client().Start(t.Context(), engine.StartRequest{
		Instance: "a", Name: "reader", Input: strconv.Itoa(2 * backlog),
	}))
	send(t, e, 0, backlog)
	return store, e
}

func send(t *testing.T, e *engine.Engine, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		require.NoError(t, errOf(e.Client().Enqueue(t.Context(), "a", "q", strconv.Itoa(n))))
	}
}

func TestABacklogIsReadInOrderWhateverArrivesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, o := range []engine.RuntimeOptions{{}, {EvictAfterTurn: true}} {
		store, e := waiting(t)
		h := readerHost()
		_, err := e.StartRuntime(t.Context(), o, h.Registry(), h)
		require.NoError(t, err)
		send(t, e, backlog, 2*backlog)
		status, err := e.Client().Wait(t.Context(), "a", patience)
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(2*backlog), status.Output, status.Error)
		depths, err := store.Depths(t.Context())
		require.NoError(t, err)
		require.Zero(t, depths.Messages)
	}
}

func TestACancellationOvertakesABacklog(t *testing.T) {
	t.Parallel()
	store, e := waiting(t)
	require.NoError(t, errOf(e.Client().Cancel(t.Context(), "a", "enough")))
	h := readerHost()
	_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	status, err := e.Client().Wait(t.Context(), "a", patience)
	require.NoError(t, err)
	require.Equal(t, "canceled: enough", status.Error)
	events, err := store.History(t.Context(), "a", 1)
	require.NoError(t, err)
	require.Len(t, events, 3, "its code has not begun")
	require.Eventually(t, func() bool {
		depths, err := store.Depths(t.Context())
		require.NoError(t, err)
		return depths.Messages == 0
	}, patience, time.Millisecond, "the rest is left in the store")
}

func TestAPageThatNobodyCanReadHoldsUpNothing(t *testing.T) {
	t.Parallel()
	store, e := waiting(t)
	h := readerHost()
	o := engine.RuntimeOptions{}
	rt, err := e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		depths, err := store.Depths(t.Context())
		require.NoError(t, err)
		return depths.Messages == 0
	}, patience, time.Millisecond)
	require.NoError(t, rt.Shutdown(t.Context(), patience))
	send(t, e, backlog, 2*backlog)
	store.CorruptMessages("a")
	require.NoError(t, errOf(e.Client().Enqueue(t.Context(), "a", "q", "-1")))
	_, err = e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	status, err := e.Client().Wait(t.Context(), "a", patience)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint("message -1 in place of ", backlog), status.Error)
}
