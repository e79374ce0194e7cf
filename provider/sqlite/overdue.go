package sqlite

import (
	"context"

	"duroxide/provider"
)

var (
	sqlName    = &statement{`SELECT 1 FROM duroxide_names WHERE name = CAST(?1 AS TEXT)`}
	sqlAddName = &statement{`INSERT INTO duroxide_names (name) VALUES (?1) ON CONFLICT DO NOTHING`}
	sqlOverdue = &statement{`
SELECT t.id, t.epoch, t.execution, t.event, t.tag, t.session, t.body, i.id
FROM tasks t CROSS JOIN instances i ON i.key = t.instance
WHERE t.lease = 0 AND t.place > 0 AND t.lane = ?1 + 0 AND t.due <= ?2 ORDER BY t.place, t.id LIMIT ?3`}
)

// Announce remembers names of activities. It writes only what is new.
func (s *Store) Announce(ctx context.Context, activities []string) error {
	return s.write(ctx, "announce", 0, func(w *writer) error {
		for _, name := range activities {
			known, err := w.c.one(sqlName, name)
			if err == nil && known == nil {
				_, err = w.c.exec(sqlAddName, name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Overdue gives tasks that have waited long.
func (s *Store) Overdue(ctx context.Context, q provider.OverdueQuery) ([]provider.TaskClaim, error) {
	var all []provider.TaskClaim
	err := s.write(ctx, "overdue", 0, func(w *writer) error {
		all = nil
		numbers, err := w.lanesOf(sqlNextTaskLane)
		if err != nil {
			return err
		}
		for _, number := range numbers {
			if err := w.overdue(number, &q, &all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// overdue adds the overdue tasks of a lane.
func (w *writer) overdue(number int64, q *provider.OverdueQuery, all *[]provider.TaskClaim) error {
	lane, err := w.laneOf(number)
	if err != nil || len(*all) >= q.Limit || !q.Overdue(lane) {
		return err
	}
	if !q.Announced {
		known, err := w.c.one(sqlName, lane.Name)
		if err != nil || known != nil {
			return err
		}
	}
	return w.c.each(sqlOverdue, func(r *rows) bool {
		t, err := provider.DecodeTask(r.blob(6))
		if err != nil {
			return true // The next claim by who has the code hides it.
		}
		t.ID, t.Execution, t.Event, t.Instance = r.uint(0), r.uint(2), r.uint(3), r.text(7)
		t.Tag, t.Session = r.optional(4), r.optional(5)
		*all = append(*all, provider.TaskClaim{Token: provider.Token{Key: t.ID, Epoch: r.uint(1)}, Task: t})
		return true
	}, number, q.Before.UnixMilli(), int64(q.Limit-len(*all)))
}

// TakeOverdue takes instances that have been ready for long.
func (s *Store) TakeOverdue(ctx context.Context, q provider.OverdueTurns) ([]provider.InstanceClaim, error) {
	var claimed provider.Claimed
	err := s.write(ctx, "take_overdue", 0, func(w *writer) error {
		claimed = provider.Claimed{}
		if err := w.sweep(); err != nil {
			return err
		}
		all, err := w.lanesOf(sqlNextTurnLane)
		if err != nil {
			return err
		}
		lanes, _, err := w.choose(all, q.Overdue)
		if err != nil {
			return err
		}
		late := search{lanes: lanes, takes: q.Overdue, before: q.Before.UnixMilli(), most: q.Limit}
		return w.claimReady(&late, &holder{Holder: q.Holder}, &claimed)
	})
	if err != nil {
		return nil, err
	}
	return claimed.Instances, nil
}

// finishable gives what is known of a task that can be finished: one that is held, or, by a token
// without a lease, one that nobody holds.
func (w *writer) finishable(token provider.Token) (task, bool, error) {
	if token.Lease != 0 {
		return w.heldTask(token)
	}
	r, err := w.c.one(sqlTask, signed(token.Key))
	if err != nil || r == nil || r.uint(0) != token.Epoch || r.uint(1) != 0 {
		return task{}, false, err
	}
	return task{epoch: token.Epoch, session: r.optional(2)}, true, nil
}
