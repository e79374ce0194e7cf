package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// failing makes the first transactions fail that do something to a table, with a SQLSTATE: as a
// statement fails, or at the commit where deferred is set.
func failing(t *testing.T, s *postgres.Store, event, table, state string, times int, deferred bool) {
	t.Helper()
	trigger := fmt.Sprintf("CREATE TRIGGER fault AFTER %s ON S.%s FOR EACH STATEMENT", event, table)
	if deferred {
		trigger = fmt.Sprintf("CREATE CONSTRAINT TRIGGER fault AFTER %s ON S.%s "+
			"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", event, table)
	}
	require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
CREATE SEQUENCE S.faults;
CREATE FUNCTION S.fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('S.faults') <= %d THEN
    RAISE EXCEPTION 'not now' USING ERRCODE = '%s';
  END IF;
  RETURN NULL;
END $$;
%s EXECUTE FUNCTION S.fault()`, times, state, trigger)))
}

func TestOpeningMeetsAConflictAndGoesOn(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	failing(t, open(t, o), "DELETE", "writers", "40001", 2, false)
	open(t, o)
}

func TestADeletionThatIsRefusedAtItsCommitIsRunAgain(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	started(t, s, "a", "n")
	failing(t, s, "DELETE", "instances", "40001", 2, true)
	deleted, err := s.Delete(t.Context(), provider.Deletion{Instances: []string{"a"}, Force: true})
	require.NoError(t, err)
	require.Equal(t, 1, deleted.Instances)
}

func TestAMigrationThatDeadlocksTriesAgain(t *testing.T) {
	t.Parallel()
	url := database(t, "UTF8")
	pgtest.Script(t, url, "ALTER DATABASE "+databaseOf(url)+" SET deadlock_timeout = '50ms'")
	o := postgres.Options{URL: url, Schema: "s", MaxConns: 2}
	s := open(t, o)
	other := connect(t, url)
	_, err := other.Exec(t.Context(), `
SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE s.messages IN ACCESS SHARE MODE`)
	require.NoError(t, err)
	opened := make(chan error, 1)
	newer := later(t, o, "ALTER TABLE S.tasks ADD COLUMN note text; ALTER TABLE S.messages ADD COLUMN note text;")
	go func() {
		late, err := postgres.Open(context.Background(), newer)
		if err == nil {
			err = late.Close(context.Background())
		}
		opened <- err
	}()
	waiting(t, s, "messages")
	// It waits for a lock that the migration has, which waits for ours: the migration is the victim.
	_, err = other.Exec(t.Context(), `LOCK TABLE s.tasks IN ACCESS SHARE MODE; COMMIT`)
	require.NoError(t, err)
	require.NoError(t, <-opened)
}

// A role that may not connect for a while, or a database that is not there, is nobody's fault.
func TestNoInstanceFailsWhileNobodyMayConnect(t *testing.T) {
	t.Parallel()
	url := database(t, "UTF8")
	name := databaseOf(url)
	server, role := pgtest.URL(t), name+"_role"
	pgtest.Script(t, server, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		pgtest.Script(t, url, "DROP OWNED BY "+role+" CASCADE")
		pgtest.Script(t, server, "DROP ROLE "+role)
	})
	pgtest.Script(t, url, "CREATE SCHEMA s AUTHORIZATION "+role+"; REVOKE CONNECT ON DATABASE "+name+" FROM public; "+
		"GRANT CONNECT ON DATABASE "+name+" TO "+role)
	o := postgres.Options{
		URL: pgtest.With(t, url, role, "", ""), Schema: "s", MaxConns: 3, AcquireTimeout: time.Second,
	}
	n := startNodes(t, open(t, o), open(t, o))
	cut := "; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'"
	n.work(t, o, func(ended *atomic.Int64) {
		for _, fault := range []struct{ begin, end string }{
			{"ALTER ROLE " + role + " NOLOGIN", "ALTER ROLE " + role + " LOGIN"},
			{
				"REVOKE CONNECT ON DATABASE " + name + " FROM " + role,
				"GRANT CONNECT ON DATABASE " + name + " TO " + role,
			},
			{
				"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
				"ALTER DATABASE " + name + " ALLOW_CONNECTIONS true",
			},
			{"ALTER ROLE " + role + " CONNECTION LIMIT 0", "ALTER ROLE " + role + " CONNECTION LIMIT -1"},
		} {
			reached(t, ended, ended.Load()+callers)
			before := n.troubles()
			pgtest.Script(t, server, fault.begin+cut)
			require.Eventually(t, func() bool { return n.troubles() > before+8 }, hangs, time.Millisecond, fault.begin)
			pgtest.Script(t, server, fault.end)
		}
		reached(t, ended, ended.Load()+callers)
	})
}

// troubles counts what the engines have heard from their stores.
func (n *nodes) troubles() (sum uint64) {
	for _, rt := range n.runtimes {
		sum += rt.Metrics().ProviderErrors
	}
	return sum
}

// A connection that cannot be made says whether it is worth to try again: before there is a store, a
// wrong user or database is most likely a mistake.
func TestOpeningSaysWhetherItIsWorthTryingAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for what, c := range map[string]struct {
		url       string
		retryable bool
	}{
		"no such database": {pgtest.With(t, url, "", "", "nowhere"), false},
		"no such role":     {pgtest.With(t, url, "nobody_of_that_name", "", ""), false},
		"nobody listens":   {"postgres://u@127.0.0.1:1/d", true},
		"silent":           {"postgres://u@" + silence(t) + "/d?connect_timeout=1", true},
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: c.url, Schema: "s"})
		require.ErrorIs(t, err, provider.ErrCannotOpen, what)
		require.Equal(t, c.retryable, provider.IsRetryable(err), "%s: %v", what, err)
	}
}
