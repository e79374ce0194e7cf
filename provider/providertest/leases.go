package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var leases = theme{"leases", "leases.go", []Case{
	{ID: "C023", Title: "the token of a taken-over claim commits nothing", run: takenOver},
	{ID: "C024", Title: "an abandoned instance is claimable at once", run: abandonedAtOnce},
	{ID: "C025", Title: "a message that came during a turn is claimable after it", run: claimableAfter},
	{ID: "C026", Title: "nobody else claims before the lease ends", run: nobodyElse},
	{ID: "C027 C030", Title: "a renewed task stays held", run: renewedTask},
	{ID: "C028", Title: "an unknown lease cannot be renewed", run: unknownLease},
	{ID: "C029", Title: "an ended task lease cannot be renewed", run: endedTaskLease},
	{ID: "C031 C093", Title: "a finished task is lost to its renewal", run: finishedTask},
	{ID: "C032", Title: "an abandoned task is claimable at once under a new token", run: abandonedTask},
	{ID: "C033", Title: "a task abandoned with a delay comes back after it", run: delayedTask},
	{ID: "C034", Title: "an ended task lease completes nothing", run: endedCompletion},
	{ID: "C035", Title: "an ended turn lease cannot be renewed", run: endedTurnLease},
	{ID: "N5", Title: "a renewal never shortens a lease and works below a second", run: neverShorter},
	{ID: "P05", Title: "a lease that has ended is never revived", run: neverRevived},
	{ID: "P06", Title: "a claim extends a live lease with less than half left", run: halfLeft},
	{ID: "P07", Title: "a lease frees all its claims when it ends", run: allAtOnce},
	{ID: "P08", Title: "a claim that takes nothing opens no lease", run: noLease},
	{ID: "P09", Title: "leases for turns and for tasks are separate", run: separateLeases},
	{ID: "P10", Title: "a renewal names the tasks that are no longer held", run: namedLost},
	{ID: "P11", Title: "an ended lease cannot abandon", run: endedAbandon},
	{ID: "P12", Title: "a turn without release keeps the claim", run: keptClaim},
	{ID: "P13", Title: "the end of a lease is one moment", run: oneMoment},
	{ID: "P55", Title: "a node finds everything that it holds", run: heldByNode},
	{ID: "P56", Title: "claims of a node that knows of no lease share one", run: sharedLease},
}}

func (k *kit) renew(lease provider.LeaseID, extend time.Duration) error {
	_, err := k.Provider.Renew(k.ctx, provider.Renewal{Lease: lease, Extend: extend})
	return err
}

func takenOver(k *kit) {
	k.submit(start("X"))
	first := k.fetchFor("X", short)
	k.Clock.Advance(short + beyond)
	second := k.fetch("X")
	require.NotEqual(k, first.Token, second.Token)
	k.refused(firstTurn(first), provider.ErrLockLost)
	k.commit(firstTurn(second))
	k.refused(firstTurn(first), provider.ErrLockLost)
}

func abandonedAtOnce(k *kit) {
	k.submit(start("X"))
	k.giveBack(k.fetch("X"), 0, false)
	k.fetch("X")
}

func claimableAfter(k *kit) {
	k.submit(start("X"))
	claim := k.fetch("X")
	k.poke("X")
	k.noTurn()
	k.commit(firstTurn(claim))
	k.fetch("X")
}

func nobodyElse(k *kit) {
	k.submit(start("X"))
	k.fetchFor("X", short)
	for range 5 {
		k.noTurn()
		k.Clock.Advance(short / 10)
	}
	k.Clock.Advance(short / 2)
	k.fetch("X")
}

func renewedTask(k *kit) {
	k.schedule(activity(2))
	held := k.workFor(2, anyRoute, short)
	k.Clock.Advance(short * 6 / 10)
	kept, err := k.renewTask(held, short)
	require.NoError(k, err)
	require.True(k, kept)
	k.Clock.Advance(short * 4 / 10)
	k.noWork(anyRoute)
	k.Clock.Advance(short * 6 / 10)
	k.work(2, anyRoute)
}

func unknownLease(k *kit) {
	require.ErrorIs(k, k.renew(999_999, short), provider.ErrLockLost)
	require.ErrorIs(k, k.renew(0, short), provider.ErrLockLost)
}

func endedTaskLease(k *kit) {
	k.schedule(activity(2))
	held := k.workFor(2, anyRoute, time.Second)
	k.Clock.Advance(short + beyond)
	_, err := k.renewTask(held, long)
	require.ErrorIs(k, err, provider.ErrLockLost)
	k.work(2, anyRoute)
}

func finishedTask(k *kit) {
	k.schedule(activity(2), activity(3))
	first, second := k.work(2, anyRoute), k.work(3, anyRoute)
	k.finish(first)
	require.NoError(k, k.complete(second.Token, nil))
	for _, claim := range []provider.TaskClaim{first, second} {
		kept, err := k.renewTask(claim, long)
		require.NoError(k, err)
		require.False(k, kept)
	}
}

func abandonedTask(k *kit) {
	k.schedule(activity(2))
	first := k.work(2, anyRoute)
	k.noWork(anyRoute)
	require.Empty(k, k.giveTaskBack(first, 0, false).Lost)
	second := k.work(2, anyRoute)
	require.NotEqual(k, first.Token, second.Token)
	require.ErrorIs(k, k.complete(first.Token, nil), provider.ErrLockLost)
}

func delayedTask(k *kit) {
	k.schedule(activity(2))
	k.giveTaskBack(k.work(2, anyRoute), 500*time.Millisecond, false)
	k.noWork(anyRoute)
	k.Clock.Advance(600 * time.Millisecond)
	k.work(2, anyRoute)
}

func endedCompletion(k *kit) {
	k.schedule(activity(2))
	held := k.workFor(2, anyRoute, time.Second)
	k.Clock.Advance(1200 * time.Millisecond)
	message := done("W", 2, "late")
	require.ErrorIs(k, k.complete(held.Token, &message), provider.ErrLockLost)
	k.noTurn()
	k.work(2, anyRoute)
}

func endedTurnLease(k *kit) {
	k.submit(start("X"))
	claim := k.fetchFor("X", short)
	k.Clock.Advance(short + beyond)
	require.ErrorIs(k, k.renew(claim.Token.Lease, long), provider.ErrLockLost)
	k.refused(firstTurn(claim), provider.ErrLockLost)
	k.fetch("X")
}

func neverShorter(k *kit) {
	k.submit(start("X"))
	claim := k.fetchFor("X", short)
	require.NoError(k, k.renew(claim.Token.Lease, time.Second))
	require.NoError(k, k.renew(claim.Token.Lease, 0))
	k.Clock.Advance(short - 100*time.Millisecond)
	k.noTurn()
	require.NoError(k, k.renew(claim.Token.Lease, 300*time.Millisecond))
	k.Clock.Advance(299 * time.Millisecond)
	k.noTurn()
	k.Clock.Advance(time.Millisecond)
	k.fetch("X")
}

func neverRevived(k *kit) {
	k.submit(start("X"))
	k.submit(start("Y"))
	node := k.holder(short)
	first := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.Len(k, first.Instances, 1)
	node.Lease = first.TurnLease
	k.Clock.Advance(short)
	second := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.Len(k, second.Instances, 1)
	require.NotEqual(k, first.TurnLease, second.TurnLease)
	require.NotZero(k, second.TurnLease)
	require.ErrorIs(k, k.renew(first.TurnLease, long), provider.ErrLockLost)
	k.refused(firstTurn(first.Instances[0]), provider.ErrLockLost)
}

func halfLeft(k *kit) {
	node := k.holder(short)
	fetch := func(instance string) provider.LeaseID {
		k.submit(start(instance))
		claimed := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
		require.Len(k, claimed.Instances, 1)
		require.Equal(k, claimed.TurnLease, claimed.Instances[0].Token.Lease)
		return claimed.TurnLease
	}
	node.Lease = fetch("a")
	k.Clock.Advance(short * 4 / 10)
	require.Equal(k, node.Lease, fetch("b"), "more than half is left: same lease")
	k.Clock.Advance(short * 2 / 10)
	require.Equal(k, node.Lease, fetch("c"), "less than half is left: same lease, extended")
	k.Clock.Advance(short * 9 / 10)
	k.noTurn()
	k.Clock.Advance(short / 10)
	require.Len(k, k.claim(provider.ClaimRequest{Turns: k.holder(short), MaxTurns: 9}).Instances, 3)
}

func allAtOnce(k *kit) {
	k.startMany(4)
	claimed := k.claim(provider.ClaimRequest{Turns: k.holder(short), MaxTurns: 9})
	require.Len(k, claimed.Instances, 4)
	for _, claim := range claimed.Instances {
		require.Equal(k, claimed.TurnLease, claim.Token.Lease)
	}
	require.NoError(k, k.renew(claimed.TurnLease, 2*short))
	k.Clock.Advance(2*short - time.Millisecond)
	k.noTurn()
	k.Clock.Advance(time.Millisecond)
	again := k.claim(provider.ClaimRequest{Turns: k.holder(short), MaxTurns: 9})
	require.Len(k, again.Instances, 4)
}

func noLease(k *kit) {
	claimed := k.claim(provider.ClaimRequest{
		Turns: k.holder(short), MaxTurns: 1, Tasks: k.holder(short), MaxTasks: 1,
	})
	require.Zero(k, claimed.TurnLease)
	require.Zero(k, claimed.TaskLease)
	k.startMany(1)
	claimed = k.claim(provider.ClaimRequest{Turns: k.holder(short), MaxTurns: 0})
	require.Empty(k, claimed.Instances)
	claimed = k.claim(provider.ClaimRequest{})
	require.Empty(k, claimed.Instances)
	k.fetch("a")
}

func separateLeases(k *kit) {
	k.schedule(activity(2))
	k.poke("W")
	turns, tasks := k.holder(short), k.holder(long)
	claimed := k.claim(provider.ClaimRequest{
		Turns: turns, MaxTurns: 1, Tasks: tasks, MaxTasks: 1,
	})
	require.Len(k, claimed.Instances, 1)
	require.Len(k, claimed.Tasks, 1)
	require.NotEqual(k, claimed.TurnLease, claimed.TaskLease)
	k.Clock.Advance(short)
	k.noWork(anyRoute)
	k.fetch("W")
}

func namedLost(k *kit) {
	k.schedule(activity(2), activity(3), activity(4))
	node := k.holder(long)
	claimed := k.claim(provider.ClaimRequest{Tasks: node, MaxTasks: 3})
	require.Len(k, claimed.Tasks, 3)
	k.finish(claimed.Tasks[1])
	stale := claimed.Tasks[2].Token
	stale.Epoch--
	lost, err := k.Provider.Renew(k.ctx, provider.Renewal{
		Lease: claimed.TaskLease, Extend: long,
		Tasks: []provider.Token{claimed.Tasks[0].Token, claimed.Tasks[1].Token, stale},
	})
	require.NoError(k, err)
	require.Equal(k, []provider.Token{claimed.Tasks[1].Token, stale}, lost)
}

func endedAbandon(k *kit) {
	k.schedule(activity(2))
	k.poke("W")
	claim, held := k.fetchFor("W", short), k.workFor(2, anyRoute, short)
	k.Clock.Advance(short)
	result := k.abandon(provider.AbandonedInstance{
		Token: claim.Token, Messages: turn(claim).Messages, Delay: time.Hour,
	})
	require.Equal(k, []provider.Token{claim.Token}, result.Lost)
	require.Equal(k, []provider.Token{held.Token}, k.giveTaskBack(held, time.Hour, false).Lost)
	k.fetch("W")
	k.work(2, anyRoute)
}

func keptClaim(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetchFor("X", short))
	c.Release = false
	k.commit(c)
	k.poke("X")
	k.noTurn()
	pending := k.pending(c.Token)
	require.Equal(k, []string{"poke"}, datas(pending))
	next := provider.Commit{
		Token: c.Token, Execution: 1, LastEvent: 1, Events: events(2),
		Messages: []uint64{pending[0].ID},
	}
	k.commit(next)
	k.poke("X")
	k.Clock.Advance(short)
	require.Equal(k, uint64(2), k.fetch("X").LastEvent)
	next.LastEvent, next.Events, next.Messages = 2, events(3), nil
	k.refused(next, provider.ErrLockLost)
}

func oneMoment(k *kit) {
	k.submit(start("X"))
	claim := k.fetchFor("X", short)
	k.Clock.Advance(short - time.Millisecond)
	k.noTurn()
	_, err := k.Provider.Pending(k.ctx, claim.Token)
	require.NoError(k, err)
	k.Clock.Advance(time.Millisecond)
	_, err = k.Provider.Pending(k.ctx, claim.Token)
	require.ErrorIs(k, err, provider.ErrLockLost)
	k.fetch("X")
}

func heldByNode(k *kit) {
	k.schedule(activity(2), activity(3))
	k.poke("W")
	node := k.holder(short)
	held := func(name string) provider.Held {
		k.Helper()
		all, err := k.Provider.Held(k.ctx, name)
		require.NoError(k, err)
		return all
	}
	require.Empty(k, held(node.Node))
	claimed := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1, Tasks: node, MaxTasks: 2})
	require.Len(k, claimed.Instances, 1)
	require.Len(k, claimed.Tasks, 2)
	want := provider.Held{
		Instances: []provider.Token{claimed.Instances[0].Token},
		Tasks:     []provider.Token{claimed.Tasks[1].Token},
	}
	k.finish(claimed.Tasks[0])
	require.Equal(k, want, held(node.Node))
	require.Empty(k, held("another node"))
	k.Clock.Advance(short)
	k.fetch("W")
	require.Empty(k, held(node.Node).Instances, "another node took over")
	k.work(3, anyRoute)
	require.Empty(k, held(node.Node).Tasks, "another node took over")
}

func sharedLease(k *kit) {
	k.submit(start("A"))
	k.submit(start("B"))
	node := k.holder(short)
	first := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	second := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.NotZero(k, first.TurnLease)
	require.Equal(k, first.TurnLease, second.TurnLease)
	k.Clock.Advance(short)
	third := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.NotZero(k, third.TurnLease)
	require.NotEqual(k, first.TurnLease, third.TurnLease, "an ended lease was joined")
}
