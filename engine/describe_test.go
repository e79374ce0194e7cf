package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
)

func (s *still) waits(instance string) []engine.WaitingFor {
	s.t.Helper()
	d, err := s.client.Describe(s.t.Context(), instance)
	if errors.Is(err, provider.ErrInstanceNotFound) {
		return nil
	}
	require.NoError(s.t, err)
	require.False(s.t, d.More)
	return d.WaitingFor
}

// waitsFor waits until an instance waits for one thing of a kind, in a state, and gives that.
func (s *still) waitsFor(instance string, kind engine.WaitKind, state engine.WaitState) engine.WaitingFor {
	s.t.Helper()
	var seen []engine.WaitingFor
	s.eventually(func() bool {
		seen = s.waits(instance)
		return len(seen) == 1 && seen[0].Kind == kind && seen[0].State == state
	}, string(kind)+" "+string(state))
	return seen[0]
}

func TestADescriptionSaysHowFarAnActivityIs(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		over := make(chan struct{})
		h.Register("slow", func(context.Context, engine.ActivityCall) (any, error) { <-over; return 1, nil })
		h.Orchestration("slow", calls("slow"))
		h.Orchestration("mistyped", calls("nobody"))
		o.WorkerConcurrency = new(1)
		s := startStill(t, h, o)
		s.eventually(func() bool { return len(s.runtimes()) == 1 }, "nobody is there")
		s.start("first", "slow", "null")
		running := s.waitsFor("first", engine.WaitsForActivity, engine.AtWork)
		require.Equal(t, s.runtimes()[0].ID, running.Worker.ID)
		require.Equal(t, uint64(2), running.EventID)
		s.start("second", "slow", "null")
		queued := s.waitsFor("second", engine.WaitsForActivity, engine.Queued)
		require.Equal(t, 1, queued.Position)
		require.Equal(t, 1, queued.Slots)
		require.Equal(t, 1, queued.Running)
		s.start("third", "mistyped", "null")
		s.waitsFor("third", engine.WaitsForActivity, engine.NoCode)
		close(over)
		s.ends("first")
		s.ends("second")
		require.Empty(t, s.waits("first"))
	})
}

func TestADescriptionNeedsNoRuntime(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("top", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "kid", Instance: new("kid"), Input: "null"}))
		return nil, nil
	})
	h.Orchestration("kid", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return nil, nil
	})
	s := startStill(t, h, engine.RuntimeOptions{})
	s.start("a", "top", "null")
	s.waitsFor("kid", engine.WaitsForEvent, "")
	require.NoError(t, s.rt.Shutdown(t.Context(), patience))
	child := s.waitsFor("a", engine.WaitsForChild, "")
	require.Equal(t, "kid", child.Instance)
	require.Equal(t, "go", child.WaitingFor[0].Name)
	require.NoError(t, errOf(s.client.Raise(t.Context(), "kid", "go", "null")))
	var seen []engine.WaitingFor
	s.eventually(func() bool { seen = s.waits("kid"); return len(seen) == 2 }, "it has nothing to do")
	require.Equal(t, engine.NoCode, seen[0].State, "nobody is there to take what has come")
	require.Equal(t, engine.WaitsForCode, seen[0].Kind)
}

func TestHealthSaysWhatNobodyCanRun(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Register("act", func(context.Context, engine.ActivityCall) (any, error) { return 1, nil })
	h.Orchestration("tagged", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.Activity, Name: "act", Input: "null", Tag: new("gpu")}))
		return nil, nil
	})
	s := startStill(t, h, engine.RuntimeOptions{})
	s.start("a", "tagged", "null")
	s.waitsFor("a", engine.WaitsForActivity, engine.NoWorker)
	s.submit(startOf("b", "nobody"))
	health, err := s.client.Health(t.Context())
	require.NoError(t, err)
	require.Len(t, health.Runtimes, 1)
	states := map[string]engine.WaitState{}
	for _, w := range health.Waiting {
		states[w.Instance+" "+string(w.Kind)+" "+w.Name] = w.State
	}
	require.Equal(t, map[string]engine.WaitState{
		"a activity act": engine.NoWorker, "b code nobody": engine.NoCode,
	}, states)
	depths, err := s.client.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, depths.Messages, "it takes nothing")
	require.Equal(t, 1, depths.Tasks)
}
