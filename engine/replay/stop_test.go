package replay_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

func graced(reason string, ms uint64) replay.Arrival {
	a := cancelled(reason)
	a.GraceMs = ms
	return a
}

func TestACancellationWithTimeTellsTheCodeOnce(t *testing.T) {
	t.Parallel()
	s := start(t, mixed)
	d, ok, err := s.x.Accept(graced("first", 100), 1000)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, replay.Delivery{Value: "first", TimeMs: 1000}, d)
	require.Nil(t, s.x.Stopped())
	told := s.x.LastEvent()
	delta := s.x.Take()
	require.Equal(t, []replay.NewTimer{{Event: told, FireAtMs: 1100}}, delta.Timers)
	require.Equal(t, []replay.ChildCancel{
		{Instance: "i::sub::4", Life: lifeOf(1), Event: 4, Reason: "parent canceled"},
	}, delta.CancelChildren, "the child is asked, and still waited for")

	for _, longer := range []uint64{100, 1 << 62} {
		_, ok, err = s.x.Accept(graced("longer", longer), 1010)
		require.NoError(t, err)
		require.False(t, ok)
		require.False(t, s.x.Dirty())
	}
	_, ok, err = s.x.Accept(graced("shorter", 10), 1010)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, &replay.Cancelling{Reason: "first", SinceMs: 1000, UntilMs: 1020}, s.x.Cancelling())
	delta = s.x.Take()
	require.Equal(t, []uint64{told}, delta.DropTimers)
	require.Equal(t, []replay.NewTimer{{Event: told + 1, FireAtMs: 1020}}, delta.Timers)
	require.Empty(t, delta.CancelChildren)

	old := fired(told)
	_, ok, err = s.x.Accept(old, 1100)
	require.NoError(t, err)
	require.False(t, ok)
	require.Nil(t, s.x.Stopped(), "that timer counts no more")
	_, ok, err = s.x.Accept(fired(told+1), 1100)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, "canceled: first", s.x.Stopped().Display())
	s.x.End(replay.Ending{Kind: replay.Failed, Failure: s.x.Stopped()}, 1100)
	require.Empty(t, s.x.Take().CancelChildren, "a child that was asked has all of its time")
}

func TestTheTimeToCleanUpEndsWithTheExecution(t *testing.T) {
	t.Parallel()
	for _, sameTurn := range []bool{true, false} {
		s := start(t, mixed)
		_, ok, err := s.x.Accept(graced("why", 100), 1000)
		require.NoError(t, err)
		require.True(t, ok)
		told := s.x.LastEvent()
		var stored []uint64
		if !sameTurn {
			s.x.Take()
			stored = []uint64{told}
		}
		s.x.End(replay.Ending{Kind: replay.Completed, Output: "1"}, 1001)
		delta := s.x.Take()
		require.NotContains(t, delta.Timers, replay.NewTimer{Event: told, FireAtMs: 1100})
		require.Subset(t, delta.DropTimers, stored)
		require.Equal(t, history.KindOrchestrationCompleted, delta.Events[len(delta.Events)-1].Kind())
	}
}

func TestALoadedCancellationAsksNobodyAgain(t *testing.T) {
	t.Parallel()
	s := start(t, mixed)
	_, ok, err := s.x.Accept(graced("why", 100), 1000)
	require.NoError(t, err)
	require.True(t, ok)
	events := slices.Concat(s.committed, s.x.Take().Events)
	x, _, err := replay.Load(events, params)
	require.NoError(t, err)
	require.Equal(t, s.x.Cancelling(), x.Cancelling())
	require.Empty(t, x.Take().CancelChildren)
	x.End(replay.Ending{Kind: replay.Completed, Output: "1"}, 1001)
	require.Empty(t, x.Take().CancelChildren)
}
