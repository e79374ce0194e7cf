package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// lastLook is a store that counts, when it is closed, what is free to be claimed.
type lastLook struct {
	provider.Provider
	depths provider.Depths
	err    error
}

func (l *lastLook) Close(ctx context.Context) error {
	l.depths, l.err = l.Depths(ctx)
	return l.Provider.Close(ctx)
}

// endless is a runtime in whose one activity slot an activity stays until it is told to stop.
func endless(t *testing.T) (*rig, *lastLook) {
	t.Helper()
	h := enginetest.NewHost()
	begun := make(chan struct{})
	h.Register("stay", func(ctx context.Context, _ engine.ActivityCall) (any, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	h.Orchestration("one", func(c *enginetest.Code, _ string) (any, error) {
		_, err := c.Call("stay", "null")
		return nil, err
	})
	store := &lastLook{Provider: memory.New(memory.Options{})}
	r := rigOn(t, store, h, engine.RuntimeOptions{})
	r.start("a", "one", "null")
	<-begun
	return r, store
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// goneOrDone checks a call whose caller is gone. What it asked for may have been done before that was
// noticed.
func goneOrDone(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestAStoreClosesOnlyAfterAnEndingRuntimeHasGivenBack(t *testing.T) {
	t.Parallel()
	r, store := endless(t)
	// Whoever asked for the shutdown is gone, as a worker thread that is terminated meanwhile.
	require.ErrorIs(t, r.rt.Shutdown(over(), time.Hour), context.Canceled)
	require.NoError(t, r.e.Close(t.Context()))
	require.NoError(t, store.err)
	require.Equal(t, provider.Depths{Tasks: 1}, store.depths)
}

func TestAStoreClosesAlsoWhenWhoeverAskedForItIsGone(t *testing.T) {
	t.Parallel()
	r, store := endless(t)
	goneOrDone(t, r.e.Close(over()))
	require.NoError(t, r.e.Close(t.Context()), "the same end, waited for")
	require.NoError(t, store.err)
	require.Equal(t, provider.Depths{Tasks: 1}, store.depths)
}

func TestTheGracePeriodEndsAlsoWithoutWhoeverAskedForIt(t *testing.T) {
	t.Parallel()
	r, store := endless(t)
	goneOrDone(t, r.rt.Shutdown(over(), time.Millisecond))
	require.Eventually(t, func() bool {
		depths, err := store.Depths(t.Context())
		return err == nil && depths.Tasks == 1
	}, patience, time.Millisecond)
}

func TestADeletionStopsTheActivitiesOfAnEndingRuntime(t *testing.T) {
	t.Parallel()
	r, _ := endless(t)
	require.ErrorIs(t, r.rt.Shutdown(over(), time.Hour), context.Canceled)
	_, err := r.client.Delete(t.Context(), "a", true)
	require.NoError(t, err)
	require.NoError(t, r.rt.Shutdown(t.Context(), time.Hour))
}

func TestAShutdownGivesBackWhatAClientIsJustClaimingForIt(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	inner := &lastLook{Provider: memory.New(memory.Options{})}
	store := faulty.Wrap(inner)
	r := rigOn(t, store, h, engine.RuntimeOptions{})
	arrived := store.Block(faulty.Submit)
	started := make(chan error, 1)
	go func() {
		started <- r.client.Start(context.WithoutCancel(t.Context()), engine.StartRequest{Instance: "a", Name: "one", Input: "1"})
	}()
	<-arrived
	goneOrDone(t, r.rt.Shutdown(over(), 0))
	store.Release(faulty.Submit)
	require.NoError(t, <-started)
	require.NoError(t, r.e.Close(t.Context()))
	require.NoError(t, inner.err)
	require.Equal(t, provider.Depths{Messages: 1}, inner.depths, "the start is free for the next runtime")
}
