package providertest

import (
	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var cancellation = theme{"cancellation", "cancellation.go", []Case{
	{ID: "C082 C083 C084 C085", Title: "tasks are claimable whatever became of the instance", run: tasksOfEnded},
	{ID: "C087 C088", Title: "a task lease is renewable after its instance ended", run: renewAfterEnd},
	{ID: "C090 C092", Title: "a task can be dropped without a message, once", run: droppedTask},
	{ID: "C091", Title: "cancelled tasks are gone, others stay", run: cancelledTasks},
	{ID: "C094", Title: "cancelling unknown tasks is silent", run: cancelUnknown},
	{ID: "C095", Title: "one turn cancels all tasks", run: cancelAll},
	{ID: "C096", Title: "a task scheduled and cancelled by one turn is gone", run: scheduledAndCancelled},
	{ID: "P30", Title: "cancelling a held task is seen by its renewal and its completion", run: cancelHeld},
	{ID: "P230", Title: "what an instance is told of its cancellation stands until it ends", run: cancellingUntilEnd},
	{ID: "P31", Title: "tasks of another execution or instance are not cancelled", run: cancelOthers},
}}

func tasksOfEnded(k *kit) {
	for i, status := range []provider.ExecutionStatus{
		provider.Running, provider.Completed, provider.Failed, provider.ContinuedAsNew,
	} {
		k.create(status.String(), plan(activity(uint64(i+2))), ends(status, ""))
		k.work(uint64(i+2), anyRoute)
	}
}

func renewAfterEnd(k *kit) {
	k.create("X", plan(activity(2)))
	held := k.work(2, anyRoute)
	kept, err := k.renewTask(held, long)
	require.NoError(k, err)
	require.True(k, kept)
	k.step("X", ends(provider.Completed, ""))
	kept, err = k.renewTask(held, long)
	require.NoError(k, err)
	require.True(k, kept)
}

func droppedTask(k *kit) {
	k.schedule(activity(2))
	held := k.work(2, anyRoute)
	require.NoError(k, k.complete(held.Token, nil))
	k.noTurn()
	k.Clock.Advance(2 * long)
	k.noWork(anyRoute)
	err := k.complete(held.Token, nil)
	require.ErrorIs(k, err, provider.ErrLockLost)
	require.False(k, provider.IsRetryable(err))
}

func cancelledTasks(k *kit) {
	k.create("X", plan(activity(2), activity(3), activity(4)))
	k.giveTaskBack(k.work(2, anyRoute), 0, false)
	k.step("X", func(c *provider.Commit) { c.CancelTasks = []uint64{2, 3} })
	k.work(4, anyRoute)
	k.noWork(anyRoute)
}

func cancelUnknown(k *kit) {
	k.create("X", func(c *provider.Commit) { c.CancelTasks = []uint64{7, 8, 999} })
	require.Equal(k, provider.Running, k.info("X").Status)
}

func cancelAll(k *kit) {
	k.create("X", plan(activity(2), activity(3), activity(4), activity(5), activity(6)))
	k.step("X", func(c *provider.Commit) { c.CancelTasks = []uint64{2, 3, 4, 5, 6} })
	k.noWork(anyRoute)
}

func scheduledAndCancelled(k *kit) {
	k.create("X", plan(activity(2), activity(3)), func(c *provider.Commit) {
		c.CancelTasks = []uint64{2}
	})
	k.work(3, anyRoute)
	k.noWork(anyRoute)
}

func cancelHeld(k *kit) {
	k.create("X", plan(activity(2)))
	held := k.work(2, anyRoute)
	k.step("X", func(c *provider.Commit) { c.CancelTasks = []uint64{2} })
	kept, err := k.renewTask(held, long)
	require.NoError(k, err)
	require.False(k, kept)
	message := done("X", 2, "late")
	require.ErrorIs(k, k.complete(held.Token, &message), provider.ErrLockLost)
	k.noTurn()
	require.Len(k, k.giveTaskBack(held, 0, false).Lost, 1)
	k.noWork(anyRoute)
}

func cancelOthers(k *kit) {
	k.create("Y", plan(activity(2)))
	k.create("X", plan(activity(2)))
	k.renewed("X", func(c *provider.Commit) { c.CancelTasks = []uint64{2} })
	first, second := k.work(2, anyRoute), k.work(2, anyRoute)
	require.ElementsMatch(k, []string{"X", "Y"},
		[]string{first.Task.Instance, second.Task.Instance})
}

func cancellingUntilEnd(k *kit) {
	seen := func() *provider.Cancelling {
		k.Helper()
		status, err := k.Provider.Status(k.ctx, "X")
		require.NoError(k, err)
		info, err := k.Provider.Instance(k.ctx, "X")
		require.NoError(k, err)
		require.Equal(k, status.Cancelling, info.Cancelling)
		return status.Cancelling
	}
	k.create("X")
	require.Nil(k, seen())
	for last, want := range []*provider.Cancelling{
		{Reason: "why \x00 \" ü", SinceMs: 1, UntilMs: 1 << 53}, {Reason: "why", SinceMs: 1, UntilMs: 2}, nil,
	} {
		k.poke("X")
		c := turn(k.fetch("X"))
		c.Events = events(uint64(last) + 2)
		c.Cancelling = want
		k.commit(c)
		if want == nil {
			want = &provider.Cancelling{Reason: "why", SinceMs: 1, UntilMs: 2}
		}
		require.Equal(k, want, seen(), "a turn that says nothing changes nothing")
	}
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Events, c.Outcome = events(5), &provider.Outcome{Status: provider.Failed, Output: "canceled"}
	k.commit(c)
	require.Nil(k, seen())
}
