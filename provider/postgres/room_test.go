package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// limitedRole makes a role that may have so many connections, and gives options for it and for the
// administrator. Superusers have no limit.
func limitedRole(t *testing.T, connections int) (limited, direct postgres.Options, limit func(int)) {
	t.Helper()
	server := pgtest.URL(t)
	schema := pgtest.Schema(t, server)
	pgtest.Script(t, server, fmt.Sprintf("CREATE ROLE %[1]s LOGIN CONNECTION LIMIT %[2]d; "+
		"CREATE SCHEMA %[1]s AUTHORIZATION %[1]s", schema, connections))
	t.Cleanup(func() { pgtest.Script(t, server, "DROP OWNED BY "+schema+" CASCADE; DROP ROLE "+schema) })
	direct = postgres.Options{URL: server, Schema: schema, MaxConns: 4}
	limited = direct
	limited.URL = pgtest.With(t, server, schema, "", "") + "&application_name=" + schema
	limited.MaxConns = 10
	return limited, direct, func(n int) {
		pgtest.Script(t, server, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", schema, n))
	}
}

// complete has instances started and waited for, all at the same time.
func (n *nodes) complete(t *testing.T, prefix string, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() { n.fan(ctx, t, fmt.Sprint(prefix, i), i) })
	}
	group.Wait()
	require.False(t, t.Failed())
}

func TestWorkGoesOnWithOneConnectionAndListeningComesLater(t *testing.T) {
	t.Parallel()
	o, direct, limit := limitedRole(t, 1)
	s := open(t, o)
	n := startNodes(t, s)
	n.complete(t, "one", 30)
	require.False(t, s.IsListening())

	limit(2)
	require.Eventually(t, s.IsListening, 2*time.Minute, time.Millisecond, "nothing listens though it could")
	n.complete(t, "two", 30)
	require.True(t, s.IsListening(), "work has a connection")

	// The listening connection is the only one that there may be.
	limit(1)
	pgtest.Script(t, direct.URL, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = '`+o.Schema+`' AND query NOT LIKE 'LISTEN%'`)
	n.complete(t, "three", 30)
	require.False(t, s.IsListening())
	for _, e := range n.engines {
		require.NoError(t, e.Close(context.Background()))
	}
}

// The pool asks for no more than there is, and for more when there is more.
func TestThePoolIsAsLargeAsTheServerLetsItBe(t *testing.T) {
	t.Parallel()
	o, direct, limit := limitedRole(t, 2)
	o.NoListen = true
	s := open(t, o)
	busy := func() {
		var group sync.WaitGroup
		errs := make(chan error, 100)
		for n := range cap(errs) {
			group.Go(func() {
				_, err := s.Submit(t.Context(), provider.Submission{
					Messages: []provider.Message{start(fmt.Sprint("i", n))},
				})
				_, statsErr := s.Stats(t.Context(), fmt.Sprint("i", n))
				errs <- errors.Join(err, statsErr)
			})
		}
		group.Wait()
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
	}
	connections := func() int64 {
		return number(t, direct.URL, "SELECT count(*) FROM pg_stat_activity WHERE usename = '"+o.Schema+"'")
	}
	busy()
	require.EqualValues(t, 2, connections())
	limit(20)
	require.Eventually(t, func() bool {
		busy()
		return connections() > 2
	}, time.Minute, time.Millisecond, "it stays as small as it was")
	require.LessOrEqual(t, connections(), int64(o.MaxConns))
}

// What waits for a connection in vain says why there is none.
func TestACallThatFindsTheServerFullSaysSo(t *testing.T) {
	t.Parallel()
	o, _, limit := limitedRole(t, 1)
	o.NoListen, o.AcquireTimeout = true, 500*time.Millisecond
	s := open(t, o)
	limit(0)
	pgtest.Script(t, pgtest.URL(t), `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '`+o.Schema+`'`)
	_, err := s.Stats(t.Context(), "a")
	require.ErrorContains(t, err, "pool timed out while waiting for an open connection: ")
	require.ErrorContains(t, err, "too many connections for role")
	require.True(t, provider.IsRetryable(err))
	limit(1)
	_, err = s.Stats(t.Context(), "a")
	require.NoError(t, err)
}

// A call that holds the only connection never waits for another one.
func TestAMessageThatCannotBeReadNeedsNoSecondConnection(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	o.MaxConns, o.NoListen = 1, true
	s := open(t, o)
	submit(t, s, start("a"), nil)
	require.NoError(t, s.Script(t.Context(), `UPDATE S.messages SET body = '\x00'`))
	began := time.Now()
	claimed, err := s.Claim(t.Context(), provider.ClaimRequest{Turns: holder("n"), MaxTurns: 1})
	require.NoError(t, err)
	require.Len(t, claimed.Instances[0].Undecodable, 1)
	hidden, err := s.Number(t.Context(), `SELECT count(*) FROM S.messages WHERE due > effective`)
	require.NoError(t, err)
	require.EqualValues(t, 1, hidden, "after %v", time.Since(began))
}

func connect(t *testing.T, databaseURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
