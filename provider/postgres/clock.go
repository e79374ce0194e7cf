package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider/clock"
)

// serverClock follows the clock of the server: what that said last, and the time that has passed since
// then. It shows what the server has reached for certain: an answer is as old as it may have taken, so
// that nothing that waits for a time happens before the server would say so. It may jump, and go
// back a little; see provider/clock.
type serverClock struct {
	passed func() time.Duration

	mu sync.Mutex // guards what follows
	// said is what the server's clock showed, at least, when the time at had passed.
	said  time.Time
	at    time.Duration
	known bool
	// listening says whether other processes can tell of their commits.
	listening bool
}

func (c *serverClock) setListening(v bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listening = v
}

// isListening reports whether other processes can tell of their commits.
func (c *serverClock) isListening() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listening
}

// now gives the clock of the server, which must have been read.
func (c *serverClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Add(c.passed() - c.at)
}

// told takes note of a time of the server that was read after began, and no later than now. Of
// several answers the one that is certain of the latest time counts, unless the server denies it.
func (c *serverClock) told(server time.Time, began time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.passed()
	if expected := c.said.Add(now - c.at); c.known && expected.After(server) &&
		!expected.After(server.Add(now-began)) {
		server = expected
	}
	c.said, c.at, c.known = server, now, true
}

// Now gives the time of the store: that of the server, as far as it is known and goes forward.
func (s *Store) Now() time.Time { return s.clock.Now() }

// clockMs is the time of the server in SQL, in Unix milliseconds, at the very moment.
const clockMs = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// momentMs is the time of the store in SQL, at the very moment. The parameters of these numbers are
// what moment gives.
func momentMs(fixed, least int) string {
	return fmt.Sprintf("coalesce($%d::bigint, greatest($%d::bigint, %s))", fixed, least, clockMs)
}

// moment gives the parameters of momentMs: the time of the options, or null, and what the time of
// the store is at least.
func (s *Store) moment() (fixed *int64, least int64) {
	least = s.nowMs()
	if s.options.Clock != nil {
		fixed = &least
	}
	return fixed, least
}

var sqlClock = define(`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)

// synchronize asks the server for its time. The first time it makes the clock of the store.
func (s *Store) synchronize(ctx context.Context) error {
	p, began := s.pipeline(), s.server.passed()
	var micros int64
	p.each(sqlClock, func(r pgx.Rows) error { return r.Scan(&micros) })
	if err := s.sendPool(ctx, p); err != nil {
		return fmt.Errorf("read the clock of the server: %w", err)
	}
	s.server.told(time.UnixMicro(micros), began)
	if s.clock != nil {
		s.clock.Now()
		return nil
	}
	wall := s.server.now
	if s.options.Clock != nil {
		wall = s.options.Clock
	}
	s.clock = clock.New(wall, s.server.passed)
	s.leases = clock.NewLeases(s.clock, s.process)
	return nil
}

// toldTime takes note of a time of the server, and sees whether it has jumped.
func (s *Store) toldTime(server time.Time, began time.Duration) {
	s.server.told(server, began)
	s.clock.Now()
}

// nowMs is the time of the store in Unix milliseconds.
func (s *Store) nowMs() int64 { return s.clock.Ms() }
