package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// pooler starts a pgbouncer in transaction mode in front of a server and gives the URL that leads
// through it, and the process. Without one on the machine the test is skipped.
func pooler(t *testing.T, databaseURL string) (through string) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !isFile(program) {
			t.Skip("no pgbouncer on the PATH or in /usr/sbin; its Debian package is pgbouncer")
		}
	}
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	folder := t.TempDir()
	port := unusedPort(t)
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
server_idle_timeout = 2
logfile = %s
`, u.Hostname(), u.Port(), u.User.Username(), port, filepath.Join(folder, "log"))
	file := filepath.Join(folder, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(file, []byte(settings), 0o644))
	args := []string{file}
	if os.Geteuid() == 0 { // it refuses root
		for _, path := range []string{filepath.Dir(folder), folder, file} {
			require.NoError(t, os.Chmod(path, 0o777))
		}
		args = []string{"--user", "nobody", file}
	}
	command := exec.CommandContext(context.Background(), program, args...)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		require.NoError(t, command.Process.Kill())
		_ = command.Wait() // it was killed
	})
	u.Host = fmt.Sprint("127.0.0.1:", port)
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), u.String()+"&default_query_exec_mode=simple_protocol")
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	}, hangs, 20*time.Millisecond, "pgbouncer does not answer")
	return u.String() + "&pooler=transaction"
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func unusedPort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	address, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return address.Port
}

// The schema is made through the pooler too. Clients of one session follow each other on different
// connections of the server, which end now and then.
func TestNodesWorkThroughAPooler(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	for _, c := range []struct{ name, listen string }{
		{"without notifications", ""}, {"with a direct connection for notifications", direct},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := postgres.Options{URL: direct, Schema: pgtest.Schema(t, direct), MaxConns: 4}
			via := o
			via.URL, via.Direct = pooler(t, direct), c.listen
			n := startNodes(t, open(t, via), open(t, via))
			n.work(t, o, func(ended *atomic.Int64) {
				for range 5 {
					reached(t, ended, ended.Load()+callers)
					pgtest.Script(t, direct, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'duroxide' AND query LIKE '%`+o.Schema+`%'`)
				}
			})
		})
	}
}
