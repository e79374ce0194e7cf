package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

// repairing is a store whose repairs go wrong as a test says.
type repairing struct {
	provider.Provider
	fault func(do func() error) error
}

func (r *repairing) Repair(ctx context.Context, p provider.Repair) error {
	return r.fault(func() error { return r.Provider.Repair(ctx, p) })
}

var noWay = history.Failure{Category: history.Application, Kind: history.OrchestrationFailedKind, Message: "no way"}

func failedInstance() turn {
	return turn{
		outcome: ended(provider.Failed, "no way"),
		events: []history.Data{
			history.ActivityScheduled{Name: "a", Input: "1"},
			history.ActivityFailed{Failure: noWay},
			history.OrchestrationFailed{Failure: noWay},
		},
		answers: map[uint64]uint64{3: 2},
	}
}

// retried runs a repair whose pauses the test ends.
func (f *fixture) retried(t *testing.T, call func() (engine.Repaired, error)) (engine.Repaired, error) {
	t.Helper()
	done := inBackground(call)
	for {
		select {
		case r := <-done:
			return r.value, r.err
		case <-time.After(time.Millisecond):
			f.clock.Advance(time.Second)
		}
	}
}

// kinds gives those of the events of the instance.
func (f *fixture) kinds(t *testing.T) []string {
	t.Helper()
	events, err := f.History(t.Context(), "a", 0)
	require.NoError(t, err)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind().String())
	}
	return kinds
}

func TestARepairWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	f := newFixture(t, func(p provider.Provider) provider.Provider {
		return &repairing{p, func(do func() error) error {
			if calls++; calls > 1 {
				return do()
			}
			return errors.Join(do(), &provider.Error{Op: "repair", Retryable: true, Err: errors.New("the answer is lost")})
		}}
	})
	f.commit(t, "a", failedInstance())
	done, err := f.retried(t, func() (engine.Repaired, error) {
		return f.Retry(t.Context(), "a", engine.RetryOptions{By: "me"})
	})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, done.Instances)
	require.Equal(t, []string{"OrchestrationStarted", "ActivityScheduled", "OrchestrationRetried"}, f.kinds(t))
	depths, err := f.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, depths.Tasks)
}

func TestARepairIsPlannedAgainWhereSomethingHasChanged(t *testing.T) {
	t.Parallel()
	calls := 0
	f := newFixture(t, func(p provider.Provider) provider.Provider {
		return &repairing{p, func(do func() error) error {
			if calls++; calls < 3 {
				return provider.ErrChanged
			}
			return do()
		}}
	})
	f.commit(t, "a", failedInstance())
	_, err := f.retried(t, func() (engine.Repaired, error) {
		return f.Rewind(t.Context(), "a", engine.RewindOptions{Execution: 1, Event: 2})
	})
	require.NoError(t, err)
	require.Equal(t, 3, calls)
	require.Equal(t, []string{"OrchestrationStarted", "ActivityScheduled", "OrchestrationRewound"}, f.kinds(t))
}

func TestARepairThatNeverFitsSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(p provider.Provider) provider.Provider {
		return &repairing{p, func(func() error) error { return provider.ErrChanged }}
	})
	f.commit(t, "a", failedInstance())
	_, err := f.retried(t, func() (engine.Repaired, error) {
		return f.Retry(t.Context(), "a", engine.RetryOptions{})
	})
	require.ErrorIs(t, err, engine.ErrCannotRepair)
	require.Equal(t, provider.Failed, mustInstance(t, f, "a").Status)
}

func mustInstance(t *testing.T, f *fixture, instance string) provider.InstanceInfo {
	t.Helper()
	info, err := f.Instance(t.Context(), instance)
	require.NoError(t, err)
	return info
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "a", failedInstance())
	before := f.kinds(t)
	done, err := f.Retry(t.Context(), "a", engine.RetryOptions{DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, done.Instances)
	done, err = f.Rewind(t.Context(), "a", engine.RewindOptions{Execution: 1, Event: 1, AcceptUndo: true, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, done.Instances)
	_, err = f.Rewind(t.Context(), "a", engine.RewindOptions{Execution: 1, Event: 1, DryRun: true})
	var undo *engine.WouldUndoError
	require.ErrorAs(t, err, &undo)
	require.Len(t, undo.Events, 1)
	require.Equal(t, before, f.kinds(t))
}

func TestWhatWasUsedOfAFailureIsKeptByARetry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	value, late := "1", "2"
	f.commit(t, "a", turn{
		outcome: ended(provider.ContinuedAsNew, "next"),
		events: []history.Data{
			history.KeyValueSet{Key: "k", Value: value, UpdatedAtMs: 3}, history.OrchestrationContinuedAsNew{Input: "next"},
		},
		values: []provider.ValueChange{{Key: "k", Value: &value, UpdatedAtMs: 3}},
	})
	f.commit(t, "a", turn{
		fresh: true, outcome: ended(provider.Failed, "no way"),
		events: []history.Data{
			history.KeyValueSet{Key: "k", Value: late, UpdatedAtMs: 5}, history.OrchestrationFailed{Failure: noWay},
		},
		values: []provider.ValueChange{{Key: "k", Value: &late, UpdatedAtMs: 5}},
	})
	_, err := f.Retry(t.Context(), "a", engine.RetryOptions{})
	require.NoError(t, err)
	record, err := f.store.Load(t.Context(), "a", 2)
	require.NoError(t, err)
	require.Equal(t, map[string]provider.Value{"k": {Data: value, UpdatedAtMs: 3}}, record.Values)
	live, err := f.store.Values(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": late}, live)
	_, err = f.Rewind(t.Context(), "a", engine.RewindOptions{Execution: 2, Event: 1, AcceptUndo: true})
	require.NoError(t, err)
	live, err = f.store.Values(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": value}, live)
}
