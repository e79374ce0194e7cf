package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// limitedBy begins an execution that waits for an activity with a policy.
func limitedBy(t *testing.T, policy string) (*replay.Execution, replay.Delta) {
	t.Helper()
	x := replay.Start(params, 1000)
	_, err := x.Apply([]replay.Action{{Kind: replay.Activity, Token: 1, Name: "a", Input: "1", Value: &policy}}, 1000)
	require.NoError(t, err)
	d := x.Take()
	return x, d
}

func TestAnActivityHasTheAlarmsOfItsLimits(t *testing.T) {
	t.Parallel()
	queue := replay.NewTimer{Event: 2, FireAtMs: 1050, Limit: replay.QueueLimit}
	attempt := replay.NewTimer{Event: 2, FireAtMs: 1070, Limit: replay.UnservedLimit}
	total := replay.NewTimer{Event: 2, FireAtMs: 1900, Limit: replay.TotalLimit}
	for policy, want := range map[string][]replay.NewTimer{
		`{}`:                    nil,
		`{"timeoutMs":70}`:      {attempt},
		`{"queueTimeoutMs":50}`: {queue},
		`{"queueTimeoutMs":50,"timeoutMs":70,"totalTimeoutMs":900}`: {queue, total},
		`{"timeoutMs":70,"totalTimeoutMs":900}`:                     {attempt, total},
	} {
		x, d := limitedBy(t, policy)
		require.Equal(t, want, d.Timers, policy)
		require.Equal(t, int64(1000), d.Activities[0].SinceMs)
		loaded, _, err := replay.Load(d.Events, params)
		require.NoError(t, err)
		for _, x := range []*replay.Execution{x, loaded} {
			require.Equal(t, want, x.OpenTimers(1001), policy)
			_, ok, err := x.Accept(replay.Arrival{
				Kind: replay.ActivityDone, Execution: params.Execution, Source: 2, Data: "1",
			}, 1001)
			require.NoError(t, err)
			require.True(t, ok)
			require.Empty(t, x.OpenTimers(1001))
			d := x.Take()
			require.Equal(t, len(want) > 0, len(d.DropTimers) == 1, "they are dropped with the answer")
			require.Empty(t, d.CancelActivities)
		}
	}
}

func TestALimitThatIsNotKeptEndsTheActivity(t *testing.T) {
	t.Parallel()
	x, _ := limitedBy(t, `{"totalTimeoutMs":900}`)
	a, open := x.Limited(2)
	require.True(t, open)
	require.Equal(t, "a", a.Name)
	require.Equal(t, int64(900), *a.Limits.Ms(replay.TotalLimit))
	late := &history.Failure{Category: history.Application, Kind: history.ActivityFailedKind, Message: "late"}
	d, ok, err := x.Accept(replay.Arrival{
		Kind: replay.ActivityDone, Execution: params.Execution, Source: 2, Failure: late, Late: true,
	}, 1900)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "late", d.Value)
	require.Equal(t, []uint64{2}, x.Take().CancelActivities, "nobody waits for its task any more")
	_, open = x.Limited(2)
	require.False(t, open)
}

func TestAnAlarmIsSetAnew(t *testing.T) {
	t.Parallel()
	x, _ := limitedBy(t, `{"timeoutMs":4000}`)
	x.Rearm(2, 5000)
	require.Equal(t, []replay.NewTimer{{Event: 2, FireAtMs: 9000, Limit: replay.UnservedLimit}}, x.Take().Timers)
	require.Equal(t, int64(9000), x.OpenTimers(5000)[0].FireAtMs, "after a cold start too")
	x.Rearm(2, 17_500)
	_, err := x.Apply([]replay.Action{{Kind: replay.Drop, Token: 1}}, 17_501)
	require.NoError(t, err)
	d := x.Take()
	require.Empty(t, d.Timers)
	require.Equal(t, []uint64{2}, d.DropTimers)
}

func TestAnActivityThatIsDroppedAtOnceLeavesNoAlarm(t *testing.T) {
	t.Parallel()
	policy := `{"timeoutMs":70}`
	x := replay.Start(params, 1000)
	_, err := x.Apply([]replay.Action{
		{Kind: replay.Activity, Token: 1, Name: "a", Input: "1", Value: &policy}, {Kind: replay.Drop, Token: 1},
	}, 1000)
	require.NoError(t, err)
	d := x.Take()
	require.Empty(t, d.Timers)
	require.Empty(t, d.DropTimers)
}
