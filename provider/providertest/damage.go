package providertest

import (
	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var damage = theme{"damage", "damage.go", []Case{
	{ID: "P80", Title: "a history with a hole is corrupt, not shorter", run: holeInHistory, needs: needLoss},
	{ID: "P81", Title: "a history without its beginning or its end is corrupt", run: cutHistory, needs: needLoss},
	{ID: "P82", Title: "a hole in a past execution is seen, and is no other execution's", run: holeInPast, needs: needLoss},
	{ID: "P83", Title: "an instance that has lost a row is corrupt for every call", run: lostRow, needs: needRowLoss},
}}

// threeTurns commits the turns of an execution that begin with the events 1, 2 and 4.
func (k *kit) threeTurns(id string) {
	k.Helper()
	k.create(id)
	k.step(id, func(c *provider.Commit) { c.Events = events(2, 3) })
	k.step(id, func(c *provider.Commit) { c.Events = events(4, 7) })
}

// corrupt requires that nothing of an execution is given.
func (k *kit) corrupt(id string, execution uint64) {
	k.Helper()
	found, err := k.Provider.History(k.ctx, id, execution)
	require.ErrorIs(k, err, provider.ErrCorrupt)
	require.Empty(k, found)
	require.False(k, provider.IsRetryable(err), "a loss is no reason to retry: %v", err)
	record, err := k.Provider.Load(k.ctx, id, execution)
	require.ErrorIs(k, err, provider.ErrCorrupt)
	require.Empty(k, record.Events)
}

// whole requires that a number of events is given.
func (k *kit) whole(id string, execution uint64, n int) {
	k.Helper()
	require.Len(k, k.history(id, execution), n)
	record, err := k.Provider.Load(k.ctx, id, execution)
	require.NoError(k, err)
	require.Len(k, record.Events, n)
}

func holeInHistory(k *kit) {
	k.threeTurns("X")
	k.threeTurns("Y")
	k.whole("X", 1, 5)
	require.NoError(k, k.LoseHistory("X", 1, 2))
	k.corrupt("X", 1)
	_, err := k.Provider.History(k.ctx, "X", 0)
	require.ErrorIs(k, err, provider.ErrCorrupt)
	k.whole("Y", 1, 5)
	// The next turn does not hide it.
	k.step("X", func(c *provider.Commit) { c.Events = events(8, 9) })
	k.corrupt("X", 1)
}

func cutHistory(k *kit) {
	for id, firsts := range map[string][]uint64{"begin": {1}, "end": {4}, "all": {1, 2, 4}} {
		k.threeTurns(id)
		for _, first := range firsts {
			require.NoError(k, k.LoseHistory(id, 1, first))
		}
		k.corrupt(id, 1)
	}
}

func holeInPast(k *kit) {
	k.threeTurns("X")
	k.renewed("X")
	k.renewed("X")
	k.whole("X", 1, 5)
	k.whole("X", 2, 1)
	require.NoError(k, k.LoseHistory("X", 1, 4))
	k.corrupt("X", 1)
	k.whole("X", 2, 1)
	k.whole("X", 3, 1)
	require.NoError(k, k.LoseHistory("X", 2, 1))
	k.corrupt("X", 2)
	k.whole("X", 3, 1)
	k.whole("X", 4, 0)
	k.prune("X", provider.PruneOptions{KeepLast: 1})
	k.whole("X", 1, 0)
	k.whole("X", 2, 0)
}

func lostRow(k *kit) {
	k.create("whole")
	for _, row := range []Row{ColdRow, ExecutionRow} {
		id := string(row)
		k.create(id)
		require.NoError(k, k.LoseRow(id, row))
		_, status := k.Provider.Status(k.ctx, id)
		_, instance := k.Provider.Instance(k.ctx, id)
		_, executions := k.Provider.Executions(k.ctx, id)
		_, execution := k.Provider.Execution(k.ctx, id, 2)
		_, history := k.Provider.History(k.ctx, id, 0)
		_, last := k.Provider.LastEvent(k.ctx, id, 0)
		_, load := k.Provider.Load(k.ctx, id, 1)
		for _, err := range []error{status, instance, executions, execution, history, last, load} {
			require.ErrorIs(k, err, provider.ErrCorrupt, id)
			require.False(k, provider.IsRetryable(err), "a loss is no reason to retry: %v", err)
		}
		deleted, err := k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{id}, Force: true})
		require.NoError(k, err)
		require.Equal(k, 1, deleted.Instances, "what is damaged can be deleted")
		gone, err := k.Provider.Status(k.ctx, id)
		require.NoError(k, err)
		require.Nil(k, gone)
	}
	found, err := k.Provider.Status(k.ctx, "whole")
	require.NoError(k, err)
	require.Equal(k, provider.Running, found.Status)
}
