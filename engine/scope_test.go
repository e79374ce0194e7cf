package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

func TestBeginGivesTheLifeThatIsAtTheID(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	request := engine.StartRequest{Instance: "i", Name: "order"}
	life, err := f.Begin(t.Context(), request)
	require.NoError(t, err)
	require.False(t, life.IsZero())
	again, err := f.Begin(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, life, again)
	request.Exclusive = true
	_, err = f.Begin(t.Context(), request)
	require.ErrorIs(t, err, engine.ErrInstanceExists)

	_, err = f.Delete(t.Context(), "i", true)
	require.NoError(t, err)
	next, err := f.Begin(t.Context(), request)
	require.NoError(t, err)
	require.NotEqual(t, life, next)
}

func TestALifeThatHasGoneIsNotMetAnyMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx := t.Context()
	request := engine.StartRequest{Instance: "i", Name: "order"}
	life, err := f.Begin(ctx, request)
	require.NoError(t, err)
	bound := f.Within(engine.Scope{Life: life})
	state, err := bound.Raise(ctx, "i", "event", "1")
	require.NoError(t, err)
	require.Equal(t, engine.StateRunning, state)
	require.ErrorIs(t, errOf(bound.Wait(ctx, "i", 0)), engine.ErrTimeout)

	_, err = f.Delete(ctx, "i", true)
	require.NoError(t, err)
	for range 2 { // The second time another life is there.
		got, err := bound.Status(ctx, "i")
		require.NoError(t, err)
		require.Equal(t, engine.Status{State: engine.StateNotFound}, got)
		for name, err := range map[string]error{
			"raise":       errOf(bound.Raise(ctx, "i", "event", "1")),
			"enqueue":     errOf(bound.Enqueue(ctx, "i", "queue", "1")),
			"cancel":      errOf(bound.Cancel(ctx, "i", "reason")),
			"wait":        errOf(bound.Wait(ctx, "i", time.Hour)),
			"wait once":   errOf(bound.Wait(ctx, "i", 0)),
			"wait status": errOf(bound.WaitStatus(ctx, "i", 0, time.Hour)),
			"wait value":  errOf(bound.WaitValue(ctx, "i", "key", time.Hour)),
		} {
			require.ErrorIs(t, err, provider.ErrInstanceNotFound, name)
			require.EqualError(t, err, "Instance i not found", name)
		}
		require.NoError(t, f.Start(ctx, request))
	}
	depths, err := f.Depths(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, depths.Messages, "only the start of the second life")
}

func TestALifeThatIsUnknownIsWhoeverIsThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", completed("1"))
	got, err := f.Within(engine.Scope{Life: history.Life{1}}).Wait(t.Context(), "i", time.Hour)
	require.NoError(t, err)
	require.Equal(t, engine.Status{State: engine.StateCompleted, Output: "1"}, got)
}

func TestAWaitForALifeEndsWhenThatIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	life, err := f.Begin(t.Context(), engine.StartRequest{Instance: "i", Name: "order"})
	require.NoError(t, err)
	bound := f.Within(engine.Scope{Life: life})
	done := inBackground(func() (engine.Status, error) { return bound.Wait(t.Context(), "i", time.Hour) })
	f.awaitWaiter(t)
	_, err = f.Delete(t.Context(), "i", true)
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "i", Name: "order"}))
	require.ErrorIs(t, (<-done).err, provider.ErrInstanceNotFound)
}

func TestAWaitGivesUpOnAnInstanceThatIsNotThere(t *testing.T) {
	t.Parallel()
	waits := map[string]func(c *engine.Client) error{
		"end": func(c *engine.Client) error { return errOf(c.Wait(t.Context(), "i", time.Hour)) },
		"status": func(c *engine.Client) error {
			return errOf(c.WaitStatus(t.Context(), "i", 0, time.Hour))
		},
		"value": func(c *engine.Client) error {
			return errOf(c.WaitValue(t.Context(), "i", "key", time.Hour))
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			for _, after := range []time.Duration{0, -time.Second} {
				err := wait(f.Within(engine.Scope{NotFoundAfter: &after}))
				require.ErrorIs(t, err, provider.ErrInstanceNotFound)
			}
			hurried := f.Within(engine.Scope{NotFoundAfter: new(500 * time.Millisecond)})
			done := inBackground(func() (struct{}, error) { return struct{}{}, wait(hurried) })
			f.awaitWaiter(t)
			f.clock.Advance(500 * time.Millisecond)
			require.ErrorIs(t, (<-done).err, provider.ErrInstanceNotFound)
			require.Zero(t, f.clock.Pending())
		})
	}
}

func TestAWaitGoesOnForAnInstanceThatAppears(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	hurried := f.Within(engine.Scope{NotFoundAfter: new(time.Minute)})
	done := inBackground(func() (engine.Status, error) { return hurried.Wait(t.Context(), "i", time.Hour) })
	f.awaitWaiter(t)
	f.commit(t, "i", turn{})
	f.clock.Advance(time.Hour - time.Second)
	select {
	case got := <-done:
		t.Fatalf("the wait ended: %v", got)
	default:
	}
	f.commit(t, "i", turn{outcome: ended(provider.Completed, "1")})
	require.NoError(t, (<-done).err)
}
