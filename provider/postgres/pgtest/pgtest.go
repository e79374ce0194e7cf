// Package pgtest gives tests a real PostgreSQL server: the one that DATABASE_URL names, or a
// throwaway one of the program pgserver, which ends with the tests.
//
// A result that go test has cached may come from another server, or from none: -count=1 runs the
// tests again.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// URLVariable names a server that is there already.
const URLVariable = "DATABASE_URL"

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
	check(tb, shared.err)
	return shared.server.URL
}

// Own gives a server of the test's own, which it may stop and start. Without any the test is
// skipped.
func Own(tb testing.TB) *Server {
	tb.Helper()
	s, err := Start()
	check(tb, err)
	tb.Cleanup(func() {
		if err := s.Remove(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, ErrNone) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

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
