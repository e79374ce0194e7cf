package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

func TestReservedInstanceIDsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	for _, id := range []string{"sub::1", "sub::", "a::sub::2", "a::sub::"} {
		err := f.Start(t.Context(), engine.StartRequest{Instance: id, Name: "order"})
		var input *engine.InputError
		require.ErrorAs(t, err, &input)
		require.EqualError(t, err, "Invalid input: instance id '"+id+
			"' uses the reserved sub-orchestration marker 'sub::'")
	}
	for _, id := range []string{"a::b", "sub:1", "asub::1", "a b ☂"} {
		require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: id, Name: "order"}))
	}
}

func TestRequestsBecomeMessages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx := t.Context()
	require.NoError(t, f.Start(ctx, engine.StartRequest{
		Instance: "i", Name: "order", Version: new("2.0.0"), Input: `{"n":1}`,
	}))
	require.NoError(t, errOf(f.Raise(ctx, "i", "go", "1")))
	require.NoError(t, errOf(f.Enqueue(ctx, "i", "inbox", "2")))
	require.NoError(t, errOf(f.Cancel(ctx, "i", "enough")))

	claimed, err := f.store.Claim(ctx, provider.ClaimRequest{
		Turns: &provider.Holder{Node: "n", TTL: time.Minute}, MaxTurns: 1,
	})
	require.NoError(t, err)
	require.Len(t, claimed.Instances, 1)
	messages := claimed.Instances[0].Messages
	require.Len(t, messages, 4)
	for i := range messages {
		messages[i].ID, messages[i].DueMs = 0, 0
	}
	require.False(t, messages[0].Life.IsZero())
	messages[0].Life = history.Life{}
	require.Equal(t, []provider.Message{
		{
			Instance: "i", Kind: provider.StartInstance,
			Name: "order", Version: new("2.0.0"), Input: `{"n":1}`,
		},
		{Instance: "i", Kind: provider.EventRaised, Name: "go", Data: "1"},
		{Instance: "i", Kind: provider.QueueEvent, Name: "inbox", Data: "2"},
		{Instance: "i", Kind: provider.CancelInstance, Data: "enough"},
	}, messages)
}

func TestStatusShowsTheStateOfTheInstance(t *testing.T) {
	t.Parallel()
	status := &provider.CustomStatusChange{Status: new("half")}
	for name, c := range map[string]struct {
		turns []turn
		want  engine.Status
	}{
		"unknown": {nil, engine.Status{State: engine.StateNotFound}},
		"running with a custom status": {
			[]turn{{status: status}},
			engine.Status{State: engine.StateRunning, CustomStatus: new("half"), CustomStatusVersion: 1},
		},
		"completed": {
			[]turn{completed(`"done"`)},
			engine.Status{State: engine.StateCompleted, Output: `"done"`},
		},
		"failed": {
			[]turn{{outcome: ended(provider.Failed, "boom")}},
			engine.Status{State: engine.StateFailed, Error: "boom"},
		},
		"failed without a text": {
			[]turn{{outcome: ended(provider.Failed, "")}}, engine.Status{State: engine.StateFailed},
		},
		"between two executions": {
			[]turn{{outcome: ended(provider.ContinuedAsNew, "7")}},
			engine.Status{State: engine.StateRunning},
		},
		"in the second execution": {
			[]turn{{status: status, outcome: ended(provider.ContinuedAsNew, "7")}, {fresh: true}},
			engine.Status{State: engine.StateRunning, CustomStatus: new("half"), CustomStatusVersion: 1},
		},
		"after a reset of the custom status": {
			[]turn{{status: status}, {status: &provider.CustomStatusChange{}}},
			engine.Status{State: engine.StateRunning, CustomStatusVersion: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			for _, turn := range c.turns {
				f.commit(t, "i", turn)
			}
			got, err := f.Status(t.Context(), "i")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestAStartThatWaitsIsRunning(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	require.NoError(t, errOf(f.Raise(t.Context(), "i", "early", "null")))
	got, err := f.Status(t.Context(), "i")
	require.NoError(t, err)
	require.Equal(t, engine.Status{State: engine.StateNotFound}, got)
	require.NoError(t, f.Start(t.Context(), engine.StartRequest{Instance: "i", Name: "order"}))
	got, err = f.Status(t.Context(), "i")
	require.NoError(t, err)
	require.Equal(t, engine.Status{State: engine.StateRunning}, got)
}

func TestOfExclusiveStartsAtTheSameTimeOneWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	const starts = 20
	errs := make(chan error, starts)
	for range starts {
		go func() {
			errs <- f.Start(t.Context(), engine.StartRequest{
				Instance: "i", Name: "order", Exclusive: true,
			})
		}()
	}
	won := 0
	for range starts {
		if err := <-errs; err == nil {
			won++
		} else {
			require.ErrorIs(t, err, engine.ErrInstanceExists)
		}
	}
	require.Equal(t, 1, won)
}

func TestValuesAreRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", turn{values: []provider.ValueChange{{Key: "a", Value: new("1")}, {Key: "b", Value: new("")}}})
	one, err := f.Value(t.Context(), "i", "a")
	require.NoError(t, err)
	require.Equal(t, new("1"), one)
	all, err := f.Values(t.Context(), "i")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1", "b": ""}, all)

	none, err := f.Value(t.Context(), "unknown", "a")
	require.NoError(t, err)
	require.Nil(t, none)
	all, err = f.Values(t.Context(), "unknown")
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestTransientErrorsOfTheStoreAreRetried(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*fixture) error{
		"a read": func(f *fixture) error { _, err := f.Status(t.Context(), "i"); return err },
		"a send": func(f *fixture) error { return errOf(f.Raise(t.Context(), "i", "go", "")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, newFlaky(errBusy, errBusy).wrap)
			done := inBackground(func() (struct{}, error) { return struct{}{}, call(f) })
			for range 2 {
				require.NoError(t, f.clock.AwaitTimers(t.Context(), 1))
				f.clock.Advance(time.Second)
			}
			require.NoError(t, (<-done).err)
		})
	}
}

func TestOtherErrorsOfTheStoreComeThrough(t *testing.T) {
	t.Parallel()
	broken := &provider.Error{Op: "status", Message: "no such table", Err: provider.ErrSchema}
	f := newFixture(t, newFlaky(broken, broken, broken).wrap)
	_, err := f.Status(t.Context(), "i")
	require.EqualError(t, err, "status: no such table")
	require.ErrorIs(t, err, provider.ErrSchema)
	_, err = f.Wait(t.Context(), "i", time.Minute)
	require.ErrorIs(t, err, provider.ErrSchema)
	require.ErrorIs(t, errOf(f.Cancel(t.Context(), "i", "")), provider.ErrSchema)
}

func TestRetriesEndWithTheirPatience(t *testing.T) {
	t.Parallel()
	store := newFlaky()
	f := newFixture(t, store.wrap)
	for range cap(store.failures) {
		store.failures <- errBusy
	}
	done := inBackground(func() (engine.Status, error) { return f.Status(t.Context(), "i") })
	for {
		select {
		case got := <-done:
			require.Equal(t, errBusy, got.err)
			require.NotEmpty(t, store.failures)
			return
		case <-timers(t, f):
			f.clock.Advance(time.Second)
		}
	}
}

// timers gives a channel that is closed when a timer of the clock is pending.
func timers(t *testing.T, f *fixture) <-chan struct{} {
	t.Helper()
	pending := make(chan struct{})
	go func() {
		if f.clock.AwaitTimers(t.Context(), 1) == nil {
			close(pending)
		}
	}()
	return pending
}

func TestRetriesEndWithTheEngine(t *testing.T) {
	t.Parallel()
	f := newFixture(t, newFlaky(errBusy).wrap)
	done := inBackground(func() (engine.Status, error) { return f.Status(t.Context(), "i") })
	require.NoError(t, f.clock.AwaitTimers(t.Context(), 1))
	require.NoError(t, f.engine.Close(t.Context()))
	got := <-done
	require.ErrorIs(t, got.err, engine.ErrShutdown)
	require.True(t, provider.IsRetryable(errors.Unwrap(got.err)) || errors.Is(got.err, errBusy))
}

func TestAnExclusiveStartIsRefusedOnceTheInstanceHasATurn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	request := engine.StartRequest{Instance: "i", Name: "order", Exclusive: true}
	f.commit(t, "i", turn{})
	err := f.Start(t.Context(), request)
	require.ErrorIs(t, err, engine.ErrInstanceExists)
	require.EqualError(t, err, "Instance i exists already")
	request.Exclusive = false
	require.NoError(t, f.Start(t.Context(), request))
}
