package postgres_test

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
	"duroxide/provider/providertest"
)

// sideBySide is how many tests run at the same time, unless the command line says so. Many wait for
// timeouts, or for a server of their own: together they wait once.
const sideBySide = "8"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", sideBySide)
	code := pgtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

func TestTheStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	providertest.Run(t, func(t *testing.T) providertest.Harness {
		t.Helper()
		return harness(t, postgres.Options{URL: url, Schema: pgtest.Schema(t, url)})
	})
}

func TestTheStoreKeepsTheContractBehindAPooler(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	providertest.Run(t, func(t *testing.T) providertest.Harness {
		t.Helper()
		return harness(t, postgres.Options{
			URL: url, Schema: pgtest.Schema(t, url), Pooler: true, NoListen: true,
		})
	})
}

func harness(t *testing.T, o postgres.Options) providertest.Harness {
	t.Helper()
	clock := providertest.NewClock()
	o.Clock, o.Passed = clock.Now, clock.Passed
	o.MaxConns = 4
	s, err := postgres.Open(t.Context(), o)
	require.NoError(t, err)
	damage := func(table string) func(string) error {
		return func(id string) error {
			_, err := s.Number(context.Background(), `
WITH damaged AS (UPDATE S.`+table+` SET body = '\xff'
  WHERE instance = (SELECT key FROM S.instances WHERE id = $1) RETURNING 1)
SELECT count(*) FROM damaged`, id)
			return err
		}
	}
	return providertest.Harness{
		Provider:       s,
		Clock:          clock,
		CorruptHistory: damage("histories"),
		LoseHistory: func(id string, execution, first uint64) error {
			_, err := s.Number(context.Background(), `
WITH lost AS (DELETE FROM S.histories
  WHERE instance = (SELECT key FROM S.instances WHERE id = $1) AND execution = $2 AND first = $3
  RETURNING 1)
SELECT count(*) FROM lost`, id, int64(execution), int64(first))
			return err
		},
		LoseRow: func(id string, row providertest.Row) error {
			_, err := s.Number(context.Background(), `
WITH lost AS (DELETE FROM S.`+string(row)+`
  WHERE instance = (SELECT key FROM S.instances WHERE id = $1) RETURNING 1)
SELECT count(*) FROM lost`, id)
			return err
		},
		CorruptMessages: damage("messages"),
		CorruptTasks:    damage("tasks"),
		MaxAttempts: func(id string) (int, error) {
			most, err := s.Number(context.Background(), `
SELECT max(m.attempts + (i.lease <> 0 AND m.id <= i.batch AND m.due <= i.batch_due)::int)
FROM S.messages m JOIN S.instances i ON i.key = m.instance WHERE i.id = $1`, id)
			return int(most), err
		},
		Reopen: func() (provider.Provider, error) {
			if err := s.Close(context.Background()); err != nil {
				return nil, err
			}
			again, err := postgres.Open(context.Background(), o)
			s = again
			return again, err
		},
	}
}

func quoted(schema string) string { return pgx.Identifier{schema}.Sanitize() }
