package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	sqlCommit = define(`COMMIT`)
	// A claim that ended without a word leaves a mark on the messages that it was given.
	sqlMarkClaims = define(`
UPDATE S.messages m SET marks = m.marks + 1
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (instance, batch, batch_due)
WHERE m.instance = c.instance AND m.id <= c.batch AND m.due <= c.batch_due AND m.marks < 2
  AND m.instance = ANY($1::bigint[])`)
	sqlUnhide = define(`
UPDATE S.messages SET due = effective WHERE instance = ANY($1::bigint[]) AND due <> effective`)
	sqlBringForward = define(`
UPDATE S.messages SET due = $2, effective = least(effective, $2)
WHERE instance = ANY($1::bigint[]) AND due > $2 AND kind NOT IN ` + ends)
	// Dividing by zero ends the transaction, should anything be missing that was seen.
	sqlConsume = define(`
WITH gone AS (
  DELETE FROM S.messages WHERE ctid = ANY(ARRAY(
    SELECT m.ctid FROM unnest($1::bigint[], $2::bigint[]) AS c (instance, id)` + theMessages + `))
  RETURNING 1)
SELECT 1 / (count(*) = cardinality($2::bigint[]))::int FROM gone`)
	sqlAbandonMessages = define(`
UPDATE S.messages m SET attempts = m.attempts + a.attempts::int,
  due = CASE WHEN a.due = 0 THEN m.due ELSE a.due END
FROM (
  SELECT m.ctid, c.attempts, c.due
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS c (instance, id, attempts, due)` +
		theMessages + `) a
WHERE m.ctid = a.ctid`)
	sqlInsertMessages = define(`
INSERT INTO S.messages (instance, id, due, effective, kind, execution, source, body, lane)
SELECT instance, id, due, effective, kind, execution, source, body, lane
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::bigint[], $8::bytea[], $9::bigint[])
  AS n (instance, id, due, effective, kind, execution, source, body, lane)`)
	sqlDropTimers = define(`
DELETE FROM S.messages WHERE ctid = ANY(ARRAY(
  SELECT m.ctid FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS d (instance, execution, event)
  CROSS JOIN LATERAL (
    SELECT ctid FROM S.messages
    WHERE kind = ` + timers + ` AND instance = d.instance AND execution = d.execution AND source = d.event
    OFFSET 0) m))`)
	sqlDropTimeouts = define(`
DELETE FROM S.messages WHERE ctid = ANY(ARRAY(
  SELECT m.ctid FROM unnest($1::bigint[]) AS d (instance)
  CROSS JOIN LATERAL (
    SELECT ctid FROM S.messages
    WHERE kind IN ` + beginnings + ` AND kind IN ` + ends + ` AND instance = d.instance AND effective > $2
    OFFSET 0) m))`)

	// The sessions of finished tasks were in use until now.
	sqlFinishTasks = define(`
WITH gone AS (
  DELETE FROM S.tasks t USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS f (id, epoch, lease)
  WHERE t.id = f.id AND t.epoch = f.epoch AND t.lease = f.lease AND t.id = ANY($1::bigint[])
  RETURNING t.session),
bumped AS (
  UPDATE S.sessions SET active_ms = $4 WHERE until_ms > $4 AND id IN (
    SELECT s.id FROM S.sessions s JOIN gone ON gone.session = s.id ORDER BY s.id FOR UPDATE OF s))
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM gone`)
	sqlFreeTasks = define(`
WITH freed AS (
  UPDATE S.tasks t SET lease = 0, place = 0, due = f.due, attempts = t.attempts + f.attempts::int,
    marks = least(t.marks + f.marks, 2)
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS f (id, epoch, lease, due, attempts, marks)
  WHERE t.id = f.id AND t.epoch = f.epoch AND t.lease = f.lease AND t.id = ANY($1::bigint[])
  RETURNING 1)
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM freed`)
	// An attempt has failed, so that the process has survived it.
	sqlFailTasks = define(`
WITH freed AS (
  UPDATE S.tasks t SET lease = 0, place = 0, due = f.due, attempts = 0, marks = 0, progress = f.progress
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])
    AS f (id, epoch, lease, due, progress)
  WHERE t.id = f.id AND t.epoch = f.epoch AND t.lease = f.lease AND t.id = ANY($1::bigint[])
  RETURNING 1)
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM freed`)
	sqlRetryTasks = define(`
UPDATE S.tasks t SET due = d.due FROM (
  SELECT t.id, r.due
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS r (instance, execution, event, due)
  CROSS JOIN LATERAL (
    SELECT id FROM S.tasks WHERE instance = r.instance AND execution = r.execution AND event = r.event
    OFFSET 0) t
  ORDER BY t.id OFFSET 0) d
WHERE t.id = d.id AND t.lease = 0 AND t.due = $5`)
	sqlSetProgress = define(`
UPDATE S.tasks t SET progress = p.progress
FROM unnest($1::bigint[], $2::bytea[]) AS p (id, progress) WHERE t.id = p.id AND t.id = ANY($1::bigint[])`)
	sqlTakeTasks = define(`
UPDATE S.tasks t SET lease = c.lease, place = 0, epoch = t.epoch + 1
FROM unnest($1::bigint[], $2::bigint[]) AS c (id, lease) WHERE t.id = c.id AND t.id = ANY($1::bigint[])`)
	sqlCountTasks = define(`
WITH begun AS (
  UPDATE S.tasks t SET attempts = t.attempts + 1
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS b (id, epoch, lease)
  WHERE t.id = b.id AND t.epoch = b.epoch AND t.lease = b.lease AND t.id = ANY($1::bigint[])
  RETURNING 1)
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM begun`)
	sqlHideTasks = define(`
UPDATE S.tasks t SET attempts = t.attempts + 1, due = h.due, place = 0
FROM unnest($1::bigint[], $2::bigint[]) AS h (id, due) WHERE t.id = h.id AND t.id = ANY($1::bigint[])`)
	sqlInsertTasks = define(`
INSERT INTO S.tasks
  (id, instance, execution, event, due, lease, epoch, attempts, tag, session, body, lane)
SELECT id, instance, execution, event, $10, lease, epoch, 0, tag, session, body, lane
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::text[], $8::text[], $9::bytea[], $11::bigint[])
  AS n (id, instance, execution, event, lease, epoch, tag, session, body, lane)`)

	sqlTakeSessions = define(`
UPDATE S.sessions s SET owner = t.owner, until_ms = t.until_ms, active_ms = $4
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t (id, owner, until_ms)
WHERE s.id = t.id AND s.id = ANY($1::text[])`)
	// Calls that open a lease for the same node at the same time use the same one.
	sqlOpenLeases = define(`
INSERT INTO S.leases (id, node, until_ms, length_ms, host, pid, pid_start)
SELECT id, node, until_ms, length_ms, $5, $6, $7
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS n (id, node, until_ms, length_ms)
ORDER BY id
ON CONFLICT (id) DO UPDATE SET until_ms = greatest(S.leases.until_ms, excluded.until_ms)`)
	sqlExtendLeases = define(`
UPDATE S.leases l SET until_ms = greatest(l.until_ms, e.until_ms)
FROM unnest($1::bigint[], $2::bigint[]) AS e (id, until_ms),
  (SELECT id FROM S.leases WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE) k
WHERE l.id = e.id AND k.id = l.id AND l.until_ms > 0`)
	sqlUpdateInstances = define(`
UPDATE S.instances i SET execution = u.execution, status = u.status, last_event = u.last_event,
  epoch = u.epoch, lease = u.lease, pin = u.pin, batch = u.batch, batch_due = u.batch_due,
  events = u.events, bytes = u.bytes, dirty = u.dirty, done = u.done, done_after = u.done_after,
  updated = u.updated, lane = u.lane
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::boolean[],
  $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[]) AS u (key, execution, status, last_event,
  epoch, lease, pin, batch, batch_due, events, bytes, dirty, done, done_after, updated, lane)
WHERE i.key = u.key AND i.key = ANY($1::bigint[])`)
	// A row that was made for a call that was refused has no reason to stay.
	sqlDropUnused = define(`DELETE FROM S.instances WHERE key = ANY($1::bigint[])`)

	// What a claim was given, and what is left for others.
	sqlGiven = define(`
SELECT p.* FROM (SELECT key, batch, batch_due FROM S.instances WHERE key = ANY($1::bigint[]) OFFSET 0) i
CROSS JOIN LATERAL (` + firstPage("i.key", "i.batch_due", "i.batch") + `) p
ORDER BY p.instance, p.effective, p.id`)
	sqlOffered = define(`
SELECT m.instance, bool_or(m.due <= n.now_ms AND (i.execution > 0 OR m.kind IN ` + starts + `)),
  coalesce(min(m.due) FILTER (WHERE m.due > n.now_ms), 0)
FROM (SELECT ` + momentMs(2, 3) + ` AS now_ms) n, S.instances i
JOIN S.messages m ON m.instance = i.key
WHERE i.key = ANY($1::bigint[]) AND m.instance = ANY($1::bigint[]) GROUP BY m.instance`)
)

// finish writes, reads what callers are to be told, and commits.
func (g *group) finish(ctx context.Context) error {
	p := g.s.pipeline()
	g.flush(p)
	if len(p.batch.QueuedQueries) == 0 {
		g.answer()
		return nil // release rolls back what was only locked
	}
	g.ask(p)
	p.exec(sqlCommit)
	return g.commit(ctx, p)
}

// commit sends what ends the transaction, and answers.
func (g *group) commit(ctx context.Context, p *pipeline) error {
	if err := g.send(ctx, p); err != nil {
		if !isUndecided(err) {
			return fmt.Errorf("write: %w", err)
		}
		if err := g.resolve(ctx, err); err != nil {
			return err
		}
	}
	g.opened = false
	g.s.known.learn(g)
	g.answer()
	g.s.publish(&g.changed)
	g.warnOfLate()
	if len(g.unknown) > 0 {
		g.release(ctx) // There may be only one connection, and this takes one of its own.
		g.s.quarantine(ctx, g.unknown)
	}
	return nil
}

// answer fills in the results of the requests.
func (g *group) answer() {
	for _, f := range g.after {
		f()
	}
}

// ask adds the questions whose answers depend on what was written.
func (g *group) ask(p *pipeline) {
	if len(g.claims) > 0 {
		p.each(sqlGiven, g.scanGiven, sortedKeys(g.claims))
	}
	if len(g.offers) > 0 {
		fixed, least := g.s.moment()
		p.each(sqlOffered, g.scanOffered, sortedKeys(g.offers), fixed, least)
	}
}

func sortedKeys[V any](m map[uint64]V) []int64 {
	keys := make([]int64, 0, len(m))
	for key := range m {
		keys = append(keys, signed(key))
	}
	slices.Sort(keys)
	return keys
}

func distinct[T int64 | string](values []T) []T {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}

func (g *group) scanOffered(r pgx.Rows) error {
	var key, next int64
	var work bool
	if err := r.Scan(&key, &work, &next); err != nil {
		return err
	}
	if o := g.offers[unsigned(key)]; o != nil {
		o.work, o.nextDue = work, next
		g.changed.work = g.changed.work || work
		g.changed.delayed(next)
	}
	return nil
}

// flush adds the statements that write.
func (g *group) flush(p *pipeline) {
	w := &g.writes
	g.flushMessages(p)
	g.flushTasks(p)
	if len(w.sessions) > 0 {
		var ids, owners []string
		var until []int64
		for id, s := range w.sessions {
			ids, owners, until = append(ids, id), append(owners, s.owner), append(until, s.until)
		}
		p.exec(sqlTakeSessions, ids, owners, until, g.now)
	}
	if len(w.opened.id) > 0 {
		here := g.s.process
		p.exec(sqlOpenLeases,
			w.opened.id, w.opened.node, w.opened.until, w.opened.length, here.Host, here.PID, here.Start)
	}
	if len(w.extended) > 0 {
		var ids, until []int64
		for id, end := range w.extended {
			ids, until = append(ids, signed(id)), append(until, end)
		}
		p.exec(sqlExtendLeases, ids, until)
	}
	g.flushRecords(p)
	g.flushValues(p)
	g.flushInstances(p)
	g.flushOrphans(p)
}

func (g *group) flushMessages(p *pipeline) {
	w := &g.writes
	if c := &w.takenOver; len(c.instance) > 0 {
		p.exec(sqlMarkClaims, c.instance, c.batch, c.batchDue)
	}
	g.dropLate(p)
	if len(w.unhidden) > 0 {
		p.exec(sqlUnhide, w.unhidden)
	}
	if c := &w.consumed; len(c.id) > 0 {
		p.exec(sqlConsume, c.instance, c.id)
	}
	if len(w.abandoned) > 0 {
		var instances, ids, attempts, due []int64
		for key, c := range w.abandoned {
			instances, ids = append(instances, key.instance), append(ids, key.id)
			attempts, due = append(attempts, c.attempts), append(due, c.due)
		}
		p.exec(sqlAbandonMessages, instances, ids, attempts, due)
	}
	if n := &w.arrived; len(n.id) > 0 && !g.short {
		p.exec(sqlInsertMessages,
			n.instance, n.id, n.due, n.effective, n.kind, n.execution, n.source, n.body,
			n.lane)
	}
	if len(w.forward) > 0 {
		p.exec(sqlBringForward, w.forward, g.now)
	}
	g.flushKeys(p)
	g.flushMoved(p)
	if d := &w.timers; len(d.event) > 0 {
		p.exec(sqlDropTimers, d.instance, d.execution, d.event)
	}
	if len(w.timeouts) > 0 {
		p.exec(sqlDropTimeouts, w.timeouts, g.now)
	}
}

func (g *group) flushTasks(p *pipeline) {
	w := &g.writes
	if f := &w.finished; len(f.id) > 0 {
		p.exec(sqlFinishTasks, f.id, f.epoch, f.lease, g.now)
	}
	if f := &w.freed; len(f.id) > 0 {
		p.exec(sqlFreeTasks, f.id, f.epoch, f.lease, f.due, f.attempts, f.marks)
	}
	g.flushAttempts(p)
	if b := &w.begun; len(b.id) > 0 {
		p.exec(sqlCountTasks, b.id, b.epoch, b.lease)
	}
	if c := &w.taken; len(c.id) > 0 {
		p.exec(sqlTakeTasks, c.id, c.lease)
	}
	if h := &w.hidden; len(h.id) > 0 {
		p.exec(sqlHideTasks, h.id, h.due)
	}
	if n := &w.newTasks; len(n.id) > 0 {
		p.exec(sqlInsertTasks, n.id, n.instance, n.execution, n.event, n.lease, n.epoch,
			n.tag, n.session, n.body, g.now, n.lane)
	}
	if n := &w.waitingTasks; len(n.id) > 0 {
		p.exec(sqlQueueTasks, n.id, n.instance, n.execution, n.event, n.tag, n.session, n.body, g.now,
			n.lane)
	}
	if n := &w.progress; len(n.id) > 0 {
		p.exec(sqlSetProgress, n.id, n.bytes)
	}
	if len(w.fronts) > 0 {
		p.exec(sqlSessionFronts, distinct(w.fronts))
	}
	if w.round > 0 {
		p.exec(sqlAdvance, w.round)
	}
}

// flushAttempts writes what became of attempts of activities with a policy.
func (g *group) flushAttempts(p *pipeline) {
	w := &g.writes
	if f := &w.failed; len(f.id) > 0 {
		p.exec(sqlFailTasks, f.id, f.epoch, f.lease, f.due, f.progress)
	}
	if r := &w.retried; len(r.event) > 0 {
		p.exec(sqlRetryTasks, r.instance, r.execution, r.event, r.due, int64(provider.Undecided))
	}
}

// columns are the columns of the hot rows that a group has changed.
type columns struct {
	key, execution, status, lastEvent, epoch, lease, pin, batch, batchDue, events, bytes []int64
	done, doneAfter, updated, lane                                                       []int64
	dirty                                                                                []bool
}

func (g *group) flushInstances(p *pipeline) {
	var unused []int64
	for _, i := range g.byKey {
		if i.fresh && !i.used && !g.short {
			unused = append(unused, signed(i.key))
		}
	}
	// Where nothing else is written the transaction is rolled back, and the rows with it.
	if len(unused) > 0 && len(p.batch.QueuedQueries) > 0 {
		p.exec(sqlDropUnused, unused)
	}
	var u columns
	for _, i := range g.writes.touched {
		if i.fresh && g.short {
			continue // it was inserted as it is
		}
		u.key, u.execution = append(u.key, signed(i.key)), append(u.execution, signed(i.execution))
		u.status = append(u.status, int64(i.status))
		u.lastEvent = append(u.lastEvent, signed(i.lastEvent))
		u.epoch, u.lease = append(u.epoch, signed(i.epoch)), append(u.lease, signed(i.lease))
		u.pin, u.batch = append(u.pin, signed(i.pin)), append(u.batch, signed(i.batch))
		u.batchDue, u.events = append(u.batchDue, i.batchDue), append(u.events, i.events)
		u.bytes, u.dirty = append(u.bytes, i.bytes), append(u.dirty, i.dirty)
		u.done, u.doneAfter = append(u.done, signed(i.done)), append(u.doneAfter, signed(i.doneAfter))
		u.updated, u.lane = append(u.updated, i.updated), append(u.lane, i.lane)
	}
	if len(u.key) == 0 {
		return
	}
	p.exec(sqlUpdateInstances, u.key, u.execution, u.status, u.lastEvent, u.epoch, u.lease, u.pin,
		u.batch, u.batchDue, u.events, u.bytes, u.dirty, u.done, u.doneAfter, u.updated, u.lane)
}

// touch notes that the hot row of an instance has changed.
func (g *group) touch(i *instance) { g.writes.touched[i.key] = i }

// offer asks what is left of an instance that nobody holds, once the writes are done.
func (g *group) offer(i *instance) *offer {
	o := g.offers[i.key]
	if o == nil {
		o = &offer{}
		g.offers[i.key] = o
	}
	return o
}

// ready notes tasks that nobody holds and that are due at the given time.
func (g *group) ready(due int64) {
	if due <= g.now {
		g.changed.tasks = true
	} else {
		g.changed.delayed(due)
	}
}
