package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ChoiceVariable is what pgserver chooses the version by.
const ChoiceVariable = "DUROXIDE_TEST_PG"

// ErrNone means that there are no binaries to start a server from.
var ErrNone = errors.New("nothing to start a server from")

// Server is a running server.
type Server struct {
	// URL leads to its database postgres as a superuser.
	URL string

	data    string
	program *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

// answer is what pgserver replies with.
type answer struct{ URL, Data, None, Error string }

// Start starts a server in a new temporary folder.
func Start() (*Server, error) {
	program := exec.CommandContext(context.Background(),
		"go", "run", "duroxide/provider/postgres/pgtest/pgserver")
	// It is read here because go test keeps results apart by what the tests themselves have read.
	program.Env = append(program.Environ(), ChoiceVariable+"="+os.Getenv(ChoiceVariable))
	program.Stderr = os.Stderr
	orders, err := program.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := program.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := program.Start(); err != nil {
		return nil, fmt.Errorf("start pgserver: %w", err)
	}
	s := &Server{program: program, orders: orders, answers: json.NewDecoder(output)}
	a, err := s.read()
	if err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	s.URL, s.data = a.URL, a.Data
	return s, nil
}

func (s *Server) read() (a answer, err error) {
	if err := s.answers.Decode(&a); err != nil {
		return a, fmt.Errorf("read what pgserver says: %w", err)
	}
	if a.None != "" {
		return a, fmt.Errorf("%w: %s", ErrNone, a.None)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (s *Server) order(line string) error {
	_, err := s.ask(line)
	return err
}

func (s *Server) ask(line string) (answer, error) {
	if _, err := io.WriteString(s.orders, line+"\n"); err != nil {
		return answer{}, fmt.Errorf("tell pgserver to %s: %w", line, err)
	}
	return s.read()
}

// Run starts the server again after Stop or Kill.
func (s *Server) Run() error { return s.order("run") }

// Stop ends the server and cuts its connections, as a restart does.
func (s *Server) Stop() error { return s.order("stop") }

// Kill ends the server as a crash does.
func (s *Server) Kill() error { return s.order("kill") }

// Standby starts a server that follows this one, by streaming replication, and gives the URL of its
// database postgres. The server is down for a moment. The standby ends with the server.
func (s *Server) Standby() (databaseURL string, err error) {
	a, err := s.ask("standby")
	return a.URL, err
}

// Remove stops the server and deletes its folder.
func (s *Server) Remove() error { return errors.Join(s.orders.Close(), s.program.Wait()) }

// RequirePasswords lets only the superuser postgres in without a password.
func (s *Server) RequirePasswords(tb testing.TB) {
	tb.Helper()
	rules := "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	path := filepath.Join(s.data, "pg_hba.conf")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		tb.Fatal(err)
	}
	Script(tb, s.URL, "SELECT pg_reload_conf()")
}

// UseTLS makes the server offer TLS with a certificate and its key, both in PEM.
func (s *Server) UseTLS(tb testing.TB, certificate, key []byte) {
	tb.Helper()
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		if err := os.WriteFile(filepath.Join(s.data, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
		if err := s.order("own " + name); err != nil {
			tb.Fatal(err)
		}
	}
	Script(tb, s.URL, "ALTER SYSTEM SET ssl = on")
	Script(tb, s.URL, "SELECT pg_reload_conf()")
}
