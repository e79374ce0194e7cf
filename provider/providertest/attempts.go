package providertest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var attempts = theme{"attempts", "attempts.go", []Case{
	{ID: "C071", Title: "ignoring one attempt leaves those of hidden messages", run: hiddenAttempts},
	{ID: "C072", Title: "a delay hides only the messages of the claim", run: delayOfClaim},
	{ID: "C073 C074", Title: "each abandoned claim of an instance counts", run: countedClaims},
	{ID: "C075 C076", Title: "an ended task lease leaves a mark", run: endedTaskAttempt},
	{ID: "C077", Title: "attempts belong to tasks, not to the queue", run: attemptsPerTask},
	{ID: "C078 C080", Title: "only a task that is given back as tried counts an attempt", run: ignoredTask},
	{ID: "C079", Title: "an ignored attempt of an instance does not count", run: ignoredTurn},
	{ID: "C081", Title: "a claim reports the highest count of its messages", run: highestCount},
	{ID: "C134 C135", Title: "attempts grow with every abandoned claim of a corrupt history", run: corruptAttempts},
	{ID: "P26", Title: "a takeover marks only the messages of the dead claim", run: deadClaim},
	{ID: "D14", Title: "what is given back may be marked", run: givenBackMarked},
	{ID: "P27", Title: "a commit leaves the attempts of other messages", run: committedAttempts},
	{ID: "P28", Title: "abandon says what is ready and what is delayed", run: abandonResult},
	{ID: "P29", Title: "abandon delays and counts only listed messages", run: listedAbandon},
}}

func (k *kit) fetchAttempt(instance string, want int) provider.InstanceClaim {
	k.Helper()
	claim := k.fetch(instance)
	require.Equal(k, want, claim.Attempt)
	return claim
}

func hiddenAttempts(k *kit) {
	k.create("X")
	k.poke("X")
	k.giveBack(k.fetchAttempt("X", 1), 0, false)
	k.giveBack(k.fetchAttempt("X", 2), time.Second, false)
	k.submit(queued("X", "queue"))
	claim := k.fetchAttempt("X", 1)
	require.Equal(k, []string{"queue"}, datas(claim.Messages))
	k.giveBack(claim, 0, true)
	k.Clock.Advance(1100 * time.Millisecond)
	claim = k.fetchAttempt("X", 3)
	require.ElementsMatch(k, []string{"poke", "queue"}, datas(claim.Messages))
}

func delayOfClaim(k *kit) {
	k.create("X")
	k.submit(raised("X", "locked"))
	claim := k.fetch("X")
	k.submit(raised("X", "unlocked"))
	k.giveBack(claim, 5*time.Second, false)
	require.Equal(k, []string{"unlocked"}, datas(k.fetch("X").Messages))
}

func countedClaims(k *kit) {
	k.submit(start("X"))
	for n := 1; n <= 3; n++ {
		k.giveBack(k.fetchAttempt("X", n), 0, false)
	}
}

func (k *kit) workAttempt(id uint64, ttl time.Duration, want int) provider.TaskClaim {
	k.Helper()
	claim := k.workFor(id, anyRoute, ttl)
	require.Equal(k, want, claim.Attempt)
	return claim
}

func endedTaskAttempt(k *kit) {
	k.schedule(activity(2))
	for _, marks := range []int{0, 1, 2, 2} {
		require.Equal(k, marks, k.workAttempt(2, time.Second, 1).Marks)
		k.Clock.Advance(time.Second + beyond)
	}
	held := k.workAttempt(2, time.Second, 1)
	require.NoError(k, k.Provider.BeginTask(k.ctx, held.Token))
	require.NoError(k, k.Provider.BeginTask(k.ctx, held.Token))
	k.Clock.Advance(time.Second + beyond)
	require.ErrorIs(k, k.Provider.BeginTask(k.ctx, held.Token), provider.ErrLockLost)
	held = k.workAttempt(2, long, 3)
	require.Equal(k, 2, held.Marks)
	k.finish(held)
	require.ErrorIs(k, k.Provider.BeginTask(k.ctx, held.Token), provider.ErrLockLost)
}

// A holder that ends in order may know that something ended badly.
func givenBackMarked(k *kit) {
	k.create("X", plan(activity(2)))
	k.submit(raised("X", "1"))
	turns := k.fetch("X")
	k.submit(raised("X", "2"))
	task := k.work(2, anyRoute)
	_, err := k.Provider.Abandon(k.ctx, provider.Abandonment{
		Instances: []provider.AbandonedInstance{{Token: turns.Token, IgnoreAttempt: true, Mark: true}},
		Tasks:     []provider.AbandonedTask{{Token: task.Token, IgnoreAttempt: true, Mark: true}},
	})
	require.NoError(k, err)
	claim := k.fetchAttempt("X", 1)
	require.Equal(k, 1, claim.Marks)
	require.Equal(k, []int{1, 0}, []int{claim.Messages[0].Marks, claim.Messages[1].Marks})
	again := k.work(2, anyRoute)
	require.Equal(k, 1, again.Attempt)
	require.Equal(k, 1, again.Marks)
}

func attemptsPerTask(k *kit) {
	k.schedule(activity(2), activity(3))
	k.workAttempt(2, long, 1)
	k.workAttempt(3, long, 1)
}

func ignoredTask(k *kit) {
	k.schedule(activity(2))
	k.giveTaskBack(k.workAttempt(2, long, 1), 0, false)
	k.giveTaskBack(k.workAttempt(2, long, 2), 0, true)
	k.finish(k.workAttempt(2, long, 2))
	k.schedule(activity(3))
	for range 3 {
		k.giveTaskBack(k.workAttempt(3, long, 1), 0, true)
	}
}

func ignoredTurn(k *kit) {
	k.submit(start("X"))
	k.giveBack(k.fetchAttempt("X", 1), 0, false)
	k.giveBack(k.fetchAttempt("X", 2), 0, true)
	k.giveBack(k.fetchAttempt("X", 2), 0, true)
	k.fetchAttempt("X", 2)
}

func highestCount(k *kit) {
	k.submit(start("X"))
	k.giveBack(k.fetchAttempt("X", 1), 0, false)
	claim := k.fetchAttempt("X", 2)
	k.submit(done("X", 5, "completion"))
	k.giveBack(claim, 0, false)
	claim = k.fetchAttempt("X", 3)
	require.Len(k, claim.Messages, 2)
}

func corruptAttempts(k *kit) {
	k.create("X")
	require.NoError(k, k.CorruptHistory("X"))
	k.poke("X")
	for n := 1; n <= 5; n++ {
		claim := k.fetchAttempt("X", n)
		_, err := k.Provider.Load(k.ctx, "X", 1)
		require.ErrorIs(k, err, provider.ErrCorrupt)
		counted, err := k.MaxAttempts("X")
		require.NoError(k, err)
		require.Equal(k, n, counted)
		k.giveBack(claim, 0, false)
	}
}

func deadClaim(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"))
	marks := func(want ...int) provider.InstanceClaim {
		k.Helper()
		claim := k.fetchFor("X", short)
		var got []int
		for _, m := range claim.Messages {
			got = append(got, m.Marks)
		}
		require.Equal(k, want, got)
		require.Equal(k, slices.Max(want), claim.Marks)
		return claim
	}
	marks(0)
	k.submit(raised("X", "2"))
	k.Clock.Advance(short)
	require.Equal(k, 1, marks(1, 0).Attempt)
	k.Clock.Advance(short)
	marks(2, 1)
	k.Clock.Advance(short)
	stale := marks(2, 2)
	require.Equal(k, 1, stale.Attempt, "what was never begun was never tried")
	ids := []uint64{stale.Messages[0].ID}
	require.NoError(k, k.Provider.Begin(k.ctx, stale.Token, ids))
	k.Clock.Advance(short)
	claim := marks(2, 2)
	require.Equal(k, 2, claim.Attempt)
	require.ErrorIs(k, k.Provider.Begin(k.ctx, stale.Token, ids), provider.ErrLockLost)
	c := turn(claim)
	c.Messages = c.Messages[:1]
	k.commit(c)
	require.Equal(k, 1, marks(2).Attempt)
}

func committedAttempts(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"))
	claim := k.fetch("X")
	k.submit(raised("X", "2"))
	k.commit(turn(claim))
	k.commit(turn(k.fetchAttempt("X", 1)))
	k.noTurn()
}

func abandonResult(k *kit) {
	k.create("X", plan(activity(2)))
	k.poke("X")
	claim := k.fetch("X")
	delayed := k.Clock.Now().Add(time.Second).UnixMilli()
	result := k.abandon(provider.AbandonedInstance{
		Token: claim.Token, Messages: turn(claim).Messages, Delay: time.Second,
	})
	require.False(k, result.Work)
	require.Equal(k, delayed, result.NextDue.UnixMilli())
	result = k.giveTaskBack(k.work(2, anyRoute), time.Second, false)
	require.False(k, result.Work)
	require.Equal(k, delayed, result.NextDue.UnixMilli())
	k.Clock.Advance(time.Second)
	require.True(k, k.giveTaskBack(k.work(2, anyRoute), 0, false).Work)
	claim = k.fetch("X")
	result = k.abandon(provider.AbandonedInstance{Token: claim.Token})
	require.True(k, result.Work)
	require.True(k, result.NextDue.IsZero())
}

func listedAbandon(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"), raised("X", "2"))
	claim := k.fetch("X")
	k.abandon(provider.AbandonedInstance{
		Token: claim.Token, Messages: []uint64{claim.Messages[0].ID}, Delay: time.Second,
	})
	claim = k.fetchAttempt("X", 1)
	require.Equal(k, []string{"2"}, datas(claim.Messages))
	k.giveBack(claim, 0, true)
	k.Clock.Advance(time.Second)
	claim = k.fetchAttempt("X", 2)
	require.Equal(k, []string{"1", "2"}, datas(claim.Messages), "a delay changes no order")
}
