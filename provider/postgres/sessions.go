package postgres

import (
	"context"
	"fmt"

	"duroxide/provider"
)

var (
	sqlRenewSessions = define(`
UPDATE S.sessions s SET until_ms = greatest(s.until_ms, n.now_ms + $3)
FROM (SELECT coalesce($2::bigint, ` + clockMs + `) AS now_ms) n,
  (SELECT id FROM S.sessions WHERE owner = ANY($1::text[]) ORDER BY id FOR UPDATE) k
WHERE s.id = k.id AND s.owner = ANY($1::text[]) AND s.until_ms > n.now_ms
  AND s.active_ms > n.now_ms - $4`)
	sqlDropSessions = define(`
WITH gone AS (
  DELETE FROM S.sessions WHERE id IN (
    SELECT s.id FROM S.sessions s
    WHERE s.until_ms <= coalesce($1::bigint, ` + clockMs + `)
      AND NOT EXISTS (SELECT 1 FROM S.tasks t WHERE t.session = s.id)
    ORDER BY s.id FOR UPDATE SKIP LOCKED)
  RETURNING owner)
SELECT count(*) FROM gone WHERE owner <> ''`)
)

// takeSession makes the worker the owner of a task's session. It gives false where another owner's
// session lives, or where the worker takes no tasks of sessions.
func (g *group) takeSession(name *string, s *provider.SessionHolder) bool {
	if name == nil {
		return true
	}
	row := g.sessions[*name]
	if s == nil || row == nil || (row.until > g.now && row.owner != s.Owner) {
		return false
	}
	row.owner, row.until = s.Owner, g.now+s.TTL.Milliseconds()
	g.writes.sessions[*name] = row
	return true
}

// bumpSession notes that a live session of a task was active now.
func (g *group) bumpSession(name *string) {
	if name != nil {
		g.writes.bumped[*name] = true
	}
}

// RenewSessions extends live sessions of the owners that were active within Idle.
func (s *Store) RenewSessions(ctx context.Context, r provider.SessionRenewal) (int, error) {
	if len(r.Owners) == 0 {
		return 0, nil
	}
	var renewed int
	err := s.direct(ctx, "renew_sessions", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		tag, err := conn.Exec(ctx, s.texts[sqlRenewSessions],
			r.Owners, s.fixedMs(), r.Extend.Milliseconds(), r.Idle.Milliseconds())
		if err != nil {
			return fmt.Errorf("renew sessions: %w", err)
		}
		renewed = int(tag.RowsAffected())
		return nil
	})
	if err != nil {
		return 0, err
	}
	return renewed, nil
}

// CleanupSessions deletes ended sessions that no task refers to.
func (s *Store) CleanupSessions(ctx context.Context) (int, error) {
	var deleted int
	err := s.direct(ctx, "cleanup_sessions", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		err = conn.QueryRow(ctx, s.texts[sqlDropSessions], s.fixedMs()).Scan(&deleted)
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
