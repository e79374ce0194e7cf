package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

func tooLong(t *testing.T, err error, what string) {
	t.Helper()
	var limit *engine.LimitError
	require.ErrorAs(t, err, &limit, what)
	require.Contains(t, err.Error(), what+" size (")
	require.ErrorContains(t, err, "exceeds limit (")
}

func TestAClientRefusesNamesThatAreTooLong(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx, long := t.Context(), strings.Repeat("x", history.MaxNameBytes+1)
	longVersion := strings.Repeat("1", history.MaxVersionBytes+1)
	for what, err := range map[string]error{
		"instanceId":        f.Start(ctx, engine.StartRequest{Instance: long, Name: "o"}),
		"orchestrationName": f.Start(ctx, engine.StartRequest{Instance: "a", Name: long}),
		"version":           f.Start(ctx, engine.StartRequest{Instance: "a", Name: "o", Version: &longVersion}),
		"eventName":         errOf(f.Raise(ctx, "a", long, "1")),
		"queueName":         errOf(f.Enqueue(ctx, "a", long, "1")),
	} {
		tooLong(t, err, what)
	}
	_, err := f.WaitValue(ctx, "a", long, time.Hour)
	tooLong(t, err, "key")

	registry := engine.NewRegistry()
	tooLong(t, registry.AddActivity(long), "name")
	tooLong(t, registry.AddOrchestration(long, "1.0.0"), "name")
	tooLong(t, registry.AddOrchestration("o", "1.0.0-"+longVersion[1:]), "version")
}

// Ids above the limit of those that may be started are those of children, or older than the limit.
func TestAClientReachesEveryInstanceThatThereIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx := t.Context()
	possible, old := strings.Repeat("p", history.MaxIDBytes), strings.Repeat("o", 10_000)
	f.commit(t, old, turn{})
	for _, id := range []string{possible, old} {
		require.NoError(t, errOf(f.Raise(ctx, id, "e", "1")))
		require.NoError(t, errOf(f.Enqueue(ctx, id, "q", "1")))
		require.NoError(t, errOf(f.Cancel(ctx, id, "")))
	}
	_, err := f.Wait(ctx, old, 0)
	require.ErrorIs(t, err, engine.ErrTimeout)
	nobody := strings.Repeat("n", history.MaxIDBytes+1)
	_, waitErr := f.Wait(ctx, nobody, time.Hour)
	_, statusErr := f.WaitStatus(ctx, nobody, 0, time.Hour)
	_, valueErr := f.WaitValue(ctx, nobody, "k", time.Hour)
	for _, err := range []error{
		errOf(f.Raise(ctx, nobody, "e", "1")), errOf(f.Enqueue(ctx, nobody, "q", "1")),
		errOf(f.Cancel(ctx, nobody, "")),
		waitErr, statusErr, valueErr,
	} {
		tooLong(t, err, "instanceId")
	}
	depths, err := f.store.Depths(ctx)
	require.NoError(t, err)
	require.Equal(t, 6, depths.Messages, "what was refused was not stored")
}

func TestAChildWhoseIDIsTooLongFailsWhereItIsAwaited(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("leaf", func(*enginetest.Code, string) (any, error) { return "leaf", nil })
	h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		// One is awaited, one dropped, and one left open when the parent ends.
		child := replay.Action{Kind: replay.SubOrchestration, Name: "leaf", Input: "1"}
		awaited, dropped := c.Schedule(child), c.Schedule(child)
		c.Do(replay.Action{Kind: replay.Drop, Token: dropped})
		_, d := c.Await(awaited)
		require.False(t, d.OK)
		c.Schedule(child)
		return d.Value, nil
	})
	r := start(t, h, engine.RuntimeOptions{})
	// The generated id is the first that is too long.
	id := strings.Repeat("x", history.MaxIDBytes-len("::sub::2")+1)
	// Only a parent can have such an id: the client would refuse it.
	_, err := r.store.Submit(t.Context(), provider.Submission{Messages: []provider.Message{{
		Kind: provider.StartInstance, Instance: id, Name: "parent", Input: "null",
	}}})
	require.NoError(t, err)
	require.Equal(t, `"sub-orchestration instance id size (2601 bytes) exceeds limit (2600 bytes): its `+
		`parents are nested too deep, give the child an id of its own"`, r.wait(id).Output)
	require.Eventually(t, func() bool {
		depths, err := r.store.Depths(t.Context())
		return err == nil && depths == provider.Depths{}
	}, patience, time.Millisecond, "nothing was sent to an instance that cannot be")
}
