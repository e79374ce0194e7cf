package postgres_test

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// pair is a primary and a standby, which has everything that the primary acknowledges.
type pair struct {
	primary *pgtest.Server
	standby string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{primary: pgtest.Own(t)}
	var err error
	p.standby, err = p.primary.Standby()
	require.NoError(t, err)
	pgtest.Script(t, p.primary.URL, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	pgtest.Script(t, p.primary.URL, `SELECT pg_reload_conf()`)
	require.Eventually(t, func() bool {
		return number(t, p.primary.URL, `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) == 1
	}, time.Minute, 10*time.Millisecond, "the standby does not follow")
	return p
}

// number gives the number that a query finds on a server.
func number(t *testing.T, databaseURL, text string) (found int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	require.NoError(t, conn.QueryRow(t.Context(), text).Scan(&found))
	return found
}

// readOnly has the primary take no writes, or take them again. Its connections stay.
func (p *pair) readOnly(t *testing.T, isOn bool) {
	t.Helper()
	value := map[bool]string{true: "on", false: "off"}[isOn]
	pgtest.Script(t, p.primary.URL, "ALTER SYSTEM SET default_transaction_read_only = "+value)
	pgtest.Script(t, p.primary.URL, "SELECT pg_reload_conf()")
	const writing = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'duroxide' AND backend_xid IS NOT NULL`
	require.Eventually(t, func() bool { return !isOn || number(t, p.primary.URL, writing) == 0 },
		time.Minute, time.Millisecond, "somebody still writes")
}

func (p *pair) promote(t *testing.T) {
	t.Helper()
	pgtest.Script(t, p.standby, `SELECT pg_promote()`)
}

const ours = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'duroxide'`

// A failover behind an address: the old primary is there, its connections stay open, and it takes no
// writes any more.
func TestWorkGoesOnAfterAFailoverUnderOpenConnections(t *testing.T) {
	t.Parallel()
	servers := newPair(t)
	p, through := newProxy(t, servers.primary.URL)
	o := postgres.Options{URL: through, Schema: "s", MaxConns: 4}
	after := o
	after.URL = servers.standby
	n := startNodes(t, open(t, o), open(t, o))
	n.work(t, after, func(ended *atomic.Int64) {
		reached(t, ended, 2*callers)
		servers.readOnly(t, true)
		servers.promote(t)
		p.lead(t, servers.standby)
		promoted := time.Now()
		reached(t, ended, ended.Load()+1)
		t.Log("the first instance ended after", time.Since(promoted))
		reached(t, ended, ended.Load()+2*callers)
		t.Log("instances on all nodes ended after", time.Since(promoted))
		require.Eventually(t, func() bool { return number(t, servers.primary.URL, ours) == 0 },
			time.Minute, 10*time.Millisecond, "a connection to the old primary is kept")
	})
}

// The address leads to a standby for a while before that is promoted.
func TestNobodyWorksOnAStandby(t *testing.T) {
	t.Parallel()
	servers := newPair(t)
	p, through := newProxy(t, servers.primary.URL)
	o := postgres.Options{URL: through, Schema: "s", MaxConns: 4}
	after := o
	after.URL = servers.standby
	n := startNodes(t, open(t, o), open(t, o))
	n.work(t, after, func(ended *atomic.Int64) {
		reached(t, ended, 2*callers)
		p.lead(t, servers.standby)
		before := p.made.Load()
		require.NoError(t, servers.primary.Kill())
		require.Eventually(t, func() bool { return p.made.Load() > before+20 },
			time.Minute, time.Millisecond, "nobody tries the standby")
		servers.promote(t)
		promoted := time.Now()
		reached(t, ended, ended.Load()+1)
		t.Log("the first instance ended after", time.Since(promoted))
		reached(t, ended, ended.Load()+2*callers)
	})
}

// A read that a standby, or what was the primary, would answer with what is old is refused, and may be
// repeated.
func TestAReplicaAnswersNoRead(t *testing.T) {
	t.Parallel()
	servers := newPair(t)
	p, through := newProxy(t, servers.primary.URL)
	o := postgres.Options{URL: through, Schema: "s", MaxConns: 1, NoListen: true}
	s := open(t, o)
	submit(t, s, start("a"), nil)
	read := func() error {
		_, err := s.Stats(t.Context(), "a")
		return err
	}
	require.NoError(t, read())
	refused := func() {
		t.Helper()
		err := read()
		require.ErrorIs(t, err, provider.ErrReadOnly)
		require.True(t, provider.IsRetryable(err), "%v", err)
		require.ErrorContains(t, err, "the server takes no writes")
	}

	// The connection stays, the server becomes read-only.
	servers.readOnly(t, true)
	refused()
	servers.readOnly(t, false)
	require.NoError(t, read())

	// The connection is lost, and the next one leads to the standby.
	p.lead(t, servers.standby)
	pgtest.Script(t, servers.primary.URL, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'duroxide'`)
	require.Eventually(t, func() bool { return number(t, servers.primary.URL, ours) == 0 }, time.Minute, time.Millisecond)
	refused()
	_, err := postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrReadOnly)
	require.True(t, provider.IsRetryable(err), "a standby may be promoted")
	p.lead(t, servers.primary.URL)
	require.NoError(t, read())

	// A list leads to the primary, whatever comes first.
	u, err := url.Parse(servers.standby)
	require.NoError(t, err)
	o.URL = strings.Replace(servers.primary.URL, "@", "@"+u.Host+",", 1)
	submit(t, open(t, o), start("b"), nil)
}
