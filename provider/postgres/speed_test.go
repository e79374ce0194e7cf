package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// chain is an instance that runs one activity after the other.
type chain struct {
	s     *postgres.Store
	turn  *provider.InstanceClaim
	task  *provider.TaskClaim
	turns *provider.Holder
	tasks *provider.Holder
	last  uint64
}

// newChain starts an instance and has its first turn schedule an activity.
func newChain(ctx context.Context, s *postgres.Store, instance string) (*chain, error) {
	c := &chain{s: s, turns: holder("n"), tasks: holder("n/tasks"), last: 1}
	results, err := s.Submit(ctx, provider.Submission{
		Messages: []provider.Message{start(instance)}, Claim: c.turns,
	})
	if err != nil {
		return nil, err
	}
	c.turn = results[0].Claim
	c.turns.Lease = c.turn.Token.Lease
	first := firstTurn(c.turn)
	first.NewTasks = []provider.NewTask{{Task: provider.Task{Event: 1, Name: "A"}, Claim: true}}
	first.TaskHolder = c.tasks
	err = c.commit(ctx, first)
	return c, err
}

func (c *chain) commit(ctx context.Context, turn provider.Commit) error {
	committed, err := c.s.Commit(ctx, turn)
	if err != nil {
		return err
	}
	c.task = nil
	if len(committed.Tasks) > 0 {
		c.task, c.tasks.Lease = committed.Tasks[0], committed.TaskLease
	}
	return nil
}

// step finishes the task and schedules the next one, in one commit.
func (c *chain) step(ctx context.Context) error {
	turn := provider.Commit{
		Token: c.turn.Token, Execution: 1, LastEvent: c.last,
		Tasks: []provider.Token{c.task.Token},
		Events: []history.Event{
			{ID: c.last + 1, Source: c.last, Data: history.ActivityCompleted{Result: "1"}},
			{ID: c.last + 2, Data: history.ActivityScheduled{Name: "A", Input: "{}"}},
		},
		NewTasks: []provider.NewTask{
			{Task: provider.Task{Event: c.last + 2, Name: "A", Input: "{}"}, Claim: true},
		},
		TaskHolder: c.tasks,
	}
	c.last += 2
	return c.commit(ctx, turn)
}

// end finishes the task and the instance.
func (c *chain) end(ctx context.Context) error {
	return c.commit(ctx, provider.Commit{
		Token: c.turn.Token, Execution: 1, LastEvent: c.last, Release: true,
		Tasks: []provider.Token{c.task.Token},
		Events: []history.Event{
			{ID: c.last + 1, Source: c.last, Data: history.ActivityCompleted{Result: "1"}},
			{ID: c.last + 2, Data: history.OrchestrationCompleted{Output: "1"}},
		},
		Outcome: &provider.Outcome{Status: provider.Completed, Output: "1"},
	})
}

func benchStore(b *testing.B) *postgres.Store {
	b.Helper()
	url := pgtest.URL(b)
	s, err := postgres.Open(b.Context(), postgres.Options{URL: url, Schema: pgtest.Schema(b, url)})
	require.NoError(b, err)
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func BenchmarkStep(b *testing.B) {
	s := benchStore(b)
	c, err := newChain(b.Context(), s, "chain")
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, c.step(b.Context()))
	}
}

// BenchmarkInstances runs instances of one activity each: three commits.
func BenchmarkInstances(b *testing.B) {
	for _, flight := range []int{1, 64} {
		b.Run(fmt.Sprint(flight, " in flight"), func(b *testing.B) {
			s := benchStore(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			for range flight {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						c, err := newChain(b.Context(), s, fmt.Sprint("i", n))
						if err == nil {
							err = c.end(b.Context())
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
