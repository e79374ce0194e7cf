package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/clock"
)

// A plan that was made while the tables were empty must still be good when they are large. So tables
// are looked up by key: = ANY of a list, or in a LATERAL subquery that OFFSET 0 keeps as it is. Two
// lists would not do: that looks for each of the one with each of the other. Where rows with two
// columns in their key are changed, such a subquery finds their ctid. That stays what it is, because
// the row of their instance is locked (P2).

// theMessages finds the messages of a list c of (instance, id, ...).
const theMessages = `
CROSS JOIN LATERAL (
  SELECT ctid FROM S.messages WHERE instance = c.instance AND id = c.id OFFSET 0) m`

// anyKey are the keys in $1 and those of the ids in $2.
const anyKey = `ANY(ARRAY(
  SELECT unnest($1::bigint[]) UNION ALL SELECT key FROM S.instances WHERE id = ANY($2::text[])))`

var (
	sqlMakeInstances = define(`
INSERT INTO S.instances (key, id, lane)
SELECT ($2::bigint << 20) | (nextval('S.ids') & 1048575), n.id, n.lane FROM (
  SELECT n.id, max(n.lane) AS lane FROM unnest($1::text[], $3::bigint[]) AS n (id, lane)
  WHERE NOT EXISTS (SELECT 1 FROM S.instances i WHERE i.id = n.id)
  GROUP BY n.id ORDER BY n.id COLLATE "C") n
ON CONFLICT (id) DO NOTHING RETURNING key`)
	sqlLockInstances = define(`
SELECT key FROM S.instances WHERE key = ` + anyKey + ` ORDER BY key FOR UPDATE`)
	sqlReadInstances = define(`
SELECT i.key, i.id, i.execution, i.status, i.last_event, i.epoch, i.lease, i.pin, i.batch,
  i.batch_due, i.events, i.bytes, i.dirty, i.done, i.done_after, i.updated, d.name, d.version,
  d.life, d.parent, d.parent_execution, d.parent_event, d.parent_life, d.starts, i.lane,
  d.hold
FROM S.instances i LEFT JOIN LATERAL (
  SELECT name, version, life, parent, parent_execution, parent_event, parent_life, starts, hold
  FROM S.details WHERE instance = i.key OFFSET 0) d ON true
WHERE i.key = ` + anyKey)
	sqlLockTasks = define(`
SELECT t.id, t.epoch, t.lease, t.instance, t.execution, t.event FROM S.tasks t
WHERE t.id = ANY(ARRAY(
  SELECT unnest($1::bigint[])
  UNION
  SELECT k.id FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS c (instance, execution, event)
  CROSS JOIN LATERAL (
    SELECT id FROM S.tasks
    WHERE instance = c.instance AND execution = c.execution AND event = c.event OFFSET 0) k))
ORDER BY t.id FOR UPDATE`)
	sqlLockSomeTasks = define(`
SELECT t.id, t.epoch, t.lease, t.instance, t.execution, t.event
FROM S.tasks t WHERE t.id = ANY($1::bigint[]) ORDER BY t.id FOR UPDATE OF t`)
	sqlMakeSessions = define(`
INSERT INTO S.sessions (id, owner, until_ms, active_ms)
SELECT n.id, '', 0, 0 FROM unnest($1::text[]) AS n (id)
WHERE NOT EXISTS (SELECT 1 FROM S.sessions s WHERE s.id = n.id)
GROUP BY n.id ORDER BY n.id COLLATE "C"
ON CONFLICT (id) DO NOTHING`)
	sqlLockSessions = define(`
SELECT s.id, s.owner, s.until_ms FROM S.sessions s
WHERE s.id = ANY($1::text[]) ORDER BY s.id FOR UPDATE OF s`)
	sqlLeases = define(`
SELECT id, until_ms, node, host, pid, pid_start, length_ms FROM S.leases`)
	sqlPresent = define(`
SELECT m.* FROM unnest($1::bigint[], $2::bigint[]) AS c (instance, id)
CROSS JOIN LATERAL (
  SELECT instance, id FROM S.messages WHERE instance = c.instance AND id = c.id OFFSET 0) m`)
	// What waits for instances that nobody holds.
	sqlWaiting = define(`
SELECT i.key, w.* FROM (
  SELECT key FROM S.instances i WHERE key = ` + anyKey + ` AND NOT EXISTS (
    SELECT 1 FROM S.leases l WHERE l.id = i.lease AND l.until_ms > 0) OFFSET 0) i
CROSS JOIN LATERAL (
  SELECT bool_or(m.due <= $3), bool_or(m.kind IN ` + starts + `), bool_or(m.kind IN ` + starts + ` AND m.due <= $3),
    coalesce(min(m.due) FILTER (WHERE m.kind IN ` + starts + `), 0)
  FROM S.messages m WHERE m.instance = i.key HAVING count(*) > 0) w`)
	sqlReserve = define(`SELECT nextval('S.ids') FROM generate_series(1, $1)`)
	sqlMoment  = define(`SELECT ` + clockMs)
)

// lock locks and reads all that the requests of the group need.
func (g *group) lock(ctx context.Context) error {
	p := g.s.pipeline()
	g.begin(p)
	n := &g.needs
	before := g.s.nowMs()
	g.stamp(p, before)
	if len(n.targets) > 0 {
		p.each(sqlMakeInstances, g.scanFresh, n.targets, before, n.lanesOfTargets())
	}
	if len(n.targets) > 0 || len(n.keys) > 0 {
		p.exec(sqlLockInstances, n.keys, n.targets)
	}
	switch {
	case len(n.cancelEvents) > 0:
		p.each(sqlLockTasks, g.scanTask,
			n.taskIDs(), n.cancelInstances, n.cancelExecutions, n.cancelEvents)
	case len(n.tasks) > 0:
		p.each(sqlLockSomeTasks, g.scanTask, n.taskIDs())
	}
	g.lockSessions(p, n.sessions)
	if len(n.targets) > 0 || len(n.keys) > 0 {
		p.each(sqlReadInstances, g.scanInstance, n.keys, n.targets)
	}
	g.readKeys(p, before)
	if len(n.targets) > 0 {
		p.each(sqlWaiting, g.scanWaiting, []int64(nil), n.targets, before)
	}
	if len(n.consumedIDs) > 0 {
		p.each(sqlPresent, g.scanPresent, n.consumedInstances, n.consumedIDs)
	}
	g.readRest(p, n.ids)
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("lock rows: %w", err)
	}
	g.timed(before)
	for _, id := range n.targets {
		if g.byID[id] == nil {
			return errVanished
		}
	}
	return nil
}

func (g *group) lockSessions(p *pipeline, names []string) {
	if len(names) > 0 {
		p.exec(sqlMakeSessions, names)
		p.each(sqlLockSessions, g.scanSession, names)
	}
}

// readRest reads leases, numbers and, last of all, the time.
func (g *group) readRest(p *pipeline, ids int) {
	p.each(sqlLeases, g.scanLease)
	if ids > 0 {
		g.reserve(p, ids)
	}
	p.each(sqlMoment, func(r pgx.Rows) error { return r.Scan(&g.now) })
}

// reserve takes numbers, which follow all that are stored for the locked instances.
func (g *group) reserve(p *pipeline, ids int) {
	p.each(sqlReserve, func(r pgx.Rows) error {
		var id int64
		err := r.Scan(&id)
		if len(g.ids) == 0 {
			g.lastID = unsigned(id) - 1
		}
		g.ids = append(g.ids, unsigned(id))
		return err
	}, ids)
}

// timed settles the time of the transaction.
func (g *group) timed(before int64) {
	if g.s.options.Clock != nil {
		g.now = before
	} else {
		g.s.toldTime(time.UnixMilli(g.now), g.began)
	}
	g.now = max(g.now, before)
	rows := make([]clock.Lease, 0, len(g.leases))
	for _, l := range g.leases {
		rows = append(rows, l.Lease)
	}
	g.s.leases.Look(rows)
}

func (g *group) scanFresh(r pgx.Rows) error {
	var key int64
	if err := r.Scan(&key); err != nil {
		return err
	}
	g.byKey[unsigned(key)] = &instance{key: unsigned(key), fresh: true}
	return nil
}

func (g *group) scanInstance(r pgx.Rows) error {
	var key, execution, lastEvent, epoch, held, pin, batch, done, doneAfter int64
	var status int16
	var who identity
	var hold []byte
	i := &instance{}
	err := r.Scan(&key, &i.id, &execution, &status, &lastEvent, &epoch, &held, &pin, &batch,
		&i.batchDue, &i.events, &i.bytes, &i.dirty, &done, &doneAfter, &i.updated,
		&who.name, &who.version, &who.life, &who.parent, &who.parentExecution, &who.parentEvent,
		&who.parentLife, &who.starts, &i.lane, &hold)
	if err != nil {
		return err
	}
	i.key, i.execution, i.status = unsigned(key), unsigned(execution), executionStatus(status)
	i.lastEvent, i.epoch, i.pin = unsigned(lastEvent), unsigned(epoch), unsigned(pin)
	i.lease, i.batch = provider.LeaseID(unsigned(held)), unsigned(batch)
	i.done, i.doneAfter = unsigned(done), unsigned(doneAfter)
	who.fill(i)
	i.hold = provider.DecodeHold(hold)
	if made := g.byKey[i.key]; made != nil {
		i.fresh = made.fresh
	}
	g.byKey[i.key], g.byID[i.id] = i, i
	g.s.routes.learn(i.key, i.id)
	return nil
}

// identity is what a cold row says about who lives at a place. All is null where there is none.
type identity struct {
	name, version, parent                *string
	life, parentLife                     []byte
	parentExecution, parentEvent, starts *int64
}

func (who *identity) fill(i *instance) {
	if who.name == nil || who.version == nil || who.starts == nil {
		return
	}
	i.born, i.name, i.version = true, *who.name, *who.version
	i.life, i.starts = lifeOf(who.life), unsigned(*who.starts)
	if execution := who.parentExecution; execution != nil && *execution > 0 {
		i.parent = &history.Parent{
			Instance: *who.parent, Execution: unsigned(*execution), Event: unsigned(*who.parentEvent),
			Life: lifeOf(who.parentLife),
		}
	}
}

// lifeOf gives a stored life; null is an unknown one.
func lifeOf(stored []byte) history.Life {
	var life history.Life
	copy(life[:], stored)
	return life
}

// lifeBytes gives what is stored of a life.
func lifeBytes(life history.Life) []byte {
	if life.IsZero() {
		return nil
	}
	return life[:]
}

func (g *group) scanWaiting(r pgx.Rows) error {
	var key, start int64
	var anyDue, anyStart, startDue bool
	if err := r.Scan(&key, &anyDue, &anyStart, &startDue, &start); err != nil {
		return err
	}
	if i := g.byKey[unsigned(key)]; i != nil {
		i.anyDue, i.anyStart, i.startDue = anyDue, anyStart, startDue
		i.nextStart = start
	}
	return nil
}

func (g *group) scanTask(r pgx.Rows) error {
	var id, epoch, held int64
	t := &task{}
	err := r.Scan(&id, &epoch, &held, &t.place.instance, &t.place.execution, &t.place.event)
	if err != nil {
		return err
	}
	t.id, t.epoch, t.lease = unsigned(id), unsigned(epoch), provider.LeaseID(unsigned(held))
	g.tasks[t.id] = t
	return nil
}

func (g *group) scanSession(r pgx.Rows) error {
	var id string
	s := &session{}
	if err := r.Scan(&id, &s.owner, &s.until); err != nil {
		return err
	}
	g.sessions[id] = s
	return nil
}

func (g *group) scanLease(r pgx.Rows) error {
	l, err := scanLease(r)
	if l != nil {
		g.leases[l.ID] = l
	}
	return err
}

func (g *group) scanPresent(r pgx.Rows) error {
	var k messageKey
	if err := r.Scan(&k.instance, &k.id); err != nil {
		return err
	}
	g.present[k] = true
	return nil
}
