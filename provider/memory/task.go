package memory

import (
	"cmp"
	"slices"
	"time"

	"duroxide/provider"
)

type task struct {
	provider.Task
	body     []byte
	due      int64
	epoch    uint64
	lease    provider.LeaseID
	attempts int
}

// session is a sticky route from a session id to an owner; it is no lock on any task.
type session struct {
	owner  string
	until  int64
	active int64
}

func (s *store) insertTask(t provider.Task) *task {
	t.ID = s.nextID()
	stored := &task{Task: t, body: provider.EncodeTask(t), due: s.now}
	s.tasks[t.ID] = stored
	return stored
}

// takes reports whether a worker's route covers a task: its tag, and its session, which must be
// free, ended, or the worker's own.
func (s *store) takes(route provider.Route, t *task) bool {
	if !route.Tags.Matches(t.Tag) {
		return false
	}
	if t.Session == nil {
		return true
	}
	if route.Session == nil {
		return false
	}
	owned := s.sessions[*t.Session]
	return owned == nil || owned.until <= s.now || owned.owner == route.Session.Owner
}

// claimTask takes a task that is free and covered by the route; false if it cannot be decoded.
func (s *store) claimTask(t *task, route provider.Route, c *claimer) (provider.TaskClaim, bool) {
	decoded, err := provider.DecodeTask(t.body)
	if err != nil {
		t.attempts++
		t.due = s.now + pause(t.attempts)
		return provider.TaskClaim{}, false
	}
	decoded.ID, decoded.Instance, decoded.Execution, decoded.Event = t.ID, t.Instance, t.Execution, t.Event
	decoded.Session, decoded.Tag = t.Session, t.Tag
	if t.Session != nil {
		s.sessions[*t.Session] = &session{
			owner: route.Session.Owner, until: s.now + route.Session.TTL.Milliseconds(), active: s.now,
		}
	}
	t.epoch++
	t.attempts++
	t.lease = c.take(s)
	return provider.TaskClaim{
		Token:   t.token(),
		Task:    decoded,
		Attempt: t.attempts,
	}, true
}

// claimTasks takes up to the asked number of tasks, first in first out. What a session allows is
// asked again for each, because the claim before may have taken the session.
func (s *store) claimTasks(r provider.ClaimRequest, c *claimer) []provider.TaskClaim {
	var free []*task
	for _, t := range s.tasks {
		if !s.live(t.lease) && t.due <= s.now {
			free = append(free, t)
		}
	}
	slices.SortFunc(free, func(a, b *task) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.ID, b.ID))
	})
	var claims []provider.TaskClaim
	for _, t := range free {
		if len(claims) >= r.MaxTasks {
			break
		}
		if !s.takes(r.Route, t) {
			continue
		}
		if claim, ok := s.claimTask(t, r.Route, c); ok {
			claims = append(claims, claim)
		}
	}
	return claims
}

// touch notes that the session of a task is in use, while it is live.
func (s *store) touch(t *task) {
	if t.Session == nil {
		return
	}
	if used := s.sessions[*t.Session]; used != nil && used.until > s.now {
		used.active = s.now
	}
}

func (s *store) finishTask(t *task) {
	s.touch(t)
	delete(s.tasks, t.ID)
}

func (s *store) renewSessions(r provider.SessionRenewal) int {
	renewed := 0
	for _, used := range s.sessions {
		if used.until > s.now && used.active > s.now-r.Idle.Milliseconds() &&
			slices.Contains(r.Owners, used.owner) {
			used.until = max(used.until, s.now+r.Extend.Milliseconds())
			renewed++
		}
	}
	return renewed
}

func (s *store) releaseSessions(owner string) int {
	released := 0
	for _, used := range s.sessions {
		if used.owner == owner && used.until > s.now {
			used.until = s.now
			released++
		}
	}
	if released > 0 {
		s.offered(s.now)
	}
	return released
}

func (s *store) cleanupSessions() int {
	referred := make(map[string]bool)
	for _, t := range s.tasks {
		if t.Session != nil {
			referred[*t.Session] = true
		}
	}
	before := len(s.sessions)
	for id, used := range s.sessions {
		if used.until <= s.now && !referred[id] {
			delete(s.sessions, id)
		}
	}
	return before - len(s.sessions)
}

// nextDue gives the earliest moment at which delayed work that nobody holds is due.
func (s *store) nextDue() time.Time {
	var next time.Time
	for _, in := range s.instances {
		if due, ok := in.nextDue(s.now); ok && s.free(in) && in.born {
			next = earlier(next, due)
		}
	}
	for _, t := range s.tasks {
		if t.due > s.now && !s.live(t.lease) {
			next = earlier(next, t.due)
		}
	}
	return next
}
