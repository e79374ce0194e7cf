package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var clocks = theme{"time", "time.go", []Case{
	{ID: "T01", Title: "the time of the store does not go back with its clock", run: neverBack},
	{ID: "T02", Title: "nothing is due early after the clock was set back", run: notEarly},
	{ID: "T03", Title: "what is stored first is given first, though the clock was set back", run: orderKept},
	{ID: "T04", Title: "recorded times do not go back with the clock", run: recordedOrder},
	{ID: "T05", Title: "no lease of a living process ends because the clock was set ahead", run: setAhead},
	{ID: "T06", Title: "leases end though the clock was set back", run: setBack},
	{ID: "T07", Title: "no session ends because the clock was set", run: sessionsKept},
}}

const day = 24 * time.Hour

func neverBack(k *kit) {
	first := k.Provider.Now()
	k.Clock.Set(-time.Hour)
	require.False(k, k.Provider.Now().Before(first))
	k.Clock.Advance(10 * time.Minute)
	passed := k.Provider.Now().Sub(first)
	require.GreaterOrEqual(k, passed, 9*time.Minute, "time goes on, whatever the clock shows")
	require.LessOrEqual(k, passed, 10*time.Minute)
	k.Clock.Set(2 * time.Hour)
	require.WithinDuration(k, k.Clock.Now(), k.Provider.Now(), time.Millisecond, "it follows the clock again")
}

func notEarly(k *kit) {
	k.create("X")
	k.Clock.Set(-time.Hour)
	due := k.Provider.Now().Add(10 * time.Minute)
	k.submit(timer("X", 2, due))
	claimed := k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 1})
	require.Empty(k, claimed.Instances)
	require.Equal(k, due.UnixMilli(), claimed.NextDue.UnixMilli())
	for !k.Provider.Now().Add(time.Second).After(due) {
		k.noTurn()
		k.Clock.Advance(time.Second)
	}
	k.Clock.Advance(2 * time.Second)
	require.Equal(k, []string{"timer 2"}, datas(k.fetch("X").Messages))
}

func orderKept(k *kit) {
	k.create("X")
	k.submit(queued("X", "1"))
	k.Clock.Set(-day)
	k.submit(queued("X", "2"))
	k.Clock.Advance(time.Second)
	k.submit(queued("X", "3"))
	messages := k.fetch("X").Messages
	require.Equal(k, []string{"1", "2", "3"}, datas(messages))
	require.LessOrEqual(k, messages[0].DueMs, messages[1].DueMs)
	require.LessOrEqual(k, messages[1].DueMs, messages[2].DueMs)
}

func recordedOrder(k *kit) {
	k.create("X")
	k.Clock.Set(-day)
	k.step("X", ends(provider.Completed, "end"))
	info := k.info("X")
	require.False(k, info.Updated.Before(info.Created), "%v before %v", info.Updated, info.Created)
	execution, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.False(k, execution.Completed.Before(execution.Started))
	k.create("Y")
	require.Equal(k, []string{"Y", "X"}, k.list(provider.ListQuery{}), "newest first")
}

func setAhead(k *kit) {
	k.schedule(activity(2), activity(3))
	k.poke("W")
	turns, tasks := k.holder(short), k.holder(short)
	claimed := k.claim(provider.ClaimRequest{Turns: turns, MaxTurns: 1, Tasks: tasks, MaxTasks: 2})
	require.Len(k, claimed.Instances, 1)
	require.Len(k, claimed.Tasks, 2)
	k.Clock.Advance(short / 3)
	k.Clock.Set(day)
	k.noTurn()
	k.noWork(anyRoute)
	require.NoError(k, k.renew(claimed.TurnLease, short))
	kept, err := k.renewTask(claimed.Tasks[0], short)
	require.NoError(k, err)
	require.True(k, kept)
	k.finish(claimed.Tasks[0])
	k.Clock.Advance(short - time.Millisecond)
	k.noTurn()
	k.noWork(anyRoute)
	c := turn(claimed.Instances[0])
	c.Tasks, c.Events = []provider.Token{claimed.Tasks[1].Token}, events(10)
	k.commit(c)
	k.fetchFor("W", short)
	k.Clock.Advance(short)
	k.fetch("W")
}

func setBack(k *kit) {
	k.schedule(activity(2))
	k.poke("W")
	claimed := k.claim(provider.ClaimRequest{
		Turns: k.holder(short), MaxTurns: 1, Tasks: k.holder(short), MaxTasks: 1,
	})
	require.Len(k, claimed.Instances, 1)
	require.Len(k, claimed.Tasks, 1)
	k.Clock.Set(-day)
	require.NoError(k, k.renew(claimed.TurnLease, short))
	k.Clock.Advance(short - time.Millisecond)
	k.noTurn()
	k.noWork(anyRoute)
	k.Clock.Advance(time.Millisecond)
	k.fetch("W")
	k.work(2, anyRoute)
}

func sessionsKept(k *kit) {
	k.schedule(inSession(2, "s"), inSession(3, "s"))
	k.finish(k.work(2, worker("w1", long)))
	for _, set := range []time.Duration{day, -2 * day} {
		k.Clock.Set(set)
		k.noWork(worker("w2", long))
		renewed, err := k.Provider.RenewSessions(k.ctx, provider.SessionRenewal{
			Owners: []string{"w1"}, Extend: long, Idle: time.Hour,
		})
		require.NoError(k, err)
		require.Equal(k, 1, renewed)
		k.Clock.Advance(long - time.Second)
		k.noWork(worker("w2", long))
	}
	k.Clock.Advance(long)
	k.work(3, worker("w2", long))
}
