package providertest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var deletion = theme{"deletion", "deletion.go", []Case{
	{ID: "C097 C110", Title: "the tasks of a deleted instance are gone, held or not", run: deletedTasks},
	{ID: "C098", Title: "finished instances are deleted and counted", run: deleteFinished},
	{ID: "C099", Title: "a running instance is deleted only with force", run: deleteRunning},
	{ID: "C100", Title: "unknown ids are ignored and not counted", run: deleteUnknown},
	{ID: "C101", Title: "a deleted id can be used again at once", run: reuseID},
	{ID: "C102 C107", Title: "a whole tree is deleted in one call", run: deleteTree},
	{ID: "C103", Title: "a turn of a deleted instance fails and recreates nothing", run: deleteHeld},
	{ID: "C104 C105", Title: "children are direct ones and know their parent", run: directChildren},
	{ID: "C108", Title: "one running instance refuses the whole list", run: deleteMixed},
	{ID: "C109", Title: "a child that is not listed refuses the deletion", run: deleteParentOnly},
	{ID: "N9", Title: "an instance that continues as new counts as running", run: deleteWindow},
	{ID: "C111", Title: "prune keeps the newest executions", run: pruneLast},
	{ID: "C112", Title: "prune never takes the current execution", run: pruneCurrent},
	{ID: "C114", Title: "prune works on a running instance", run: pruneRunning},
	{ID: "N8", Title: "executions that continued as new are pruned by time", run: pruneByTime},
	{ID: "P32", Title: "prune takes only executions that meet both conditions", run: pruneBoth},
	{ID: "P33", Title: "prune leaves a running execution of the past", run: prunePastRunning},
}}

func (k *kit) delete(force bool, ids ...string) provider.Deleted {
	k.Helper()
	deleted, err := k.Provider.Delete(k.ctx, provider.Deletion{Instances: ids, Force: force})
	require.NoError(k, err)
	return deleted
}

func (k *kit) refuseDelete(want error, force bool, ids ...string) {
	k.Helper()
	_, err := k.Provider.Delete(k.ctx, provider.Deletion{Instances: ids, Force: force})
	require.ErrorIs(k, err, want)
}

func (k *kit) absent(ids ...string) {
	k.Helper()
	for _, id := range ids {
		_, err := k.Provider.Instance(k.ctx, id)
		require.ErrorIs(k, err, provider.ErrInstanceNotFound)
		require.Empty(k, k.history(id, 1))
	}
}

func deletedTasks(k *kit) {
	k.create("X", plan(activity(2), activity(3)))
	held := k.work(2, anyRoute)
	require.Equal(k, 1, k.delete(true, "X").Instances)
	k.absent("X")
	k.noWork(anyRoute)
	k.create("X")
	message := done("X", 2, "of the old instance")
	require.ErrorIs(k, k.complete(held.Token, &message), provider.ErrLockLost)
	kept, err := k.renewTask(held, long)
	require.NoError(k, err)
	require.False(k, kept)
	k.poke("X")
	require.Equal(k, []string{"poke"}, datas(k.fetch("X").Messages))
}

func deleteFinished(k *kit) {
	k.create("done", ends(provider.Completed, "x"))
	k.create("failed", ends(provider.Failed, "x"))
	for _, id := range []string{"done", "failed"} {
		deleted := k.delete(false, id)
		require.Len(k, deleted.Gone, 1)
		require.Equal(k, id, deleted.Gone[0].Instance)
		deleted.Gone = nil
		require.Equal(k, provider.Deleted{Instances: 1, Executions: 1, Events: 1}, deleted)
	}
	k.absent("done", "failed")
}

func deleteRunning(k *kit) {
	k.create("X")
	_, err := k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"X"}})
	require.ErrorIs(k, err, provider.ErrStillRunning)
	require.False(k, provider.IsRetryable(err))
	require.Contains(k, strings.ToLower(err.Error()), "running")
	require.Equal(k, provider.Running, k.info("X").Status)
	k.delete(true, "X")
	k.absent("X")
}

func deleteUnknown(k *kit) {
	require.Equal(k, provider.Deleted{}, k.delete(false, "nobody", "no one"))
	require.Equal(k, provider.Deleted{}, k.delete(true))
	k.create("X", ends(provider.Completed, ""))
	require.Equal(k, 1, k.delete(false, "nobody", "X", "no one").Instances)
}

func reuseID(k *kit) {
	k.create("X", plan(activity(2)), ends(provider.Completed, ""), func(c *provider.Commit) {
		c.CustomStatus = &provider.CustomStatusChange{Status: new("old")}
		c.Values = []provider.ValueChange{{Key: "k", Value: new("old")}}
	})
	k.submit(raised("X", "old"))
	require.GreaterOrEqual(k, k.delete(false, "X").Messages, 1)
	message := start("X")
	message.Name, message.Input = "Other", "new"
	k.submit(message)
	claim := k.fetchAttempt("X", 1)
	require.Equal(k, []string{"start"}, datas(claim.Messages))
	require.Zero(k, claim.Execution)
	c := firstTurn(claim)
	c.Started.Name = "Other"
	k.commit(c)
	require.Equal(k, "Other", k.info("X").Name)
	status, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, &provider.Status{Execution: 1, Status: provider.Running}, status)
	values, err := k.Provider.Values(k.ctx, "X")
	require.NoError(k, err)
	require.Empty(k, values)
	k.noWork(anyRoute)
}

func (k *kit) tree(status provider.ExecutionStatus) {
	k.Helper()
	k.create("root", ends(status, ""))
	k.createChild("left", "root", ends(status, ""))
	k.createChild("right", "root", ends(status, ""))
	k.createChild("leaf", "left", ends(status, ""))
}

func deleteTree(k *kit) {
	k.tree(provider.Completed)
	deleted := k.delete(false, "leaf", "left", "right", "root")
	require.Len(k, deleted.Gone, 4)
	deleted.Gone = nil
	require.Equal(k, provider.Deleted{Instances: 4, Executions: 4, Events: 4}, deleted)
	k.absent("root", "left", "right", "leaf")
}

func deleteHeld(k *kit) {
	k.create("X")
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Events = events(2)
	k.delete(true, "X")
	k.refused(c, provider.ErrLockLost)
	k.absent("X")
	_, err := k.Provider.Pending(k.ctx, c.Token)
	require.ErrorIs(k, err, provider.ErrLockLost)
	k.submit(start("X"))
	k.refused(c, provider.ErrLockLost)
	k.commit(firstTurn(k.fetch("X")))
	k.refused(c, provider.ErrLockLost)
}

func directChildren(k *kit) {
	k.tree(provider.Running)
	for id, want := range map[string][]string{
		"root": {"left", "right"}, "left": {"leaf"}, "leaf": nil, "nobody": nil,
	} {
		children, err := k.Provider.Children(k.ctx, id)
		require.NoError(k, err)
		require.ElementsMatch(k, want, children)
	}
	require.Empty(k, k.info("root").Parent)
	require.Equal(k, "left", k.info("leaf").Parent)
}

func deleteMixed(k *kit) {
	k.create("done", ends(provider.Completed, ""))
	k.create("running")
	k.refuseDelete(provider.ErrStillRunning, false, "done", "running")
	require.Len(k, k.list(provider.ListQuery{}), 2)
	require.Equal(k, 2, k.delete(true, "done", "running").Instances)
	k.absent("done", "running")
}

func deleteParentOnly(k *kit) {
	k.create("root", ends(provider.Completed, ""))
	k.createChild("child", "root", ends(provider.Completed, ""))
	k.refuseDelete(provider.ErrOrphanedChild, false, "root")
	k.refuseDelete(provider.ErrOrphanedChild, true, "root")
	require.Len(k, k.list(provider.ListQuery{}), 2)
	require.Equal(k, 2, k.delete(false, "root", "child").Instances)
}

func deleteWindow(k *kit) {
	k.create("X", ends(provider.ContinuedAsNew, "next"))
	k.refuseDelete(provider.ErrStillRunning, false, "X")
	k.delete(true, "X")
	k.absent("X")
}

// generations leaves an instance with n executions, one second apart, the last one running.
func (k *kit) generations(id string, n int) {
	k.Helper()
	k.create(id)
	for range n - 1 {
		k.Clock.Advance(time.Second)
		k.renewed(id)
	}
}

func (k *kit) prune(id string, o provider.PruneOptions) provider.Pruned {
	k.Helper()
	pruned, err := k.Provider.Prune(k.ctx, id, o)
	require.NoError(k, err)
	return pruned
}

func (k *kit) executions(id string) []uint64 {
	k.Helper()
	numbers, err := k.Provider.Executions(k.ctx, id)
	require.NoError(k, err)
	return numbers
}

func pruneLast(k *kit) {
	k.generations("X", 4)
	require.Equal(k, provider.Pruned{Executions: 2, Events: 2},
		k.prune("X", provider.PruneOptions{KeepLast: 2}))
	require.Equal(k, []uint64{3, 4}, k.executions("X"))
	require.Empty(k, k.history("X", 1))
	require.Len(k, k.history("X", 3), 1)
	require.Equal(k, 1, k.prune("X", provider.PruneOptions{}).Executions)
	require.Equal(k, []uint64{4}, k.executions("X"))
	require.Equal(k, provider.Pruned{}, k.prune("X", provider.PruneOptions{}))
}

func pruneCurrent(k *kit) {
	for _, keep := range []int{0, 1} {
		id := "done" + string(rune('0'+keep))
		k.generations(id, 4)
		k.step(id, ends(provider.Completed, ""))
		require.Equal(k, 3, k.prune(id, provider.PruneOptions{KeepLast: keep}).Executions)
		require.Equal(k, []uint64{4}, k.executions(id))
		require.Equal(k, provider.Completed, k.info(id).Status)
	}
}

func pruneRunning(k *kit) {
	k.generations("X", 3)
	require.Equal(k, 2, k.prune("X", provider.PruneOptions{KeepLast: 1}).Executions)
	require.Equal(k, []uint64{3}, k.executions("X"))
	require.Equal(k, provider.Running, k.info("X").Status)
	k.step("X", ends(provider.Completed, "end"))
	require.Equal(k, "end", k.info("X").Output)
}

func pruneByTime(k *kit) {
	k.generations("X", 3)
	ended, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, provider.ContinuedAsNew, ended.Status)
	require.False(k, ended.Completed.IsZero())
	require.Zero(k, k.prune("X", provider.PruneOptions{CompletedBefore: ended.Completed}).Executions)
	limit := ended.Completed.Add(time.Millisecond)
	require.Equal(k, 1, k.prune("X", provider.PruneOptions{CompletedBefore: limit}).Executions)
	require.Equal(k, []uint64{2, 3}, k.executions("X"))
}

func pruneBoth(k *kit) {
	k.generations("X", 4)
	second, err := k.Provider.Execution(k.ctx, "X", 2)
	require.NoError(k, err)
	after := second.Completed.Add(time.Millisecond)
	require.Equal(k, 1,
		k.prune("X", provider.PruneOptions{KeepLast: 3, CompletedBefore: after}).Executions)
	require.Equal(k, []uint64{2, 3, 4}, k.executions("X"))
	require.Equal(k, 1,
		k.prune("X", provider.PruneOptions{KeepLast: 1, CompletedBefore: after}).Executions)
	require.Equal(k, []uint64{3, 4}, k.executions("X"))
}

func prunePastRunning(k *kit) {
	k.submit(start("X"))
	k.bare(1, events(1))
	k.bare(2, events(1))
	require.Zero(k, k.prune("X", provider.PruneOptions{}).Executions)
	require.Equal(k, []uint64{1, 2}, k.executions("X"))
}
