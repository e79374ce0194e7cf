package memory

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"duroxide/provider"
	"duroxide/provider/fair"
)

type task struct {
	provider.Task
	body     []byte
	progress []byte
	due      int64
	place    int64 // among those that wait; zero while it does not
	epoch    uint64
	lease    provider.LeaseID
	attempts int
	marks    int
}

// session is a sticky route from a session id to an owner; it is no lock on any task. Its times are
// those that have passed.
type session struct {
	owner  string
	until  time.Duration
	active time.Duration
}

func (s *store) insertTask(t provider.Task) *task {
	t.ID = s.nextID()
	stored := &task{Task: t, body: provider.EncodeTask(t), progress: provider.EncodeProgress(t.Progress), due: s.now}
	s.tasks[t.ID] = stored
	return stored
}

// takes reports whether a worker runs a task and its route covers it: its tag, and its session, which
// must be free, ended, or the worker's own.
func (s *store) takes(h *provider.Holder, route provider.Route, t *task) bool {
	if !h.Tasks(provider.LaneOf(&t.Task), route) {
		return false
	}
	if t.Session == nil {
		return true
	}
	owned := s.sessions[*t.Session]
	return owned == nil || owned.until <= s.at || owned.owner == route.Session.Owner
}

// hide hides a task that cannot be decoded for a while.
func (s *store) hide(t *task, err error) provider.UndecodableTask {
	bad := provider.UnreadableRow(err, t.attempts)
	t.attempts, t.due, t.place = bad.Tries, s.now+bad.Pause().Milliseconds(), 0
	return provider.UndecodableTask{
		Token: provider.Token{Key: t.ID, Epoch: t.epoch}, Instance: t.Instance, Execution: t.Execution,
		Event: t.Event, Unreadable: bad,
	}
}

// claimTask takes a task that is free and covered by the route.
func (s *store) claimTask(
	t *task, decoded provider.Task, route provider.Route, c *claimer,
) provider.TaskClaim {
	decoded.ID, decoded.Instance, decoded.Execution, decoded.Event = t.ID, t.Instance, t.Execution, t.Event
	decoded.Session, decoded.Tag = t.Session, t.Tag
	if t.Session != nil {
		s.sessions[*t.Session] = &session{
			owner: route.Session.Owner, until: s.at + route.Session.TTL, active: s.at,
		}
	}
	if t.lease != 0 { // It has ended without a word.
		t.mark()
	}
	t.epoch++
	t.lease, t.place = c.take(s), 0
	return provider.TaskClaim{
		Token:   t.token(),
		Task:    decoded,
		Attempt: t.attempts + 1,
		Marks:   t.marks,
		DueMs:   t.due,
	}
}

// wait gives a new task its place among those that wait.
func (s *store) wait(t *task) {
	in := s.instances[t.Instance]
	in.place = fair.Place(s.round, in.place)
	t.place = in.place
	s.offered(t.due)
}

// claimTasks takes up to the asked number of tasks.
func (s *store) claimTasks(r provider.ClaimRequest, c *claimer, claimed *provider.Claimed) {
	for len(claimed.Tasks) < r.MaxTasks {
		queues, limited := s.queues(r.Tasks, r.Route)
		claimed.MoreTasks = claimed.MoreTasks || limited
		next, left := fair.Take(queues, r.MaxTasks-len(claimed.Tasks), s.round, of)
		for _, t := range next {
			s.round = max(s.round, t.place)
			decoded, err := provider.DecodeTaskWith(t.body, t.progress, t.Heartbeat)
			if err != nil {
				claimed.Undecodable = append(claimed.Undecodable, s.hide(t, err))
				continue
			}
			claimed.Tasks = append(claimed.Tasks, s.claimTask(t, decoded, r.Route, c))
			r.Route = r.Route.Opening(t.Session)
		}
		if !left {
			return
		}
	}
	claimed.MoreTasks = true
}

func of(t *task) (place int64, number uint64) { return t.place, t.ID }

// queues gives the tasks that a worker takes now, by lane and by session. It is limited where a session
// is left out because the worker works on enough of them.
func (s *store) queues(h *provider.Holder, route provider.Route) (queues []fair.Queue[*task], limited bool) {
	type queue struct {
		session string
		lane    provider.Lane
	}
	waiting := map[queue][]*task{}
	for _, t := range s.tasks {
		if s.live(t.lease) || t.due > s.now || !s.takes(h, route, t) {
			continue
		}
		if t.place == 0 { // given back, or its lease has ended
			t.place = fair.Place(s.round, 0)
		}
		key := queue{session: quoted(t.Session)}
		if t.Session == nil {
			key.lane = provider.LaneOf(&t.Task)
		}
		waiting[key] = append(waiting[key], t)
	}
	fronts := slices.Collect(maps.Values(waiting))
	for _, tasks := range fronts {
		slices.SortFunc(tasks, before)
	}
	slices.SortFunc(fronts, func(a, b []*task) int { return before(a[0], b[0]) })
	opened := 0
	for _, tasks := range fronts {
		if name := tasks[0].Session; name != nil && !route.Session.Works(*name) {
			if opened == route.Session.Room() {
				limited = true
				continue
			}
			opened++
		}
		queues = append(queues, fair.Queue[*task]{Front: tasks})
	}
	return queues, limited
}

func before(a, b *task) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.ID, b.ID)) }

// quoted tells an empty text from none.
func quoted(text *string) string {
	if text == nil {
		return ""
	}
	return "'" + *text
}

// touch notes that the session of a task is in use, while it is live.
func (s *store) touch(t *task) {
	if t.Session == nil {
		return
	}
	if used := s.sessions[*t.Session]; used != nil && used.until > s.at {
		used.active = s.at
	}
}

// failed notes that an attempt has failed: the process has survived it.
func (t *task) failed(p *provider.Progress) {
	t.progress, t.attempts, t.marks = provider.EncodeProgress(p), 0, 0
}

// retry makes a task due that waits for a decision.
func (s *store) retry(in *instance, c *provider.Commit) {
	for _, r := range c.Retries {
		for _, t := range s.tasks {
			if t.Instance == in.id && t.Execution == c.Execution && t.Event == r.Event && t.due == provider.Undecided {
				t.due = s.now + r.Delay.Milliseconds()
				s.offered(t.due)
			}
		}
	}
}

func (t *task) mark() { t.marks = min(t.marks+1, provider.MostMarks) }

func (s *store) finishTask(t *task) {
	s.touch(t)
	delete(s.tasks, t.ID)
}

func (s *store) renewSessions(r provider.SessionRenewal) int {
	renewed := 0
	for _, used := range s.sessions {
		if used.until > s.at && used.active > s.at-r.Idle &&
			slices.Contains(r.Owners, used.owner) {
			used.until = max(used.until, s.at+r.Extend)
			renewed++
		}
	}
	return renewed
}

func (s *store) releaseSessions(owner string) int {
	released := 0
	for _, used := range s.sessions {
		if used.owner == owner && used.until > s.at {
			used.until = s.at
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
		if used.until <= s.at && !referred[id] {
			delete(s.sessions, id)
		}
	}
	return before - len(s.sessions)
}

// nextDue gives the earliest moment at which delayed work that nobody holds is due.
func (s *store) nextDue(h *provider.Holder) time.Time {
	var next time.Time
	for _, in := range s.instances {
		if due, ok := in.nextDue(s.now); ok && h != nil && s.free(in) && in.born && h.Turns(in.lane(due)) {
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
