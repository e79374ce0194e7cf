package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// startTime bounds how long a server may take to start.
const startTime = 60 * time.Second

// portAttempts bounds how often another process may take the port that was free.
const portAttempts = 3

type server struct {
	binaries binaries
	folder   string
	port     int
	standby  *server // nil without one
	process  *os.Process
	ended    chan struct{} // nil before the first run
}

// start makes a server in a new temporary folder.
func start() (*server, error) {
	b, err := choose()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "duroxide-pg-")
	if err != nil {
		return nil, fmt.Errorf("make the folder of the server: %w", err)
	}
	s := &server{binaries: b, folder: folder}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	for range portAttempts {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.run(); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(folder))
}

func (s *server) data() string { return filepath.Join(s.folder, "data") }

func (s *server) log() string { return filepath.Join(s.folder, "log") }

func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func (s *server) initialize() error {
	if err := giveAway(s.folder); err != nil {
		return err
	}
	if err := s.bringBinaries(); err != nil {
		return err
	}
	command := s.prepare("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return nil
}

// bringBinaries copies the binaries to the folder of the server if the user that it runs as cannot
// reach them: root may have the project in a folder of its own.
func (s *server) bringBinaries() error {
	err := s.prepare("initdb", "--version").Run()
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	copied := filepath.Join(s.folder, "binaries")
	if err := os.CopyFS(copied, os.DirFS(filepath.Dir(s.binaries.folder))); err != nil {
		return fmt.Errorf("copy the binaries: %w", err)
	}
	s.binaries.folder = filepath.Join(copied, filepath.Base(s.binaries.folder))
	return nil
}

// prepare gives a command that runs as a user that the server accepts.
func (s *server) prepare(name string, args ...string) *exec.Cmd {
	file := program(s.binaries.folder, name)
	command := exec.CommandContext(context.Background(), file, args...) //nolint:gosec // our own
	command.Dir = s.folder
	command.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + s.binaries.folder}
	dropRights(command)
	return command
}

// run starts the server and returns when it accepts connections.
func (s *server) run() error {
	if s.isRunning() {
		return errors.New("the server runs already: end it before")
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of the server: %w", err)
	}
	defer func() { _ = log.Close() }()
	command := s.prepare("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=500", "-c", "shared_buffers=64MB", "-c", "log_min_messages=warning")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.process, s.ended = command.Process, make(chan struct{})
	go func() {
		_ = command.Wait() // how it ended is seen in its log
		close(s.ended)
	}()
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

func (s *server) await() error {
	deadline := time.After(startTime)
	for !s.isReady() {
		select {
		case <-s.ended:
			output, _ := os.ReadFile(s.log())
			return fmt.Errorf("the server has ended: %s", output)
		case <-deadline:
			return errors.Join(errors.New("the server does not get ready"), s.end(quitSignal))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// isReady reads the last line of the lock file, as pg_ctl does. A server that has crashed leaves its
// file behind, so that the first line, the process, has to be the right one.
func (s *server) isReady() bool {
	content, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(lines[0]) == strconv.Itoa(s.process.Pid) &&
		string(bytes.TrimSpace(lines[len(lines)-1])) == "ready"
}

func (s *server) isRunning() bool {
	select {
	case <-s.ended:
		return false
	default:
		return s.ended != nil
	}
}

func (s *server) end(how os.Signal) error {
	if !s.isRunning() {
		return nil
	}
	if err := s.process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the server: %w", err)
	}
	<-s.ended
	return nil
}

// remove ends the server and its standby, and deletes their folders.
func (s *server) remove() error {
	var err error
	if s.standby != nil {
		err = s.standby.remove()
	}
	return errors.Join(err, s.end(quitSignal), os.RemoveAll(s.folder))
}
