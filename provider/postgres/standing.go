package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	sqlStandingInstance = define(`
SELECT i.status, i.pin, coalesce(l.node, ''), d.name, d.version,
  coalesce(n.name, ''::bytea), coalesce(n.version, ''::bytea),
  coalesce((SELECT min(m.due) FROM S.messages m WHERE m.instance = i.key AND m.due <= $2), 0)
FROM S.instances i JOIN S.details d ON d.instance = i.key
LEFT JOIN S.leases l ON l.id = i.lease AND l.until_ms > 0
LEFT JOIN S.duroxide_lanes n ON n.id = i.lane AND n.kind = 2
WHERE i.id = $1`)
	sqlSize = define(`
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'S.instances'::regclass)`)
	sqlStandingTasks = define(`
SELECT t.event, t.due, t.attempts, coalesce(l.node, ''),
  CASE WHEN t.lease = 0 AND t.place > 0 THEN (SELECT count(*) FROM (
    SELECT 1 FROM S.tasks a WHERE ` + waitingTask + ` AND a.lane = t.lane
      AND (a.place, a.id) < (t.place, t.id) LIMIT $3) a) ELSE 0 END,
  coalesce(CASE WHEN s.until_ms > $2 THEN s.owner END, ''), t.progress, t.heartbeat
FROM S.instances i CROSS JOIN LATERAL (
  SELECT * FROM S.tasks WHERE instance = i.key AND execution = i.execution AND event >= $5
  ORDER BY event LIMIT $4) t
LEFT JOIN S.leases l ON l.id = t.lease AND l.until_ms > 0
LEFT JOIN S.sessions s ON s.id = t.session
WHERE i.id = $1 ORDER BY t.event`)
)

// Standing gives what an instance waits for, its tasks from an event on, or nil.
func (s *Store) Standing(ctx context.Context, instance string, from uint64) (*provider.Standing, error) {
	var found *provider.Standing
	now, id := s.nowMs(), askable(instance)
	err := s.read(ctx, "standing", func(p *pipeline) {
		found = nil
		p.each(sqlStandingInstance, func(r pgx.Rows) (err error) {
			found, err = scanStanding(r)
			return err
		}, id, now)
		p.each(sqlStandingTasks, func(r pgx.Rows) error {
			var t provider.TaskStanding
			var event int64
			var progress []byte
			err := r.Scan(&event, &t.DueMs, &t.Attempts, &t.Node, &t.Ahead, &t.Owner, &progress, &t.Heartbeat)
			t.Event = unsigned(event)
			t.Progress, _ = provider.DecodeProgress(progress)
			if found != nil {
				found.Tasks = append(found.Tasks, t)
			}
			return err
		}, id, now, provider.MostAhead, provider.MostStanding, signed(from))
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func scanStanding(r pgx.Rows) (*provider.Standing, error) {
	var found provider.Standing
	var status int16
	var pin int64
	var name, version string
	var nextName, nextVersion []byte
	err := r.Scan(&status, &pin, &found.Node, &name, &version, &nextName, &nextVersion, &found.ReadySinceMs)
	found.Lane = provider.TurnLane(name, version, unsigned(pin))
	begins := executionStatus(status) == provider.NotCommitted ||
		executionStatus(status) == provider.ContinuedAsNew
	if begins && len(nextName) > 0 { // What begins next is known by its lane.
		found.Lane = provider.TurnLane(string(nextName), string(nextVersion), unsigned(pin))
	}
	return &found, err
}

// Size gives the bytes of all tables of the schema, with their indexes.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var size int64
	err := s.read(ctx, "size", func(p *pipeline) {
		p.each(sqlSize, func(r pgx.Rows) error { return r.Scan(&size) })
	})
	return size, err
}
