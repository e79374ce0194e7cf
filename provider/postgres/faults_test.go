package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// notes are what a store logs.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(line)
}

func (n *notes) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Count(n.text.String(), what)
}

func noting(o postgres.Options) (postgres.Options, *notes) {
	n := &notes{}
	o.Log = slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return o, n
}

// waiting waits until so many backends of a schema wait for a lock.
func waiting(t *testing.T, watcher *postgres.Store, relation string) {
	t.Helper()
	require.Eventually(t, func() bool {
		found, err := watcher.Number(t.Context(), `
SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
WHERE a.wait_event_type = 'Lock' AND a.application_name = 'duroxide' AND l.relation = 'S.`+relation+`'::regclass`)
		return err == nil && found > 0
	}, time.Minute, time.Millisecond, "nobody waits")
}

// committing has a held instance commit a turn, on a goroutine of its own.
func committing(t *testing.T, s *postgres.Store, claim *provider.InstanceClaim) <-chan error {
	t.Helper()
	c := nextTurn(&provider.InstanceClaim{Token: claim.Token, LastEvent: 1})
	done := make(chan error, 1)
	go func() {
		_, err := s.Commit(context.Background(), c)
		done <- err
	}()
	return done
}

// A transaction that the server gave up for another one is run again: nobody hears of it.
func TestASerializationFailureIsRunAgain(t *testing.T) {
	t.Parallel()
	url := database(t, "UTF8")
	name := databaseOf(url)
	pgtest.Script(t, url, "ALTER DATABASE "+name+" SET default_transaction_isolation = 'repeatable read'")
	// What comes through a pooler has the settings of the database.
	o, notes := noting(postgres.Options{URL: url, Schema: "s", MaxConns: 2, Pooler: true})
	s := open(t, o)
	claim := started(t, s, "a", "n")
	other := connect(t, url)
	_, err := other.Exec(t.Context(), `BEGIN; UPDATE s.instances SET updated = updated WHERE id = 'a'`)
	require.NoError(t, err)
	done := committing(t, s, claim)
	waiting(t, s, "instances")
	_, err = other.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Equal(t, 1, notes.count("SQLSTATE 40001"))
	events, err := s.History(t.Context(), "a", 1)
	require.NoError(t, err)
	require.Len(t, events, 2)

	// Otherwise decisions rest on what is there after the lock, whatever the database says.
	o, notes = noting(postgres.Options{URL: url, Schema: "s", MaxConns: 2})
	s = open(t, o)
	claim = started(t, s, "b", "n")
	_, err = other.Exec(t.Context(), `BEGIN; UPDATE s.instances SET updated = updated WHERE id = 'b'`)
	require.NoError(t, err)
	done = committing(t, s, claim)
	waiting(t, s, "instances")
	_, err = other.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Zero(t, notes.count("SQLSTATE 40001"))
}

func TestADeadlockIsRunAgain(t *testing.T) {
	t.Parallel()
	url := database(t, "UTF8")
	name := databaseOf(url)
	// The store looks for the deadlock, the other one does not: the store is its victim.
	pgtest.Script(t, url, "ALTER DATABASE "+name+" SET deadlock_timeout = '5s'")
	o, notes := noting(postgres.Options{URL: url, Schema: "s", MaxConns: 2})
	s := open(t, o)
	submit(t, s, start("a"), nil)
	submit(t, s, start("b"), nil)
	other := connect(t, url)
	_, err := other.Exec(t.Context(), `
SET deadlock_timeout = '1h'; BEGIN; SELECT 1 FROM s.instances WHERE id = 'b' FOR UPDATE`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := s.Submit(context.Background(), provider.Submission{
			Messages: []provider.Message{raise("a", "1"), raise("b", "1")},
		})
		done <- err
	}()
	waiting(t, s, "instances")
	_, err = other.Exec(t.Context(), `SELECT 1 FROM s.instances WHERE id = 'a' FOR UPDATE; COMMIT`)
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Equal(t, 1, notes.count("SQLSTATE 40P01"))
	stored, err := s.Number(t.Context(), `SELECT count(*) FROM S.messages`)
	require.NoError(t, err)
	require.EqualValues(t, 4, stored, "each once")
}

// A statement that takes too long fails its call, which may be repeated; nothing of it is stored.
func TestAStatementThatTakesTooLongMayBeRepeated(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	plain := open(t, o)
	hurried, notes := noting(postgres.HurryStatements(o, 300*time.Millisecond))
	s := open(t, hurried)
	lock := connect(t, o.URL)
	_, err := lock.Exec(t.Context(), "BEGIN; LOCK TABLE "+quoted(o.Schema)+".messages")
	require.NoError(t, err)
	for _, call := range []func() error{
		func() error {
			_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("a")}})
			return err
		},
		func() error {
			_, err := s.Stats(t.Context(), "a")
			return err
		},
		func() error {
			_, err := s.Claim(t.Context(), provider.ClaimRequest{Turns: holder("n"), MaxTurns: 1})
			return err
		},
	} {
		err := call()
		require.ErrorContains(t, err, "canceling statement due to statement timeout (SQLSTATE 57014)")
		require.True(t, provider.IsRetryable(err), "%v", err)
	}
	n := startNodes(t, s)
	ended := make(chan bool, 1)
	go func() { ended <- n.fan(context.Background(), t, "b", 0) }()
	require.Eventually(t, func() bool { return n.runtimes[0].Metrics().ProviderErrors > 3 },
		time.Minute, time.Millisecond, "the engine does not try")
	_, err = lock.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.True(t, <-ended)
	require.Zero(t, notes.count("run again"), "it would take as long again")
	status, err := plain.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, status, "what failed was not stored")
	for _, e := range n.engines {
		require.NoError(t, e.Close(context.Background()))
	}
}

// said are errors that have nothing to do with the call that meets them, from most classes that there
// are. A server, a proxy or an extension says them as ERROR, so that the connection stays.
var said = []string{
	"08000", "08006", "08P01", "25006", "25P02", "26000", "28000", "28P01", "3D000", "40000", "40001", "40003", "40P01",
	"42501", "53000", "53100", "53200", "53400", "55000", "55006", "55P03", "57000", "57014", "57P01", "57P02", "57P03",
	"57P05", "58000", "58030", "58P01", "72000", "F0001", "HV000", "XX000", "YX123", "23505",
}

func TestNoInstanceFailsWhateverTheServerSays(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	s := open(t, o)
	require.NoError(t, s.Script(t.Context(), `
CREATE TABLE S.said (state text NOT NULL, times bigint NOT NULL);
INSERT INTO S.said VALUES ('', 0);
CREATE SEQUENCE S.times;
CREATE FUNCTION S.fault() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE say text := (SELECT state FROM S.said);
BEGIN
  IF say <> '' AND random() < 0.25 THEN
    PERFORM nextval('S.times');
    RAISE EXCEPTION 'the server is not well' USING ERRCODE = say;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fault AFTER INSERT OR DELETE ON S.messages FOR EACH STATEMENT EXECUTE FUNCTION S.fault();
CREATE TRIGGER fault AFTER INSERT ON S.histories FOR EACH STATEMENT EXECUTE FUNCTION S.fault();
CREATE TRIGGER fault AFTER UPDATE OR DELETE ON S.tasks FOR EACH STATEMENT EXECUTE FUNCTION S.fault();
CREATE TRIGGER fault AFTER UPDATE ON S.instances FOR EACH STATEMENT EXECUTE FUNCTION S.fault()`))
	n := startNodes(t, open(t, o), open(t, o))
	n.work(t, o, func(ended *atomic.Int64) {
		for _, state := range said {
			before, err := s.Number(t.Context(), `SELECT last_value FROM S.times`)
			require.NoError(t, err)
			require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`UPDATE S.said SET state = '%s'`, state)))
			require.Eventually(t, func() bool {
				now, err := s.Number(t.Context(), `SELECT last_value FROM S.times`)
				return err == nil && now > before+4
			}, time.Minute, time.Millisecond, state)
		}
		require.NoError(t, s.Script(t.Context(), `UPDATE S.said SET state = ''`))
		reached(t, ended, ended.Load()+2*callers)
	})
}

// What the server will never take is refused at once, and nobody else suffers for it.
func TestWhatTheServerWillNeverTakeIsNoReasonToTryAgain(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	require.NoError(t, s.Script(t.Context(), `
CREATE TABLE S.said (state text NOT NULL);
INSERT INTO S.said VALUES ('P0001');
CREATE FUNCTION S.fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'never' USING ERRCODE = (SELECT state FROM S.said);
END $$;
CREATE TRIGGER fault AFTER INSERT ON S.messages FOR EACH STATEMENT EXECUTE FUNCTION S.fault()`))
	for state, want := range map[string]error{
		"P0001": nil, "0A000": nil, "21000": nil, "22003": nil, "22021": nil, "23502": nil, "23514": nil,
		"38000": nil, "42601": nil, "42846": nil, "44000": nil, "54000": nil, "54001": nil,
		"3F000": provider.ErrSchema, "42P01": provider.ErrSchema, "42703": provider.ErrSchema,
		"42883": provider.ErrSchema, "XX001": provider.ErrCorrupt, "XX002": provider.ErrCorrupt,
	} {
		require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`UPDATE S.said SET state = '%s'`, state)))
		_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("a")}})
		require.ErrorContains(t, err, "(SQLSTATE "+state+")")
		require.False(t, provider.IsRetryable(err), state)
		if want != nil {
			require.ErrorIs(t, err, want, state)
		}
	}
	stored, err := s.Number(t.Context(), `SELECT count(*) FROM S.instances`)
	require.NoError(t, err)
	require.Zero(t, stored)
}
