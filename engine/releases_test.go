package engine_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// levelOf02 is the format level of release 0.2.0, the first that reads what it writes.
var levelOf02 = provider.PackVersion(0, 2, 0)

// novel is a store as release 0.2.0 uses it: its turns may write something that no older release reads.
type novel struct {
	provider.Provider
	writes atomic.Bool
}

func (n *novel) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	if n.writes.Load() {
		c.Level = levelOf02
	}
	return n.Provider.Commit(ctx, c)
}

func (*novel) Close(context.Context) error { return nil }

// release is an engine of some version with one runtime.
type release struct {
	t *testing.T
	*engine.Engine
	rt *engine.Runtime
}

func startRelease(t *testing.T, version string, s provider.Provider) *release {
	t.Helper()
	h := enginetest.NewHost()
	h.Register("echo", upper)
	h.Orchestration("steps", func(c *enginetest.Code, _ string) (any, error) {
		for range 3 {
			c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "go"}))
			if _, err := c.Call("echo", `"x"`); err != nil {
				return nil, err
			}
		}
		return "done", nil
	})
	e := engine.New(s, engine.Options{Version: version})
	rt, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	return &release{t: t, Engine: e, rt: rt}
}

func (r *release) begin(instance string) {
	r.t.Helper()
	require.NoError(r.t, r.Client().Start(r.t.Context(), engine.StartRequest{Instance: instance, Name: "steps", Input: "null"}))
	r.has(instance, 2)
}

// has waits until so many events of an instance are recorded.
func (r *release) has(instance string, events int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		all, err := r.Client().History(r.t.Context(), instance, 0)
		require.NoError(r.t, err)
		return len(all) == events
	}, patience, time.Millisecond)
}

func (r *release) send(instance string) {
	r.t.Helper()
	require.NoError(r.t, errOf(r.Client().Enqueue(r.t.Context(), instance, "go", "null")))
}

func (r *release) completes(instance string) {
	r.t.Helper()
	s, err := r.Client().Wait(r.t.Context(), instance, patience)
	require.NoError(r.t, err)
	require.Equal(r.t, engine.StateCompleted, s.State, s.Error)
}

func (r *release) close() {
	r.t.Helper()
	require.NoError(r.t, r.rt.Shutdown(r.t.Context(), patience))
	require.NoError(r.t, r.Close(r.t.Context()))
}

// perStep is how many events a step of "steps" adds: the message, what it led to, the outcome, the next wait.
const perStep = 4

func TestAnExecutionThatAnOlderReleaseBeganIsContinuedByANewerOneAndGoesBack(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	older, newer := &novel{Provider: store}, &novel{Provider: store}
	old := startRelease(t, "0.1.0", older)
	old.begin("a")
	old.close()
	fresh := startRelease(t, "0.2.0", newer)
	fresh.send("a")
	fresh.has("a", 2+perStep)
	fresh.close()
	// The newer one has written nothing that the older one cannot read.
	old = startRelease(t, "0.1.0", older)
	old.send("a")
	old.has("a", 2+2*perStep)
	old.close()
	fresh = startRelease(t, "0.2.0", newer)
	fresh.send("a")
	fresh.completes("a")
	fresh.close()
}

func TestAnOlderReleaseLeavesWhatANewerOneHasWrittenAndNothingElse(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	older, newer := &novel{Provider: store}, &novel{Provider: store}
	newer.writes.Store(true)
	old := startRelease(t, "0.1.0", older)
	old.begin("taken over")
	old.begin("kept")
	old.close()
	fresh := startRelease(t, "0.2.0", newer)
	fresh.begin("begun")
	fresh.send("taken over")
	fresh.has("taken over", 2+perStep)
	fresh.close()
	old = startRelease(t, "0.1.0", older)
	for range 3 {
		for _, id := range []string{"begun", "taken over", "kept"} {
			old.send(id)
		}
	}
	old.completes("kept")
	old.begin("another")
	for id, events := range map[string]int{"begun": 2, "taken over": 2 + perStep} {
		old.has(id, events)
		s, err := old.Client().Status(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, engine.StateRunning, s.State)
	}
	// Both at a time, as while a deployment rolls.
	fresh = startRelease(t, "0.2.0", newer)
	fresh.completes("begun")
	fresh.completes("taken over")
	old.send("another")
	old.has("another", 2+perStep)
	old.close()
	fresh.close()
}
