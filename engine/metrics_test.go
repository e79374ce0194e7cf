package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

func TestASnapshotHasTheSeventeenCountersThatUsersSee(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(engine.Snapshot{})
	require.NoError(t, err)
	var fields map[string]uint64
	require.NoError(t, json.Unmarshal(text, &fields))
	want := []string{
		"orchStarts", "orchCompletions", "orchFailures", "orchApplicationErrors",
		"orchInfrastructureErrors", "orchConfigurationErrors", "orchPoison", "activitySuccess",
		"activityAppErrors", "activityInfraErrors", "activityConfigErrors", "activityPoison",
		"orchDispatcherItemsFetched", "workerDispatcherItemsFetched", "orchContinueAsNew",
		"suborchestrationCalls", "providerErrors",
	}
	require.Len(t, fields, 17)
	for _, name := range want {
		require.Contains(t, fields, name)
	}
}

func TestEachEndOfAnExecutionCountsOnce(t *testing.T) {
	t.Parallel()
	failed := func(c history.Category) *history.Failure { return &history.Failure{Category: c} }
	for name, c := range map[string]struct {
		status  provider.ExecutionStatus
		failure *history.Failure
		want    engine.Snapshot
	}{
		"running":   {provider.Running, nil, engine.Snapshot{}},
		"completed": {provider.Completed, nil, engine.Snapshot{OrchCompletions: 1}},
		"continued as new": {
			provider.ContinuedAsNew, nil, engine.Snapshot{OrchCompletions: 1, OrchContinueAsNew: 1},
		},
		"failed in code": {
			provider.Failed, failed(history.Application),
			engine.Snapshot{OrchCompletions: 1, OrchFailures: 1, OrchApplicationErrors: 1},
		},
		"failed by the store": {
			provider.Failed, failed(history.Infrastructure),
			engine.Snapshot{OrchCompletions: 1, OrchFailures: 1, OrchInfrastructureErrors: 1},
		},
		"diverged": {
			provider.Failed, failed(history.Configuration),
			engine.Snapshot{OrchCompletions: 1, OrchFailures: 1, OrchConfigurationErrors: 1},
		},
		"poisoned": {
			provider.Failed, failed(history.Poison),
			engine.Snapshot{OrchCompletions: 1, OrchFailures: 1, OrchPoison: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var counters engine.Counters
			counters.Ended(c.status, c.failure)
			require.Equal(t, c.want, counters.Snapshot())
		})
	}
}

func TestTheOtherCountersCountWhatTheyName(t *testing.T) {
	t.Parallel()
	var c engine.Counters
	c.Started()
	c.ActivityEnded(true)
	c.ActivityEnded(true)
	c.ActivityEnded(false)
	c.ActivityPoisoned()
	c.ActivityNotStored()
	c.Fetched(3, 4)
	c.Children(5)
	c.ProviderFailed()
	require.Equal(t, engine.Snapshot{
		OrchStarts: 1, ActivitySuccess: 2, ActivityAppErrors: 1, ActivityPoison: 1,
		ActivityInfraErrors: 1, OrchDispatcherItemsFetched: 3, WorkerDispatcherItemsFetched: 4,
		SuborchestrationCalls: 5, ProviderErrors: 1,
	}, c.Snapshot())
}
