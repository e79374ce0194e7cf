package engine_test

import (
	"context"
	"database/sql"
	"fmt"
	neturl "net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
	"duroxide/provider/sqlite"
)

// Leases that end several times while an activity runs, if nobody renews them.
const shortLease = 2 * time.Second

// counted are nodes, each with a store of its own on the same data, that run orchestrations "one":
// an activity that is counted, and that ends when it is let go.
type counted struct {
	t       *testing.T
	client  *engine.Client
	runs    atomic.Int64
	running chan struct{}
	letGo   chan struct{}
}

func startCounted(t *testing.T, stores ...provider.Provider) *counted {
	t.Helper()
	c := &counted{t: t, running: make(chan struct{}, 100), letGo: make(chan struct{})}
	for _, store := range stores {
		h := enginetest.NewHost()
		h.Register("count", func(ctx context.Context, _ engine.ActivityCall) (any, error) {
			c.runs.Add(1)
			c.running <- struct{}{}
			select {
			case <-c.letGo:
			case <-ctx.Done():
			}
			return 1, nil
		})
		h.Orchestration("one", func(c *enginetest.Code, _ string) (any, error) {
			_, err := c.Call("count", "null")
			return 1, err
		})
		e := engine.New(store, engine.Options{Version: "0.1.0"})
		_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{
			WorkerLockTimeout: shortLease, OrchestratorLockTimeout: shortLease,
		}, h.Registry(), h)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
		if c.client == nil {
			c.client = e.Client()
		}
	}
	require.NoError(t, c.client.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "one"}))
	<-c.running
	return c
}

// once demands that the activity runs for some more leases, that it then ends, and that it ran once.
func (c *counted) once() {
	c.t.Helper()
	select {
	case <-c.running:
		c.t.Fatal("the activity runs twice")
	case <-time.After(4 * shortLease):
	}
	close(c.letGo)
	status, err := c.client.Wait(c.t.Context(), "a", patience)
	require.NoError(c.t, err)
	require.Equal(c.t, "Completed", status.State, status.Error)
	require.EqualValues(c.t, 1, c.runs.Load())
}

func openFile(t *testing.T, path string, clock func() time.Time) provider.Provider {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Clock: clock})
	require.NoError(t, err)
	return s
}

func TestAStepOfTheClockRunsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"ahead": 24 * time.Hour, "back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			var set atomic.Int64
			clock := func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
			c := startCounted(t, openFile(t, path, clock), openFile(t, path, clock))
			set.Store(int64(step))
			c.once()
		})
	}
}

// steppedServer gives the URL of a server whose clock a test can set: the function that shows it is
// replaced for whoever uses that URL.
func steppedServer(t *testing.T) (url string, set func(by string)) {
	t.Helper()
	url = pgtest.URL(t)
	hands := pgtest.Schema(t, url)
	pgtest.Script(t, url, fmt.Sprintf(`
CREATE SCHEMA %[1]s;
CREATE TABLE %[1]s.hands AS SELECT '0 days'::interval AS by;
CREATE FUNCTION %[1]s.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM %[1]s.hands)'`, hands))
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	options := strings.ReplaceAll(neturl.QueryEscape("-c search_path="+hands+",pg_catalog"), "+", "%20")
	return url + separator + "options=" + options, func(by string) {
		pgtest.Script(t, url, fmt.Sprintf(`UPDATE %s.hands SET by = '%s'`, hands, by))
	}
}

func openSchema(t *testing.T, url, schema string) provider.Provider {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Options{URL: url, Schema: schema, MaxConns: 4})
	require.NoError(t, err)
	return s
}

func TestAStepOfTheClockOfTheServerRunsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"1 day", "-1 day"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			url, set := steppedServer(t)
			schema := pgtest.Schema(t, url)
			c := startCounted(t, openSchema(t, url, schema), openSchema(t, url, schema))
			set(by)
			c.once()
		})
	}
}

func TestALockOfTheTablesRunsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, nodes := range map[string]int{"one process": 1, "two": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			schema := pgtest.Schema(t, url)
			var stores []provider.Provider
			for range nodes {
				stores = append(stores, openSchema(t, url, schema))
			}
			c := startCounted(t, stores...)
			// Where these locks and those of a turn wait for each other, the turn is to be tried again.
			pgtest.Script(t, url, fmt.Sprintf(`
SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE %[1]s.leases, %[1]s.tasks, %[1]s.instances; SELECT pg_sleep(%[2]f); COMMIT`,
				schema, (8*shortLease).Seconds()))
			c.once()
		})
	}
}

func TestALockOfTheDatabaseRunsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, nodes := range map[string]int{"one process": 1, "two": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			var stores []provider.Provider
			for range nodes {
				stores = append(stores, openFile(t, path, nil))
			}
			c := startCounted(t, stores...)
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000")
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
			require.NoError(t, err)
			<-time.After(8 * shortLease)
			_, err = conn.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			c.once()
		})
	}
}
