package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var failures = theme{"failures", "failures.go", []Case{
	{ID: "R01", Title: "a failed attempt puts its task back with its due time, failure and number", run: failedAttempt},
	{ID: "R02", Title: "only who holds a task can put it back", run: foreignFailure},
	{ID: "R03", Title: "an attempt that has failed was no lost one", run: survivedAttempt},
	{ID: "R04", Title: "a task that waits for a decision is due when its instance says so", run: decidedTask},
	{ID: "R05", Title: "a decision is part of the turn that makes it", run: refusedDecision},
	{ID: "R06", Title: "a task that waits for a decision can be cancelled", run: cancelledDecision},
	{ID: "R07", Title: "a decision is for a task that waits for one", run: lateDecision},
	{ID: "R08", Title: "a new task begins with its policy, claimed or not", run: newPolicy},
	{ID: "R09", Title: "what is kept of attempts goes with its instance", run: deletedAttempts},
	{ID: "R10", Title: "what a finished task leaves at a held instance has its number", run: numberedOutcome},
	{ID: "R11", Title: "what a task has last said of itself is given with its next claims", run: heartbeats},
	{ID: "R12", Title: "only who holds a task speaks for it", run: foreignHeartbeat},
}}

const policyText = `{"maxAttempts":3}`

// retried gives a new task with a policy.
func retried(id uint64) provider.NewTask {
	n := activity(id)
	n.Task.Progress = &provider.Progress{Policy: policyText}
	return n
}

// after gives what is kept of a task after some failed attempts.
func after(failed uint64, message string) *provider.Progress {
	return &provider.Progress{
		Policy: policyText, Failed: failed, Lost: 1,
		Last: &history.Failure{Category: history.Application, Message: message, Attempts: int(failed)},
	}
}

// fail puts a task back whose attempt has failed.
func (k *kit) fail(claim provider.TaskClaim, delay time.Duration, p *provider.Progress) provider.Abandoned {
	k.Helper()
	result, err := k.Provider.Abandon(k.ctx, provider.Abandonment{Tasks: []provider.AbandonedTask{
		{Token: claim.Token, Delay: delay, Progress: p},
	}})
	require.NoError(k, err)
	return result
}

// ask lets a task of instance W wait for a decision.
func (k *kit) ask(claim provider.TaskClaim, p *provider.Progress) error {
	k.Helper()
	message := done("W", claim.Task.Event, "")
	message.Failure = p.Last
	results, err := k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: claim.Token, Message: &message, Kept: p}},
	})
	require.NoError(k, err)
	require.Len(k, results, 1)
	return results[0].Err
}

func retry(event uint64, delay time.Duration) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Retries = append(c.Retries, provider.Retry{Event: event, Delay: delay}) }
}

func failedAttempt(k *kit) {
	k.schedule(retried(2))
	for n := uint64(1); n <= 3; n++ {
		claim := k.work(2, anyRoute)
		require.Equal(k, n-1, claim.Task.Progress.Failed)
		p := after(n, "failure")
		result := k.fail(claim, time.Minute, p)
		require.Empty(k, result.Lost)
		require.Equal(k, k.Clock.Now().Add(time.Minute).UnixMilli(), result.NextDue.UnixMilli())
		k.Clock.Advance(time.Minute - time.Millisecond)
		k.noWork(anyRoute)
		k.Clock.Advance(time.Millisecond)
		again := k.work(2, anyRoute)
		require.Equal(k, p, again.Task.Progress)
		k.giveTaskBack(again, 0, true)
	}
	k.finish(k.work(2, anyRoute))
	k.noWork(anyRoute)
}

func foreignFailure(k *kit) {
	k.schedule(retried(2))
	old := k.workFor(2, anyRoute, time.Second)
	k.Clock.Advance(time.Second + beyond)
	require.Len(k, k.fail(old, 0, after(1, "late")).Lost, 1)
	require.ErrorIs(k, k.ask(old, after(1, "late")), provider.ErrLockLost)
	current := k.work(2, anyRoute)
	require.Len(k, k.fail(old, 0, after(1, "late")).Lost, 1)
	require.ErrorIs(k, k.ask(old, after(1, "late")), provider.ErrLockLost)
	require.Zero(k, current.Task.Progress.Failed)
	require.Empty(k, k.fail(current, 0, after(1, "mine")).Lost)
	require.Equal(k, "mine", k.work(2, anyRoute).Task.Progress.Last.Message)
}

func survivedAttempt(k *kit) {
	for _, id := range []uint64{2, 3} {
		k.schedule(retried(id))
		for range 2 {
			k.workFor(id, anyRoute, time.Second)
			k.Clock.Advance(time.Second + beyond)
		}
		claim := k.work(id, anyRoute)
		require.Equal(k, 2, claim.Marks)
		require.NoError(k, k.Provider.BeginTask(k.ctx, claim.Token))
		if id == 2 {
			k.fail(claim, 0, after(1, "failure"))
		} else {
			require.NoError(k, k.ask(claim, after(1, "failure")))
			k.step("W", retry(3, 0))
		}
		again := k.work(id, anyRoute)
		require.Equal(k, 1, again.Attempt)
		require.Zero(k, again.Marks)
		k.finish(again)
	}
}

func decidedTask(k *kit) {
	k.schedule(retried(2))
	p := after(1, "failure")
	require.NoError(k, k.ask(k.work(2, anyRoute), p))
	k.Clock.Advance(24 * time.Hour)
	k.noWork(anyRoute)
	turn := k.fetch("W")
	require.Len(k, turn.Messages, 1)
	require.Equal(k, p.Last, turn.Messages[0].Failure)
	k.giveBack(turn, 0, true)
	k.step("W", retry(2, time.Minute))
	k.noWork(anyRoute)
	k.Clock.Advance(time.Minute)
	claim := k.work(2, anyRoute)
	require.Equal(k, p, claim.Task.Progress)
	k.finish(claim)
}

func refusedDecision(k *kit) {
	k.schedule(retried(2))
	require.NoError(k, k.ask(k.work(2, anyRoute), after(1, "failure")))
	turn := k.fetch("W")
	k.refused(provider.Commit{
		Token: turn.Token, Execution: turn.Execution, LastEvent: turn.LastEvent + 7,
		Retries: []provider.Retry{{Event: 2}},
	}, provider.ErrDuplicateEvent)
	k.noWork(anyRoute)
}

func cancelledDecision(k *kit) {
	k.schedule(retried(2), retried(3))
	for _, id := range []uint64{2, 3} {
		require.NoError(k, k.ask(k.work(id, anyRoute), after(1, "failure")))
	}
	k.step("W", func(c *provider.Commit) { c.CancelTasks = []uint64{2} })
	// One turn may decide and then change its mind.
	k.step("W", retry(3, 0), func(c *provider.Commit) { c.CancelTasks = []uint64{3} })
	k.step("W", retry(2, 0), retry(3, 0))
	k.noWork(anyRoute)
}

func lateDecision(k *kit) {
	k.schedule(retried(2), retried(3))
	held := k.work(2, anyRoute)
	k.step("W", retry(2, time.Hour), retry(3, time.Hour), retry(77, 0))
	other := k.work(3, anyRoute)
	k.finish(held)
	k.finish(other)
}

func newPolicy(k *kit) {
	k.create("W", func(c *provider.Commit) {
		c.TaskHolder = k.holder(long)
		held, plain := retried(2), activity(4)
		held.Claim, plain.Claim = true, true
		c.NewTasks = []provider.NewTask{held, retried(3), plain, activity(5)}
	})
	waiting := k.work(3, anyRoute)
	require.Equal(k, &provider.Progress{Policy: policyText}, waiting.Task.Progress)
	require.Nil(k, k.work(5, anyRoute).Task.Progress)
	k.Clock.Advance(long + beyond)
	for range 4 {
		claim := k.workWith(anyRoute, long)
		require.NotNil(k, claim)
		require.Equal(k, claim.Task.Event < 4, claim.Task.Progress != nil)
	}
}

// Who holds the instance consumes it without reading it.
func numberedOutcome(k *kit) {
	k.schedule(activity(2), retried(3))
	k.submit(raised("W", "1"))
	turn := k.fetch("W").Token
	for _, id := range []uint64{2, 3} {
		task, message := k.work(id, anyRoute), done("W", id, "")
		item := provider.Completion{Task: task.Token, Message: &message}
		if id == 3 {
			item.Kept = after(1, "failure")
		}
		results, err := k.Provider.Complete(k.ctx, provider.Completions{Items: []provider.Completion{item}})
		require.NoError(k, err)
		require.NoError(k, results[0].Err)
		require.NotZero(k, results[0].ID)
		require.Equal(k, k.Clock.Now().UnixMilli(), results[0].DueMs)
		require.Equal(k, turn.Lease, results[0].Held)
	}
}

func deletedAttempts(k *kit) {
	k.schedule(retried(2), retried(3))
	require.NoError(k, k.ask(k.work(2, anyRoute), after(1, "failure")))
	k.fail(k.work(3, anyRoute), 0, after(1, "failure"))
	k.delete(true, "W")
	k.Clock.Advance(time.Hour)
	k.noWork(anyRoute)
	k.schedule(activity(2))
	require.Nil(k, k.work(2, anyRoute).Task.Progress)
}

// say renews the lease of a task, which says something of itself.
func (k *kit) say(claim provider.TaskClaim, details string) error {
	k.Helper()
	_, err := k.Provider.Renew(k.ctx, provider.Renewal{
		Lease: claim.Token.Lease, Extend: time.Second,
		Heartbeats: []provider.Heartbeat{{Task: claim.Token, Details: details}},
	})
	return err
}

func heartbeats(k *kit) {
	for _, id := range []uint64{2, 3} {
		if id == 2 {
			k.schedule(activity(id))
		} else {
			k.schedule(retried(id))
		}
		claim := k.workFor(id, anyRoute, time.Second)
		require.Nil(k, claim.Task.Heartbeat)
		require.NoError(k, k.say(claim, "1"))
		require.NoError(k, k.say(claim, `{"done":"ü"}`))
		require.Equal(k, new(`{"done":"ü"}`), k.standing("W").Tasks[0].Heartbeat)
		// Its process ends.
		k.Clock.Advance(time.Second + beyond)
		claim = k.workFor(id, anyRoute, long)
		require.Equal(k, new(`{"done":"ü"}`), claim.Task.Heartbeat)
		require.NoError(k, k.say(claim, "2"))
		if id == 3 {
			k.fail(claim, 0, after(1, "failure"))
			claim = k.work(id, anyRoute)
			require.Equal(k, uint64(1), claim.Task.Progress.Failed)
			require.NoError(k, k.ask(claim, after(2, "failure")))
			k.step("W", retry(3, 0))
		} else {
			k.giveTaskBack(claim, 0, true)
		}
		claim = k.work(id, anyRoute)
		require.Equal(k, new("2"), claim.Task.Heartbeat)
		k.finish(claim)
	}
	k.delete(true, "W")
	k.schedule(activity(2))
	require.Nil(k, k.work(2, anyRoute).Task.Heartbeat)
}

func foreignHeartbeat(k *kit) {
	k.schedule(activity(2))
	old := k.workFor(2, anyRoute, time.Second)
	k.Clock.Advance(time.Second + beyond)
	require.ErrorIs(k, k.say(old, "late"), provider.ErrLockLost)
	current := k.work(2, anyRoute)
	require.NoError(k, k.say(current, "mine"))
	// The lease is there, and the claim is of another time.
	other := current
	other.Token.Epoch--
	require.NoError(k, k.say(other, "before"))
	k.giveTaskBack(current, 0, true)
	require.NoError(k, k.say(current, "after"))
	current = k.work(2, anyRoute)
	require.Equal(k, new("mine"), current.Task.Heartbeat)
	k.finish(current)
	require.NoError(k, k.say(current, "gone"))
}
