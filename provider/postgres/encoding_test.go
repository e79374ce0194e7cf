package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

const manyScripts = "ü ﷽ 日本 😀"

// database makes one for the test and gives its URL.
func database(t *testing.T, encoding string) string {
	t.Helper()
	server := pgtest.URL(t)
	name := pgtest.Schema(t, server) + "_" + strings.ToLower(encoding)
	pgtest.Script(t, server, "CREATE DATABASE "+name+" ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { pgtest.Script(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return pgtest.With(t, server, "", "", name)
}

// databaseOf gives the name of the database of a URL.
func databaseOf(databaseURL string) string {
	return databaseURL[strings.LastIndex(databaseURL, "/")+1 : strings.Index(databaseURL, "?")]
}

func TestADatabaseThatCannotHoldEveryTextIsRefused(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "EUC_JP", "WIN1252", "MULE_INTERNAL"} {
		url := database(t, encoding)
		for _, verify := range []bool{false, true} {
			_, err := postgres.Open(t.Context(), postgres.Options{URL: url, Schema: "s", VerifyOnly: verify})
			require.ErrorIs(t, err, provider.ErrCannotOpen, encoding)
			require.False(t, provider.IsRetryable(err), "it stays as it is")
			require.ErrorContains(t, err, "cannot hold every text")
			require.ErrorContains(t, err, encoding)
			require.ErrorContains(t, err, "_"+strings.ToLower(encoding)+`"`, "the database is named")
		}
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		var exists bool
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT to_regnamespace('s') IS NOT NULL`).Scan(&exists))
		require.False(t, exists, "nothing was made")
		require.NoError(t, conn.Close(t.Context()))
	}
}

func TestEveryTextComesBackWhereItCanBeHeld(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"UTF8", "SQL_ASCII"} {
		o := postgres.Options{URL: database(t, encoding), Schema: "s", MaxConns: 2, NoListen: true}
		s := open(t, o)
		started(t, s, manyScripts, "n")
		ids, err := open(t, o).List(t.Context(), provider.ListQuery{IDPrefix: "ü ﷽"})
		require.NoError(t, err)
		require.Equal(t, []string{manyScripts}, ids)
		require.NoError(t, s.Close(t.Context()))
	}
}

// What is stored is text, so that other programs read it too.
func TestTextsAreUTF8WhateverSettingsSay(t *testing.T) {
	plain := database(t, "UTF8")
	t.Setenv("PGCLIENTENCODING", "LATIN1")
	t.Setenv("PGOPTIONS", "-c client_encoding=LATIN1")
	pgtest.Script(t, plain, `
ALTER DATABASE `+databaseOf(plain)+` SET client_encoding = 'LATIN1'`)
	for name, through := range map[string]string{
		"plain": plain, "options": plain + "&options=-c%20client_encoding%3DSJIS", "pooler": plain + "&pooler=transaction",
	} {
		o := postgres.Options{URL: through, Schema: "s_" + name, MaxConns: 2, NoListen: true}
		s := open(t, o)
		started(t, s, manyScripts, "n")
		found, err := s.Number(t.Context(), `SELECT char_length(id) FROM S.instances WHERE id = $1`, manyScripts)
		require.NoError(t, err, name)
		require.EqualValues(t, len([]rune(manyScripts)), found, name)
		require.NoError(t, s.Close(t.Context()))
	}
}
