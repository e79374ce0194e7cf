package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// clock follows the clock of the server: what that said last, and the local time since then, so that
// it does not matter when somebody sets the local clock. It never goes back.
type clock struct {
	local func() time.Time

	mu sync.Mutex // guards what follows
	// server is what the server said at the local time at.
	server, at time.Time
	last       time.Time
	listening  bool
}

func (c *clock) setListening(v bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listening = v
}

// isListening reports whether other processes can tell of their commits.
func (c *clock) isListening() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listening
}

// Now gives the clock of the server, as far as it is known, or that of the options.
func (s *Store) Now() time.Time {
	if s.options.Clock != nil {
		return s.options.Clock()
	}
	return s.clock.now()
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.local()
	if !c.at.IsZero() {
		now = c.server.Add(now.Sub(c.at))
	}
	if now.After(c.last) {
		c.last = now
	}
	return c.last
}

// measured takes note of a time of the server that was read between two local times.
func (c *clock) measured(server, before, after time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.at = server, before.Add(after.Sub(before)/2)
}

// clockMs is the time of the server in SQL, in Unix milliseconds, at the very moment.
const clockMs = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

var sqlClock = define(`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)

// synchronize measures the difference to the clock of the server.
func (s *Store) synchronize(ctx context.Context) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return s.measure(ctx, conn.Conn())
}

func (s *Store) measure(ctx context.Context, conn *pgx.Conn) error {
	var micros int64
	before := s.clock.local()
	if err := conn.QueryRow(ctx, s.texts[sqlClock]).Scan(&micros); err != nil {
		return fmt.Errorf("read the clock of the server: %w", err)
	}
	s.clock.measured(time.UnixMicro(micros), before, s.clock.local())
	return nil
}

// nowMs is the time that statements get before the server was asked.
func (s *Store) nowMs() int64 { return s.Now().UnixMilli() }

// fixedMs is what statements get that ask the server's clock themselves: null, or the time of
// the options.
func (s *Store) fixedMs() *int64 {
	if s.options.Clock == nil {
		return nil
	}
	now := s.options.Clock().UnixMilli()
	return &now
}
