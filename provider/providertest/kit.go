package providertest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

const (
	// long is the lease of a claim where nothing depends on it, short where a case lets it end.
	long  = 30 * time.Second
	short = 5 * time.Second
	// beyond is how far cases move past the end of a lease.
	beyond = 100 * time.Millisecond
)

// holder gives a node that never claimed before.
func (k *kit) holder(ttl time.Duration) *provider.Holder {
	return &provider.Holder{Node: fmt.Sprintf("node-%d", k.nodes.Add(1)), TTL: ttl}
}

// Messages.

func start(instance string) provider.Message {
	return provider.Message{
		Kind: provider.StartInstance, Instance: instance, Name: "TestOrch", Version: new("1.0.0"),
		Input: "{}", Execution: 1,
	}
}

func raised(instance, data string) provider.Message {
	return provider.Message{Kind: provider.EventRaised, Instance: instance, Name: "poke", Data: data}
}

func queued(instance, data string) provider.Message {
	return provider.Message{Kind: provider.QueueEvent, Instance: instance, Name: "q", Data: data}
}

func done(instance string, source uint64, data string) provider.Message {
	return provider.Message{
		Kind: provider.ActivityDone, Instance: instance, Execution: 1, Source: source, Data: data,
	}
}

func timer(instance string, source uint64, due time.Time) provider.Message {
	return provider.Message{
		Kind: provider.TimerDue, Instance: instance, Execution: 1, Source: source,
		DueMs: due.UnixMilli(),
	}
}

func (k *kit) submit(messages ...provider.Message) []provider.Submitted {
	k.Helper()
	results, err := k.Provider.Submit(k.ctx, provider.Submission{Messages: messages})
	require.NoError(k, err)
	require.Len(k, results, len(messages))
	return results
}

func (k *kit) poke(instance string) { k.submit(raised(instance, "poke")) }

// datas gives what messages carry, in order; it names a start "start".
func datas(messages []provider.Message) []string {
	var all []string
	for _, m := range messages {
		switch m.Kind {
		case provider.StartInstance, provider.ContinueInstance:
			all = append(all, "start")
		case provider.TimerDue:
			all = append(all, fmt.Sprintf("timer %d", m.Source))
		default:
			all = append(all, m.Data)
		}
	}
	return all
}

// Turns.

func (k *kit) claim(r provider.ClaimRequest) provider.Claimed {
	k.Helper()
	claimed, err := k.Provider.Claim(k.ctx, r)
	require.NoError(k, err)
	return claimed
}

// serving gives a holder that serves no more than that.
func (k *kit) serving(s *provider.Serves) *provider.Holder {
	h := k.holder(long)
	h.Serves = s
	return h
}

// fetchWith claims at most one instance for a new node; nil means that there was none.
func (k *kit) fetchWith(ttl time.Duration, s *provider.Serves) *provider.InstanceClaim {
	k.Helper()
	h := k.holder(ttl)
	h.Serves = s
	claimed := k.claim(provider.ClaimRequest{Turns: h, MaxTurns: 1})
	if len(claimed.Instances) == 0 {
		return nil
	}
	require.Len(k, claimed.Instances, 1)
	return &claimed.Instances[0]
}

func (k *kit) fetch(instance string) provider.InstanceClaim {
	k.Helper()
	return k.fetchFor(instance, long)
}

func (k *kit) fetchFor(instance string, ttl time.Duration) provider.InstanceClaim {
	k.Helper()
	claim := k.fetchWith(ttl, nil)
	require.NotNil(k, claim, "%s is claimable", instance)
	require.Equal(k, instance, claim.Instance)
	return *claim
}

func (k *kit) noTurn() {
	k.Helper()
	claim := k.fetchWith(long, nil)
	require.Nil(k, claim, "no instance is claimable")
}

func event(id uint64, data history.Data) history.Event {
	return history.Event{ID: id, TimeMs: 1_800_000_000_000, Engine: "1.0.0", Data: data}
}

// events gives events of no meaning with these ids.
func events(ids ...uint64) []history.Event {
	var all []history.Event
	for _, id := range ids {
		all = append(all, event(id, history.ExternalSubscribed{Name: fmt.Sprint("e", id)}))
	}
	return all
}

func firstEvent() history.Event {
	return event(1, history.OrchestrationStarted{Name: "TestOrch", Version: "1.0.0", Input: "{}"})
}

// turn gives a commit that consumes the messages of a claim and gives the instance back.
func turn(claim provider.InstanceClaim) provider.Commit {
	c := provider.Commit{
		Token: claim.Token, Execution: max(claim.Execution, 1), LastEvent: claim.LastEvent,
		Release: true,
	}
	for _, m := range claim.Messages {
		c.Messages = append(c.Messages, m.ID)
	}
	return c
}

// firstTurn gives a turn that starts an execution.
func firstTurn(claim provider.InstanceClaim) provider.Commit {
	c := turn(claim)
	c.Events = []history.Event{firstEvent()}
	c.Started = &provider.Started{Name: "TestOrch", Version: "1.0.0"}
	return c
}

// nextTurn gives the first turn of the next execution.
func nextTurn(claim provider.InstanceClaim) provider.Commit {
	c := firstTurn(claim)
	c.Execution, c.LastEvent = claim.Execution+1, 0
	return c
}

func outcome(status provider.ExecutionStatus, output string) *provider.Outcome {
	return &provider.Outcome{Status: status, Output: output}
}

func (k *kit) commit(c provider.Commit) provider.Committed {
	k.Helper()
	result, err := k.Provider.Commit(k.ctx, c)
	require.NoError(k, err)
	require.Len(k, result.Tasks, len(c.NewTasks))
	require.Len(k, result.Sent, len(c.Send))
	return result
}

func (k *kit) refused(c provider.Commit, want error) {
	k.Helper()
	_, err := k.Provider.Commit(k.ctx, c)
	require.ErrorIs(k, err, want)
	require.False(k, provider.IsRetryable(err), "a broken rule is no reason to retry: %v", err)
}

// create starts an instance and commits its first turn.
func (k *kit) create(instance string, change ...func(*provider.Commit)) {
	k.Helper()
	k.createFrom(start(instance), change...)
}

// createChild makes an instance whose start names a parent.
func (k *kit) createChild(instance, parent string, change ...func(*provider.Commit)) {
	k.Helper()
	child := start(instance)
	child.Parent = &history.Parent{Instance: parent, Execution: 1, Event: 2}
	k.createFrom(child, change...)
}

func (k *kit) createFrom(first provider.Message, change ...func(*provider.Commit)) {
	k.Helper()
	k.submit(first)
	c := firstTurn(k.fetch(first.Instance))
	c.Started.Parent = first.Parent
	for _, f := range change {
		f(&c)
	}
	k.commit(c)
}

// step pokes an instance and commits one turn of it.
func (k *kit) step(instance string, change ...func(*provider.Commit)) {
	k.Helper()
	k.poke(instance)
	c := turn(k.fetch(instance))
	for _, f := range change {
		f(&c)
	}
	k.commit(c)
}

// renewed continues an instance as new and commits the first turn of the next execution.
func (k *kit) renewed(instance string, change ...func(*provider.Commit)) {
	k.Helper()
	k.step(instance, ends(provider.ContinuedAsNew, "next"))
	k.poke(instance)
	c := nextTurn(k.fetch(instance))
	for _, f := range change {
		f(&c)
	}
	k.commit(c)
}

func ends(status provider.ExecutionStatus, output string) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Outcome = outcome(status, output) }
}

func childOf(parent string) func(*provider.Commit) {
	return func(c *provider.Commit) {
		c.Started.Parent = &history.Parent{Instance: parent, Execution: 1, Event: 2}
	}
}

func (k *kit) abandon(a provider.AbandonedInstance) provider.Abandoned {
	k.Helper()
	result, err := k.Provider.Abandon(k.ctx,
		provider.Abandonment{Instances: []provider.AbandonedInstance{a}})
	require.NoError(k, err)
	return result
}

// giveBack abandons a claim with all its messages.
func (k *kit) giveBack(claim provider.InstanceClaim, delay time.Duration, ignore bool) {
	k.Helper()
	result := k.abandon(provider.AbandonedInstance{
		Token: claim.Token, Messages: turn(claim).Messages, Delay: delay, IgnoreAttempt: ignore,
	})
	require.Empty(k, result.Lost)
}

func (k *kit) history(instance string, execution uint64) []history.Event {
	k.Helper()
	found, err := k.Provider.History(k.ctx, instance, execution)
	require.NoError(k, err)
	return found
}

func (k *kit) info(instance string) provider.InstanceInfo {
	k.Helper()
	info, err := k.Provider.Instance(k.ctx, instance)
	require.NoError(k, err)
	return info
}

func (k *kit) list(q provider.ListQuery) []string {
	k.Helper()
	ids, err := k.Provider.List(k.ctx, q)
	require.NoError(k, err)
	return ids
}

// sorted gives a copy in order, for comparisons where order means nothing.
