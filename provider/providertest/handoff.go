package providertest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var handoff = theme{"handoff", "handoff.go", []Case{
	{ID: "P43", Title: "a submission claims free targets for its holder", run: submitClaims},
	{ID: "P44", Title: "a submission names the lease that holds its target", run: submitHeld},
	{ID: "P45", Title: "a turn claims the targets of its messages", run: commitClaims},
	{ID: "P46", Title: "a turn takes its new tasks for its own worker", run: commitTasks},
	{ID: "P47", Title: "a new task that does not match stays free", run: unmatchedTasks},
	{ID: "P48", Title: "a completion claims its instance", run: completeClaims},
	{ID: "P49", Title: "a delayed message claims nobody", run: delayedClaims},
	{ID: "P50", Title: "claims of a hand-off end with their lease", run: handedLease},
	{ID: "P130", Title: "what a holder has no room for is left to others", run: roomOfHolder},
}}

func (k *kit) submitFor(holder *provider.Holder, messages ...provider.Message) []provider.Submitted {
	k.Helper()
	results, err := k.Provider.Submit(k.ctx,
		provider.Submission{Messages: messages, Claim: holder})
	require.NoError(k, err)
	require.Len(k, results, len(messages))
	return results
}

// handed gives the claims of a hand-off, which come with some message of their target each.
func handed(results []provider.Submitted) map[string]provider.InstanceClaim {
	claims := map[string]provider.InstanceClaim{}
	for _, r := range results {
		if r.Claim != nil {
			claims[r.Claim.Instance] = *r.Claim
		}
	}
	return claims
}

func submitClaims(k *kit) {
	k.create("X")
	results := k.submitFor(k.holder(long),
		raised("X", "1"), start("Y"), raised("X", "2"), raised("orphan", "3"))
	claims := handed(results)
	require.Len(k, claims, 2)
	require.Equal(k, []string{"1", "2"}, datas(claims["X"].Messages))
	require.Equal(k, []string{"start"}, datas(claims["Y"].Messages))
	require.Equal(k, claims["X"].Token.Lease, claims["Y"].Token.Lease)
	require.Equal(k, 1, claims["X"].Attempt)
	require.Equal(k, uint64(1), claims["X"].LastEvent)
	require.Equal(k, provider.Running, results[0].Existing)
	require.Equal(k, provider.NotCommitted, results[1].Existing)
	require.Less(k, results[0].ID, results[2].ID)
	k.noTurn()
	k.commit(turn(claims["X"]))
	k.commit(firstTurn(claims["Y"]))
	k.noTurn()
}

func submitHeld(k *kit) {
	k.create("X")
	k.poke("X")
	claim := k.fetchFor("X", short)
	results := k.submitFor(k.holder(long), raised("X", "1"))
	require.Nil(k, results[0].Claim)
	require.Equal(k, claim.Token.Lease, results[0].Held)
	require.Equal(k, claim.Token.Lease, k.submit(raised("X", "2"))[0].Held)
	require.NotZero(k, results[0].ID)
	k.Clock.Advance(short)
	require.Zero(k, k.submit(raised("X", "3"))[0].Held)
	last := k.submitFor(k.holder(long), raised("X", "4"))[0]
	require.NotNil(k, last.Claim)
	stored := last.Claim.Messages[len(last.Claim.Messages)-1]
	require.Equal(k, stored.ID, last.ID)
	require.Equal(k, stored.DueMs, last.DueMs)
	require.NotZero(k, last.DueMs)
}

func commitClaims(k *kit) {
	k.create("free")
	k.create("busy")
	k.poke("busy")
	busy := k.fetch("busy")
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	c.TurnHolder = k.holder(long)
	c.Send = []provider.Message{start("child"), raised("free", "1"), raised("busy", "2")}
	result := k.commit(c)
	claims := handed(result.Sent)
	require.Len(k, claims, 2)
	require.Equal(k, []string{"start"}, datas(claims["child"].Messages))
	require.Equal(k, []string{"1"}, datas(claims["free"].Messages))
	require.NotZero(k, result.TurnLease)
	require.Equal(k, result.TurnLease, claims["child"].Token.Lease)
	require.Equal(k, busy.Token.Lease, result.Sent[2].Held)
	k.noTurn()
	k.commit(firstTurn(claims["child"]))
	k.commit(turn(claims["free"]))
	k.numbered(result.Sent[2], busy.Token.Lease, "busy", "2")
}

func claimed(n provider.NewTask, route provider.Route) provider.NewTask {
	n.Claim, n.Route = true, route
	return n
}

func commitTasks(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	c.TaskHolder = k.holder(short)
	plan(claimed(activity(2), anyRoute), activity(3),
		claimed(inSession(4, "s"), worker("A", long)))(&c)
	result := k.commit(c)
	require.NotNil(k, result.Tasks[0])
	require.Nil(k, result.Tasks[1])
	require.NotNil(k, result.Tasks[2])
	require.Equal(k, result.TaskLease, result.Tasks[0].Token.Lease)
	require.Equal(k, 1, result.Tasks[0].Attempt)
	require.Equal(k, "a2", result.Tasks[0].Task.Name)
	require.Equal(k, "X", result.Tasks[0].Task.Instance)
	k.work(3, anyRoute)
	k.noWork(worker("A", long))
	require.Equal(k, 1, k.renewSessions("A", long, time.Minute))
	message := done("X", 2, "result")
	require.NoError(k, k.complete(result.Tasks[0].Token, &message))
	k.Clock.Advance(short)
	k.noWork(worker("B", long))
	require.Equal(k, 1, k.work(4, worker("A", long)).Marks)
}

func unmatchedTasks(k *kit) {
	k.schedule(inSession(9, "taken"))
	k.finish(k.work(9, worker("B", long)))
	k.submit(start("X"))
	c := firstTurn(k.fetchWithout("X"))
	c.TaskHolder = k.holder(long)
	plan(claimed(withTag(2, "gpu"), anyRoute), claimed(inSession(3, "s"), anyRoute),
		claimed(inSession(4, "taken"), worker("A", long)), claimed(activity(5), anyRoute))(&c)
	c.CancelTasks = []uint64{5}
	result := k.commit(c)
	require.Equal(k, []*provider.TaskClaim{nil, nil, nil, nil}, result.Tasks)
	require.Zero(k, result.TaskLease)
	require.Equal(k, 1, k.work(2, tagged(provider.TagsOnly, "gpu")).Attempt)
	k.work(3, worker("A", long))
	k.noWork(worker("A", long))
	k.work(4, worker("B", long))
	k.noWork(anyRoute)
}

// fetchWithout claims an instance where W has messages too.
func (k *kit) fetchWithout(instance string) provider.InstanceClaim {
	k.Helper()
	claims := k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 9}).Instances
	i := slices.IndexFunc(claims, func(c provider.InstanceClaim) bool { return c.Instance == instance })
	require.GreaterOrEqual(k, i, 0)
	return claims[i]
}

func completeClaims(k *kit) {
	k.create("X", plan(activity(2), activity(3)))
	first, second := k.work(2, anyRoute), k.work(3, anyRoute)
	one, two := done("X", 2, "1"), done("X", 3, "2")
	results, err := k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: first.Token, Message: &one}}, Claim: k.holder(long),
	})
	require.NoError(k, err)
	require.NotNil(k, results[0].Claim)
	require.Equal(k, []string{"1"}, datas(results[0].Claim.Messages))
	lease := results[0].Claim.Token.Lease
	results, err = k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: second.Token, Message: &two}}, Claim: k.holder(long),
	})
	require.NoError(k, err)
	require.Nil(k, results[0].Claim)
	k.numbered(results[0], lease, "X", "2")
}

// numbered checks that who is told which lease holds the target is told the number of the message, too: else
// the holder would take it from memory, and once more from the store.
func (k *kit) numbered(s provider.Submitted, held provider.LeaseID, instance, data string) {
	k.Helper()
	require.Equal(k, held, s.Held)
	require.NotZero(k, s.ID)
	require.NotZero(k, s.DueMs)
	k.Clock.Advance(long)
	messages := k.fetch(instance).Messages
	i := slices.IndexFunc(messages, func(m provider.Message) bool { return m.ID == s.ID })
	require.GreaterOrEqual(k, i, 0, "number %d is not that of the message", s.ID)
	require.Equal(k, data, messages[i].Data)
	require.Equal(k, s.DueMs, messages[i].DueMs)
}

func roomOfHolder(k *kit) {
	k.create("free")
	holder := k.holder(long)
	holder.Most = 2
	messages := []provider.Message{raised("free", "1"), start("a"), raised("free", "2"), start("b"), start("c")}
	claims := handed(k.submitFor(holder, messages...))
	require.Len(k, claims, 2)
	require.Equal(k, []string{"1", "2"}, datas(claims["free"].Messages), "a target takes one place")
	require.Contains(k, claims, "a")
	k.fetch("b")
	k.fetch("c")

	c := firstTurn(claims["a"])
	c.TurnHolder, c.Send = holder, []provider.Message{start("d"), start("e"), start("f")}
	sent := handed(k.commit(c).Sent)
	require.Len(k, sent, 2)
	require.NotContains(k, sent, "f")
	k.fetch("f")

	k.create("X", plan(activity(2)))
	k.create("Y", plan(activity(2)))
	var items []provider.Completion
	for _, task := range k.claim(provider.ClaimRequest{Tasks: k.holder(long), MaxTasks: 2}).Tasks {
		m := done(task.Task.Instance, 2, "1")
		items = append(items, provider.Completion{Task: task.Token, Message: &m})
	}
	holder.Most = 1
	results, err := k.Provider.Complete(k.ctx, provider.Completions{Items: items, Claim: holder})
	require.NoError(k, err)
	require.Len(k, handed(results), 1)
	require.NotNil(k, results[0].Claim)
	k.fetch(items[1].Message.Instance)
}

func delayedClaims(k *kit) {
	k.create("X")
	due := k.Clock.Now().Add(time.Second)
	results := k.submitFor(k.holder(long), timer("X", 2, due))
	require.Nil(k, results[0].Claim)
	require.Zero(k, results[0].Held)
	k.Clock.Advance(time.Second)
	k.fetch("X")
}

func handedLease(k *kit) {
	k.create("X")
	claim := k.submitFor(k.holder(short), raised("X", "1"))[0].Claim
	require.NotNil(k, claim)
	require.NoError(k, k.renew(claim.Token.Lease, 2*short))
	k.Clock.Advance(2*short - time.Millisecond)
	k.noTurn()
	k.Clock.Advance(time.Millisecond)
	require.Equal(k, 1, k.fetch("X").Marks)
	k.refused(turn(*claim), provider.ErrLockLost)
}
