package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/fair"
)

const (
	// claimBytes bounds what one claim gives of tasks.
	claimBytes = 4 << 20
	// lateLimit is how many tasks get their places at once, and placeTries how often during one claim.
	lateLimit  = 256
	placeTries = 2
	// leastOfLane is how many tasks of a lane are looked at, and sessionScan how many sessions. If there are
	// more of these, sessionTaskScan tasks of each lane that the worker can run are looked at, too.
	leastOfLane     = 8
	sessionScan     = 1000
	sessionTaskScan = 1000
)

// Tasks wait in queues: one for each lane, and one for each session. The first of each are locked, from
// which those are chosen that are next.
const (
	waitingColumns = `id, execution, event, epoch, attempts, marks, tag, session, instance, place,
    octet_length(body)`
	waitingTask = `lease = 0 AND place > 0`
	firstPlace  = `(
    SELECT place FROM S.tasks
    WHERE ` + waitingTask + ` AND session IS NOT NULL AND session = c.id ORDER BY place, id LIMIT 1)`
)

var (
	sqlFronts = define(`
SELECT w.lane, t.*, i.id FROM unnest($2::bigint[]) AS w (lane) CROSS JOIN LATERAL (
  SELECT ` + waitingColumns + ` FROM S.tasks
  WHERE ` + waitingTask + ` AND lane = w.lane
  ORDER BY place, id LIMIT $1 FOR UPDATE SKIP LOCKED) t
CROSS JOIN LATERAL (SELECT id FROM S.instances WHERE key = t.instance OFFSET 0) i`)
	// Of the sessions of the worker ($1), of nobody's, and of the open ones ($4), those count that have
	// tasks of the lanes $6, or none at all, and are open, and as many others as there is room ($5) for. A
	// session gives its row without a task where nothing was found, and a row without a name says that
	// some were left out. Each session is asked for by itself: EXISTS may be planned as a look at all tasks.
	sqlFrontSessions = define(`
WITH nobodys AS MATERIALIZED (
  SELECT id, ready FROM S.sessions WHERE ready > 0 AND until_ms <= $2 ORDER BY until_ms, ready LIMIT $7),
near AS MATERIALIZED (
  SELECT DISTINCT id, ready, mine FROM (
    (SELECT id, ready, true AS mine FROM S.sessions WHERE ready > 0 AND owner = $1 AND until_ms > $2
     ORDER BY ready LIMIT $7)
    UNION ALL
    SELECT id, ready, false FROM nobodys
    UNION ALL
    SELECT s.id, s.ready, s.until_ms > $2 FROM (
      SELECT DISTINCT t.session FROM unnest($6::bigint[]) AS w (lane) CROSS JOIN LATERAL (
        SELECT session FROM S.tasks WHERE ` + waitingTask + ` AND lane = w.lane
        ORDER BY place, id LIMIT $8) t
      WHERE (SELECT count(*) FROM nobodys) >= $7) l
    CROSS JOIN LATERAL (SELECT * FROM S.sessions WHERE id = l.session OFFSET 0) s
    WHERE s.ready > 0 AND (s.owner = $1 OR s.until_ms <= $2)
    UNION ALL
    (SELECT id, ready, until_ms > $2 FROM S.sessions
     WHERE ready > 0 AND id = ANY($4::text[]) AND (owner = $1 OR until_ms <= $2))) s),
found AS MATERIALIZED (
  SELECT id, ready FROM (
    SELECT id, ready, row_number() OVER (PARTITION BY mine ORDER BY ready, id) AS n FROM near c
    WHERE (SELECT 1 FROM unnest($6::bigint[]) AS w (lane) CROSS JOIN LATERAL (
        SELECT 1 FROM S.tasks t WHERE ` + waitingTask + ` AND session IS NOT NULL AND t.session = c.id
          AND t.lane = w.lane LIMIT 1) t LIMIT 1) IS NOT NULL
    OR (SELECT 1 FROM S.tasks t WHERE ` + waitingTask + ` AND session IS NOT NULL AND t.session = c.id
      LIMIT 1) IS NULL) s
  WHERE n <= $3::bigint OR id = ANY($4::text[])),
ranked AS MATERIALIZED (
  SELECT id, id = ANY($4::text[]) OR
    row_number() OVER (PARTITION BY id = ANY($4::text[]) ORDER BY ready, id) <= $5 AS mine
  FROM found),
mine AS MATERIALIZED (SELECT id, count(*) OVER () AS number FROM ranked WHERE mine)
SELECT mine.id, t.*, (SELECT id FROM S.instances WHERE key = t.instance)
FROM mine LEFT JOIN LATERAL (
  SELECT ` + waitingColumns + ` FROM S.tasks
  WHERE ` + waitingTask + ` AND session IS NOT NULL AND session = mine.id
    AND lane = ANY($6::bigint[])
  ORDER BY place, id LIMIT least($3::bigint, greatest(8, 4 * $3::bigint / mine.number))
  FOR UPDATE SKIP LOCKED) t ON true
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
WHERE EXISTS (SELECT 1 FROM ranked WHERE NOT mine)`)

	sqlRound   = define(`SELECT round FROM S.rounds WHERE id = 1`)
	sqlAdvance = define(`
UPDATE S.rounds SET round = $1 WHERE round < $1 AND id = ANY(ARRAY(
  SELECT id FROM S.rounds WHERE id = 1 FOR UPDATE SKIP LOCKED))`)
	// Tasks that have no place yet, tasks of ended leases, and rows of leases that ended long ago.
	sqlAnyLate = define(`
SELECT EXISTS (SELECT 1 FROM S.tasks WHERE lease = 0 AND place = 0 AND due <= $1)
  OR EXISTS (SELECT 1 FROM S.tasks
    WHERE lease <> 0 AND lease = ANY(ARRAY(SELECT id FROM S.leases WHERE until_ms <= 0)))
  OR EXISTS (SELECT 1 FROM S.leases WHERE until_ms <= 0 AND -until_ms <= $2)`)
	sqlBodies    = define(`SELECT id, body, progress, heartbeat, due FROM S.tasks WHERE id = ANY($1::bigint[])`)
	sqlPlaceLate = define(`
UPDATE S.tasks SET place = 1 + (SELECT round FROM S.rounds WHERE id = 1)
WHERE id = ANY(ARRAY(
  SELECT id FROM S.tasks WHERE lease = 0 AND place = 0 AND due <= $1
  ORDER BY due, id LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING session`)
	// Places are those of package fair.
	sqlQueueTasks = define(`
INSERT INTO S.tasks
  (id, instance, execution, event, due, lease, epoch, attempts, tag, session, body, lane, place)
SELECT n.id, n.instance, n.execution, n.event, $8, 0, 0, 0, n.tag, n.session, n.body, n.lane,
  greatest(r.round, l.place) + row_number() OVER (PARTITION BY n.instance ORDER BY n.id)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
  $7::bytea[], $9::bigint[]) AS n (id, instance, execution, event, tag, session, body, lane)
JOIN (
  SELECT d.instance, coalesce((
    SELECT max(t.place) FROM (
      SELECT place FROM S.tasks WHERE instance = d.instance
      ORDER BY execution DESC, event DESC LIMIT 50) t), 0) AS place
  FROM (SELECT DISTINCT instance FROM unnest($2::bigint[]) AS u (instance)) d OFFSET 0) l
  ON l.instance = n.instance
CROSS JOIN (SELECT round FROM S.rounds WHERE id = 1 OFFSET 0) r`)
	sqlSessionFronts = define(`
UPDATE S.sessions s SET ready = f.ready FROM (
  SELECT c.id, coalesce(` + firstPlace + `, 0) AS ready FROM unnest($1::text[]) AS c (id) OFFSET 0) f
WHERE s.id = f.id AND s.id = ANY($1::text[]) AND s.ready <> f.ready`)
)

// readyTask is a waiting task as it is stored.
type readyTask struct {
	provider.Task
	place    int64
	epoch    uint64
	attempts int64
	marks    int64
	due      int64
	size     int
	body     []byte
	progress []byte
}

func (t *readyTask) order() (place int64, number uint64) { return t.place, t.ID }

// waitingTasks is what a search has locked of waiting tasks.
type waitingTasks struct {
	// asked is how many tasks of each lane were asked for, and of each session at most.
	asked, askedOfSession int
	byLane                map[int64]*fair.Queue[*readyTask]
	bySession             map[string]*fair.Queue[*readyTask]
	// empty are sessions that were said to have waiting tasks, and had none.
	empty []string
	// limited says that sessions were left out because the worker works on enough of them; late, that
	// there are tasks without a place.
	limited, late bool
	round         int64
}

// scanReady reads a task, or nil where there is none.
func scanReady(r pgx.Rows, before ...any) (*readyTask, error) {
	var id, execution, event, epoch, attempts, marks, place, size *int64
	var instance *string
	t := &readyTask{}
	err := r.Scan(append(before, &id, &execution, &event, &epoch, &attempts, &marks,
		&t.Tag, &t.Session, nil, &place, &size, &instance)...)
	if err != nil || id == nil || instance == nil {
		return nil, err
	}
	t.ID, t.Execution, t.Event = unsigned(*id), unsigned(*execution), unsigned(*event)
	t.epoch, t.attempts, t.place, t.Instance = unsigned(*epoch), *attempts, *place, *instance
	t.marks, t.size = *marks, int(*size)
	return t, nil
}

func add[K comparable](queues map[K]*fair.Queue[*readyTask], key K, t *readyTask) {
	if queues[key] == nil {
		queues[key] = &fair.Queue[*readyTask]{}
	}
	queues[key].Front = append(queues[key].Front, t)
}

func (w *waitingTasks) scanOfLane(r pgx.Rows) error {
	var lane int64
	t, err := scanReady(r, &lane)
	if t == nil || err != nil {
		return err
	}
	add(w.byLane, lane, t)
	return nil
}

func (w *waitingTasks) scanOfSession(r pgx.Rows) error {
	var name *string
	t, err := scanReady(r, &name)
	switch {
	case err != nil:
		return err
	case name == nil:
		w.limited = true
	case t == nil:
		w.empty = append(w.empty, *name)
	default:
		add(w.bySession, *name, t)
	}
	return nil
}

// searchTasks locks the fronts of the queues that a worker takes.
func (c *claiming) searchTasks(p *pipeline, f *found, now int64, limit int) {
	w := &f.waitingTasks
	*w = waitingTasks{
		asked: limit, byLane: map[int64]*fair.Queue[*readyTask]{},
		bySession: map[string]*fair.Queue[*readyTask]{},
	}
	p.each(sqlRound, func(r pgx.Rows) error { return r.Scan(&w.round) })
	p.each(sqlAnyLate, func(r pgx.Rows) error { return r.Scan(&w.late) },
		now, now-leaseRetention.Milliseconds())
	if n := len(f.survey.tasks); n > 0 {
		w.asked = min(limit, max(leastOfLane, 4*limit/n))
		p.each(sqlFronts, w.scanOfLane, w.asked, f.survey.tasks)
	}
	if s := c.route.Session; s != nil && c.route.Tags.Mode != provider.TagsNone {
		w.askedOfSession = max(limit, len(s.Open)+1)
		p.each(sqlFrontSessions, w.scanOfSession, s.Owner, c.s.sessionsEnd(s.TTL, now), w.askedOfSession,
			append([]string{}, s.Open...), min(s.Room(), w.askedOfSession),
			append([]int64{}, f.sessionLanes...), sessionScan, sessionTaskScan)
	}
}

// choose gives the tasks to be claimed, and whether there may be more.
func (w *waitingTasks) choose(most int) (chosen []*readyTask, more bool) {
	var queues []fair.Queue[*readyTask]
	for _, q := range w.byLane {
		q.More = len(q.Front) >= w.asked
		queues = append(queues, *q)
	}
	ofSession := max(8, 4*w.askedOfSession/max(len(w.bySession)+len(w.empty), 1))
	for _, q := range w.bySession {
		q.More = len(q.Front) >= min(ofSession, w.askedOfSession)
		queues = append(queues, *q)
	}
	chosen, left := fair.Take(queues, most, w.round, (*readyTask).order)
	more, bytes := left || w.limited || w.late, 0
	for n, t := range chosen {
		if bytes >= claimBytes {
			return chosen[:n], true
		}
		bytes += t.size
		w.round = max(w.round, t.place)
	}
	return chosen, more
}

// readBodies reads the rest of the chosen tasks.
func (f *found) readBodies(p *pipeline) {
	byID := make(map[int64]*readyTask, len(f.tasks))
	ids := make([]int64, len(f.tasks))
	for n, t := range f.tasks {
		ids[n] = signed(t.ID)
		byID[ids[n]] = t
	}
	p.each(sqlBodies, func(r pgx.Rows) error {
		var id, due int64
		var body, progress []byte
		var heartbeat *string
		if err := r.Scan(&id, &body, &progress, &heartbeat, &due); err != nil {
			return err
		}
		if t := byID[id]; t != nil {
			t.body, t.progress, t.Heartbeat, t.due = body, progress, heartbeat, due
		}
		return nil
	}, ids)
}

// placeLate frees the tasks of ended leases, and gives tasks that came back, or are due by now, their
// places: they are next. It has a transaction of its own, because it locks sessions.
func (c *claiming) placeLate(ctx context.Context) error {
	conn, err := c.s.acquire(ctx)
	if err != nil {
		return err
	}
	g := c.s.newGroup(conn)
	defer g.release(ctx)
	var sessions []string
	now := c.s.nowMs()
	p := c.s.pipeline()
	g.begin(p)
	p.exec(sqlSweepTasks)
	p.each(sqlPlaceLate, func(r pgx.Rows) error {
		var session *string
		err := r.Scan(&session)
		if session != nil {
			sessions = append(sessions, *session)
		}
		return err
	}, now, lateLimit)
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("free tasks: %w", err)
	}
	p = c.s.pipeline()
	if sessions = distinct(sessions); len(sessions) > 0 {
		g.lockSessions(p, sessions)
		p.exec(sqlSessionFronts, sessions)
	}
	p.exec(sqlSweepLeases, now-leaseRetention.Milliseconds())
	p.exec(sqlCommit)
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("give places: %w", err)
	}
	g.opened = false
	return nil
}
