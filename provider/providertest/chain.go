package providertest

import (
	"context"

	"duroxide/history"
	"duroxide/provider"
)

// Chain is an instance that runs one activity after the other, for benchmarks of stores: each of its
// steps is one commit. It is not safe for concurrent use.
type Chain struct {
	store        provider.Provider
	turn         *provider.InstanceClaim
	task         *provider.TaskClaim
	turns, tasks *provider.Holder
	last         uint64
}

// NewChain starts an instance and has its first turn schedule an activity: two commits.
func NewChain(ctx context.Context, store provider.Provider, instance string) (*Chain, error) {
	c := &Chain{
		store: store, last: 1,
		turns: &provider.Holder{Node: "n", TTL: long}, tasks: &provider.Holder{Node: "n/tasks", TTL: long},
	}
	results, err := store.Submit(ctx, provider.Submission{
		Messages: []provider.Message{start(instance)}, Claim: c.turns,
	})
	if err != nil {
		return nil, err
	}
	c.turn = results[0].Claim
	first := firstTurn(*c.turn)
	first.Release = false
	first.NewTasks = []provider.NewTask{{Task: provider.Task{Event: 1, Name: "A"}, Claim: true}}
	first.TaskHolder = c.tasks
	err = c.commit(ctx, first)
	return c, err
}

func (c *Chain) commit(ctx context.Context, turn provider.Commit) error {
	committed, err := c.store.Commit(ctx, turn)
	if err != nil {
		return err
	}
	c.task = nil
	if len(committed.Tasks) > 0 {
		c.task, c.tasks.Lease = committed.Tasks[0], committed.TaskLease
	}
	return nil
}

// after gives a turn that finishes the task and adds what its result led to.
func (c *Chain) after(data history.Data) provider.Commit {
	turn := provider.Commit{
		Token: c.turn.Token, Execution: 1, LastEvent: c.last,
		Tasks: []provider.Token{c.task.Token},
		Events: []history.Event{
			{ID: c.last + 1, Source: c.last, Data: history.ActivityCompleted{Result: "1"}},
			{ID: c.last + 2, Data: data},
		},
	}
	c.last += 2
	return turn
}

// Step finishes the task and schedules the next one, in one commit.
func (c *Chain) Step(ctx context.Context) error {
	turn := c.after(history.ActivityScheduled{Name: "A", Input: "{}"})
	turn.NewTasks = []provider.NewTask{
		{Task: provider.Task{Event: c.last, Name: "A", Input: "{}"}, Claim: true},
	}
	turn.TaskHolder = c.tasks
	return c.commit(ctx, turn)
}

// End finishes the task and the instance, in one commit.
func (c *Chain) End(ctx context.Context) error {
	turn := c.after(history.OrchestrationCompleted{Output: "1"})
	turn.Release, turn.Outcome = true, outcome(provider.Completed, "1")
	return c.commit(ctx, turn)
}
