package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/sqlite"
)

// chain is an instance that runs one activity after the other.
type chain struct {
	s     *sqlite.Store
	turn  *provider.InstanceClaim
	task  *provider.TaskClaim
	lease provider.LeaseID
	last  uint64
}

func newChain(tb testing.TB, s *sqlite.Store) *chain {
	tb.Helper()
	results, err := s.Submit(tb.Context(), provider.Submission{
		Messages: []provider.Message{start("chain")}, Claim: holder("n"),
	})
	require.NoError(tb, err)
	c := &chain{s: s, turn: results[0].Claim, last: 1}
	first := firstTurn(c.turn)
	first.NewTasks = []provider.NewTask{{Task: provider.Task{Event: 1, Name: "A"}, Claim: true}}
	first.TaskHolder = holder("n")
	committed, err := s.Commit(tb.Context(), first)
	require.NoError(tb, err)
	c.task, c.lease = committed.Tasks[0], committed.TaskLease
	return c
}

// step finishes the task and schedules the next one, in one commit.
func (c *chain) step(tb testing.TB) {
	tb.Helper()
	h := holder("n")
	h.Lease = c.lease
	committed, err := c.s.Commit(context.Background(), provider.Commit{
		Token: c.turn.Token, Execution: 1, LastEvent: c.last,
		Tasks: []provider.Token{c.task.Token},
		Events: []history.Event{
			{ID: c.last + 1, Source: c.last, Data: history.ActivityCompleted{Result: "1"}},
			{ID: c.last + 2, Data: history.ActivityScheduled{Name: "A", Input: "{}"}},
		},
		NewTasks: []provider.NewTask{
			{Task: provider.Task{Event: c.last + 2, Name: "A", Input: "{}"}, Claim: true},
		},
		TaskHolder: h,
	})
	require.NoError(tb, err)
	c.task = committed.Tasks[0]
	c.last += 2
}

func TestAStepTakesFourStatementsInItsTransaction(t *testing.T) {
	t.Parallel()
	s := open(t, file(t))
	c := newChain(t, s)
	c.step(t)
	before, err := s.Statements(t.Context())
	require.NoError(t, err)
	c.step(t)
	after, err := s.Statements(t.Context())
	require.NoError(t, err)
	// Begin, data version and commit stand around each group, and asking is a group too.
	require.LessOrEqual(t, after-before, 4+2*3)
}

func TestFrequentStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	plans, err := open(t, file(t)).Plans(t.Context())
	require.NoError(t, err)
	// These stop early, so they must come in order; the others sort a few rows at most.
	ordered := []string{
		"ready instances", "next message", "beyond", "next task", "next due", "any task",
		"untagged tasks", "tagged tasks", "history",
	}
	for name, plan := range plans {
		for _, step := range plan {
			// m is a subquery with a limit of its own.
			require.False(t, strings.HasPrefix(step, "SCAN ") &&
				!strings.Contains(step, "INDEX") && step != "SCAN m", "%s: %v", name, plan)
			require.NotContains(t, step, "AUTOMATIC", "%s: %v", name, plan)
			if slices.Contains(ordered, name) {
				require.NotContains(t, step, "TEMP B-TREE", "%s: %v", name, plan)
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	for _, synchronous := range []sqlite.Synchronous{sqlite.Full, sqlite.Normal} {
		b.Run(fmt.Sprint("synchronous ", synchronous), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), sqlite.Options{
				Path: filepath.Join(b.TempDir(), "bench.db"), Synchronous: synchronous,
			})
			require.NoError(b, err)
			c := newChain(b, s)
			for b.Loop() {
				c.step(b)
			}
			require.NoError(b, s.Close(context.Background()))
		})
	}
}
