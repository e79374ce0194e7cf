package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// A row of an index holds at most 2,704 bytes: one name of 2,600, never two.
func TestNoIndexHoldsTwoNames(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	open(t, o)
	conn, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), `
SELECT i.indexrelid::regclass::text, count(*) FILTER (WHERE a.atttypid IN ('text'::regtype, 'bytea'::regtype))
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indexrelid
WHERE c.relnamespace = $1::regnamespace GROUP BY 1`, pgx.Identifier{o.Schema}.Sanitize())
	require.NoError(t, err)
	var index string
	var texts, indexes int
	_, err = pgx.ForEachRow(rows, []any{&index, &texts}, func() error {
		require.LessOrEqual(t, texts, 1, index)
		indexes++
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, indexes, 15)
}

func TestSchemasOfTheServerAreRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, name := range []string{"pg_foo", "pg_catalog", "pg_toast", "pg_", "information_schema"} {
		for _, verify := range []bool{false, true} {
			_, err := postgres.Open(t.Context(), postgres.Options{URL: url, Schema: name, VerifyOnly: verify})
			require.ErrorIs(t, err, provider.ErrBadInput, name)
			require.ErrorContains(t, err, "Invalid schema_name '"+name+"': ")
			require.ErrorContains(t, err, "belongs to the server")
		}
		_, err := postgres.MigrationSQL(name, 0)
		require.ErrorIs(t, err, provider.ErrBadInput, name)
	}
	// Names are kept as they are, so these are others.
	for _, name := range []string{"PG_foo", "Information_Schema", "pgfoo", "_pg_foo"} {
		pgtest.Drop(t, url, name)
		submit(t, open(t, postgres.Options{URL: url, Schema: name}), start("a"), nil)
	}
}

// The name of a channel has at most 63 bytes. Schemas whose names share a long beginning must neither
// hear each other nor nothing.
func TestNodesHearEachOtherWhateverTheirSchemaIsCalled(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	base := pgtest.Schema(t, url) + strings.Repeat("_", 62)
	for _, name := range []string{base[:63], base[:62] + "x", base[:54], base[:55]} {
		pgtest.Drop(t, url, name)
		o := postgres.Options{URL: url, Schema: name, MaxConns: 2}
		one, two := open(t, o), open(t, o)
		require.Eventually(t, two.IsListening, hangs, time.Millisecond)
		heard := ear(t, two)
		submit(t, one, start("a"), nil)
		await(t, heard, "work", func(c provider.Change) bool { return c.Work && !c.All })
	}
}
