package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var damage = theme{"damage", "damage.go", []Case{
	{ID: "P80", Title: "a history with a hole is corrupt, not shorter", run: holeInHistory, needs: needLoss},
	{ID: "P81", Title: "a history without its beginning or its end is corrupt", run: cutHistory, needs: needLoss},
	{ID: "P82", Title: "a hole in a past execution is seen, and is no other execution's", run: holeInPast, needs: needLoss},
	{ID: "P83", Title: "an instance that has lost a row is corrupt for every call", run: lostRow, needs: needRowLoss},
	{ID: "N3", Title: "an undecodable message is reported, kept, and blocks nobody", run: badMessage, needs: needMessages},
	{ID: "N3", Title: "an undecodable task blocks nobody", run: badTask, needs: needTasks},
	{ID: "N3", Title: "tries of an undecodable task are counted; its token ends it", run: badTaskEnds, needs: needTasks},
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

func badMessage(k *kit) {
	k.create("X")
	k.submit(raised("X", "bad"))
	require.NoError(k, k.CorruptMessages("X"))
	k.submit(raised("X", "good"))
	held := k.fetchFor("X", time.Hour)
	page, err := k.Provider.Pending(k.ctx, held.Token)
	require.NoError(k, err)
	require.False(k, page.Undecodable, "it is hidden")
	k.Clock.Advance(time.Minute)
	page, err = k.Provider.Pending(k.ctx, held.Token)
	require.NoError(k, err)
	require.Equal(k, []string{"good"}, datas(page.Messages))
	require.True(k, page.Undecodable)
	k.giveBack(held, 0, true)
	k.submit(start("Y"))
	claimed := k.claim(provider.ClaimRequest{Turns: k.holder(short), MaxTurns: 5})
	require.Len(k, claimed.Instances, 2)
	for _, claim := range claimed.Instances {
		if claim.Instance == "X" {
			require.Equal(k, []string{"good"}, datas(claim.Messages))
			require.Len(k, claim.Undecodable, 1)
			require.NotEmpty(k, claim.Undecodable[0].Reason)
			require.Equal(k, 2, claim.Undecodable[0].Tries)
		}
		first := turn(claim)
		if claim.Instance == "Y" {
			first = firstTurn(claim)
		}
		k.commit(first)
	}
	stats, err := k.Provider.Stats(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, 1, stats.Messages, "the undecodable message is kept")
	for tries := 3; tries < 10; tries++ { // Meanwhile it is hidden for longer and longer.
		k.Clock.Advance(time.Minute)
		k.submit(raised("X", "good"))
		claim := k.fetch("X")
		require.Len(k, claim.Undecodable, 1)
		require.Equal(k, tries, claim.Undecodable[0].Tries)
		consume := turn(claim)
		if tries == 9 { // At last somebody takes it off with the others.
			consume.Messages = append(consume.Messages, claim.Undecodable[0].ID)
		}
		k.commit(consume)
	}
	stats, err = k.Provider.Stats(k.ctx, "X")
	require.NoError(k, err)
	require.Zero(k, stats.Messages)
}

func badTask(k *kit) {
	k.schedule(activity(2))
	require.NoError(k, k.CorruptTasks("W"))
	k.schedule(activity(3))
	k.work(3, anyRoute)
	k.noWork(anyRoute)
}

func badTaskEnds(k *kit) {
	k.schedule(activity(2))
	require.NoError(k, k.CorruptTasks("W"))
	var bad provider.UndecodableTask
	for tries := 1; tries < 10; tries++ {
		claimed := k.claim(provider.ClaimRequest{Tasks: k.holder(short), MaxTasks: 5, Route: anyRoute})
		require.Empty(k, claimed.Tasks)
		require.Len(k, claimed.Undecodable, 1)
		bad = claimed.Undecodable[0]
		require.Equal(k, tries, bad.Tries)
		require.NotEmpty(k, bad.Reason)
		require.Equal(k, []any{"W", uint64(1), uint64(2)}, []any{bad.Instance, bad.Execution, bad.Event})
		k.Clock.Advance(time.Minute)
	}
	failed := provider.Message{
		Instance: "W", Kind: provider.ActivityDone, Execution: 1, Source: 2,
		Failure: &history.Failure{Category: history.Infrastructure, Message: bad.Reason},
	}
	require.NoError(k, k.complete(bad.Token, &failed))
	require.ErrorIs(k, k.complete(bad.Token, &failed), provider.ErrLockLost)
	claim := k.fetch("W")
	require.Len(k, claim.Messages, 1)
	require.Equal(k, provider.ActivityDone, claim.Messages[0].Kind)
	k.noWork(anyRoute)
}
