//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// identity is what makes a file the same under every name.
type identity struct{ device, inode uint64 }

func identityOf(fd int) (identity, error) {
	var stat syscall.Stat_t
	err := syscall.Fstat(fd, &stat)
	return identityIn(&stat), err
}

func identityIn(stat *syscall.Stat_t) identity {
	//nolint:unconvert // the types differ between systems
	return identity{device: uint64(stat.Dev), inode: uint64(stat.Ino)}
}

// Set are the files that a store has open: the database, its log, and the index of the log. It is
// safe for concurrent use.
type Set struct{ database, log, index *file }

// file is one of them under the name that must lead to it.
type file struct {
	path string
	// fd and opened are what SQLite has opened, where that is known.
	fd     int32
	opened string
	first  bool
	id     atomic.Pointer[identity]
}

// Opened gives the files that SQLite has just opened for a database. Asked is the absolute path that
// names it, and resolved the name that SQLite made of it, which has no symbolic links.
func Opened(asked, resolved string) (*Set, error) {
	s := &Set{
		database: &file{path: asked, opened: resolved},
		log:      &file{path: resolved + "-wal", opened: resolved + "-wal"},
		index:    &file{path: resolved + "-shm", opened: resolved + "-shm"},
	}
	for _, f := range s.all() {
		if err := f.identify(); err != nil {
			return nil, err
		}
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) all() [3]*file { return [3]*file{s.database, s.log, s.index} }

// Joined looks at what SQLite has opened under the name of the database since: it must be the same
// file. Errors wrap ErrMoved.
func (s *Set) Joined() error {
	if !s.database.isNewest() {
		return fmt.Errorf("%s %w", s.database.path, ErrMoved)
	}
	return s.Check()
}

// Check compares names with files. Errors wrap ErrMoved. It costs three system calls. Where the system
// cannot say what a name leads to, nothing is said against it.
func (s *Set) Check() error {
	for _, f := range s.all() {
		if f.moved() {
			return fmt.Errorf("%s %w", f.path, ErrMoved)
		}
	}
	return nil
}

// Written says when the log was written last, and how long it is. It is false where the system does not
// say.
func (s *Set) Written() (Stamp, bool) {
	info, err := os.Stat(s.log.path)
	if err != nil {
		return Stamp{}, false
	}
	return Stamp{AtNs: info.ModTime().UnixNano(), Size: info.Size()}, true
}

// First reports whether nobody else had the database when it was opened, as far as that is known.
func (s *Set) First() bool { return s.index.first }

// LogIsGone reports whether the name of the log leads nowhere, while everything else is as it was.
func (s *Set) LogIsGone() bool {
	var stat syscall.Stat_t
	return isGone(syscall.Stat(s.log.path, &stat)) && !s.database.moved() && !s.index.moved()
}

// Freeze makes SQLite believe that others use the database, so that closing it neither writes into it
// nor deletes what its names lead to by now. It gives false where that cannot be done.
func (s *Set) Freeze() bool { return freeze(*s.database.id.Load()) }

// Writable gives an error where the system does not let this process write to a file.
func Writable(path string) error {
	const write = 2
	if err := syscall.Access(path, write); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

func isGone(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

func (f *file) moved() bool {
	var stat syscall.Stat_t
	switch err := syscall.Stat(f.path, &stat); {
	case isGone(err):
		return true
	case err != nil:
		return false
	}
	found := identityIn(&stat)
	if found == *f.id.Load() {
		return false
	}
	// Some file systems give a file another number after a while.
	if now, ok := current(f.fd, f.opened); ok && now == found {
		f.id.Store(&now)
		return false
	}
	return true
}
