package sqlite

import (
	"cmp"
	"database/sql/driver"
	"slices"
	"time"

	"duroxide/provider"
	"duroxide/provider/fair"
)

// Bounds of one claim. What is beyond them is left to the next one.
const (
	claimBytes = 4 << 20
	claimTime  = 10 * time.Millisecond
	claimLeast = 64 // what it takes however long that lasts
	// lateLimit is how many tasks get their places at once.
	lateLimit = 256
	// sessionScan is how many sessions are looked at. If there are more, so many tasks of each lane that the
	// worker can run are looked at, too.
	sessionScan     = 1000
	sessionTaskScan = 1000
)

// Tasks wait in queues: one for each lane, and one for each session. The first of each are read from
// an index alone.
var (
	sqlLate = &statement{`
SELECT id, session FROM tasks WHERE lease = 0 AND place = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2`}
	sqlPlace     = &statement{`UPDATE tasks SET place = ?2 WHERE id = ?1`}
	sqlLastPlace = &statement{`
SELECT max(place) FROM (
  SELECT place FROM tasks WHERE instance = ?1 + 0 ORDER BY execution DESC, event DESC LIMIT 50)`}
	sqlRound   = &statement{`SELECT next FROM counters WHERE name = 'round'`}
	sqlAdvance = &statement{`UPDATE counters SET next = ?1 WHERE name = 'round' AND next < ?1`}
	sqlFront   = &statement{`
SELECT id, place FROM tasks WHERE lease = 0 AND place > 0 AND lane = ?1 + 0
ORDER BY place, id LIMIT ?2`}
	sqlFrontSession = &statement{`
SELECT id, place FROM tasks
WHERE lease = 0 AND place > 0 AND session IS NOT NULL AND session = CAST(?1 AS TEXT) AND lane = ?2 + 0
ORDER BY place, id LIMIT ?3`}
	sqlReadyTask = &statement{`
SELECT t.execution, t.event, t.epoch, t.attempts, t.tag, t.session, t.body, i.id, t.marks, t.progress, t.due,
  t.heartbeat
FROM tasks t JOIN instances i ON i.key = t.instance WHERE t.id = ?1 + 0`}
)

var (
	// Sessions that nobody owns now come after those of the asking worker, which may be open.
	sqlOwnSessions = &statement{`
SELECT id, ready FROM (
  SELECT id, ready FROM sessions
  WHERE ready > 0 AND owner = CAST(?1 AS TEXT) AND until_ms > ?2 ORDER BY ready LIMIT ?3) m
WHERE ` + served("?4")}
	sqlFreeSessions = &statement{`
SELECT id, ready FROM (
  SELECT id, ready FROM sessions WHERE ready > 0 AND until_ms <= ?1 ORDER BY until_ms, ready LIMIT ?2) m
WHERE ` + served("?3")}
	sqlMoreSessions = &statement{`
SELECT 1 FROM sessions WHERE ready > 0 AND until_ms <= ?1 ORDER BY until_ms, ready LIMIT 1 OFFSET ?2`}
	sqlSessionsOfLane = &statement{`
SELECT DISTINCT s.id, s.ready FROM (
  SELECT session FROM tasks WHERE lease = 0 AND place > 0 AND lane = ?1 + 0 ORDER BY place LIMIT ?4) t
CROSS JOIN sessions s ON s.id = t.session
WHERE s.ready > 0 AND (s.owner = CAST(?2 AS TEXT) OR s.until_ms <= ?3)`}
	sqlOpenSession = &statement{`
SELECT ready FROM sessions
WHERE id = CAST(?1 AS TEXT) AND ready > 0 AND (owner = ?2 OR until_ms <= ?3)`}
	sqlAwaitSession = &statement{`
INSERT INTO sessions (id, owner, until_ms, active_ms, ready) VALUES (?1, '', 0, 0, ?2)
ON CONFLICT (id) DO UPDATE SET ready = excluded.ready
WHERE sessions.ready = 0 OR sessions.ready > excluded.ready`}
	sqlSessionFront = &statement{`
UPDATE sessions SET ready = coalesce((
  SELECT place FROM tasks
  WHERE lease = 0 AND place > 0 AND session IS NOT NULL AND session = sessions.id
  ORDER BY place LIMIT 1), 0)
WHERE id = CAST(?1 AS TEXT)`}
)

// served says of a session m that it has waiting tasks of one of these lanes, or none at all although it
// was said to have some.
func served(lanes string) string {
	const waits = `t.lease = 0 AND t.place > 0 AND t.session IS NOT NULL AND t.session = m.id`
	return `EXISTS (
  SELECT 1 FROM json_each(` + lanes + `) l CROSS JOIN tasks t WHERE ` + waits + ` AND t.lane = l.value)
OR NOT EXISTS (SELECT 1 FROM tasks t WHERE ` + waits + `)`
}

// currentRound gives the highest place that was ever claimed.
func (w *writer) currentRound() (int64, error) {
	if w.round < 0 {
		round, err := number(w.c, sqlRound)
		if err != nil {
			return 0, err
		}
		w.round = round
	}
	return w.round, nil
}

func (w *writer) advance(round int64) error {
	if round <= w.round {
		return nil
	}
	w.round = round
	_, err := w.c.exec(sqlAdvance, round)
	return err
}

// places gives the new tasks of one turn their places.
type places struct {
	w    *writer
	key  uint64
	last int64
}

func (p *places) next() (int64, error) {
	round, err := p.w.currentRound()
	if err != nil {
		return 0, err
	}
	if p.last == 0 {
		r, err := p.w.c.one(sqlLastPlace, signed(p.key))
		if err != nil {
			return 0, err
		}
		p.last = r.int(0)
	}
	p.last = fair.Place(round, p.last)
	return p.last, nil
}

// await notes that a task of a session waits.
func (w *writer) await(session *string, place int64) error {
	if session == nil {
		return nil
	}
	_, err := w.c.exec(sqlAwaitSession, *session, place)
	return err
}

// queued is a waiting task.
type queued struct {
	id    uint64
	place int64
}

func (q queued) order() (place int64, number uint64) { return q.place, q.id }

// placeLate gives tasks that came back, or are due by now, their places: they are next. It reports
// whether there may be more of them.
func (w *writer) placeLate() (more bool, err error) {
	type late struct {
		id      uint64
		session *string
	}
	var all []late
	err = w.c.each(sqlLate, func(r *rows) bool {
		all = append(all, late{r.uint(0), r.optional(1)})
		return true
	}, w.now, int64(lateLimit))
	if err != nil || len(all) == 0 {
		return false, err
	}
	round, err := w.currentRound()
	if err != nil {
		return false, err
	}
	place := fair.Place(round, 0)
	for _, l := range all {
		if _, err := w.c.exec(sqlPlace, signed(l.id), place); err != nil {
			return false, err
		}
		if err := w.await(l.session, place); err != nil {
			return false, err
		}
	}
	return len(all) == lateLimit, nil
}

// taskClaims is what one Claim takes of tasks.
type taskClaims struct {
	w       *writer
	route   provider.Route
	claims  holder
	claimed *provider.Claimed
	began   time.Time
	bytes   int
	// touched are the sessions whose first waiting task may be another one now.
	touched map[string]bool
	// left are the lanes that the worker cannot run, sessionLanes those of sessions that it can.
	left, sessionLanes []int64
}

func (w *writer) claimTasks(r *provider.ClaimRequest, claimed *provider.Claimed) error {
	if r.Tasks == nil || r.MaxTasks <= 0 {
		return nil
	}
	c := taskClaims{
		w: w, route: r.Route, claims: holder{Holder: r.Tasks}, claimed: claimed, began: time.Now(),
		touched: map[string]bool{},
	}
	late, err := w.placeLate()
	if err != nil {
		return err
	}
	if err := w.sortTasks(); err != nil {
		return err
	}
	more, err := c.take(r.MaxTasks)
	if err != nil {
		return err
	}
	claimed.MoreTasks, claimed.TaskLease = late || more, c.claims.Used
	if r.Unserved {
		if err := w.report(sqlOldestTask, c.left, claimed); err != nil {
			return err
		}
	}
	for session := range c.touched {
		if _, err := w.c.exec(sqlSessionFront, session); err != nil {
			return err
		}
	}
	return nil
}

func (c *taskClaims) take(most int) (more bool, err error) {
	for len(c.claimed.Tasks) < most {
		queues, limited, err := c.queues(most - len(c.claimed.Tasks))
		if err != nil {
			return false, err
		}
		round, err := c.w.currentRound()
		if err != nil {
			return false, err
		}
		next, left := fair.Take(queues, most-len(c.claimed.Tasks), round, queued.order)
		more = more || limited
		for _, q := range next {
			if c.isFull() {
				return true, nil
			}
			// What cannot be read is hidden now, so that this ends.
			if err := c.takeOne(q); err != nil {
				return false, err
			}
			round = max(round, q.place)
		}
		if err := c.w.advance(round); err != nil {
			return false, err
		}
		if !left {
			return more, nil
		}
	}
	return true, nil
}

func (c *taskClaims) isFull() bool {
	return c.bytes >= claimBytes ||
		len(c.claimed.Tasks) >= claimLeast && time.Since(c.began) >= claimTime
}

func (c *taskClaims) takeOne(q queued) error {
	r, err := c.w.c.one(sqlReadyTask, signed(q.id))
	if err != nil || r == nil {
		return err
	}
	t := readyTask{epoch: r.uint(2), attempts: r.int(3), marks: r.int(8), body: r.blob(6), progress: r.blob(9)}
	t.due = r.int(10)
	t.ID, t.Execution, t.Event = q.id, r.uint(0), r.uint(1)
	t.Tag, t.Session, t.Instance = r.optional(4), r.optional(5), r.text(7)
	c.bytes += len(t.body)
	if t.Session != nil {
		c.touched[*t.Session] = true
	}
	decoded, err := provider.DecodeTaskWith(t.body, t.progress, r.optional(11))
	if err != nil {
		bad, err := c.w.hideTask(t, err)
		c.claimed.Undecodable = append(c.claimed.Undecodable, bad)
		return err
	}
	claim, err := c.w.claimTask(t, decoded, &c.route, &c.claims)
	if claim != nil {
		c.claimed.Tasks = append(c.claimed.Tasks, *claim)
		c.route = c.route.Opening(t.Session)
	}
	return err
}

// queues gives the fronts of the queues that the worker takes. It is limited where a session is left
// out because the worker works on enough of them.
func (c *taskClaims) queues(want int) (queues []fair.Queue[queued], limited bool, err error) {
	if c.route.Tags.Mode == provider.TagsNone {
		return nil, false, nil
	}
	all, err := c.w.lanesOf(sqlNextTaskLane)
	if err != nil {
		return nil, false, err
	}
	c.left, c.sessionLanes = nil, nil
	for _, number := range all {
		lane, err := c.w.laneOf(number)
		switch {
		case err != nil:
			return nil, false, err
		case !c.route.Covers(lane):
		case !c.claims.Tasks(lane, c.route):
			c.left = append(c.left, number)
		case lane.Kind == provider.SessionTask:
			c.sessionLanes = append(c.sessionLanes, number)
		default:
			q, err := c.front(sqlFront, want, number)
			if err != nil {
				return nil, false, err
			}
			queues = append(queues, q)
		}
	}
	if len(c.sessionLanes) == 0 {
		return queues, false, nil
	}
	ofSessions, limited, err := c.sessions(want)
	return append(queues, ofSessions...), limited, err
}

// front gives the first tasks of a queue.
func (c *taskClaims) front(
	st *statement, want int, args ...driver.Value,
) (q fair.Queue[queued], err error) {
	err = c.w.c.each(st, func(r *rows) bool {
		if len(q.Front) == want {
			q.More = true
			return false
		}
		q.Front = append(q.Front, queued{r.uint(0), r.int(1)})
		return true
	}, append(args, int64(want)+1)...)
	return q, err
}

// sessionFront gives the first tasks of a session that the worker takes: those of all its lanes, by place.
func (c *taskClaims) sessionFront(name string, want int) (all fair.Queue[queued], err error) {
	numbers, err := c.w.lanesOf(sqlNextSessionLane, name)
	if err != nil {
		return all, err
	}
	if len(numbers) == 0 {
		c.touched[name] = true // It was said to have waiting tasks.
	}
	for _, number := range numbers {
		lane, err := c.w.laneOf(number)
		if err != nil {
			return all, err
		}
		if !c.claims.Tasks(lane, c.route) {
			continue
		}
		q, err := c.front(sqlFrontSession, want, name, number)
		if err != nil {
			return all, err
		}
		all.Front, all.More = append(all.Front, q.Front...), all.More || q.More
	}
	slices.SortFunc(all.Front, func(a, b queued) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.id, b.id))
	})
	if len(all.Front) > want {
		all.Front, all.More = all.Front[:want], true
	}
	return all, nil
}
