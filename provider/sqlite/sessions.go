package sqlite

import (
	"context"
	"slices"
	"sort"
	"time"

	"duroxide/provider"
	"duroxide/provider/fair"
)

var (
	// A session is taken by its owner, or by anybody where it does not live.
	sqlTakeSession = &statement{`
INSERT INTO sessions (id, owner, until_ms, active_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE
SET owner = excluded.owner, until_ms = excluded.until_ms, active_ms = excluded.active_ms
WHERE sessions.owner = excluded.owner OR sessions.until_ms <= ?5`}
	sqlBumpSession  = &statement{`UPDATE sessions SET active_ms = ?2 WHERE id = ?1 AND until_ms > ?2`}
	sqlRenewSession = &statement{`
UPDATE sessions SET until_ms = max(until_ms, ?2), active_ms = max(active_ms, ?5)
WHERE owner = CAST(?1 AS TEXT) AND until_ms > ?3 AND active_ms > ?4`}
	sqlEndSessions = &statement{`
UPDATE sessions SET until_ms = 0 WHERE owner = CAST(?1 AS TEXT) AND until_ms > ?2`}
	sqlDropSessions = &statement{`
DELETE FROM sessions WHERE until_ms <= ?1
  AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.session = sessions.id) RETURNING owner <> ''`}
)

// settled is how long sessions are not cleaned up after a jump of the clock: their owners renew them
// meanwhile.
const settled = 10 * time.Minute

// sessionsEnd gives the time by which sessions of a length have ended. While they may look ended
// although they are not, only those have that were ended by hand.
func (w *writer) sessionsEnd(length time.Duration) int64 {
	if w.store.clock.Unsettled(length) {
		return 0
	}
	return w.now
}

// takeSession makes the worker the owner of a task's session. It gives false where another owner's
// session lives, or where the worker takes no tasks of sessions.
func (w *writer) takeSession(session *string, s *provider.SessionHolder) (bool, error) {
	if session == nil {
		return true, nil
	}
	if s == nil {
		return false, nil
	}
	changed, err := w.c.exec(sqlTakeSession,
		*session, s.Owner, w.now+s.TTL.Milliseconds(), w.now, w.sessionsEnd(s.TTL))
	return changed == 1, err
}

// bumpSession notes that a live session of a task was active now.
func (w *writer) bumpSession(t task) error {
	if t.session == nil {
		return nil
	}
	_, err := w.c.exec(sqlBumpSession, *t.session, w.now)
	return err
}

// RenewSessions extends live sessions of the owners that were active within Idle.
func (s *Store) RenewSessions(ctx context.Context, r provider.SessionRenewal) (int, error) {
	if len(r.Owners) == 0 {
		return 0, nil
	}
	var renewed int64
	err := s.write(ctx, "renew_sessions", 0, func(w *writer) error {
		renewed = 0
		for _, owner := range r.Owners {
			ended, idle, active := w.sessionsEnd(r.Extend), w.now-r.Idle.Milliseconds(), int64(0)
			if ended == 0 { // Nobody knows when they were active, so they get their idle time anew.
				idle, active = 0, w.now
			}
			changed, err := w.c.exec(sqlRenewSession, owner, w.now+r.Extend.Milliseconds(), ended, idle, active)
			if err != nil {
				return err
			}
			renewed += changed
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int(renewed), nil
}

// ReleaseSessions ends the live sessions of an owner.
func (s *Store) ReleaseSessions(ctx context.Context, owner string) (int, error) {
	var released int64
	err := s.write(ctx, "release_sessions", 0, func(w *writer) (err error) {
		released, err = w.c.exec(sqlEndSessions, owner, w.now)
		if released > 0 {
			w.ready(w.now)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(released), nil
}

// CleanupSessions deletes ended sessions that no task refers to.
func (s *Store) CleanupSessions(ctx context.Context) (int, error) {
	var deleted int
	err := s.write(ctx, "cleanup_sessions", 0, func(w *writer) error {
		deleted = 0
		if s.clock.Unsettled(settled) {
			return nil
		}
		return w.c.each(sqlDropSessions, func(r *rows) bool {
			w.c.writes++
			deleted += int(r.int(0)) // one that was never owned does not count
			return true
		}, w.now)
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

// waitingSession is a session with waiting tasks.
type waitingSession struct {
	name  string
	ready int64
}

// sessions gives the queues of sessions that the worker may work on, the longest waiting first.
func (c *taskClaims) sessions(want int) (queues []fair.Queue[queued], limited bool, err error) {
	s := c.route.Session
	room := s.Room()
	found, err := c.waitingSessions(want)
	if err != nil {
		return nil, false, err
	}
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i], found[j]
		return a.ready < b.ready || a.ready == b.ready && a.name < b.name
	})
	found = slices.Compact(found)
	each := min(want, max(8, 4*want/max(min(len(found), want), 1)))
	for _, f := range found {
		if len(queues) >= want && room == 0 && limited {
			break
		}
		q, err := c.sessionFront(f.name, each)
		if err != nil {
			return nil, false, err
		}
		switch {
		case len(q.Front) == 0:
			continue
		case s.Works(f.name):
		case room == 0:
			limited = true
			continue
		default:
			room--
		}
		if queues = append(queues, q); len(queues) > want+len(s.Open) {
			break
		}
	}
	return queues, limited, nil
}

// waitingSessions gives sessions with waiting tasks that are the worker's or nobody's.
func (c *taskClaims) waitingSessions(want int) ([]waitingSession, error) {
	s, w := c.route.Session, c.w
	lanes, err := list(c.sessionLanes)
	if err != nil {
		return nil, err
	}
	ended := w.sessionsEnd(s.TTL)
	var found []waitingSession
	add := func(r *rows) bool {
		found = append(found, waitingSession{r.text(0), r.int(1)})
		return true
	}
	for _, name := range s.Open {
		r, err := w.c.one(sqlOpenSession, name, s.Owner, ended)
		if err != nil {
			return nil, err
		}
		if r != nil {
			found = append(found, waitingSession{name, r.int(0)})
		}
	}
	if err := w.c.each(sqlOwnSessions, add, s.Owner, ended, int64(sessionScan), lanes); err != nil {
		return nil, err
	}
	known := len(found)
	if err := w.c.each(sqlFreeSessions, add, ended, int64(sessionScan), lanes); err != nil {
		return nil, err
	}
	if len(found)-known >= want {
		return found, nil
	}
	// There may be more behind those that wait for what the worker cannot run.
	if more, err := w.c.one(sqlMoreSessions, ended, int64(sessionScan)); err != nil || more == nil {
		return found, err
	}
	for _, lane := range c.sessionLanes {
		err := w.c.each(sqlSessionsOfLane, add, lane, s.Owner, ended, int64(sessionTaskScan))
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
