package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	sqlAddNames = define(`
INSERT INTO S.duroxide_names (name)
SELECT n.name FROM unnest($1::bytea[]) AS n (name)
WHERE NOT EXISTS (SELECT 1 FROM S.duroxide_names k WHERE k.name = n.name)
ORDER BY n.name ON CONFLICT DO NOTHING`)
	// Of the lanes with waiting tasks, those whose names were never announced, or all.
	sqlOverdueLanes = define(`
SELECT l.id, l.kind, l.name, l.version, l.tagged, l.tag, l.level
FROM S.duroxide_lanes l WHERE l.id = ANY($1::bigint[])
  AND ($2 OR NOT EXISTS (SELECT 1 FROM S.duroxide_names k WHERE k.name = l.name))`)
	sqlOverdue = define(`
SELECT t.id, t.epoch, t.execution, t.event, t.tag, t.session, t.body, i.id
FROM unnest($1::bigint[]) AS w (lane) CROSS JOIN LATERAL (
  SELECT * FROM S.tasks WHERE ` + waitingTask + ` AND lane = w.lane AND due <= $2
  ORDER BY place, id LIMIT $3) t
CROSS JOIN LATERAL (SELECT id FROM S.instances WHERE key = t.instance OFFSET 0) i
LIMIT $3`)
)

// Announce remembers names of activities. It writes only what is new.
func (s *Store) Announce(ctx context.Context, activities []string) error {
	if len(activities) == 0 {
		return failure("announce", ctx.Err())
	}
	names := make([][]byte, len(activities))
	for n, name := range activities {
		names[n] = blob(name)
	}
	return s.direct(ctx, "announce", func(ctx context.Context) error {
		p := s.pipeline()
		p.exec(sqlAddNames, names)
		return s.sendPool(ctx, p)
	})
}

// Overdue gives tasks that have waited long.
func (s *Store) Overdue(ctx context.Context, q provider.OverdueQuery) ([]provider.TaskClaim, error) {
	var present, lanes []int64
	err := s.read(ctx, "overdue", func(p *pipeline) {
		present = nil
		p.each(sqlTaskLanes, scanInto(&present))
	})
	if err != nil || len(present) == 0 {
		return nil, err
	}
	err = s.read(ctx, "overdue", func(p *pipeline) {
		lanes = nil
		p.each(sqlOverdueLanes, func(r pgx.Rows) error {
			number, lane, err := laneIn(r)
			if err == nil && q.Overdue(lane) {
				lanes = append(lanes, number)
			}
			return err
		}, present, q.Announced)
	})
	if err != nil || len(lanes) == 0 {
		return nil, err
	}
	var all []provider.TaskClaim
	err = s.read(ctx, "overdue", func(p *pipeline) {
		all = nil
		p.each(sqlOverdue, func(r pgx.Rows) error {
			claim, err := scanOverdue(r)
			if claim != nil {
				all = append(all, *claim)
			}
			return err
		}, lanes, q.Before.UnixMilli(), q.Limit)
	})
	return all, err
}

// TakeOverdue takes instances that have been ready for long.
func (s *Store) TakeOverdue(ctx context.Context, q provider.OverdueTurns) ([]provider.InstanceClaim, error) {
	c := &claiming{
		s: s, r: &provider.ClaimRequest{Turns: q.Holder, MaxTurns: q.Limit},
		takes: q.Overdue, overdue: q.Before.UnixMilli(),
	}
	c.turns.Holder = q.Holder
	claimed, err := s.claim(ctx, "take_overdue", c)
	return claimed.Instances, err
}

// scanOverdue reads an overdue task, or nil where it cannot be decoded: the next claim by who has the code
// hides that.
func scanOverdue(r pgx.Rows) (*provider.TaskClaim, error) {
	var id, epoch, execution, event int64
	var tag, session *string
	var body []byte
	var instance string
	if err := r.Scan(&id, &epoch, &execution, &event, &tag, &session, &body, &instance); err != nil {
		return nil, err
	}
	t, err := provider.DecodeTask(body)
	if err != nil {
		return nil, nil //nolint:nilerr // as said
	}
	t.ID, t.Execution, t.Event = unsigned(id), unsigned(execution), unsigned(event)
	t.Instance, t.Tag, t.Session = instance, tag, session
	return &provider.TaskClaim{Token: provider.Token{Key: t.ID, Epoch: unsigned(epoch)}, Task: t}, nil
}

// finishable gives the task of a token that can be finished: one that is held, or, by a token without a
// lease, one that nobody holds.
func (g *group) finishable(token provider.Token) *task {
	if token.Lease != 0 {
		return g.heldTask(token)
	}
	t := g.tasks[token.Key]
	if t == nil || t.epoch != token.Epoch || t.lease != 0 {
		g.doubt = true
		return nil
	}
	return t
}
