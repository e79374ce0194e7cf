package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

func TestWrongConnectionsAreRefusedWithTheirCauseAndNoSecret(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	silent := silence(t)
	for name, c := range map[string]struct {
		url  string
		want error
		says string
	}{
		"wrong scheme": {"mysql://u:secret@h/d", provider.ErrBadInput, "postgres://"},
		"a path":       {"/tmp/x.db", provider.ErrBadInput, "postgres://"},
		"empty":        {"", provider.ErrBadInput, "postgres://"},
		"bad port":     {"postgres://u:secret@h:port/d", provider.ErrBadInput, "malformed"},
		"mislaid password": {
			"postgres://u:se:cret@secret@h:1/d", provider.ErrCannotOpen, "",
		},
		"bad parameter": {url + "&sslmod=secret", provider.ErrBadInput, `"sslmod"`},
		"bad sslmode":   {"postgres://u:secret@h/d?sslmode=never", provider.ErrBadInput, "sslmode"},
		"bad pooler":    {url + "&pooler=transactions", provider.ErrBadInput, "must be transaction"},
		"no slashes":    {"postgres:secret", provider.ErrBadInput, "postgres://"},
		"slash":         {"postgres://u:12/secret@h/d", provider.ErrBadInput, "%2F"},
		"question mark": {"postgres://u:12?secret=1@h/d", provider.ErrBadInput, "%3F"},
		"number sign":   {"postgres://u:12#secret@h/d", provider.ErrBadInput, "%23"},
		"per cent sign": {"postgres://u:%zzsecret@h/d", provider.ErrBadInput, "%25"},
		"no host": {
			"postgres://u:secret@no-such-host.invalid/d", provider.ErrCannotOpen,
			"no-such-host.invalid",
		},
		"nobody listens": {
			"postgres://u:secret@127.0.0.1:1/d", provider.ErrCannotOpen, "connection refused",
		},
		"silent":      {"postgres://u:secret@" + silent + "/d", provider.ErrCannotOpen, "timeout"},
		"no database": {pgtest.With(t, url, "", "", "nowhere"), provider.ErrCannotOpen, `database "nowhere" does not exist`},
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{
			URL: c.url, ConnectTimeout: 500 * time.Millisecond,
		})
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "secret", name)
		for ; err != nil; err = errors.Unwrap(err) {
			require.NotContains(t, fmt.Sprintf("%+v", err), "u:secret", name)
		}
	}
}

// silence gives the address of a server that accepts connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var taken sync.WaitGroup
	done := make(chan struct{})
	taken.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken.Go(func() {
				<-done
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(done)
		taken.Wait()
	})
	return l.Addr().String()
}

func TestAPoolerThatRefusesSettingsIsPointedOut(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	refused := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			refused <- err
			return
		}
		defer func() { _ = c.Close() }()
		server := pgproto3.NewBackend(c, c)
		_, err = server.ReceiveStartupMessage()
		server.Send(&pgproto3.ErrorResponse{
			Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: jit",
		})
		refused <- errors.Join(err, server.Flush())
	}()
	_, err = postgres.Open(t.Context(), postgres.Options{
		URL: "postgres://u@" + l.Addr().String() + "/d?sslmode=disable",
	})
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.ErrorContains(t, err, "parameter: jit; behind a pooler, the URL needs the parameter pooler")
	require.NoError(t, <-refused)
}

func TestTheTimeToConnectIsThatOfTheURL(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	_, err := postgres.Open(ctx, postgres.Options{
		URL: "postgres://u@" + silence(t) + "/d?connect_timeout=1",
	})
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.NoError(t, ctx.Err())
}

func TestConnectionsAreNamedAndNoMoreThanAllowed(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	other := "name of " + o.Schema
	named := o
	named.URL += "&application_name=" + url.QueryEscape(other)
	named.MaxConns = 3
	s := open(t, named)
	var group sync.WaitGroup
	errs := make(chan error, 200)
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
	const connections = `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`
	require.Eventually(t, s.IsListening, hangs, time.Millisecond)
	found, err := s.Number(t.Context(), connections, other)
	require.NoError(t, err)
	require.EqualValues(t, 4, found, "the pool, and the listening one")
	found, err = open(t, o).Number(t.Context(), connections, "duroxide")
	require.NoError(t, err)
	require.Positive(t, found)
}

func TestACallWaitsForAConnectionSoLongAndNoLonger(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	watcher := open(t, o)
	o.MaxConns, o.AcquireTimeout = 1, 2*time.Second
	s := open(t, o)
	lock, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	defer func() { _ = lock.Close(context.Background()) }()
	_, err = lock.Exec(t.Context(), "BEGIN; LOCK TABLE "+quoted(o.Schema)+".instances")
	require.NoError(t, err)
	held := make(chan error, 1)
	go func() {
		_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("a")}})
		held <- err
	}()
	require.Eventually(t, func() bool {
		waiting, err := watcher.Number(t.Context(), `SELECT count(*) FROM pg_locks
WHERE NOT granted AND relation = 'S.instances'::regclass`)
		return err == nil && waiting == 1
	}, hangs, time.Millisecond)
	_, err = s.Stats(t.Context(), "a")
	require.ErrorContains(t, err, "pool timed out while waiting for an open connection")
	require.True(t, provider.IsRetryable(err))
	_, err = lock.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-held)
}

func TestTheNextServerOfAListIsUsed(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	u, err := url.Parse(o.URL)
	require.NoError(t, err)
	u.Host = "127.0.0.1:1," + u.Host
	o.URL = u.String() + "&target_session_attrs=read-write"
	open(t, o)
}

func TestTheEnvironmentOfTheDriverIsNotRead(t *testing.T) { //nolint:paralleltest // it is changed
	url := pgtest.URL(t)
	schema := pgtest.Schema(t, url) // dropped when the environment is as it was
	for name, value := range map[string]string{
		"PGHOST": "no-such-host.invalid", "PGPORT": "1", "PGDATABASE": "nowhere", "PGUSER": "nobody",
		"PGPASSWORD": "x", "PGPASSFILE": "/nowhere", "PGAPPNAME": "other", "PGCONNECT_TIMEOUT": "x",
		"PGSSLMODE": "verify-full", "PGSSLKEY": "/nowhere", "PGSSLCERT": "/nowhere",
		"PGSSLCERTMODE": "require", "PGSSLSNI": "x", "PGSSLROOTCERT": "/nowhere",
		"PGSSLPASSWORD": "x", "PGSSLNEGOTIATION": "direct", "PGTARGETSESSIONATTRS": "standby",
		"PGSERVICE": "no-such-service", "PGSERVICEFILE": "/nowhere", "PGTZ": "Mars/Olympus",
		"PGOPTIONS": "-c nonsense=1", "PGMINPROTOCOLVERSION": "x", "PGMAXPROTOCOLVERSION": "x",
		"PGCHANNELBINDING": "require", "PGREQUIREAUTH": "x",
	} {
		t.Setenv(name, value)
	}
	open(t, postgres.Options{URL: url, Schema: schema})
}

func TestSchemaNamesAreCheckedAndKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, name := range []string{
		`a"; DROP SCHEMA public; --`, "a b", "1a", "ü", "a.b", "a-b", strings.Repeat("a", 64), " ",
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: url, Schema: name})
		require.ErrorIs(t, err, provider.ErrBadInput, name)
		require.ErrorContains(t, err, "Invalid schema_name '"+name+"': must ")
	}
	mixed := "Mixed_" + pgtest.Schema(t, url)
	pgtest.Drop(t, url, mixed)
	pgtest.Drop(t, url, strings.ToLower(mixed))
	o := postgres.Options{URL: url, Schema: mixed}
	submit(t, open(t, o), start("a"), nil)
	require.Len(t, claimTurns(t, open(t, o), holder("n")), 1, "the second open finds the first's")
	o.Schema = strings.ToLower(mixed)
	require.Empty(t, claimTurns(t, open(t, o), holder("n")), "another case is another schema")
	for _, reserved := range []string{"select", "table", "user"} {
		pgtest.Drop(t, url, reserved)
		submit(t, open(t, postgres.Options{URL: url, Schema: reserved}), start("a"), nil)
	}
}
