package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
)

// changedSchema gives a schema that somebody else has changed. S. stands for its name in the script.
func changedSchema(t *testing.T, script string) postgres.Options {
	t.Helper()
	o := fresh(t)
	o.NoListen = true
	s, err := postgres.Open(t.Context(), o)
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	conn, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), "SET search_path TO "+quoted(o.Schema)+"; "+script,
		pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	return o
}

func TestWhatOthersMadeOfOurTablesIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, says string }{
		"a rule": {
			"CREATE RULE r AS ON INSERT TO messages DO INSTEAD NOTHING", "the rule r on the table messages",
		},
		"a unique index": {"CREATE UNIQUE INDEX q ON tasks (instance)", "unique index q"},
		"a check":        {"ALTER TABLE tasks ADD CONSTRAINT k CHECK (attempts < 2)", "constraint k"},
		"another type":   {"ALTER TABLE tasks ALTER COLUMN attempts TYPE bigint", "column attempts of the table tasks is bigint"},
		"another collation": {
			`ALTER TABLE instances ALTER COLUMN id TYPE text COLLATE "POSIX"`, "column id of the table instances is text COLLATE",
		},
		"a column that may be null": {
			"ALTER TABLE histories ALTER COLUMN body DROP NOT NULL", "is bytea, and not bytea NOT NULL",
		},
		"a missing column":            {"ALTER TABLE details DROP COLUMN life", "table details has no column life"},
		"a renamed column":            {"ALTER TABLE rounds RENAME COLUMN round TO r", "column r of somebody else in the table rounds"},
		"a column that wants a value": {"ALTER TABLE writers ADD COLUMN mine text NOT NULL", "column mine of somebody else"},
		"an unlogged table":           {"ALTER TABLE histories SET UNLOGGED", "histories is UNLOGGED"},
		"a view in a place":           {"ALTER TABLE sessions RENAME TO s2; CREATE VIEW sessions AS SELECT * FROM s2", "sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), changedSchema(t, c.script))
			require.ErrorIs(t, err, provider.ErrSchema)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestWhatHarmsNothingIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, says string }{
		"a trigger": {
			"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$; " +
				"CREATE TRIGGER x BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION f()",
			"trigger x",
		},
		"an index":                  {"CREATE INDEX mine ON tasks (attempts)", "additional index mine"},
		"a view":                    {"CREATE VIEW mine AS SELECT count(*) FROM instances", "view mine"},
		"a column of somebody else": {"ALTER TABLE messages ADD COLUMN note text, ADD COLUMN n int NOT NULL DEFAULT 1", ""},
		"tables of others": {
			"CREATE TABLE customers (id int PRIMARY KEY, name text UNIQUE CHECK (name <> '')); " +
				"CREATE UNIQUE INDEX duroxide_later ON tasks (id, due)", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := changedSchema(t, c.script)
			var log bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err := postgres.Open(t.Context(), o)
			require.NoError(t, err)
			require.NoError(t, s.Close(t.Context()))
			if c.says == "" {
				require.NotContains(t, log.String(), "somebody else")
			} else {
				require.Contains(t, log.String(), c.says)
			}
		})
	}
}
