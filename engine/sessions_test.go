package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
)

// where is the host of two activities on one session: the first one is for a tag.
func where() *enginetest.Host {
	h := enginetest.NewHost()
	h.Register("where", func(_ context.Context, c engine.ActivityCall) (any, error) {
		return c.WorkerID, nil
	})
	h.Orchestration("two", func(c *enginetest.Code, _ string) (any, error) {
		session, tag := "s", "left"
		task := replay.Action{Kind: replay.Activity, Name: "where", Input: "null", Session: &session}
		plain := task
		task.Tag = &tag
		_, first := c.Await(c.Schedule(task))
		_, second := c.Await(c.Schedule(plain))
		return []string{first.Value, second.Value}, nil
	})
	return h
}

// onTwo starts a runtime for the tag and one for everything else, and the instance.
func onTwo(t *testing.T, o engine.RuntimeOptions) (f *fixture, left *engine.Runtime) {
	t.Helper()
	f = newFixture(t, nil)
	h := where()
	options := o
	options.Tags = provider.TagFilter{Mode: provider.TagsOnly, Tags: []string{"left"}}
	left, err := f.engine.StartRuntime(t.Context(), options, h.Registry(), h)
	require.NoError(t, err)
	options.Tags = provider.TagFilter{}
	if o.WorkerNodeID != "" {
		options.WorkerNodeID = "right"
	}
	_, err = f.engine.StartRuntime(t.Context(), options, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "two", Input: "null"}))
	return f, left
}

// until moves the clock in small steps until the instance has ended, and gives how far.
func (f *fixture) until(t *testing.T, instance string, runtimes int) time.Duration {
	t.Helper()
	began := f.clock.Now()
	for {
		status, err := f.Status(t.Context(), instance)
		require.NoError(t, err)
		if status.IsTerminal() {
			return f.clock.Now().Sub(began)
		}
		require.Less(t, f.clock.Now().Sub(began), time.Hour, "nobody took the session over")
		f.clock.Advance(250 * time.Millisecond)
		// A runtime that has done what it had to do waits for its next poll and its next renewal.
		require.NoError(t, f.clock.AwaitTimers(t.Context(), 2*runtimes))
	}
}

func TestASessionStaysWithItsOwnerUntilItWasIdleForLong(t *testing.T) {
	t.Parallel()
	f, _ := onTwo(t, engine.RuntimeOptions{
		WorkerNodeID: "left", SessionIdleTimeout: 2 * time.Minute,
	})
	// The owner lives, but does not take what has no tag: the session has to end first.
	require.GreaterOrEqual(t, f.until(t, "a", 2), 2*time.Minute)
	status, err := f.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, `["\"work-left\"","\"work-right\""]`, status.Output)
}

// stopAfterFirst stops the runtime for the tag when the first activity has ended.
func (f *fixture) stopAfterFirst(t *testing.T, left *engine.Runtime) {
	t.Helper()
	require.Eventually(t, func() bool {
		f.clock.Advance(time.Millisecond)
		events, err := f.History(t.Context(), "a", 0)
		return err == nil && len(events) >= 3
	}, patience, time.Millisecond)
	require.NoError(t, left.Shutdown(t.Context(), 0))
}

func TestASessionOfAWorkerThatMayComeBackWaitsForIt(t *testing.T) {
	t.Parallel()
	f, left := onTwo(t, engine.RuntimeOptions{
		WorkerNodeID:       "left",
		SessionIdleTimeout: 30 * time.Minute, SessionLockTimeout: 20 * time.Second,
	})
	f.stopAfterFirst(t, left)
	waited := f.until(t, "a", 1)
	require.Greater(t, waited, 10*time.Second)
	require.Less(t, waited, 30*time.Minute)
}

func TestASessionIsReleasedByAShutdown(t *testing.T) {
	t.Parallel()
	// The clock runs ahead of what happens, so that only a long time tells anything.
	f, left := onTwo(t, engine.RuntimeOptions{
		SessionLockTimeout: 24 * time.Hour, SessionIdleTimeout: 48 * time.Hour,
	})
	f.stopAfterFirst(t, left)
	require.Less(t, f.until(t, "a", 1), 24*time.Hour)
}
