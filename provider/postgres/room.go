package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Pauses before it is tried again whether the server gives one more connection than it did.
const (
	firstGrowPause = time.Second
	lastGrowPause  = time.Minute
)

// room says how many connections this process may have at the same time: as many as the options say,
// or as many as the server gives, where that is less. A pool by itself would ask for another one each
// time when all are busy, be refused, and fail the call, though one of those that it has is free in a
// moment. room is safe for concurrent use.
type room struct {
	permits chan struct{} // each is one connection; whoever waits longest gets the next

	mu       sync.Mutex // guards what follows
	withheld int
	pause    time.Duration
	growing  bool // a permit will be given back after a pause
}

func newRoom(most int) *room {
	r := &room{permits: make(chan struct{}, most), pause: firstGrowPause}
	for range most {
		r.permits <- struct{}{}
	}
	return r
}

func (r *room) take(ctx context.Context) error {
	select {
	case <-r.permits:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *room) give() { r.permits <- struct{}{} }

// withhold keeps a permit for which the server has no connection. It is false for the last one, which
// stays with whoever has it.
func (r *room) withhold() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.withheld == cap(r.permits)-1 {
		return false
	}
	r.withheld++
	r.growLater()
	return true
}

// growLater gives a permit back after a pause. The caller holds r.mu.
func (r *room) growLater() {
	if r.growing || r.withheld == 0 {
		return
	}
	r.growing = true
	time.AfterFunc(r.pause, func() {
		r.mu.Lock()
		r.growing = false
		r.withheld--
		// Whether it can be used shows later, and not at all as long as nobody needs it.
		r.pause = min(2*r.pause, lastGrowPause)
		r.mu.Unlock()
		r.give()
	})
}

// connected takes note that the server gave a connection, so that it may give more.
func (r *room) connected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = firstGrowPause
	r.growLater()
}

type poolConn = pgxpool.Conn

// pooled is a connection of the pool, with its permit.
type pooled struct {
	*poolConn
	room *room
}

// Release gives both back; only the first call counts.
func (c *pooled) Release() {
	if c.room == nil {
		return
	}
	c.poolConn.Release()
	c.room.give()
	c.room = nil
}

// acquire takes a connection from the pool. A server that has no more of them does not fail the call:
// it waits for one of those that this process has, which come before the listening one.
func (s *Store) acquire(ctx context.Context) (*pooled, error) {
	wait, cancel := context.WithTimeout(ctx, s.options.AcquireTimeout)
	defer cancel()
	var full error
	for try := 1; ; try++ {
		conn, err := s.acquireOnce(wait)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case wait.Err() != nil:
			return nil, timedOut(full, err)
		case sqlState(err) != stateTooMany:
			return nil, unavailable(err)
		}
		full = hideSecrets(err)
		if rest(wait, pauseBefore(try)) != nil {
			return nil, timedOut(full, err)
		}
	}
}

func (s *Store) acquireOnce(ctx context.Context) (*pooled, error) {
	if err := s.room.take(ctx); err != nil {
		return nil, err
	}
	conn, err := s.pool.Acquire(ctx)
	if err == nil {
		return &pooled{poolConn: conn, room: s.room}, nil
	}
	if sqlState(err) == stateTooMany {
		stat := s.pool.Stat()
		if stat.AcquiredConns()+stat.IdleConns() > 0 && s.room.withhold() {
			return nil, err
		}
		s.listener.yield()
	}
	s.room.give()
	return nil, err
}

// timedOut is what a call gets that has waited in vain: for one of its own connections, or to make one.
func timedOut(full, last error) error {
	reason := full
	if _, ok := errors.AsType[*pgconn.ConnectError](last); ok && reason == nil {
		reason = hideSecrets(last)
	}
	if reason == nil {
		return errAcquire
	}
	return &connectionError{text: errAcquire.Error() + ": " + reason.Error(), err: errAcquire}
}

// unavailable is what a call gets where no connection can be made: whatever the reason is, it is not
// the call's fault, and may pass.
func unavailable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &connectionError{text: hideSecrets(err).Error(), err: errAcquire}
	}
	err = hideSecrets(err)
	return &connectionError{text: err.Error(), err: errors.Join(errBroken, err)}
}
