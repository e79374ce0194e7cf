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
	// sessionScan is how many tasks of one session are looked at.
	sessionScan = 1000
)

// Tasks wait in queues: one for each tag, and one for each session. The first of each are read from
// an index alone.
var (
	sqlLate = &statement{`
SELECT id, session FROM tasks WHERE lease = 0 AND place = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2`}
	sqlPlace     = &statement{`UPDATE tasks SET place = ?2 WHERE id = ?1`}
	sqlLastPlace = &statement{`
SELECT max(place) FROM (
  SELECT place FROM tasks WHERE instance = ?1 + 0 ORDER BY execution DESC, event DESC LIMIT 50)`}
	sqlRound         = &statement{`SELECT next FROM counters WHERE name = 'round'`}
	sqlAdvance       = &statement{`UPDATE counters SET next = ?1 WHERE name = 'round' AND next < ?1`}
	sqlFrontUntagged = &statement{`
SELECT id, place FROM tasks WHERE lease = 0 AND place > 0 AND session IS NULL AND tag IS NULL
ORDER BY place, id LIMIT ?1`}
	sqlFrontTagged = &statement{`
SELECT id, place FROM tasks WHERE lease = 0 AND place > 0 AND session IS NULL AND tag = CAST(?2 AS TEXT)
ORDER BY place, id LIMIT ?1`}
	sqlFrontSession = &statement{`
SELECT id, place, tag FROM tasks
WHERE lease = 0 AND place > 0 AND session IS NOT NULL AND session = CAST(?1 AS TEXT)
ORDER BY place, id LIMIT ?2`}
	sqlFirstTag = &statement{`
SELECT tag FROM tasks WHERE lease = 0 AND place > 0 AND session IS NULL AND tag IS NOT NULL
ORDER BY tag LIMIT 1`}
	sqlNextTag = &statement{`
SELECT tag FROM tasks WHERE lease = 0 AND place > 0 AND session IS NULL AND tag > CAST(?1 AS TEXT)
ORDER BY tag LIMIT 1`}
	sqlReadyTask = &statement{`
SELECT t.execution, t.event, t.epoch, t.attempts, t.tag, t.session, t.body, i.id, t.marks
FROM tasks t JOIN instances i ON i.key = t.instance WHERE t.id = ?1 + 0`}
)

var (
	// Sessions that nobody owns now come after those of the asking worker, which may be open.
	sqlOwnSessions = &statement{`
SELECT id, ready FROM sessions
WHERE ready > 0 AND owner = CAST(?1 AS TEXT) AND until_ms > ?2 ORDER BY ready LIMIT ?3`}
	sqlFreeSessions = &statement{`
SELECT id, ready FROM sessions WHERE ready > 0 AND until_ms <= ?1 ORDER BY until_ms, ready LIMIT ?2`}
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
	more, err := c.take(r.MaxTasks)
	if err != nil {
		return err
	}
	claimed.MoreTasks, claimed.TaskLease = late || more, c.claims.used
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
	t := readyTask{epoch: r.uint(2), attempts: r.int(3), marks: r.int(8), body: r.blob(6)}
	t.ID, t.Execution, t.Event = q.id, r.uint(0), r.uint(1)
	t.Tag, t.Session, t.Instance = r.optional(4), r.optional(5), r.text(7)
	c.bytes += len(t.body)
	if t.Session != nil {
		c.touched[*t.Session] = true
	}
	claim, err := c.w.claimTask(t, &c.route, &c.claims)
	if claim != nil {
		c.claimed.Tasks = append(c.claimed.Tasks, *claim)
		c.route = c.route.Opening(t.Session)
	}
	return err
}

// queues gives the fronts of the queues that the route takes. It is limited where a session is left
// out because the worker works on enough of them.
func (c *taskClaims) queues(want int) (queues []fair.Queue[queued], limited bool, err error) {
	tags, err := c.tags()
	if err != nil {
		return nil, false, err
	}
	for _, tag := range tags {
		q, err := c.front(tag, want)
		if err != nil {
			return nil, false, err
		}
		queues = append(queues, q)
	}
	if c.route.Session == nil || c.route.Tags.Mode == provider.TagsNone {
		return queues, false, nil
	}
	sessions, limited, err := c.sessions(want)
	if err != nil {
		return nil, false, err
	}
	for _, name := range sessions {
		q, err := c.sessionFront(name, min(want, max(8, 4*want/len(sessions))))
		if err != nil {
			return nil, false, err
		}
		queues = append(queues, q)
	}
	return queues, limited, nil
}

// tags gives the tags that the route takes; nil is none.
func (c *taskClaims) tags() ([]*string, error) {
	var tags []*string
	mode := c.route.Tags.Mode
	if mode == provider.TagsAny || mode == provider.TagsDefaultOnly || mode == provider.TagsDefaultAnd {
		tags = append(tags, nil)
	}
	switch mode {
	case provider.TagsOnly, provider.TagsDefaultAnd:
		for _, tag := range distinct(c.route.Tags.Tags) {
			tags = append(tags, &tag)
		}
	case provider.TagsAny:
		// One step through the index for each tag, however many tasks have it.
		r, err := c.w.c.one(sqlFirstTag)
		for r != nil && err == nil {
			tags = append(tags, r.optional(0))
			r, err = c.w.c.one(sqlNextTag, r.text(0))
		}
		return tags, err
	case provider.TagsDefaultOnly, provider.TagsNone:
	}
	return tags, nil
}

// front gives the first tasks of a tag.
func (c *taskClaims) front(tag *string, want int) (q fair.Queue[queued], err error) {
	st, args := sqlFrontUntagged, []driver.Value{int64(want) + 1}
	if tag != nil {
		st, args = sqlFrontTagged, append(args, *tag)
	}
	err = c.w.c.each(st, func(r *rows) bool {
		if len(q.Front) == want {
			q.More = true
			return false
		}
		q.Front = append(q.Front, queued{r.uint(0), r.int(1)})
		return true
	}, args...)
	return q, err
}

// sessionFront gives the first tasks of a session that the route takes.
func (c *taskClaims) sessionFront(name string, want int) (q fair.Queue[queued], err error) {
	err = c.w.c.each(sqlFrontSession, func(r *rows) bool {
		if !c.route.Tags.Matches(r.optional(2)) {
			return true
		}
		if len(q.Front) == want {
			q.More = true
			return false
		}
		q.Front = append(q.Front, queued{r.uint(0), r.int(1)})
		return true
	}, name, int64(sessionScan))
	if len(q.Front) == 0 {
		c.touched[name] = true
	}
	return q, err
}

// waitingSession is a session with waiting tasks.
type waitingSession struct {
	name  string
	ready int64
}

// sessions gives sessions with waiting tasks that the worker may work on, the longest waiting first.
func (c *taskClaims) sessions(want int) (names []string, limited bool, err error) {
	s := c.route.Session
	room := s.Room()
	found, err := c.waitingSessions(want, room)
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(found, func(a, b waitingSession) int {
		return cmp.Or(cmp.Compare(a.ready, b.ready), cmp.Compare(a.name, b.name))
	})
	for _, f := range slices.Compact(found) {
		if !s.Works(f.name) {
			if room == 0 {
				limited = true
				continue
			}
			room--
		}
		names = append(names, f.name)
	}
	return names, limited, nil
}

func (c *taskClaims) waitingSessions(want, room int) ([]waitingSession, error) {
	s, w := c.route.Session, c.w
	ended := w.sessionsEnd(s.TTL)
	var found []waitingSession
	add := func(r *rows) bool {
		found = append(found, waitingSession{r.text(0), r.int(1)})
		return true
	}
	if room == 0 {
		// Others are looked for only to know whether there are any.
		want = len(s.Open) + 1
		for _, name := range s.Open {
			r, err := w.c.one(sqlOpenSession, name, s.Owner, ended)
			if err != nil {
				return nil, err
			}
			if r != nil {
				found = append(found, waitingSession{name, r.int(0)})
			}
		}
	}
	if err := w.c.each(sqlOwnSessions, add, s.Owner, ended, int64(want)); err != nil {
		return nil, err
	}
	return found, w.c.each(sqlFreeSessions, add, ended, int64(want))
}
