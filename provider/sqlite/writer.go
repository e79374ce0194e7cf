package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
	"duroxide/provider/rules"
	"duroxide/provider/sqlite/files"
)

// Bounds of one group of requests: all that wait while a group is written make the next one.
const (
	groupLimit = 256
	groupBytes = 4 << 20
	groupTime  = 2 * time.Millisecond
)

// beginTries is how often the start of a group is tried while another process writes.
const beginTries = 5

// firstPause is how long it waits before the second try, about; each pause is twice the one before.
const firstPause = 5 * time.Millisecond

var (
	sqlBegin    = &statement{`BEGIN IMMEDIATE`}
	sqlCommit   = &statement{`COMMIT`}
	sqlRollback = &statement{`ROLLBACK`}
	sqlForeign  = &statement{`PRAGMA data_version`}
)

// request is one call that waits for the writer.
type request struct {
	ctx   context.Context
	size  int
	apply func(w *writer) error
	err   error
	done  chan struct{}
}

// write runs apply on the writer's goroutine in a transaction that it may share with others, and
// waits for the commit. apply may run more than once and must assign its results afresh.
func (s *Store) write(
	ctx context.Context, op string, size int, apply func(w *writer) error,
) error {
	if err := ctx.Err(); err != nil {
		return failure(op, err)
	}
	if err := s.sound(); err != nil && s.isClosed() == nil {
		return failure(op, err)
	}
	if s.options.ReadOnly {
		return failure(op, rules.Refuse(provider.ErrReadOnly, "%s was opened to be read only", s.options.Path))
	}
	r := &request{ctx: ctx, size: size, apply: apply, done: make(chan struct{})}
	if err := s.enqueue(r); err != nil {
		return failure(op, err)
	}
	select {
	case <-r.done:
		return failure(op, r.err)
	case <-ctx.Done():
		return failure(op, ctx.Err())
	}
}

func (s *Store) enqueue(r *request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return rules.Closed("")
	}
	select {
	case s.requests <- r:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// writer is the goroutine that owns the writing connection. Only it uses what follows.
type writer struct {
	store *Store
	c     *conn
	known
	ids
	lanes   lanes
	process process.ID
	// waitingParts is where claims go on that could not look at everything that waits.
	waitingParts map[waitingPart]int64

	// now is the time of the running request in Unix milliseconds, and at how much time has passed;
	// neither goes back.
	now     int64
	at      time.Duration
	group   []*request
	changed change
	// try is the running transaction, and before is the number of writes when it began.
	try    *clock.Try
	before int
	// version is the data_version seen last; it changes when another process has written.
	version int64
	// stamp is what the log looked like when SQLite was asked for the version while idle, at asked.
	stamp files.Stamp
	asked time.Time
	// deletions is the stored number of deletions.
	deletions int64
	// pages counts what was written since the last checkpoint, and untruncated says that the log
	// file has content.
	pages       int
	untruncated bool
	idleSince   time.Time
	timer       *time.Timer
	// reacted says that the end of the store was noticed.
	reacted  bool
	closeErr error
}

func newWriter(s *Store, c *conn) *writer {
	w := &writer{
		store: s, c: c, process: s.process, timer: time.NewTimer(time.Hour), waitingParts: map[waitingPart]int64{},
	}
	w.forgetAll()
	w.lanes.forget()
	return w
}

// start reads what the writer needs and frees what dead processes of this host held.
func (w *writer) start() error {
	var err error
	if w.version, err = number(w.c, sqlForeign); err != nil {
		return fmt.Errorf("read data version: %w", err)
	}
	if w.deletions, err = number(w.c, sqlDeletions); err != nil {
		return fmt.Errorf("read number of deletions: %w", err)
	}
	version, err := w.c.one(&statement{`SELECT sqlite_version()`})
	if err != nil {
		return fmt.Errorf("read library version: %w", err)
	}
	w.store.version = version.text(0)
	if w.store.options.ReadOnly {
		return nil
	}
	return w.alone(&request{ctx: context.Background(), apply: (*writer).sweep})
}

func (w *writer) run() {
	defer close(w.store.stopped)
	for {
		r, ok := w.next()
		if !ok {
			break
		}
		if r == nil {
			continue
		}
		w.serve(r)
		w.checkpoint()
	}
	w.timer.Stop()
	w.closeErr = w.shut()
}

// serve writes a group that begins with r.
func (w *writer) serve(r *request) {
	w.group = append(w.group[:0], r)
	if err := w.store.sound(); err != nil {
		w.finish(err)
		return
	}
	w.trim()
	if err := w.begin(); err != nil {
		w.finish(err)
		return
	}
	if !w.applyGroup(r) || w.commit() != nil {
		w.rollback()
		w.applyEach()
		return
	}
	w.count(len(w.group))
	w.finish(w.store.verify())
}

// applyGroup applies r and all requests that wait already. It gives false if the group must be
// rolled back.
func (w *writer) applyGroup(r *request) bool {
	began, size := time.Now(), 0
	for {
		if !w.apply(r) {
			w.drain()
			return false
		}
		size += r.size
		if len(w.group) >= groupLimit || size >= groupBytes {
			return true
		}
		select {
		case next, ok := <-w.store.requests:
			if !ok {
				return true
			}
			r = next
			w.group = append(w.group, r)
		default:
			return true
		}
		if time.Since(began) > groupTime {
			return w.apply(r)
		}
	}
}

// drain takes a few more requests into a group that runs one by one, so that it is not started
// over for each of them.
func (w *writer) drain() {
	for len(w.group) < groupLimit {
		select {
		case r, ok := <-w.store.requests:
			if !ok {
				return
			}
			w.group = append(w.group, r)
		default:
			return
		}
	}
}

// apply runs one request. A refusal that has written nothing leaves the group as it is (I2).
func (w *writer) apply(r *request) (keep bool) {
	if r.err = r.ctx.Err(); r.err != nil {
		return true
	}
	writes := w.c.writes
	w.tick()
	r.err = w.store.note(w.guarded(r))
	if r.err == nil {
		return true
	}
	return rules.IsRefusal(r.err) && writes == w.c.writes && w.store.verdict.Load() == nil
}

// guarded turns a panic, which a broken event can cause, into an error of this request alone.
func (w *writer) guarded(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.apply(w)
}

// applyEach runs the requests of a group that was rolled back in transactions of their own.
func (w *writer) applyEach() {
	for _, r := range w.group {
		r.err = w.alone(r)
	}
	w.answer()
}

func (w *writer) alone(r *request) error {
	if err := w.store.sound(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	if !w.apply(r) {
		w.rollback()
		return r.err
	}
	if err := w.commit(); err != nil {
		w.rollback()
		return err
	}
	w.count(1)
	if err := w.store.verify(); err != nil {
		return err
	}
	return r.err
}

// count takes note of a transaction with that many calls, unless it has changed nothing.
func (w *writer) count(calls int) {
	if w.c.writes != w.before {
		w.store.commits.Add(1)
		w.store.calls.Add(uint64(calls)) //nolint:gosec // a length
	}
}

// Written implements provider.Counting.
func (s *Store) Written() (commits, calls uint64) { return s.commits.Load(), s.calls.Load() }

func (w *writer) finish(err error) {
	if err != nil {
		w.drain()
		for _, r := range w.group {
			r.err = err
		}
	}
	w.answer()
}

func (w *writer) answer() {
	w.publish()
	for n, r := range w.group {
		close(r.done)
		w.group[n] = nil
	}
}

// begin takes the lock of the file, and forgets what is known if another process has written.
func (w *writer) begin() error {
	w.try = w.store.leases.Try()
	if err := w.take(); err != nil {
		w.try.Failed()
		return err
	}
	w.before = w.c.writes
	if w.store.options.Memory {
		return nil
	}
	if err := w.notice(); err != nil {
		w.rollback()
		return err
	}
	return nil
}

// take takes the lock of the file.
func (w *writer) take() error {
	pause := firstPause
	for try := 1; ; try++ {
		_, err := w.c.exec(sqlBegin)
		if err == nil {
			return nil
		}
		if !isBusy(err) || try == beginTries {
			return fmt.Errorf("begin: %w", w.store.note(err))
		}
		time.Sleep(pause + rand.N(pause)) //nolint:gosec // jitter needs no secrecy
		pause *= 2
	}
}

// notice compares the data version: only commits of other connections change it, and all other
// connections of this process only read.
func (w *writer) notice() error {
	version, err := number(w.c, sqlForeign)
	if err != nil {
		return fmt.Errorf("read data version: %w", err)
	}
	if version == w.version {
		return nil
	}
	w.version = version
	w.forgetAll()
	w.changed.all = true
	deletions, err := number(w.c, sqlDeletions)
	if err != nil {
		return fmt.Errorf("read number of deletions: %w", err)
	}
	w.changed.deleted = w.changed.deleted || deletions != w.deletions
	w.deletions = deletions
	return nil
}

func (w *writer) commit() error {
	_, err := w.c.exec(sqlCommit)
	for try := 1; isBusy(err) && try < beginTries; try++ {
		_, err = w.c.exec(sqlCommit)
	}
	if err != nil {
		w.try.Failed()
		return fmt.Errorf("commit: %w", w.store.note(err))
	}
	if w.c.writes != w.before {
		w.try.Wrote()
	} else {
		w.try.Passed()
	}
	return nil
}

func (w *writer) rollback() {
	// SQLite rolls back by itself after some errors, and then there is nothing to roll back.
	_, _ = w.c.exec(sqlRollback)
	w.try.Passed()
	w.forgetAll()
	w.lanes.forget()
	w.changed.reset()
}

func (w *writer) tick() { w.now, w.at = w.store.clock.Ms(), w.store.clock.Passed() }
