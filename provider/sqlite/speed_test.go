package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/providertest"
	"duroxide/provider/sqlite"
)

func TestAStepTakesFourStatementsInItsTransaction(t *testing.T) {
	t.Parallel()
	s := open(t, file(t))
	c, err := providertest.NewChain(t.Context(), s, "chain")
	require.NoError(t, err)
	require.NoError(t, c.Step(t.Context()))
	before, err := s.Statements(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Step(t.Context()))
	after, err := s.Statements(t.Context())
	require.NoError(t, err)
	// Begin, data version and commit stand around each group, and asking is a group too.
	require.LessOrEqual(t, after-before, 4+2*3)
}

func TestFrequentStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	requirePlans(t, open(t, file(t)))
}

// requirePlans demands that no frequent statement looks at more than it gives.
func requirePlans(t *testing.T, s *sqlite.Store) {
	t.Helper()
	plans, err := s.Plans(t.Context())
	require.NoError(t, err)
	// These stop early, so they must come in order; the others sort a few rows at most.
	ordered := []string{
		"ready instances", "next message", "beyond", "next task", "next due", "any task",
		"tasks", "session tasks", "history", "next turn lane", "next task lane", "next session lane",
		"pending", "goes first", "was hidden",
	}
	// However many messages wait for an instance, these look at what begins or ends it only.
	for _, name := range []string{
		"any start", "next start", "waiting start", "free ends", "stopping", "goes first", "status", "next message",
	} {
		require.Contains(t, strings.Join(plans[name], "; "), "USING INDEX duroxide_messages_first", name)
	}
	for name, plan := range plans {
		for _, step := range plan {
			// m and t are subqueries with limits of their own.
			require.False(t, strings.HasPrefix(step, "SCAN ") &&
				!strings.Contains(step, "INDEX") && step != "SCAN m" && step != "SCAN t", "%s: %v", name, plan)
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
			c, err := providertest.NewChain(b.Context(), s, "chain")
			require.NoError(b, err)
			for b.Loop() {
				require.NoError(b, c.Step(b.Context()))
			}
			require.NoError(b, s.Close(context.Background()))
		})
	}
}
