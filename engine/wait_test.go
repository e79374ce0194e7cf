package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/provider"
)

func TestWaitReturnsAtOnceWhatHasEnded(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Minute, 0} {
		f := newFixture(t, nil)
		f.commit(t, "i", completed("1"))
		got, err := f.Wait(t.Context(), "i", timeout)
		require.NoError(t, err)
		require.Equal(t, engine.Status{State: engine.StateCompleted, Output: "1"}, got)
	}
}

func TestWaitIsWokenByTheCommitThatEndsTheInstance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		end   turn
		state string
	}{
		{completed("1"), engine.StateCompleted},
		{turn{outcome: ended(provider.Failed, "boom")}, engine.StateFailed},
	} {
		f := newFixture(t, nil)
		done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
		f.awaitWaiter(t)
		f.commit(t, "other", completed("2"))
		f.commit(t, "i", turn{})
		f.commit(t, "i", turn{outcome: ended(provider.ContinuedAsNew, "")})
		end := c.end
		end.fresh = true
		f.commit(t, "i", end)
		got := <-done
		require.NoError(t, got.err)
		require.Equal(t, c.state, got.value.State)
		require.Zero(t, f.clock.Pending())
	}
}

func TestWaitTimesOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", turn{})
	done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	f.awaitWaiter(t)
	f.clock.Advance(time.Minute)
	got := <-done
	require.Equal(t, engine.ErrTimeout, got.err)
	require.EqualError(t, got.err, "Operation timed out")
	require.Zero(t, got.value)
}

func TestWaitsWithoutTimeLookOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", turn{})
	for _, timeout := range []time.Duration{0, -time.Second} {
		_, err := f.Wait(t.Context(), "i", timeout)
		require.ErrorIs(t, err, engine.ErrTimeout)
		_, err = f.Wait(t.Context(), "unknown", timeout)
		require.ErrorIs(t, err, engine.ErrTimeout)
		_, err = f.WaitStatus(t.Context(), "i", 0, timeout)
		require.ErrorIs(t, err, engine.ErrTimeout)
		_, err = f.WaitValue(t.Context(), "i", "k", timeout)
		require.ErrorIs(t, err, engine.ErrTimeout)
	}
	require.Zero(t, f.clock.Pending())
}

func TestWaitStatusReturnsWhatIsNewerThanSeen(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", turn{status: &provider.CustomStatusChange{Status: new("a")}})
	got, err := f.WaitStatus(t.Context(), "i", 0, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "a", *got.CustomStatus)

	done := inBackground(func() (engine.Status, error) {
		return f.WaitStatus(t.Context(), "i", 1, time.Minute)
	})
	f.awaitWaiter(t)
	f.commit(t, "i", turn{})
	f.commit(t, "i", turn{status: &provider.CustomStatusChange{Status: new("b")}})
	woken := <-done
	require.NoError(t, woken.err)
	require.Equal(t, "b", *woken.value.CustomStatus)
	require.Equal(t, uint64(2), woken.value.CustomStatusVersion)
}

func TestWaitStatusReturnsWhenTheInstanceEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", completed("1"))
	got, err := f.WaitStatus(t.Context(), "i", 9, 0)
	require.NoError(t, err)
	require.Equal(t, engine.StateCompleted, got.State)
}

func TestWaitValueReturnsTheValueWhenItIsSet(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	done := inBackground(func() (string, error) { return f.WaitValue(t.Context(), "i", "k", time.Minute) })
	f.awaitWaiter(t)
	f.commit(t, "i", turn{values: []provider.ValueChange{{Key: "other", Value: new("0")}}})
	f.commit(t, "i", turn{values: []provider.ValueChange{{Key: "k", Value: new("1")}}})
	got := <-done
	require.NoError(t, got.err)
	require.Equal(t, "1", got.value)
}

func TestManyWaitersOfOneInstanceAreAllWoken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	var all []<-chan result[engine.Status]
	for range 20 {
		all = append(all, inBackground(func() (engine.Status, error) {
			return f.Wait(t.Context(), "i", time.Minute)
		}))
	}
	require.NoError(t, f.clock.AwaitTimers(t.Context(), 40))
	f.commit(t, "i", completed("1"))
	for _, done := range all {
		require.NoError(t, (<-done).err)
	}
}

// silent is a store that never tells of changes.
type silent struct{ provider.Provider }

func (silent) Watch(func(provider.Change)) (stop func()) { return func() {} }

func TestAWaitLooksAgainAlthoughNothingWokeIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(p provider.Provider) provider.Provider { return silent{p} })
	done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	f.awaitWaiter(t)
	f.commit(t, "i", completed("1"))
	f.clock.Advance(time.Second)
	require.NoError(t, (<-done).err)
}

// telling is a store whose changes a test reports.
type telling struct {
	provider.Provider
	changed func(provider.Change)
}

func (s *telling) Watch(changed func(provider.Change)) (stop func()) {
	s.changed = changed
	return func() {}
}

func TestAChangeOfAllInstancesWakesEveryWait(t *testing.T) {
	t.Parallel()
	store := &telling{}
	f := newFixture(t, func(p provider.Provider) provider.Provider {
		store.Provider = p
		return store
	})
	done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	f.awaitWaiter(t)
	f.commit(t, "i", completed("1"))
	store.changed(provider.Change{All: true})
	require.NoError(t, (<-done).err)
}

func TestAWaitOutlivesTransientErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t, newFlaky(errBusy).wrap)
	f.commitFlaky(t)
	done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	f.awaitWaiter(t)
	f.clock.Advance(100 * time.Millisecond)
	require.NoError(t, (<-done).err)
}

// commitFlaky ends "i" on a store whose failures are meant for later.
func (f *fixture) commitFlaky(t *testing.T) {
	t.Helper()
	store, ok := f.store.(*flaky)
	require.True(t, ok)
	f.store = store.Provider
	f.commit(t, "i", completed("1"))
	f.store = store
}

func TestATimeoutNamesTheTroubleOfTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, newFlaky(errBusy, errBusy).wrap)
	_, err := f.Wait(t.Context(), "i", 0)
	require.ErrorIs(t, err, engine.ErrTimeout)
	require.ErrorIs(t, err, errBusy)

	done := inBackground(func() (engine.Status, error) {
		return f.Wait(t.Context(), "i", 50*time.Millisecond)
	})
	f.awaitWaiter(t)
	f.clock.Advance(50 * time.Millisecond)
	got := <-done
	require.ErrorIs(t, got.err, engine.ErrTimeout)
	require.ErrorIs(t, got.err, errBusy)
}

// hanging is a store whose reads wait for the caller's context.
type hanging struct{ provider.Provider }

func (hanging) Status(ctx context.Context, _ string) (*provider.Status, error) {
	<-ctx.Done()
	return nil, &provider.Error{Op: "status", Err: ctx.Err()}
}

func TestAStoreThatHangsDoesNotHoldAWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(p provider.Provider) provider.Provider { return hanging{p} })
	done := inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	require.NoError(t, f.clock.AwaitTimers(t.Context(), 1))
	f.clock.Advance(time.Minute)
	require.Equal(t, engine.ErrTimeout, (<-done).err)
}

func TestAWaitEndsWithItsCallerAndWithTheEngine(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := inBackground(func() (engine.Status, error) { return f.Wait(ctx, "i", time.Minute) })
	f.awaitWaiter(t)
	cancel()
	require.ErrorIs(t, (<-done).err, context.Canceled)

	done = inBackground(func() (engine.Status, error) { return f.Wait(t.Context(), "i", time.Minute) })
	f.awaitWaiter(t)
	require.NoError(t, f.engine.Close(t.Context()))
	require.ErrorIs(t, (<-done).err, engine.ErrShutdown)
}
