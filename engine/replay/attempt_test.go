package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

var policy = `{"asks":true}`

// failing begins an execution that waits for an activity with a policy, and says that an attempt of it has
// failed.
func failing(t *testing.T) (*replay.Execution, replay.Arrival, []history.Event) {
	t.Helper()
	x := replay.Start(params, 1000)
	_, err := x.Apply([]replay.Action{{Kind: replay.Activity, Token: 1, Name: "a", Input: "1", Value: &policy}}, 1000)
	require.NoError(t, err)
	pause := uint64(70)
	d := x.Take()
	require.Equal(t, policy, d.Activities[0].Policy)
	return x, replay.Arrival{
		Kind: replay.ActivityDone, Execution: params.Execution, Source: 2, Attempt: true,
		Failure: &history.Failure{
			Category: history.Application, Kind: history.ActivityFailedKind, Message: "no", Attempts: 4, PauseMs: &pause,
		},
	}, d.Events
}

// asked gives the question about a failed attempt to the code.
func asked(t *testing.T, x *replay.Execution, a replay.Arrival) {
	t.Helper()
	peeked, ok := x.Peek(a, 1001)
	require.True(t, ok)
	d, ok, err := x.Accept(a, 1001)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, peeked, d)
	require.True(t, d.Asks)
	require.Equal(t, []any{uint64(1), false, "no"}, []any{d.Token, d.OK, d.Value})
}

func decided(t *testing.T, x *replay.Execution, a replay.Action) {
	t.Helper()
	a.Token = 1
	_, err := x.Apply([]replay.Action{a}, 1001)
	require.NoError(t, err)
}

func TestAFailedAttemptLeavesNoEvent(t *testing.T) {
	t.Parallel()
	x, failed, _ := failing(t)
	for range 3 {
		asked(t, x, failed)
		decided(t, x, replay.Action{Kind: replay.TryAgain})
		_, ok := x.NextGivenUp(1002)
		require.False(t, ok)
		require.Equal(t, replay.Delta{Retries: []replay.Retried{{Event: 2, DelayMs: 70}}}, x.Take())
	}
	require.Equal(t, 1, x.Open())
}

func TestTheLastAttemptIsTheOutcome(t *testing.T) {
	t.Parallel()
	details := `{"message":"undecided"}`
	for name, c := range map[string]struct {
		decision replay.Action
		want     string
	}{
		"given up": {replay.Action{Kind: replay.GiveUp}, "no"},
		"thrown":   {replay.Action{Kind: replay.GiveUp, Value: &details, Input: "undecided"}, "undecided"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, failed, events := failing(t)
			asked(t, x, failed)
			decided(t, x, c.decision)
			want, ok := x.NextGivenUp(1002)
			require.True(t, ok)
			require.Equal(t, []any{uint64(1), false, c.want, false}, []any{want.Token, want.OK, want.Value, want.Asks})
			d := x.Take()
			require.Equal(t, []uint64{2}, d.CancelActivities, "the task waits for a decision no more")
			outcome := d.Events[0].Data.(history.ActivityFailed).Failure
			require.Equal(t, 4, outcome.Attempts)
			require.Nil(t, outcome.PauseMs)
			again, deliveries, err := replay.Load(append(events, d.Events...), params)
			require.NoError(t, err)
			require.Zero(t, again.Open())
			require.Equal(t, []replay.Delivery{want}, deliveries, "a replay has the outcome, and is asked nothing")
		})
	}
}

func TestAFailedAttemptThatNobodyWaitsForAsksNothing(t *testing.T) {
	t.Parallel()
	x, failed, _ := failing(t)
	asked(t, x, failed)
	_, err := x.Apply([]replay.Action{{Kind: replay.GiveUp, Token: 1}, {Kind: replay.Drop, Token: 1}}, 1001)
	require.NoError(t, err)
	_, ok := x.NextGivenUp(1002)
	require.False(t, ok, "it was dropped")
	_, ok, err = x.Accept(failed, 1003)
	require.NoError(t, err)
	require.False(t, ok)
	failed.Execution++
	_, ok = x.Peek(failed, 1003)
	require.False(t, ok)
	_, err = x.Apply([]replay.Action{{Kind: replay.TryAgain, Token: 1}}, 1004)
	require.ErrorAs(t, err, new(*replay.Divergence))
}
