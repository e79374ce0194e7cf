package postgres

import (
	"context"
	"fmt"
	"time"

	"duroxide/provider"
)

var (
	sqlRenewSessions = define(`
UPDATE S.sessions s
SET until_ms = greatest(s.until_ms, $2), active_ms = greatest(s.active_ms, $5)
FROM (SELECT id FROM S.sessions WHERE owner = ANY($1::text[]) ORDER BY id FOR UPDATE) k
WHERE s.id = k.id AND s.owner = ANY($1::text[]) AND s.until_ms > $3 AND s.active_ms > $4`)
	sqlEndSessions = define(`
UPDATE S.sessions s SET until_ms = 0
FROM (SELECT id FROM S.sessions WHERE owner = $1 ORDER BY id FOR UPDATE) k
WHERE s.id = k.id AND s.owner = $1 AND s.until_ms > $2`)
	sqlDropSessions = define(`
WITH gone AS (
  DELETE FROM S.sessions WHERE id IN (
    SELECT s.id FROM S.sessions s
    WHERE s.until_ms <= $1
      AND NOT EXISTS (SELECT 1 FROM S.tasks t WHERE t.session = s.id)
    ORDER BY s.id FOR UPDATE SKIP LOCKED)
  RETURNING owner)
SELECT count(*) FROM gone WHERE owner <> ''`)
)

// settled is how long sessions are not cleaned up after a jump of the clock: their owners renew them
// meanwhile.
const settled = 10 * time.Minute

// sessionsEnd gives the time by which sessions of a length have ended. While they may look ended
// although they are not, only those have that were ended by hand.
func (s *Store) sessionsEnd(length time.Duration, now int64) int64 {
	if s.clock.Unsettled(length) {
		return 0
	}
	return now
}

// takeSession makes the worker the owner of a task's session. It gives false where another owner's
// session lives, or where the worker takes no tasks of sessions.
func (g *group) takeSession(name *string, s *provider.SessionHolder) bool {
	if name == nil {
		return true
	}
	row := g.sessions[*name]
	if s == nil || row == nil || (row.until > g.s.sessionsEnd(s.TTL, g.now) && row.owner != s.Owner) {
		return false
	}
	row.owner, row.until = s.Owner, g.now+s.TTL.Milliseconds()
	g.writes.sessions[*name] = row
	return true
}

// RenewSessions extends live sessions of the owners that were active within Idle.
func (s *Store) RenewSessions(ctx context.Context, r provider.SessionRenewal) (int, error) {
	if len(r.Owners) == 0 {
		return 0, nil
	}
	now := s.nowMs()
	ended, idle, active := s.sessionsEnd(r.Extend, now), now-r.Idle.Milliseconds(), int64(0)
	if ended == 0 { // Nobody knows when they were active, so they get their idle time anew.
		idle, active = 0, now
	}
	return s.update(ctx, "renew_sessions", sqlRenewSessions,
		r.Owners, now+r.Extend.Milliseconds(), ended, idle, active)
}

// ReleaseSessions ends the live sessions of an owner.
func (s *Store) ReleaseSessions(ctx context.Context, owner string) (int, error) {
	released, err := s.update(ctx, "release_sessions", sqlEndSessions, owner, s.nowMs())
	if released > 0 {
		s.publish(&change{work: true})
	}
	return released, err
}

// update runs a statement of its own and gives the number of rows that it has changed.
func (s *Store) update(ctx context.Context, op string, st statement, args ...any) (int, error) {
	var rows int
	err := s.direct(ctx, op, func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		tag, err := conn.Exec(ctx, s.texts[st], args...)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		rows = int(tag.RowsAffected())
		return nil
	})
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// CleanupSessions deletes ended sessions that no task refers to.
func (s *Store) CleanupSessions(ctx context.Context) (int, error) {
	var deleted int
	if s.clock.Unsettled(settled) {
		return 0, failure("cleanup_sessions", ctx.Err())
	}
	err := s.direct(ctx, "cleanup_sessions", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		err = conn.QueryRow(ctx, s.texts[sqlDropSessions], s.nowMs()).Scan(&deleted)
		if err != nil {
			return fmt.Errorf("delete sessions: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
