package sqlite

import (
	"context"
	"strconv"

	"duroxide/provider"
)

var (
	sqlStandingInstance = &statement{`
SELECT i.key, i.execution, i.status, i.pin, ifnull(l.node, ''), d.name, d.version, ifnull(n.name, ''), ifnull(n.version, '')
FROM instances i JOIN details d ON d.instance = i.key
LEFT JOIN leases l ON l.id = i.lease LEFT JOIN duroxide_lanes n ON n.id = i.lane AND n.kind = 2
WHERE i.id = CAST(?1 AS TEXT)`}
	sqlSize       = &statement{`SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`}
	sqlReadySince = &statement{`
SELECT due FROM messages WHERE instance = ?1 + 0 AND due <= ?2 ORDER BY due LIMIT 1`}
	sqlStandingTasks = &statement{`
SELECT t.event, t.due, t.attempts, ifnull(l.node, ''),
  CASE WHEN t.lease = 0 AND t.place > 0 THEN (SELECT count(*) FROM (
    SELECT 1 FROM tasks a WHERE a.lease = 0 AND a.place > 0 AND a.lane = t.lane
      AND (a.place, a.id) < (t.place, t.id)
    LIMIT ` + strconv.Itoa(provider.MostAhead) + `)) ELSE 0 END,
  ifnull(CASE WHEN s.until_ms > ?3 THEN s.owner END, ''), t.progress, t.heartbeat
FROM tasks t LEFT JOIN leases l ON l.id = t.lease LEFT JOIN sessions s ON s.id = t.session
WHERE t.instance = ?1 + 0 AND t.execution = ?2 + 0 AND t.event >= ?4 + 0 ORDER BY t.event LIMIT ` + strconv.Itoa(provider.MostStanding)}
)

// Standing gives what an instance waits for, its tasks from an event on, or nil.
func (s *Store) Standing(ctx context.Context, instance string, from uint64) (*provider.Standing, error) {
	var found *provider.Standing
	err := s.snapshot(ctx, "standing", func(c *conn) error {
		found = nil
		r, err := c.one(sqlStandingInstance, instance)
		if r == nil || err != nil {
			return err
		}
		key, execution, now := r.int(0), r.int(1), s.clock.Ms()
		found = &provider.Standing{Node: r.text(4), Lane: provider.TurnLane(r.text(5), r.text(6), r.uint(3))}
		if status := executionStatus(r.int(2)); status == provider.NotCommitted || status == provider.ContinuedAsNew {
			if r.text(7) != "" { // What begins next is known by its lane.
				found.Lane = provider.TurnLane(r.text(7), r.text(8), r.uint(3))
			}
		}
		ready, err := c.one(sqlReadySince, key, now)
		if err != nil {
			return err
		}
		if ready != nil {
			found.ReadySinceMs = ready.int(0)
		}
		return c.each(sqlStandingTasks, func(r *rows) bool {
			progress, _ := provider.DecodeProgress(r.blob(6))
			found.Tasks = append(found.Tasks, provider.TaskStanding{
				Event: r.uint(0), DueMs: r.int(1), Attempts: int(r.int(2)), Node: r.text(3),
				Ahead: int(r.int(4)), Owner: r.text(5), Progress: progress,
				Heartbeat: r.optional(7),
			})
			return true
		}, key, execution, now, signed(from))
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Size gives the bytes of the database file.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var size int64
	if s.options.Memory {
		return 0, failure("size", s.isClosed())
	}
	err := s.read(ctx, "size", func(c *conn) error {
		r, err := c.one(sqlSize)
		if r != nil {
			size = r.int(0)
		}
		return err
	})
	return size, err
}
