// Package sqlite is the store on one SQLite file, or in memory. One goroutine owns the only
// connection that writes; whatever calls wait for it are committed together. Several processes may
// share a file.
//
// Invariants that the files of this package rely on:
//
//   - I1 Every write happens on the writer's goroutine inside BEGIN IMMEDIATE.
//   - I2 A request checks everything that can refuse it before its first write. Where it cannot,
//     the writer notices that rows changed, rolls the group back and runs each request alone.
//   - I3 What the writer remembers of rows is what it read or wrote since another process last
//     wrote, or a group was rolled back: then it forgets everything.
//   - I4 lease = 0 in a row means free. A lease that has ended (see provider/clock) is swept, which
//     frees its rows, before anything is claimed; so claims look for lease = 0 only.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
	"duroxide/provider/rules"
	"duroxide/provider/sqlite/files"
	"duroxide/provider/watchers"
)

// Synchronous says when a commit is on the disk.
type Synchronous uint8

const (
	// Full waits for the disk with every group of commits: what was acknowledged survives a power
	// cut.
	Full Synchronous = iota
	// Normal does not wait: a power cut may lose the last commits but never damages the file, and
	// the end of the process loses nothing.
	Normal
)

// Options says what to open.
type Options struct {
	// Path is the database file. It is created where it does not exist.
	Path string
	// CreateDirs also creates missing parent directories.
	CreateDirs bool
	// Memory opens an empty store of its own in memory; Path is ignored.
	Memory      bool
	Synchronous Synchronous
	// ReadOnly opens a file that is there, and never writes: what would is refused with
	// provider.ErrReadOnly. The file must have the tables of this release.
	ReadOnly bool
	// VerifyOnly applies no migrations, and makes no file: where something is missing, opening fails with
	// ErrSchema or ErrCannotOpen.
	VerifyOnly bool
	// OrphanRetention is how long queue messages wait for their instance; zero means
	// provider.OrphanRetention.
	OrphanRetention time.Duration
	// ReplyRetention is how long answers are kept; zero means provider.ReplyRetention.
	ReplyRetention time.Duration
	// Clock is the time base; nil means time.Now. It may be set: the time of the store never goes back,
	// and leases of this process do not depend on it.
	Clock func() time.Time
	// Passed is the time that passes, by which leases of this process last; nil means that of the
	// machine. Tests that move the time by hand give both.
	Passed func() time.Duration
	// Release is the release of this process, as a semantic version. It decides whether a file may be
	// opened that a newer one has migrated; "" may not.
	Release string
	// Log takes warnings about data that was dropped or cannot be read; nil discards them.
	Log *slog.Logger
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	options  Options
	log      *slog.Logger
	requests chan *request
	watchers watchers.Watchers
	clock    *clock.Clock
	leases   *clock.Leases
	process  process.ID
	// watched makes an idle writer look whether there are watchers now.
	watched chan struct{}
	readers chan *conn
	written *writer
	stopped chan struct{}
	version string
	// files are those that are open; nil in memory. verified is when they were looked at last.
	files    *files.Set
	verified atomic.Int64
	verdict  atomic.Pointer[verdict]
	// unclean says that the file is to be examined, and background ends when the store is closed.
	unclean    atomic.Bool
	examining  sync.WaitGroup
	background context.Context
	// joined are the runtimes of this process, with what they have said.
	joined sync.Map
	// copies are those in the making.
	copies sync.Map
	// commits counts transactions that were written, calls what was written in them.
	commits, calls atomic.Uint64
	stop           context.CancelFunc

	mu     sync.RWMutex // guards closed against sends on requests
	closed bool
}

var _ provider.Provider = (*Store)(nil)

// Open opens or creates a store. Errors wrap provider.ErrCannotOpen, ErrReadOnly, ErrDiskFull,
// ErrSchema (not ours, not as we made it, or written by a newer version) or ErrCorrupt (no database, or
// damaged). One that fails leaves nothing open.
func Open(ctx context.Context, o Options) (*Store, error) {
	return openAs(ctx, o, process.This())
}

func openAs(ctx context.Context, o Options, here process.ID) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure("open", err)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.OrphanRetention = cmp.Or(o.OrphanRetention, provider.OrphanRetention)
	o.ReplyRetention = cmp.Or(o.ReplyRetention, provider.ReplyRetention)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if !o.Memory && o.Path != "" {
		path, err := filepath.Abs(o.Path)
		if err != nil {
			return nil, failure("open", fmt.Errorf("%w: %w", provider.ErrCannotOpen, err))
		}
		o.Path = path // who changes the folder later means the same file
	}
	s, err := open(o, here)
	if err != nil {
		return nil, failure("open", err)
	}
	go s.written.run()
	return s, nil
}

// open makes a store that does not run yet.
func open(o Options, here process.ID) (s *Store, err error) {
	if installed != nil {
		return nil, fmt.Errorf("%w: %w", provider.ErrCannotOpen, installed)
	}
	unclean := !o.Memory && !o.ReadOnly && uncleanEnd(o.Path)
	c, err := connect(o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			if s != nil {
				s.stop()
			}
			s, err = nil, errors.Join(err, c.close())
		}
	}()
	if err := setUp(c, o); err != nil {
		return nil, err
	}
	s = &Store{
		options:  o,
		log:      o.Log,
		requests: make(chan *request, 4*groupLimit),
		stopped:  make(chan struct{}),
		watched:  make(chan struct{}, 1),
		clock:    clock.New(o.Clock, o.Passed),
		process:  here,
	}
	s.leases = clock.NewLeases(s.clock, here)
	if !o.Memory {
		if s.files, err = opened(c, o.Path); err != nil {
			return nil, err
		}
		s.unclean.Store(unclean && s.files.First())
		s.readers = make(chan *conn, readerLimit)
		for range readerLimit {
			s.readers <- nil // opened with the first use
		}
	}
	s.background, s.stop = context.WithCancel(context.Background())
	s.written = newWriter(s, c)
	return s, s.written.start()
}

// Name gives "sqlite" and the version of the library.
func (s *Store) Name() (name, version string) { return "sqlite", s.version }

// Now gives the time of the store, which is that of its clock as far as that goes forward.
func (s *Store) Now() time.Time { return s.clock.Now() }

// Close commits what was accepted, moves the log into the database file and closes everything. If
// ctx ends first, closing goes on without the caller.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return rules.Closed("close")
	}
	s.closed = true
	s.stop()
	close(s.requests)
	s.mu.Unlock()
	select {
	case <-s.stopped:
		return failure("close", s.written.closeErr)
	case <-ctx.Done():
		return failure("close", ctx.Err())
	}
}
