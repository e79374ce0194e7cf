package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/providertest"
	"duroxide/provider/sqlite"
)

func TestTheFileStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T) providertest.Harness {
		t.Helper()
		return harness(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db")})
	})
}

func TestTheMemoryStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T) providertest.Harness {
		t.Helper()
		return harness(t, sqlite.Options{Memory: true})
	})
}

func harness(t *testing.T, o sqlite.Options) providertest.Harness {
	t.Helper()
	clock := providertest.NewClock()
	o.Clock, o.Passed = clock.Now, clock.Passed
	s, err := sqlite.Open(t.Context(), o)
	require.NoError(t, err)
	damage := func(table string) func(string) error {
		return func(id string) error {
			return s.Script(context.Background(), fmt.Sprintf(
				"UPDATE %s SET body = x'ff' WHERE instance = (SELECT key FROM instances WHERE id = %s)",
				table, quote(id)))
		}
	}
	h := providertest.Harness{
		Provider:       s,
		Clock:          clock,
		CorruptHistory: damage("histories"),
		LoseHistory: func(id string, execution, first uint64) error {
			return s.Script(context.Background(), fmt.Sprintf(`
DELETE FROM histories WHERE instance = (SELECT key FROM instances WHERE id = %s)
  AND execution = %d AND first = %d`, quote(id), execution, first))
		},
		LoseRow: func(id string, row providertest.Row) error {
			return s.Script(context.Background(), fmt.Sprintf(
				"DELETE FROM %s WHERE instance = (SELECT key FROM instances WHERE id = %s)", row, quote(id)))
		},
		CorruptMessages: damage("messages"),
		CorruptTasks:    damage("tasks"),
		MaxAttempts: func(id string) (int, error) {
			most, err := s.Number(context.Background(), `
SELECT max(m.attempts + (i.lease <> 0 AND m.id <= i.batch AND m.due <= i.batch_due))
FROM messages m JOIN instances i ON i.key = m.instance WHERE i.id = `+quote(id))
			return int(most), err
		},
	}
	if !o.Memory {
		h.Reopen = func() (provider.Provider, error) {
			if err := s.Close(context.Background()); err != nil {
				return nil, err
			}
			again, err := sqlite.Open(context.Background(), o)
			s = again
			return again, err
		}
	}
	return h
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
