// Package postgres is the store on PostgreSQL. Any number of processes on any number of machines
// may share a schema. Concurrent calls of one process are grouped: a few committers each take what
// waits. Where the process holds all the rows of a group it knows them: it decides here, and writes
// in one round trip, in which the server checks what was believed (short.go). Otherwise it locks
// and reads the rows in one round trip and writes in a second one (lock.go).
//
// Invariants that the files of this package rely on:
//
//   - P1 Rows are locked in the order instances, tasks, sessions, leases, and each table's rows by
//     key in one statement. Claims skip locked instances and tasks. So nobody deadlocks.
//   - P2 Messages of an instance are inserted, changed and deleted only while its row is locked,
//     and take their numbers after that. So numbers grow in commit order per instance.
//   - P3 What a decision rests on is read by a statement that began after the row was locked.
//   - P4 A call checks everything that can refuse it before it changes anything in its group, so a
//     refused call leaves its neighbours alone.
//   - P5 A claim is free when its lease is missing or was ended: its row says that, and nothing else
//     does. A process ends leases as provider/clock allows it, before it claims anything (ending.go).
package postgres

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
	"duroxide/provider/rules"
	"duroxide/provider/watchers"
)

// Options says what to open.
type Options struct {
	// URL is postgres://user:password@host:port/database?sslmode=...; see Open.
	URL string
	// Schema holds all tables; "" means public. It is made if it is missing.
	Schema string
	// MaxConns bounds the pool; zero means 10. The listening connection comes on top.
	MaxConns int
	// AcquireTimeout is how long a call waits for a connection; zero means 30 s.
	AcquireTimeout time.Duration
	// ConnectTimeout bounds making a connection; zero means 10 s, or connect_timeout of the URL.
	ConnectTimeout time.Duration
	// NoListen leaves out the listening connection: commits of other processes are then noticed
	// by polling.
	NoListen bool
	// Pooler avoids everything that a pooler in transaction mode cannot do; pooler=transaction in
	// the URL says the same. The listening connection cannot work through one, so that there is
	// none without Direct.
	Pooler bool
	// Direct is the URL of the listening connection where URL leads to a pooler.
	Direct string
	// OrphanRetention is how long queue messages wait for their instance; zero means
	// provider.OrphanRetention.
	OrphanRetention time.Duration
	// ReplyRetention is how long answers are kept; zero means provider.ReplyRetention.
	ReplyRetention time.Duration
	// VerifyOnly changes no schema: where a migration is missing, Open fails with ErrSchema.
	VerifyOnly bool
	// Clock, if set, is the only time base, instead of the clock of the server.
	Clock func() time.Time
	// Passed is the time that passes, by which leases of this process last; nil means that of the
	// machine. Tests that move the time by hand give both.
	Passed func() time.Duration
	// Password, if set, gives the password of each new connection. It takes the place of that of
	// the URL.
	Password func(ctx context.Context) (string, error)
	// VerifyTLS demands TLS with full verification, whatever the URL says.
	VerifyTLS bool
	rootCAs   *x509.CertPool
	// migrations are applied instead of the embedded ones, in tests.
	migrations    []migration
	migrateWithin time.Duration
	// statementWithin is how long one statement may take.
	statementWithin time.Duration
	// connectionIdle is how long a connection of the pool may be idle; zero means 8 s.
	connectionIdle time.Duration
	// Release is the release of this process, as a semantic version. It decides whether a schema may be
	// used that a newer one has migrated; "" may not.
	Release string
	// Log takes warnings; nil discards them. Passwords are never logged.
	Log *slog.Logger
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	options    Options
	log        *slog.Logger
	schema     string
	texts      []string
	pool       *pgxpool.Pool
	room       *room
	listening  *pgx.ConnConfig
	listener   *listener
	presences  presences
	committers []chan *request
	questions  chan *question
	writers    []string
	routes     routes
	watchers   watchers.Watchers
	asked      asked
	process    process.ID
	opening    opening
	known      known
	lanes      lanes
	notifier   *notifier
	server     serverClock
	clock      *clock.Clock
	leases     *clock.Leases
	ending     sync.Mutex // held while leases are ended
	version    string
	whenClosed func() // guarded by mu

	background context.Context // ends when the store is closed
	stop       context.CancelFunc
	// groups counts transactions that were written, grouped what was written in them.
	groups, grouped atomic.Uint64
	working         sync.WaitGroup // committers
	idle            sync.WaitGroup // notifier, listener

	mu      sync.RWMutex // guards closed against sends on committers, and counts calls
	closed  bool
	calls   sync.WaitGroup
	claims  sync.RWMutex // held for reading while a claim runs
	stopped chan struct{}
}

var _ provider.Provider = (*Store)(nil)

// Name gives "postgres" and the version of the server.
func (s *Store) Name() (name, version string) { return "postgres", s.version }

// Close commits what was accepted and closes all connections. If ctx ends first, closing goes on
// without the caller.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return rules.Closed("close")
	}
	s.closed = true
	for _, c := range s.committers {
		close(c)
	}
	s.mu.Unlock()
	go s.shut() //nolint:contextcheck // it goes on when the caller has given up
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		return failure("close", ctx.Err())
	}
}

func (s *Store) shut() {
	s.working.Wait()
	s.calls.Wait()
	s.leaveQuietly()
	s.stop()
	s.idle.Wait()
	s.pool.Close()
	s.mu.Lock()
	after := s.whenClosed
	s.mu.Unlock()
	if after != nil {
		after()
	}
	close(s.stopped)
}

// leaveQuietly tells what was not told yet and deletes what only this process needs. Should it
// fail, others find the one by polling and delete the other in time.
func (s *Store) leaveQuietly() {
	ctx, cancel := context.WithTimeout(s.background, time.Second)
	defer cancel()
	s.notifier.addTasks()
	if s.notifier.send(ctx) != nil || s.dropWriters(ctx, s.writers) != nil {
		s.log.Debug("postgres: the server was not told of the end")
	}
}

// setClose has a function called when the store is closed.
func (s *Store) setClose(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whenClosed = f
}

// enter counts a call that does not go through a committer; leave must follow unless it fails.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return rules.Closed("")
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() { s.calls.Done() }
