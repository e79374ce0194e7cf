package providertest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var locking = theme{"locking", "locking.go", []Case{
	{ID: "C012", Title: "an expired claim is taken over under a new token", run: expiredClaim},
	{ID: "C013", Title: "every claim has a token of its own", run: ownTokens},
	{ID: "C014", Title: "an invalid token neither commits nor releases", run: invalidToken},
	{ID: "C015", Title: "each of ten claimers gets one of ten instances", run: tenClaimers},
	{ID: "C016", Title: "messages of a dead claim come again with later ones", run: laterMessages},
	{ID: "C017", Title: "a held instance does not hold up another", run: independentInstances},
	{ID: "C018", Title: "a message that came during a turn survives it", run: duringTurn},
	{ID: "C019", Title: "two messages that came during a turn survive it", run: twoDuringTurn},
	{ID: "C020", Title: "of ten claimers one gets the instance", run: oneInstance},
	{ID: "C021", Title: "no instance is claimed twice", run: fortyClaimers},
	{ID: "C022", Title: "a claim that is never committed ends with its lease", run: neverCommitted},
	{ID: "C036", Title: "executions keep histories of their own", run: twoExecutions},
	{ID: "C037", Title: "the current history is that of the last execution", run: currentHistory},
	{ID: "C038", Title: "the committed execution counts, not the message", run: committedExecution},
	{ID: "C039", Title: "a continuing instance reports the old execution until its first turn", run: continuing},
	{ID: "C040", Title: "three executions can each be read", run: threeExecutions},
	{ID: "N24", Title: "a refused call does not fail its neighbours", run: neighbours},
}}

func expiredClaim(k *kit) {
	k.submit(start("X"))
	first := k.fetchFor("X", short)
	k.noTurn()
	k.Clock.Advance(short + beyond)
	second := k.fetch("X")
	require.NotEqual(k, first.Token, second.Token)
	require.NotEqual(k, first.Token.Epoch, second.Token.Epoch)
	require.NotEqual(k, first.Token.Lease, second.Token.Lease)
}

func (k *kit) startMany(n int) {
	k.Helper()
	for i := range n {
		k.submit(start(string(rune('a' + i))))
	}
}

func ownTokens(k *kit) {
	k.startMany(5)
	seen := map[provider.Token]bool{}
	for range 5 {
		claim := k.fetchWith(long, nil)
		require.NotNil(k, claim)
		seen[claim.Token] = true
	}
	require.Len(k, seen, 5)
}

func invalidToken(k *kit) {
	k.submit(start("X"))
	claim := k.fetch("X")
	for _, change := range []func(*provider.Token){
		func(t *provider.Token) { t.Key += 1000 },
		func(t *provider.Token) { t.Epoch++ },
		func(t *provider.Token) { t.Epoch-- },
		func(t *provider.Token) { t.Lease += 1000 },
		func(t *provider.Token) { t.Lease = 0 },
	} {
		c := firstTurn(claim)
		change(&c.Token)
		k.refused(c, provider.ErrLockLost)
		lost := k.abandon(provider.AbandonedInstance{Token: c.Token, Messages: c.Messages}).Lost
		require.Equal(k, []provider.Token{c.Token}, lost)
		_, err := k.Provider.Pending(k.ctx, c.Token)
		require.ErrorIs(k, err, provider.ErrLockLost)
	}
	k.noTurn()
	k.commit(firstTurn(claim))
}

// race claims one instance from each of n nodes at once.
func (k *kit) race(n int, ttl time.Duration) map[string]int {
	k.Helper()
	var wait sync.WaitGroup
	claims := make([]provider.Claimed, n)
	errs := make([]error, n)
	for i := range n {
		holder := k.holder(ttl)
		wait.Go(func() {
			claims[i], errs[i] = k.Provider.Claim(k.ctx,
				provider.ClaimRequest{Turns: holder, MaxTurns: 1})
		})
	}
	wait.Wait()
	taken := map[string]int{}
	for i := range n {
		require.NoError(k, errs[i])
		for _, claim := range claims[i].Instances {
			taken[claim.Instance]++
		}
	}
	return taken
}

func requireOnce(k *kit, taken map[string]int) {
	k.Helper()
	for instance, times := range taken {
		require.Equal(k, 1, times, "claims of %s", instance)
	}
}

func tenClaimers(k *kit) {
	k.startMany(10)
	taken := k.race(10, long)
	require.Len(k, taken, 10)
	requireOnce(k, taken)
}

func laterMessages(k *kit) {
	k.submit(start("A"))
	k.fetchFor("A", short)
	for i := range uint64(3) {
		k.submit(done("A", i+1, string(rune('1'+i))))
	}
	k.noTurn()
	k.Clock.Advance(short + beyond)
	require.Equal(k, []string{"start", "1", "2", "3"}, datas(k.fetch("A").Messages))
}

func independentInstances(k *kit) {
	k.create("A")
	k.create("B")
	k.poke("A")
	k.fetch("A")
	k.poke("B")
	k.commit(turn(k.fetch("B")))
	k.poke("B")
	k.fetch("B")
}

func duringTurn(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"), raised("X", "2"))
	claim := k.fetch("X")
	require.Len(k, claim.Messages, 2)
	k.submit(raised("X", "3"))
	require.True(k, k.commit(turn(claim)).Work, "the third message is left")
	require.Equal(k, []string{"3"}, datas(k.fetch("X").Messages))
}

func twoDuringTurn(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"))
	claim := k.fetch("X")
	k.submit(raised("X", "2"))
	k.submit(raised("X", "3"))
	k.noTurn()
	k.commit(turn(claim))
	require.Equal(k, []string{"2", "3"}, datas(k.fetch("X").Messages))
}

func oneInstance(k *kit) {
	k.submit(start("X"))
	require.Equal(k, map[string]int{"X": 1}, k.race(10, long))
	k.noTurn()
}

func fortyClaimers(k *kit) {
	k.startMany(20)
	taken := k.race(40, long)
	require.Len(k, taken, 20)
	requireOnce(k, taken)
}

func neverCommitted(k *kit) {
	k.submit(start("X"))
	first := k.fetchFor("X", short)
	k.Clock.Advance(200 * time.Millisecond)
	require.Empty(k, k.race(3, long))
	k.Clock.Advance(short)
	require.NotEqual(k, first.Token, k.fetch("X").Token)
}

// bare commits a turn of an execution with these events and without any description of it.
func (k *kit) bare(execution uint64, all []history.Event) {
	k.Helper()
	k.poke("X")
	c := turn(k.fetch("X"))
	if c.Execution != execution {
		c.Execution, c.LastEvent = execution, 0
	}
	c.Events = all
	k.commit(c)
}

func twoExecutions(k *kit) {
	k.submit(start("X"))
	k.bare(1, events(1, 2, 3))
	k.bare(2, events(1, 2))
	require.Len(k, k.history("X", 1), 3)
	require.Len(k, k.history("X", 2), 2)
	require.Equal(k, events(1, 2), k.history("X", 0))
}

func currentHistory(k *kit) {
	first := []history.Event{event(1, history.ExternalSubscribed{Name: "A"})}
	second := []history.Event{event(1, history.ExternalSubscribed{Name: "B"})}
	k.submit(start("X"))
	k.bare(1, first)
	k.bare(2, second)
	require.Equal(k, second, k.history("X", 0))
	require.Equal(k, first, k.history("X", 1))
}

func committedExecution(k *kit) {
	k.submit(start("X"))
	claim := k.fetch("X")
	require.Zero(k, claim.Execution)
	k.commit(firstTurn(claim))
	k.poke("X")
	claim = k.fetch("X")
	require.Equal(k, uint64(1), claim.Execution)
	k.commit(nextTurn(claim))
	late := raised("X", "late")
	late.Execution = 3
	k.submit(late)
	require.Equal(k, uint64(2), k.fetch("X").Execution)
}

func continuing(k *kit) {
	k.create("X")
	next := start("X")
	next.Kind, next.Execution = provider.ContinueInstance, 2
	k.step("X", ends(provider.ContinuedAsNew, "in"), func(c *provider.Commit) {
		c.Send = []provider.Message{next}
	})
	claim := k.fetch("X")
	require.Equal(k, uint64(1), claim.Execution)
	require.Equal(k, provider.ContinuedAsNew, claim.Status)
	k.commit(nextTurn(claim))
	k.poke("X")
	claim = k.fetch("X")
	require.Equal(k, uint64(2), claim.Execution)
	require.Equal(k, uint64(1), claim.LastEvent)
	require.Equal(k, provider.Running, claim.Status)
}

func threeExecutions(k *kit) {
	k.submit(start("X"))
	for n := range uint64(3) {
		k.bare(n+1, []history.Event{event(1, history.ExternalSubscribed{Name: string(rune('1' + n))})})
	}
	for n := range uint64(3) {
		require.Equal(k, history.ExternalSubscribed{Name: string(rune('1' + n))},
			k.history("X", n+1)[0].Data)
	}
	require.Equal(k, k.history("X", 3), k.history("X", 0))
	numbers, err := k.Provider.Executions(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, []uint64{1, 2, 3}, numbers)
}

func neighbours(k *kit) {
	k.startMany(20)
	claims := k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 20}).Instances
	require.Len(k, claims, 20)
	errs := make([]error, len(claims))
	var wait sync.WaitGroup
	for i, claim := range claims {
		c := firstTurn(claim)
		if i%2 == 1 {
			c.Token.Epoch += 7
		}
		wait.Go(func() { _, errs[i] = k.Provider.Commit(k.ctx, c) })
	}
	wait.Wait()
	for i, err := range errs {
		if i%2 == 1 {
			require.ErrorIs(k, err, provider.ErrLockLost)
		} else {
			require.NoError(k, err)
		}
	}
	m, err := k.Provider.Metrics(k.ctx)
	require.NoError(k, err)
	require.Equal(k, 10, m.Executions)
}
