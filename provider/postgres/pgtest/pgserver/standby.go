package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// follow starts a standby: a copy of the server, made while that is down, which then reads what the
// server writes. So no other program is needed than the server's own.
func (s *server) follow() (*server, error) {
	if s.standby != nil {
		return nil, errors.New("the server has a standby already")
	}
	if err := s.end(stopSignal); err != nil {
		return nil, err
	}
	copied, err := s.copy()
	if copied == nil {
		return nil, err
	}
	if err == nil {
		err = s.run()
	}
	if err == nil {
		copied.port, err = freePort()
	}
	if err == nil {
		err = copied.run()
	}
	if err != nil {
		return nil, errors.Join(err, copied.remove())
	}
	return copied, nil
}

// copy copies the data of the server and says where it reads what comes after it.
func (s *server) copy() (*server, error) {
	folder, err := os.MkdirTemp("", "duroxide-pg-")
	if err != nil {
		return nil, fmt.Errorf("make the folder of the standby: %w", err)
	}
	copied := &server{binaries: s.binaries, folder: folder}
	if err := os.CopyFS(copied.data(), os.DirFS(s.data())); err != nil {
		return copied, fmt.Errorf("copy the data of the server: %w", err)
	}
	settings := fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'\n"+
		"wal_retrieve_retry_interval = 100\n", s.port)
	for name, content := range map[string]string{"standby.signal": "", "postgresql.auto.conf": settings} {
		if err := os.WriteFile(filepath.Join(copied.data(), name), []byte(content), 0o600); err != nil {
			return copied, fmt.Errorf("configure the standby: %w", err)
		}
	}
	return copied, filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if info.IsDir() {
			mode = 0o700 // the server refuses data that others may read
		}
		return errors.Join(os.Chmod(path, mode), giveAway(path)) //nolint:gosec // nobody else has the folder
	})
}
