package engine_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// audience is a store that counts who watches it.
type audience struct {
	provider.Provider
	count atomic.Int32
}

func (a *audience) Watch(changed func(provider.Change)) (stop func()) {
	a.count.Add(1)
	inner := a.Provider.Watch(changed)
	return func() {
		a.count.Add(-1)
		inner()
	}
}

func TestAStoreIsWatchedOnlyWhileSomebodyWantsToKnow(t *testing.T) {
	t.Parallel()
	store := &audience{Provider: memory.New(memory.Options{})}
	e := engine.New(store, engine.Options{})
	require.Zero(t, store.count.Load(), "an open store")
	c := e.Client()
	require.NoError(t, c.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "one", Input: "1"}))
	require.Zero(t, store.count.Load(), "a client that does not wait")
	waits := inBackground(func() (engine.Status, error) { return c.Wait(t.Context(), "a", patience) })
	require.Eventually(t, func() bool { return store.count.Load() == 1 }, patience, time.Millisecond)
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	rt, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, (<-waits).err)
	require.EqualValues(t, 1, store.count.Load(), "a runtime, once for all")
	require.NoError(t, rt.Shutdown(t.Context(), patience))
	require.Zero(t, store.count.Load())
	require.NoError(t, e.Close(t.Context()))
}
