package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
)

// changed gives a file with an instance in it, which somebody else has changed.
func changed(t *testing.T, script string) string {
	t.Helper()
	path := file(t)
	s := open(t, path)
	started(t, s, "a", "n")
	require.NoError(t, s.Close(t.Context()))
	execute(t, path, script)
	return path
}

func execute(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), script)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// opening opens a file and gives what was warned of.
func opening(t *testing.T, path string) (*sqlite.Store, string, error) {
	t.Helper()
	var log bytes.Buffer
	s, err := sqlite.Open(t.Context(), sqlite.Options{
		Path: path, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err == nil {
		t.Cleanup(func() { _ = s.Close(context.Background()) })
	}
	return s, log.String(), err
}

func TestWhatOthersMadeOfOurTablesIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script, says string
		want         error
	}{
		"a trigger": {
			"CREATE TRIGGER x AFTER INSERT ON messages BEGIN DELETE FROM messages; END",
			"trigger x on the table messages", provider.ErrSchema,
		},
		"a trigger under another spelling": {
			`CREATE TRIGGER x AFTER UPDATE ON "Tasks" BEGIN UPDATE tasks SET body = x'ff'; END`,
			"trigger x", provider.ErrSchema,
		},
		"a trigger on a table of a later release": {
			"CREATE TABLE duroxide_new (id INTEGER); CREATE TRIGGER x AFTER INSERT ON duroxide_new " +
				"BEGIN DELETE FROM messages; END",
			"trigger x on the table duroxide_new", provider.ErrSchema,
		},
		"a view in place of a table": {
			"ALTER TABLE sessions RENAME TO s2; CREATE VIEW sessions AS SELECT * FROM s2",
			"sessions is a view", provider.ErrSchema,
		},
		"a missing table": {"DROP TABLE tasks", "table tasks is missing", provider.ErrSchema},
		"another column": {
			"ALTER TABLE tasks ADD COLUMN mine TEXT CHECK (mine <> '')", "table tasks has another shape",
			provider.ErrSchema,
		},
		"a renamed column": {
			"ALTER TABLE sessions RENAME COLUMN owner TO owned_by", "table sessions has another shape",
			provider.ErrSchema,
		},
		"another table of the name": {
			"DROP TABLE leases; CREATE TABLE leases (id INTEGER)", "table leases has another shape",
			provider.ErrSchema,
		},
		"a unique index": {
			"CREATE UNIQUE INDEX q ON messages (instance)", "unique index q", provider.ErrSchema,
		},
		"a unique partial index": {
			"CREATE UNIQUE INDEX q ON tasks (tag) WHERE tag IS NOT NULL", "unique index q",
			provider.ErrSchema,
		},
		"no number":          {"PRAGMA user_version = 0", "number 0", provider.ErrSchema},
		"a negative number":  {"PRAGMA user_version = -5", "number -5", provider.ErrSchema},
		"another owner":      {"PRAGMA application_id = 1", "another application", provider.ErrSchema},
		"a newer number":     {"PRAGMA user_version = 99", "newer version", provider.ErrSchema},
		"ids from the start": {"UPDATE counters SET next = 1 WHERE name = 'id'", "next id", provider.ErrCorrupt},
		"ids at the end": {
			"UPDATE counters SET next = 9223372036854775807 WHERE name = 'id'", "next id", provider.ErrCorrupt,
		},
		"no ids": {"DELETE FROM counters", "next id", provider.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := changed(t, c.script)
			_, _, err := opening(t, path)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, c.says)
			requireLetGo(t, path)
		})
	}
}

// requireLetGo requires that nothing of a file that could not be opened is held.
func requireLetGo(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(0)")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT")
	require.NoError(t, err)
	require.NoFileExists(t, path+"-wal")
}

func TestAnOpenThatPanicsLetsGo(t *testing.T) {
	t.Parallel()
	path := changed(t, "SELECT 1")
	_, err := sqlite.Open(t.Context(), sqlite.Options{
		Path: path, Clock: func() time.Time { panic("no time") },
	})
	require.ErrorContains(t, err, "no time")
	requireLetGo(t, path)
	started(t, open(t, path), "b", "n")
}

func TestWhatHarmsNothingIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, says string }{
		"an index":                    {"CREATE INDEX mine ON instances (updated)", "index mine"},
		"an index with an expression": {"CREATE INDEX mine ON instances (lower(id))", "index mine"},
		"a view":                      {"CREATE VIEW mine AS SELECT count(*) FROM instances", "view mine"},
		"a view of a view": {
			"CREATE TABLE t (a); CREATE VIEW one AS SELECT a FROM t WHERE a IN (SELECT id FROM instances); " +
				`CREATE VIEW "my ""view" AS SELECT * FROM one`, `my \"view`,
		},
		"a missing index": {"DROP INDEX messages_timer", "index messages_timer is missing"},
		"another index": {
			"DROP INDEX messages_timer; CREATE INDEX messages_timer ON messages (source)",
			"index messages_timer is not",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log, err := opening(t, changed(t, c.script))
			require.NoError(t, err)
			require.Contains(t, log, c.says)
			require.NotZero(t, strings.Count(log, "level=WARN"))
			started(t, s, "b", "n")
		})
	}
}

func TestTablesOfOthersAreNoneOfOurBusiness(t *testing.T) {
	t.Parallel()
	s, log, err := opening(t, changed(t, `
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT UNIQUE, messages TEXT);
CREATE TABLE log (text TEXT);
CREATE TRIGGER customers_log AFTER INSERT ON customers BEGIN INSERT INTO log VALUES (new.name); END;
CREATE VIEW names AS SELECT name, messages FROM customers;
CREATE VIEW broken AS SELECT * FROM no_such_table;
CREATE UNIQUE INDEX customers_name ON customers (lower(name));
CREATE TABLE duroxide_later (id INTEGER PRIMARY KEY);
CREATE UNIQUE INDEX duroxide_later_tasks ON tasks (id, due);
ANALYZE`))
	require.NoError(t, err)
	require.Empty(t, log)
	started(t, s, "b", "n")
}

// A later release adds columns, tables and indexes, and says which release may still come.
func TestAnOlderReleaseOpensWhatANewerOneHasMigratedIfThatSaysSo(t *testing.T) {
	t.Parallel()
	path := file(t)
	opened := func(release string) (*sqlite.Store, error) {
		return sqlite.Open(t.Context(), sqlite.Options{Path: path, Release: release})
	}
	old, err := opened("0.3.0")
	require.NoError(t, err)
	started(t, old, "before", "n")
	execute(t, path, `
ALTER TABLE messages ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN rank INTEGER;
ALTER TABLE instances ADD COLUMN note TEXT;
CREATE TABLE duroxide_notes (id INTEGER PRIMARY KEY);
CREATE UNIQUE INDEX duroxide_messages_rank ON messages (rank, id);
UPDATE duroxide_release SET oldest = '0.3.0';
PRAGMA user_version = 99`)
	started(t, old, "meanwhile", "n")
	require.NoError(t, old.Close(t.Context()))

	old, err = opened("0.3.0")
	require.NoError(t, err)
	started(t, old, "after", "n")
	ids, err := old.List(t.Context(), provider.ListQuery{})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"before", "meanwhile", "after"}, ids)
	require.NoError(t, old.Close(t.Context()))

	_, err = opened("0.2.9")
	require.ErrorIs(t, err, provider.ErrSchema)
	require.ErrorContains(t, err, "the oldest release that may open it is 0.3.0, and this is 0.2.9")
	requireLetGo(t, path)

	execute(t, path, "ALTER TABLE tasks RENAME COLUMN tag TO other")
	_, err = opened("0.3.0")
	require.ErrorContains(t, err, "the table tasks has another shape")
}

func TestEveryMigrationNamesTheOldestReleaseThatMayStay(t *testing.T) {
	t.Parallel()
	const first = 6
	names, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	sort.Strings(names)
	for _, name := range names[first-1:] {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Regexp(t, `duroxide_release [^;]*'\d+\.\d+\.\d+'`, string(text), name)
		same, err := os.ReadFile(filepath.Join("..", "postgres", name))
		require.NoError(t, err, "both stores have the same migrations")
		require.Regexp(t, `duroxide_release [^;]*'\d+\.\d+\.\d+'`, string(same), name)
	}
}
