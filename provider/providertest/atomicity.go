package providertest

import (
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var atomicity = theme{"atomicity", "atomicity.go", []Case{
	{ID: "C001", Title: "a refused turn changes nothing and keeps the claim", run: refusedTurn},
	{ID: "C002", Title: "a turn stores events, tasks and messages together", run: wholeTurn},
	{ID: "C003", Title: "a made-up token commits nothing", run: madeUpToken},
	{ID: "C004", Title: "of two equal commits one wins", run: equalCommits},
	{ID: "C005", Title: "an unknown token is an invalid lock token", run: unknownToken},
	{ID: "C006", Title: "a stored event id is refused", run: storedEventID},
	{ID: "C007", Title: "the history of an unknown instance is empty", run: unknownHistory},
	{ID: "C008", Title: "an empty store has nothing to claim", run: emptyStore},
	{ID: "C009", Title: "an ended lease commits nothing though nobody took over", run: endedCommit},
	{ID: "C010 C011", Title: "a corrupt history is an error, not an empty list", run: corruptHistory},
	{ID: "N11", Title: "event ids rise strictly from the last stored one", run: risingIDs},
	{ID: "N12", Title: "a repeated commit is recognised", run: repeatedCommit},
	{ID: "P01", Title: "a lost message refuses the whole turn", run: lostMessage},
	{ID: "P02", Title: "a lost task refuses the whole turn and is named", run: lostTask},
	{ID: "P03", Title: "a turn deletes the tasks whose outcomes it consumed", run: fusedTurn},
	{ID: "P04", Title: "only listed messages are deleted", run: listedMessages},
}}

func refusedTurn(k *kit) {
	k.create("X")
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Events = events(1)
	c.NewTasks = []provider.NewTask{activity(2)}
	c.Send = []provider.Message{raised("Y", "sent")}
	c.Outcome = outcome(provider.Failed, "no")
	k.refused(c, provider.ErrDuplicateEvent)
	require.Len(k, k.history("X", 0), 1)
	require.Equal(k, provider.Running, k.info("X").Status)
	k.noTurn()
	k.noWork(anyRoute)
	c = turn(provider.InstanceClaim{
		Token: c.Token, Execution: 1, LastEvent: 1, Messages: []provider.Message{{ID: c.Messages[0]}},
	})
	k.commit(c)
}

func wholeTurn(k *kit) {
	k.submit(start("A"))
	c := turn(k.fetch("A"))
	c.Events = events(1, 2, 3, 4, 5)
	plan(activity(2), activity(3), activity(4))(&c)
	c.Send = []provider.Message{
		raised("A", "event"), timer("A", 5, k.Clock.Now().Add(-time.Minute)),
	}
	k.commit(c)
	require.Len(k, k.history("A", 0), 5)
	for id := uint64(2); id <= 4; id++ {
		k.work(id, anyRoute)
	}
	require.Equal(k, []string{"timer 5", "event"}, datas(k.fetch("A").Messages))
}

func madeUpToken(k *kit) {
	k.submit(start("X"))
	claim := k.fetchFor("X", short)
	k.noTurn()
	c := firstTurn(claim)
	c.Token = provider.Token{Key: 999_999, Epoch: 1, Lease: 999_999}
	k.refused(c, provider.ErrLockLost)
	c.Token = claim.Token
	c.Token.Epoch++
	k.refused(c, provider.ErrLockLost)
	k.noTurn()
	k.Clock.Advance(short + beyond)
	k.fetch("X")
}

func equalCommits(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	var wait sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wait.Go(func() { _, errs[i] = k.Provider.Commit(k.ctx, c) })
	}
	wait.Wait()
	winner, loser := errs[0], errs[1]
	if winner != nil {
		winner, loser = loser, winner
	}
	require.NoError(k, winner)
	require.ErrorIs(k, loser, provider.ErrAlreadyCommitted)
	require.Len(k, k.history("X", 0), 1)
}

func unknownToken(k *kit) {
	c := provider.Commit{Token: provider.Token{Key: 1, Epoch: 1, Lease: 1}, Execution: 1}
	k.refused(c, provider.ErrLockLost)
	_, err := k.Provider.Commit(k.ctx, c)
	require.Contains(k, strings.ToLower(err.Error()), "invalid lock token")
}

func storedEventID(k *kit) {
	k.create("A")
	k.poke("A")
	claim := k.fetch("A")
	c := firstTurn(claim)
	k.refused(c, provider.ErrDuplicateEvent)
	c.LastEvent = 0
	k.refused(c, provider.ErrDuplicateEvent)
	require.Equal(k, []history.Event{firstEvent()}, k.history("A", 1))
}

func unknownHistory(k *kit) {
	require.Empty(k, k.history("nobody", 0))
	require.Empty(k, k.history("nobody", 3))
}

func emptyStore(k *kit) {
	claimed := k.claim(provider.ClaimRequest{
		Turns: k.holder(long), MaxTurns: 5, Tasks: k.holder(long), MaxTasks: 5,
	})
	require.Equal(k, provider.Claimed{}, claimed)
}

func endedCommit(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetchFor("X", short))
	k.Clock.Advance(short)
	k.refused(c, provider.ErrLockLost)
	require.Empty(k, k.history("X", 0))
}

func corruptHistory(k *kit) {
	k.create("X")
	require.Len(k, k.history("X", 0), 1)
	require.NoError(k, k.CorruptHistory("X"))
	for _, execution := range []uint64{0, 1} {
		_, err := k.Provider.History(k.ctx, "X", execution)
		require.ErrorIs(k, err, provider.ErrCorrupt)
	}
	_, err := k.Provider.Load(k.ctx, "X", 1)
	require.ErrorIs(k, err, provider.ErrCorrupt)
}

func risingIDs(k *kit) {
	k.create("X", func(c *provider.Commit) { c.Events = events(1, 2, 5) })
	k.poke("X")
	claim := k.fetch("X")
	require.Equal(k, uint64(5), claim.LastEvent)
	for _, ids := range [][]uint64{{7, 6}, {6, 6}, {3, 4}, {4, 6}, {5}, {0}, {6, 0}} {
		c := turn(claim)
		c.Events = events(ids...)
		k.refused(c, provider.ErrDuplicateEvent)
	}
	c := turn(claim)
	c.Events, c.LastEvent = events(9), 4
	k.refused(c, provider.ErrDuplicateEvent)
	c.LastEvent = 5
	k.commit(c)
	require.Len(k, k.history("X", 0), 4)
}

func repeatedCommit(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	c.Release = false
	k.commit(c)
	k.refused(c, provider.ErrAlreadyCommitted)
	next := provider.Commit{
		Token: c.Token, Execution: 1, LastEvent: 1, Events: events(2), Release: true,
		Send: []provider.Message{raised("X", "once")},
	}
	k.commit(next)
	k.refused(next, provider.ErrAlreadyCommitted)
	require.Len(k, k.history("X", 0), 2)
	require.Equal(k, []string{"once"}, datas(k.fetch("X").Messages))
}

func lostMessage(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	good := c.Messages
	c.Messages = append([]uint64{999_999}, good...)
	k.refused(c, provider.ErrMessageLost)
	require.Empty(k, k.history("X", 0))
	c.Messages = good
	c.Release = false
	k.commit(c)
	k.refused(provider.Commit{
		Token: c.Token, Execution: 1, LastEvent: 1, Messages: good, Events: events(2),
	}, provider.ErrMessageLost)
	k.submit(raised("Y", "for another instance"))
	foreign := k.submit(raised("Y", "foreign"))[0].ID
	k.refused(provider.Commit{
		Token: c.Token, Execution: 1, LastEvent: 1, Messages: []uint64{foreign},
	}, provider.ErrMessageLost)
}

func lostTask(k *kit) {
	k.create("X", plan(activity(2), activity(3)))
	held, ended := k.work(2, anyRoute), k.workFor(3, anyRoute, short)
	k.Clock.Advance(short)
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Events = events(4)
	c.Tasks = []provider.Token{held.Token, ended.Token}
	_, err := k.Provider.Commit(k.ctx, c)
	require.ErrorIs(k, err, provider.ErrTaskLost)
	var lost *provider.TaskLostError
	require.ErrorAs(k, err, &lost)
	require.Equal(k, []provider.Token{ended.Token}, lost.Tasks)
	require.False(k, provider.IsRetryable(err), "the same call would be refused for ever")
	require.Len(k, k.history("X", 0), 1)
	kept, err := k.renewTask(held, long)
	require.NoError(k, err)
	require.True(k, kept, "the task that was held is still held")
	c.Tasks = []provider.Token{held.Token}
	k.commit(c)
}

func fusedTurn(k *kit) {
	k.create("X", plan(activity(2)))
	held := k.work(2, anyRoute)
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Events = []history.Event{
		{ID: 2, Source: 2, TimeMs: 1, Engine: "1.0.0", Data: history.ActivityCompleted{Result: "r"}},
	}
	c.Tasks = []provider.Token{held.Token}
	k.commit(c)
	require.ErrorIs(k, k.complete(held.Token, nil), provider.ErrLockLost)
	k.Clock.Advance(long)
	k.noWork(anyRoute)
}

func listedMessages(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"), raised("X", "2"), raised("X", "3"))
	claim := k.fetch("X")
	c := turn(claim)
	c.Messages = []uint64{claim.Messages[1].ID}
	require.True(k, k.commit(c).Work, "two messages are left")
	require.Equal(k, []string{"1", "3"}, datas(k.fetch("X").Messages))
}
