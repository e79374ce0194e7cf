package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var sqlHold = define(`
UPDATE S.details d SET hold = n.hold FROM unnest($1::bigint[], $2::bytea[]) AS n (instance, hold)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)

var sqlCancelling = define(`
UPDATE S.details d SET cancelling = n.cancelling
FROM unnest($1::bigint[], $2::bytea[]) AS n (instance, cancelling)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)

var sqlPatches = define(`
UPDATE S.details d SET patched = n.patched, patches = n.patches
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS n (instance, patched, patches)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)

// answered notes what the current execution has been answered at its patches.
func (g *group) answered(i *instance, t *turn) {
	w := &g.writes.patches
	w.instance, w.execution = append(w.instance, signed(i.key)), append(w.execution, signed(i.execution))
	w.answers = append(w.answers, t.Patches)
}

// cancelling notes that an instance is being cancelled, or for nil that it is not any more.
func (g *group) cancelling(i *instance, c *provider.Cancelling) {
	w := &g.writes.cancelling
	w.instance = append(w.instance, signed(i.key))
	w.cancelling = append(w.cancelling, provider.EncodeCancelling(c))
}

// held says what an instance is held for, or gives nil.
func (i *instance) held() *provider.Hold { return i.hold.At(i.execution, i.lastEvent, i.status) }

// endsForAll reports whether anybody may take what ends an instance.
func (i *instance) endsForAll() bool { return i.execution == 0 || i.held() != nil }

// laneOf gives the lane of a message for an instance.
func (i *instance) laneOf(m *provider.Message) int64 {
	if m.Ends(i.parent) && i.execution == 0 || m.Kind.EndsHeld() && i.held() != nil {
		return anyTurn
	}
	return i.lane
}

// hold notes what an instance is held for from now on; nil is nothing.
func (g *group) hold(i *instance, h *provider.Hold) {
	i.hold = h
	w := &g.writes.holds
	w.instance, w.hold = append(w.instance, signed(i.key)), append(w.hold, provider.EncodeHold(h))
}

// Resume ends the hold of an instance.
func (s *Store) Resume(ctx context.Context, instance string) (bool, error) {
	held := false
	ids := []string{askable(instance)}
	err := s.locked(ctx, "resume", ids, func(ctx context.Context, g *group) error {
		i := g.byID[instance]
		if i == nil || !i.born {
			return rules.NotFound(instance)
		}
		if held = i.held() != nil; !held {
			return nil
		}
		g.hold(i, nil)
		lane, _ := g.wanted(i)
		g.move(i, lane)
		g.changed.work = true
		p := s.pipeline()
		g.flush(p)
		if err := g.send(ctx, p); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		return nil
	})
	return held && err == nil, err
}

var (
	sqlStopping = define(`
SELECT c.instance FROM unnest($1::bigint[]) AS c (instance) CROSS JOIN LATERAL (
  SELECT 1 FROM S.messages WHERE instance = c.instance AND kind IN ` + beginnings + ` AND kind IN ` + ends + ` AND effective <= $2 LIMIT 1) m`)
	sqlDropHistory = define(`DELETE FROM S.histories WHERE instance = $1 AND execution = $2`)
	sqlDropAnswers = define(`DELETE FROM S.messages WHERE instance = $1 AND kind NOT IN ` + inputs)
	sqlDropTasks   = define(`
DELETE FROM S.tasks WHERE id IN (SELECT id FROM S.tasks WHERE instance = $1 ORDER BY id FOR UPDATE)`)
	sqlClearBase = define(`
UPDATE S.key_values SET base = NULL, base_at = 0, dirty = true WHERE instance = $1`)
	sqlSetBase = define(`
INSERT INTO S.key_values (instance, key, base, base_at, dirty)
SELECT $1, key, base, base_at, true
FROM unnest($2::bytea[], $3::bytea[], $4::bigint[]) AS n (key, base, base_at)
ON CONFLICT (instance, key) DO UPDATE
SET base = excluded.base, base_at = excluded.base_at, dirty = true`)
)

// rewrite is a rewritten history with everything encoded.
type rewrite = rules.Rewrite

// Repair gives instances another history.
func (s *Store) Repair(ctx context.Context, r provider.Repair) error {
	all, _, err := rules.EncodeRewrites(&r)
	if err != nil {
		return failure("repair", err)
	}
	for _, rw := range all {
		if err := rw.Turn.CheckTexts(); err != nil {
			return failure("repair", err)
		}
	}
	for _, rw := range all {
		s.number(ctx, lanesOf(rw.Turn))
	}
	return s.direct(ctx, "repair", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		g := s.newGroup(conn)
		defer g.release(ctx)
		for _, place := range r.Running {
			g.needs.targets = append(g.needs.targets, place.Instance)
		}
		for _, rw := range all {
			g.needs.targets = append(g.needs.targets, rw.Instance)
			g.needs.turn(s, rw.Turn)
		}
		g.needs.keys = nil // They are found by their ids.
		if err := g.lock(ctx); err != nil {
			return err
		}
		if err := g.repairable(ctx, &r, all); err != nil {
			return err
		}
		return g.repair(ctx, all)
	})
}

// isAsSaid reports whether an instance is as a repair says.
func (i *instance) isAsSaid(rw *rewrite) bool {
	return i.life.Fits(rw.Life) && i.execution == rw.At() && i.lastEvent == rw.LastEvent && i.status == rw.Status
}

// repairable sees that all instances of a repair are as they are said to be (P4).
func (g *group) repairable(ctx context.Context, r *provider.Repair, all []rewrite) error {
	var running []int64
	for _, place := range r.Running {
		i := g.byID[place.Instance]
		if i == nil || !i.born || !i.life.Fits(place.Life) || i.hasEnded() {
			return rules.Changed()
		}
		running = append(running, signed(i.key))
	}
	for _, rw := range all {
		i := g.byID[rw.Instance]
		if i == nil || rw.Fresh && i.taken() || !rw.Fresh && (!i.born || !i.isAsSaid(&rw)) {
			return rules.Changed()
		}
	}
	if err := g.keeps(ctx, all); err != nil {
		return err
	}
	return g.goingOn(ctx, running)
}

// keeps sees that the executions that rewrites go back to are stored: they may have been pruned.
func (g *group) keeps(ctx context.Context, all []rewrite) error {
	p, missing := g.s.pipeline(), 0
	for _, rw := range all {
		if rw.Fresh {
			continue
		}
		missing++
		p.each(sqlHasExecution, func(pgx.Rows) error {
			missing--
			return nil
		}, signed(g.byID[rw.Instance].key), signed(rw.Execution))
	}
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("look for executions: %w", err)
	}
	if missing > 0 {
		return rules.Changed()
	}
	return nil
}

// goingOn sees that nothing is about to stop any of these instances.
func (g *group) goingOn(ctx context.Context, running []int64) error {
	if len(running) == 0 {
		return nil
	}
	stopping := false
	p := g.s.pipeline()
	p.each(sqlStopping, func(pgx.Rows) error {
		stopping = true
		return nil
	}, running, g.now)
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("look for what is to stop: %w", err)
	}
	if stopping {
		return rules.Changed()
	}
	return nil
}

func (g *group) repair(ctx context.Context, all []rewrite) error {
	p := g.s.pipeline()
	for _, rw := range all {
		g.rewrite(p, &rw)
	}
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("take back: %w", err)
	}
	for _, rw := range all { // Now that all of them run.
		g.deliver(rw.Send, rw.Turn.SendBodies, nil)
		g.offer(g.byID[rw.Instance])
	}
	return g.finish(ctx)
}

func (g *group) rewrite(p *pipeline, rw *rewrite) {
	i, key := g.byID[rw.Instance], signed(g.byID[rw.Instance].key)
	g.rewritten(p, i, rw)
	p.exec(sqlDropHistory, key, signed(rw.Execution))
	for _, st := range []statement{sqlDropTasks, sqlDropAnswers, sqlClearBase} {
		p.exec(st, key)
	}
	var names, values [][]byte
	var at []int64
	for name, value := range rw.Base {
		names, values, at = append(names, blob(name)), append(values, blob(value.Data)), append(at, value.UpdatedAtMs)
	}
	if len(names) > 0 {
		p.exec(sqlSetBase, key, names, values, at)
	}
	if len(rw.Forget) > 0 {
		p.exec(sqlForgetKeys, key, rw.Forget)
	}
	g.rewriteState(key, rw)
	i.epoch++
	i.lease, i.batch, i.batchDue, i.done, i.doneAfter = 0, 0, 0, 0, 0
	i.dirty, i.pin, i.updated = true, max(i.pin, rw.Level), max(i.updated, g.now)
	i.events, i.bytes = int64(len(rw.Events)), 0
	i.lastEvent = rw.Events[len(rw.Events)-1].ID
	w := &g.writes.rows
	for n, row := range rw.Rows {
		w.instance, w.execution = append(w.instance, key), append(w.execution, signed(rw.Execution))
		w.first, w.body = append(w.first, signed(rw.Events[n*provider.RowEvents].ID)), append(w.body, row)
		i.bytes += int64(len(row))
	}
	i.status, i.used = provider.Running, true
	o := &g.writes.outcomes
	if rw.Fresh {
		o = &g.writes.executions
	}
	o.instance, o.execution = append(o.instance, key), append(o.execution, signed(rw.Execution))
	o.status, o.completed = append(o.status, int64(i.status)), append(o.completed, 0)
	o.output, o.failure = append(o.output, nil), append(o.failure, "")
	g.hold(i, nil)
	g.cancelling(i, nil)
	g.answered(i, rw.Turn)
	lane, _ := g.wanted(i)
	g.move(i, lane)
	g.writes.moved[i.key] = i.lane // also what came while it had ended
	g.touch(i)
	g.changed.instances = append(g.changed.instances, i.id)
	var none provider.Committed
	g.commitTasks(i, rw.Turn, &none)
}

// rewriteState gives an instance the live values and the custom status of another moment.
func (g *group) rewriteState(key int64, rw *rewrite) {
	w := &g.writes
	if rw.Live != nil {
		w.cleared = append(w.cleared, key)
	}
	for name, value := range rw.Live {
		w.values.instance, w.values.at = append(w.values.instance, key), append(w.values.at, value.UpdatedAtMs)
		w.values.key, w.values.live = append(w.values.key, blob(name)), append(w.values.live, blob(value.Data))
	}
	if c := rw.CustomStatus; c != nil {
		w.custom.instance = append(w.custom.instance, key)
		w.custom.status = append(w.custom.status, optionalBlob(c.Status))
	}
}
