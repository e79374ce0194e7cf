package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// later gives the options of a version with more migrations.
func later(t *testing.T, o postgres.Options, more ...string) postgres.Options {
	t.Helper()
	o, err := postgres.WithMigrations(o, more...)
	require.NoError(t, err)
	return o
}

// A default of the database must not give the processes old snapshots.
const serializable = "&options=-c%20default_transaction_isolation%3Dserializable"

func TestManyProcessesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	o.NoListen = true
	o.URL += serializable
	for _, version := range []postgres.Options{
		o, later(t, o, "CREATE TABLE S.a (n int);", "CREATE TABLE S.b (n int);"),
	} {
		var group sync.WaitGroup
		errs := make(chan error, 12)
		for range cap(errs) {
			group.Go(func() {
				s, err := postgres.Open(context.Background(), version)
				if err == nil {
					err = s.Close(context.Background())
				}
				errs <- err
			})
		}
		group.Wait()
		for range cap(errs) {
			require.NoError(t, <-errs)
		}
	}
}

func TestOlderNodesWorkWhileALaterVersionMigrates(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	stores := []*postgres.Store{open(t, o), open(t, o)}
	newer := later(t, o,
		"ALTER TABLE S.messages ADD COLUMN note text; ALTER TABLE S.instances ADD COLUMN note text;",
		"ALTER TABLE S.histories ALTER COLUMN body SET STORAGE EXTERNAL;",
		"CREATE TABLE S.notes (n int); CREATE INDEX executions_started ON S.executions (started);")
	traffic(t, stores, func(steps *atomic.Int64) {
		reached(t, steps, 50)
		s := open(t, newer)
		applied, err := s.Number(t.Context(), "SELECT count(*) FROM S.duroxide_migrations")
		require.NoError(t, err)
		require.EqualValues(t, postgres.MigrationCount()+3, applied)
	})
	open(t, newer)
	refused, err := postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrSchema, "this version does not say its release")
	require.Nil(t, refused)
}

// A later release says which release may still come.
func TestAnOlderReleaseUsesWhatANewerOneHasMigratedIfThatSaysSo(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	open(t, o)
	newer := later(t, o,
		"ALTER TABLE S.messages ADD COLUMN note text NOT NULL DEFAULT '';",
		"CREATE TABLE S.duroxide_notes (n int); CREATE UNIQUE INDEX duroxide_n ON S.messages (note, id);",
		"UPDATE S.duroxide_release SET oldest = '0.3.0';")
	open(t, newer)
	o.Release = "0.3.0"
	old := open(t, o)
	o.VerifyOnly = true
	traffic(t, []*postgres.Store{old, open(t, o)}, func(*atomic.Int64) {})
	o.Release = "0.2.9"
	_, err := postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrSchema)
	require.ErrorContains(t, err, "the oldest release that may open it is 0.3.0, and this is 0.2.9")
}

// laterName is that of the n-th migration of a later version.
func laterName(n int) string { return fmt.Sprintf("%04d_later.sql", postgres.MigrationCount()+n) }

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	s := open(t, o)
	_, err := postgres.Open(t.Context(), later(t, o, "CREATE TABLE S.a (n int);",
		"CREATE TABLE S.b (n int); INSERT INTO S.b VALUES (1 / 0);"))
	require.ErrorContains(t, err, "apply migration "+laterName(2))
	require.ErrorContains(t, err, "division by zero")
	made, err := s.Number(t.Context(), `SELECT count(*) FROM pg_tables
WHERE schemaname = $1 AND tablename IN ('a', 'b')`, o.Schema)
	require.NoError(t, err)
	require.EqualValues(t, 1, made)
	open(t, later(t, o, "CREATE TABLE S.a (n int);", "CREATE TABLE S.b (n int);"))
}

// A transaction that has read a table, and goes on, keeps a migration of the table waiting. Those
// who want to write wait behind the migration.
func TestAMigrationGivesWayToThoseWhoWaitBehindIt(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	s := open(t, o)
	reader, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	defer func() { _ = reader.Close(context.Background()) }()
	_, err = reader.Exec(t.Context(), "BEGIN; LOCK TABLE "+quoted(o.Schema)+".messages IN ACCESS SHARE MODE")
	require.NoError(t, err)
	newer := later(t, o, "ALTER TABLE S.messages ADD COLUMN note text;")
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()

	_, err = postgres.Open(ctx, postgres.HurryMigrations(newer, time.Millisecond))
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.ErrorContains(t, err, "others hold the locks: apply migration "+laterName(1))
	require.True(t, provider.IsRetryable(err))

	var migrated sync.WaitGroup
	var failed error
	migrated.Go(func() {
		var opened *postgres.Store
		if opened, failed = postgres.Open(ctx, newer); failed == nil {
			failed = opened.Close(ctx)
		}
	})
	for n := range 3 {
		require.Eventually(t, func() bool {
			waiting, err := s.Number(t.Context(), `SELECT count(*) FROM pg_locks
WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'S.messages'::regclass`)
			return err == nil && waiting == 1
		}, hangs, time.Millisecond)
		submit(t, s, start(fmt.Sprint("i", n)), nil)
	}
	_, err = reader.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	migrated.Wait()
	require.NoError(t, failed)
}

func TestSchemasThatAreNotAsExpectedAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ damage, says string }{
		"newer":          {"INSERT INTO S.duroxide_migrations VALUES (99, '0099_later.sql')", "newer version"},
		"another ledger": {"UPDATE S.duroxide_migrations SET name = 'x'", "unknown migration"},
		"missing table":  {"DROP TABLE S.sessions", "no table sessions"},
		"a view":         {"ALTER TABLE S.sessions RENAME TO s2; CREATE VIEW S.sessions AS SELECT * FROM S.s2", "no table"},
		"no ledger":      {"DROP TABLE S.duroxide_migrations", "something else"},
		"empty ledger":   {"DELETE FROM S.duroxide_migrations", "not ours"},
	} {
		o := fresh(t)
		s := open(t, o)
		require.NoError(t, s.Script(t.Context(), c.damage), name)
		require.NoError(t, s.Close(t.Context()))
		_, err := postgres.Open(t.Context(), o)
		require.ErrorIs(t, err, provider.ErrSchema, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestVerifyingChangesNothing(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	o.VerifyOnly = true
	_, err := postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrSchema)
	require.ErrorContains(t, err, "lacks the migration 0001_tables.sql")
	script, err := postgres.MigrationSQL(o.Schema, 0)
	require.NoError(t, err)
	pgtest.Script(t, o.URL, script)
	s := open(t, o)
	submit(t, s, start("a"), nil)
	_, err = postgres.Open(t.Context(), later(t, o, "CREATE TABLE S.a (n int);"))
	require.ErrorContains(t, err, "lacks the migration "+laterName(1))
	made, err := s.Number(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1 "+
		"AND tablename = 'a'", o.Schema)
	require.NoError(t, err)
	require.Zero(t, made)
}

func TestTheScriptHasWhatFollowsTheMigrationsThatAreThere(t *testing.T) {
	t.Parallel()
	for schema, n := range map[string]int{"a b": 0, "a": 99, "b": -1} {
		_, err := postgres.MigrationSQL(schema, n)
		require.ErrorIs(t, err, provider.ErrBadInput)
	}
	script, err := postgres.MigrationSQL("", 1)
	require.NoError(t, err)
	require.NotContains(t, script, "CREATE SCHEMA")
	require.NotContains(t, script, "0001_")
	script, err = postgres.MigrationSQL("", 0)
	require.NoError(t, err)
	require.Contains(t, script, `CREATE SCHEMA IF NOT EXISTS "public"`)
}

func TestAUserWithoutRightsMayUseATableThatIsThere(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	role := "user_" + o.Schema
	script, err := postgres.MigrationSQL(o.Schema, 0)
	require.NoError(t, err)
	pgtest.Script(t, o.URL, script+fmt.Sprintf(`
CREATE ROLE %[1]s LOGIN;
GRANT USAGE ON SCHEMA %[2]s TO %[1]s;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[2]s TO %[1]s;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA %[2]s TO %[1]s`, quoted(role), quoted(o.Schema)))
	t.Cleanup(func() {
		pgtest.Script(t, o.URL, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", quoted(role)))
	})
	limited := o
	limited.URL = pgtest.With(t, o.URL, role, "", "")
	s := open(t, limited)
	submit(t, s, start("a"), nil)
	require.Len(t, claimTurns(t, s, holder("n")), 1)
	require.NoError(t, s.Close(t.Context()))
	_, err = postgres.Open(t.Context(), later(t, limited, "CREATE TABLE S.a (n int);"))
	require.ErrorContains(t, err, "apply migration "+laterName(1))
	require.ErrorContains(t, err, "permission denied")
}
