package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"duroxide/provider"
)

// needs is what the requests of a group look at.
type needs struct {
	// targets are instances by id, which are made where they do not exist.
	targets []string
	keys    []int64
	tasks   []int64
	// cancelled are tasks by what scheduled them.
	cancelInstances, cancelExecutions, cancelEvents []int64
	// consumed are messages that must exist.
	consumedInstances, consumedIDs []int64
	// sessions are those that may be taken.
	sessions []string
	// bumps says that the sessions of the tasks are locked too.
	bumps bool
	ids   int
}

func (n *needs) isEmpty() bool {
	return len(n.targets) == 0 && len(n.keys) == 0 && len(n.tasks) == 0
}

func (n *needs) messages(messages []provider.Message) {
	for i := range messages {
		n.targets = append(n.targets, messages[i].Instance)
	}
	n.ids += len(messages) + 1
}

type messageKey struct{ instance, id int64 }

// group is one transaction: the rows that it has locked, as they are after what its requests have
// done so far, and the writes that make them so.
type group struct {
	s      *Store
	conn   *pgxpool.Conn
	needs  needs
	opened bool
	// mark is the number of this transaction of its writer; zero outside the committers.
	writer *writer
	mark   int64

	now      int64
	byKey    map[uint64]*instance
	byID     map[string]*instance
	tasks    map[uint64]*task
	leases   map[provider.LeaseID]*lease
	sessions map[string]*session
	present  map[messageKey]bool
	ids      []uint64
	lastID   uint64

	writes  writes
	changed change
	// reads are the instances whose messages are read after the writes, and after has what is done
	// with the answers once the transaction is committed.
	claims  map[uint64]*provider.InstanceClaim
	offers  map[uint64]*offer
	after   []func()
	unknown []undecodable
}

// offer is what is left for others of an instance that nobody holds.
type offer struct {
	work    bool
	nextDue int64
}

func (s *Store) newGroup(conn *pgxpool.Conn) *group {
	return &group{
		s: s, conn: conn,
		byKey: map[uint64]*instance{}, byID: map[string]*instance{}, tasks: map[uint64]*task{},
		leases: map[provider.LeaseID]*lease{}, sessions: map[string]*session{},
		present: map[messageKey]bool{}, claims: map[uint64]*provider.InstanceClaim{},
		offers: map[uint64]*offer{}, writes: newWrites(),
	}
}

// release gives the connection back. What was not committed is rolled back.
func (g *group) release(ctx context.Context) {
	if g.conn == nil {
		return
	}
	if g.opened {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := g.conn.Exec(ctx, "ROLLBACK"); err != nil {
			// A connection in an unknown state is not used again.
			_ = g.conn.Conn().Close(ctx)
		}
	}
	g.conn.Release()
	g.conn = nil
}

// instance is the hot row of one instance, with name and version of its cold one.
type instance struct {
	key       uint64
	id        string
	execution uint64
	status    provider.ExecutionStatus
	lastEvent uint64
	epoch     uint64
	lease     provider.LeaseID
	pin       uint64
	batch     uint64
	batchDue  int64
	events    int64
	bytes     int64
	dirty     bool
	done      uint64
	doneAfter uint64
	updated   int64
	name      string
	version   string
	described bool

	// fresh says that this transaction made the row; used, that it has a reason to stay.
	fresh, used bool
	// What is known of its messages, where it was free when it was locked: whether any is due,
	// whether there is a start and whether one is due, and when the earliest start is; only queue
	// messages otherwise.
	anyDue, anyStart, startDue, onlyQueue bool
	nextStart                             int64
}

// deliverable reports whether there is something that a claim would get.
func (i *instance) deliverable() bool {
	if i.execution == 0 {
		return i.startDue
	}
	return i.anyDue
}

// task is a locked task.
type task struct {
	id       uint64
	epoch    uint64
	lease    provider.LeaseID
	instance uint64
	place    place
	attempts int64
	session  *string
}

// place is what scheduled a task.
type place struct{ instance, execution, event int64 }

type lease struct {
	id    provider.LeaseID
	node  string
	until int64
}

type session struct {
	owner string
	until int64
}

var (
	sqlBegin = define(`BEGIN ISOLATION LEVEL READ COMMITTED`)
	sqlLimit = define(`
SELECT set_config('statement_timeout', $1, true),
  set_config('idle_in_transaction_session_timeout', $2, true),
  set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
  set_config('enable_seqscan', 'off', true)`)
	sqlMakeInstances = define(`
INSERT INTO S.instances (id)
SELECT n.id FROM unnest($1::text[]) AS n (id)
WHERE NOT EXISTS (SELECT 1 FROM S.instances i WHERE i.id = n.id)
GROUP BY n.id ORDER BY n.id COLLATE "C"
ON CONFLICT (id) DO NOTHING RETURNING key`)
	sqlLockInstances = define(`
SELECT key FROM S.instances WHERE key = ANY($1::bigint[]) OR id = ANY($2::text[])
ORDER BY key FOR UPDATE`)
	sqlReadInstances = define(`
SELECT i.key, i.id, i.execution, i.status, i.last_event, i.epoch, i.lease, i.pin, i.batch,
  i.batch_due, i.events, i.bytes, i.dirty, i.done, i.done_after, i.updated, d.name, d.version
FROM S.instances i LEFT JOIN S.details d ON d.instance = i.key
WHERE i.key = ANY($1::bigint[]) OR i.id = ANY($2::text[])`)
	sqlLockTasks = define(`
SELECT t.id, t.epoch, t.lease, t.instance, t.execution, t.event, t.attempts, t.session
FROM (
  SELECT unnest($1::bigint[]) AS id
  UNION
  SELECT t.id FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])
    AS c (instance, execution, event)
  JOIN S.tasks t
    ON t.instance = c.instance AND t.execution = c.execution AND t.event = c.event) k
JOIN S.tasks t ON t.id = k.id
ORDER BY t.id FOR UPDATE OF t`)
	sqlLockSomeTasks = define(`
SELECT t.id, t.epoch, t.lease, t.instance, t.execution, t.event, t.attempts, t.session
FROM S.tasks t WHERE t.id = ANY($1::bigint[]) ORDER BY t.id FOR UPDATE OF t`)
	sqlMakeSessions = define(`
INSERT INTO S.sessions (id, owner, until_ms, active_ms)
SELECT n.id, '', 0, 0 FROM unnest($1::text[]) AS n (id)
WHERE NOT EXISTS (SELECT 1 FROM S.sessions s WHERE s.id = n.id)
GROUP BY n.id ORDER BY n.id COLLATE "C"
ON CONFLICT (id) DO NOTHING`)
	sqlLockSessions = define(`
SELECT s.id, s.owner, s.until_ms
FROM (
  SELECT unnest($1::text[]) COLLATE "C" AS id
  UNION
  SELECT session FROM S.tasks WHERE id = ANY($2::bigint[]) AND session IS NOT NULL) k
JOIN S.sessions s ON s.id = k.id
ORDER BY s.id FOR UPDATE OF s`)
	sqlLeases  = define(`SELECT id, until_ms, node FROM S.leases`)
	sqlPresent = define(`
SELECT m.instance, m.id FROM S.messages m
JOIN unnest($1::bigint[], $2::bigint[]) AS c (instance, id)
  ON c.instance = m.instance AND c.id = m.id`)
	// What waits for instances that nobody holds.
	sqlWaiting = define(`
SELECT m.instance, bool_or(m.due <= $3), bool_or(m.kind IN (1, 2)),
  bool_or(m.kind IN (1, 2) AND m.due <= $3),
  coalesce(min(m.due) FILTER (WHERE m.kind IN (1, 2)), 0), bool_and(m.kind = 6)
FROM S.instances i JOIN S.messages m ON m.instance = i.key
WHERE (i.key = ANY($1::bigint[]) OR i.id = ANY($2::text[])) AND NOT EXISTS (
  SELECT 1 FROM S.leases l WHERE l.id = i.lease AND l.until_ms > $3)
GROUP BY m.instance`)
	sqlReserve = define(`SELECT nextval('S.ids') FROM generate_series(1, $1)`)
	sqlMoment  = define(`SELECT ` + clockMs)
)

// begin adds what begins a transaction.
func (g *group) begin(p *pipeline) {
	g.opened = true
	p.exec(sqlBegin)
	if g.s.options.Pooler {
		p.exec(sqlLimit, milliseconds(statementTime), milliseconds(idleInside))
	}
}

// send runs a pipeline on the connection of the group.
func (g *group) send(ctx context.Context, p *pipeline) error {
	return g.conn.SendBatch(ctx, &p.batch).Close()
}

// lock locks and reads all that the requests of the group need.
func (g *group) lock(ctx context.Context) error {
	p := g.s.pipeline()
	g.begin(p)
	n := &g.needs
	before := g.s.nowMs()
	if g.writer != nil {
		g.writer.last++
		g.mark = g.writer.last
		p.exec(sqlMark, g.writer.id, g.mark, before)
	}
	if len(n.targets) > 0 {
		p.each(sqlMakeInstances, g.scanFresh, n.targets)
	}
	if len(n.targets) > 0 || len(n.keys) > 0 {
		p.exec(sqlLockInstances, n.keys, n.targets)
	}
	switch {
	case len(n.cancelEvents) > 0:
		p.each(sqlLockTasks, g.scanTask,
			n.tasks, n.cancelInstances, n.cancelExecutions, n.cancelEvents)
	case len(n.tasks) > 0:
		p.each(sqlLockSomeTasks, g.scanTask, n.tasks)
	}
	g.lockSessions(p, n.sessions, n.bumps)
	if len(n.targets) > 0 || len(n.keys) > 0 {
		p.each(sqlReadInstances, g.scanInstance, n.keys, n.targets)
	}
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

func (g *group) lockSessions(p *pipeline, names []string, bumps bool) {
	if len(names) > 0 {
		p.exec(sqlMakeSessions, names)
	}
	if len(names) > 0 || bumps {
		p.each(sqlLockSessions, g.scanSession, names, g.needs.tasks)
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
		g.now = g.s.nowMs()
	}
	g.now = max(g.now, before)
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
	var name, version *string
	i := &instance{}
	err := r.Scan(&key, &i.id, &execution, &status, &lastEvent, &epoch, &held, &pin, &batch,
		&i.batchDue, &i.events, &i.bytes, &i.dirty, &done, &doneAfter, &i.updated, &name, &version)
	if err != nil {
		return err
	}
	i.key, i.execution, i.status = unsigned(key), unsigned(execution), executionStatus(status)
	i.lastEvent, i.epoch, i.pin = unsigned(lastEvent), unsigned(epoch), unsigned(pin)
	i.lease, i.batch = provider.LeaseID(unsigned(held)), unsigned(batch)
	i.done, i.doneAfter = unsigned(done), unsigned(doneAfter)
	if name != nil && version != nil {
		i.name, i.version, i.described = *name, *version, true
	}
	if made := g.byKey[i.key]; made != nil {
		i.fresh = made.fresh
	}
	g.byKey[i.key], g.byID[i.id] = i, i
	g.s.routes.learn(i.key, i.id)
	return nil
}

func (g *group) scanWaiting(r pgx.Rows) error {
	var key, start int64
	var anyDue, anyStart, startDue, onlyQueue bool
	if err := r.Scan(&key, &anyDue, &anyStart, &startDue, &start, &onlyQueue); err != nil {
		return err
	}
	if i := g.byKey[unsigned(key)]; i != nil {
		i.anyDue, i.anyStart, i.startDue = anyDue, anyStart, startDue
		i.nextStart, i.onlyQueue = start, onlyQueue
	}
	return nil
}

func (g *group) scanTask(r pgx.Rows) error {
	var id, epoch, held int64
	t := &task{}
	err := r.Scan(&id, &epoch, &held, &t.place.instance, &t.place.execution, &t.place.event,
		&t.attempts, &t.session)
	if err != nil {
		return err
	}
	t.id, t.epoch, t.lease = unsigned(id), unsigned(epoch), provider.LeaseID(unsigned(held))
	t.instance = unsigned(t.place.instance)
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
	var id int64
	l := &lease{}
	if err := r.Scan(&id, &l.until, &l.node); err != nil {
		return err
	}
	l.id = provider.LeaseID(unsigned(id))
	g.leases[l.id] = l
	return nil
}

func (g *group) scanPresent(r pgx.Rows) error {
	var k messageKey
	if err := r.Scan(&k.instance, &k.id); err != nil {
		return err
	}
	g.present[k] = true
	return nil
}

// newID takes one of the reserved numbers.
func (g *group) newID() uint64 {
	g.lastID = g.ids[0]
	g.ids = g.ids[1:]
	return g.lastID
}
