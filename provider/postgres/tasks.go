package postgres

import (
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// Free tasks are searched by tag, so that tasks that nobody here takes cost nothing. What a
// session allows is asked again when it is taken.
const (
	readyColumns = `
SELECT t.*, i.id FROM (
  SELECT t.id, t.execution, t.event, t.due, t.epoch, t.attempts, t.tag, t.session, t.body, t.instance
  FROM S.tasks t
  WHERE t.lease = 0 AND t.due <= $1 AND (t.session IS NULL OR ($2::boolean AND NOT EXISTS (
    SELECT 1 FROM S.sessions s
    WHERE s.id = t.session AND s.until_ms > $1 AND s.owner <> $3)))`
	readyOrder = ` ORDER BY t.due, t.id LIMIT $4 FOR UPDATE SKIP LOCKED) t
CROSS JOIN LATERAL (SELECT id FROM S.instances WHERE key = t.instance OFFSET 0) i`
)

var (
	sqlReadyAny      = define(readyColumns + readyOrder)
	sqlReadyUntagged = define(readyColumns + ` AND t.tag IS NULL` + readyOrder)
	sqlReadyTagged   = define(readyColumns + ` AND t.tag = $5` + readyOrder)
)

// heldTask gives the task of a token if that is valid now.
func (g *group) heldTask(token provider.Token) *task {
	t := g.tasks[token.Key]
	if t == nil || t.epoch != token.Epoch || t.lease != token.Lease || g.live(t.lease) == nil {
		g.doubt = true
		return nil
	}
	return t
}

// checkTasks gives the tasks of the tokens, or says which are no longer held.
func (g *group) checkTasks(tokens []provider.Token) ([]*task, error) {
	var held []*task
	var lost []provider.Token
	for _, token := range tokens {
		t := g.heldTask(token)
		if t == nil || slices.Contains(held, t) {
			lost = append(lost, token)
			continue
		}
		held = append(held, t)
	}
	if lost != nil {
		return nil, &provider.TaskLostError{Tasks: lost}
	}
	return held, nil
}

func (g *group) finishTask(t *task) {
	delete(g.tasks, t.id)
	g.writes.finished.add(t)
}

// commitTasks inserts the new tasks of a turn, claimed where that is asked for and allowed, and
// cancels others. A task that the same turn cancels is never inserted.
func (g *group) commitTasks(i *instance, t *turn, result *provider.Committed) {
	result.Tasks = make([]*provider.TaskClaim, len(t.NewTasks))
	claims := holder{Holder: t.TaskHolder}
	for n := range t.NewTasks {
		if !slices.Contains(t.CancelTasks, t.NewTasks[n].Task.Event) {
			result.Tasks[n] = g.insertTask(i, t, n, &claims)
		}
	}
	result.TaskLease = claims.used
	for _, event := range t.CancelTasks {
		where := place{signed(i.key), signed(t.Execution), signed(event)}
		for id, stored := range g.tasks {
			if stored.place == where {
				delete(g.tasks, id)
				g.writes.finished.add(stored)
			}
		}
	}
}

func (g *group) insertTask(i *instance, t *turn, n int, claims *holder) *provider.TaskClaim {
	fresh := &t.NewTasks[n]
	var lease provider.LeaseID
	var epoch uint64
	if fresh.Claim && claims.Holder != nil && fresh.Route.Tags.Matches(fresh.Task.Tag) &&
		g.takeSession(fresh.Task.Session, fresh.Route.Session) {
		lease, epoch = g.lease(claims), 1
	}
	id, w := g.newID(), &g.writes.newTasks
	w.id, w.instance = append(w.id, signed(id)), append(w.instance, signed(i.key))
	w.execution = append(w.execution, signed(t.Execution))
	w.event, w.due = append(w.event, signed(fresh.Task.Event)), append(w.due, g.now)
	w.lease, w.epoch = append(w.lease, signed(lease)), append(w.epoch, signed(epoch))
	w.tag, w.session = append(w.tag, fresh.Task.Tag), append(w.session, fresh.Task.Session)
	w.body = append(w.body, t.tasks[n])
	if lease == 0 {
		g.ready(g.now)
		return nil
	}
	claim := &provider.TaskClaim{
		Token:   provider.Token{Key: id, Epoch: epoch, Lease: lease},
		Task:    fresh.Task,
		Attempt: 1,
	}
	claim.Task.ID, claim.Task.Instance, claim.Task.Execution = id, i.id, t.Execution
	return claim
}

// readyTask is a free task as it is stored.
type readyTask struct {
	provider.Task
	due      int64
	epoch    uint64
	attempts int64
	body     []byte
}

// sessions gives the sessions of the tasks that were found.
func (f *found) sessions() []string {
	var names []string
	for n := range f.tasks {
		if name := f.tasks[n].Session; name != nil {
			names = append(names, *name)
		}
	}
	return distinct(names)
}

// searchTasks frees the tasks of ended leases, and locks free ones that a route takes.
func (c *claiming) searchTasks(p *pipeline, f *found, now int64, limit int) {
	p.exec(sqlSweepTasks, now)
	p.exec(sqlSweepLeases, now-leaseRetention.Milliseconds())
	route := &c.r.Route
	owner := ""
	if route.Session != nil {
		owner = route.Session.Owner
	}
	collect := func(st statement, tag ...any) {
		args := append([]any{now, route.Session != nil, owner, limit}, tag...)
		p.each(st, func(r pgx.Rows) error { return f.scan(r, limit) }, args...)
	}
	switch mode := route.Tags.Mode; mode {
	case provider.TagsAny:
		collect(sqlReadyAny)
	case provider.TagsDefaultOnly, provider.TagsDefaultAnd, provider.TagsOnly:
		if mode != provider.TagsOnly {
			collect(sqlReadyUntagged)
		}
		if mode != provider.TagsDefaultOnly {
			for _, tag := range distinct(route.Tags.Tags) {
				collect(sqlReadyTagged, tag)
			}
		}
	case provider.TagsNone:
	}
}

// scan keeps the first tasks of all that are found, first in first out.
func (f *found) scan(r pgx.Rows, limit int) error {
	var id, execution, event, epoch int64
	t := readyTask{}
	err := r.Scan(&id, &execution, &event, &t.due, &epoch, &t.attempts, &t.Tag, &t.Session, &t.body,
		nil, &t.Instance)
	if err != nil {
		return err
	}
	t.ID, t.Execution, t.Event = unsigned(id), unsigned(execution), unsigned(event)
	t.epoch = unsigned(epoch)
	f.tasks = append(f.tasks, t)
	slices.SortFunc(f.tasks, func(a, b readyTask) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.ID, b.ID))
	})
	f.tasks = f.tasks[:min(limit, len(f.tasks))]
	return nil
}

func (g *group) claimTasks(
	tasks []readyTask, route *provider.Route, claims *holder,
) []provider.TaskClaim {
	var got []provider.TaskClaim
	for n := range tasks {
		if claim := g.claimTask(&tasks[n], route, claims); claim != nil {
			got = append(got, *claim)
		}
	}
	return got
}

// claimTask takes one free task. It gives nil if its session is another's by now, or if the task
// cannot be read: then it is hidden for a while, and kept.
func (g *group) claimTask(
	t *readyTask, route *provider.Route, claims *holder,
) *provider.TaskClaim {
	decoded, err := provider.DecodeTask(t.body)
	if err != nil {
		g.s.log.Warn("postgres: task cannot be read",
			"instance", t.Instance, "task", t.ID, "reason", err.Error())
		w := &g.writes.hidden
		w.id = append(w.id, signed(t.ID))
		w.due = append(w.due, g.now+pause(int(t.attempts)+1))
		return nil
	}
	if !g.takeSession(t.Session, route.Session) {
		return nil
	}
	lease := g.lease(claims)
	w := &g.writes.taken
	w.id, w.lease = append(w.id, signed(t.ID)), append(w.lease, signed(lease))
	decoded.ID, decoded.Instance, decoded.Execution = t.ID, t.Instance, t.Execution
	decoded.Event, decoded.Tag, decoded.Session = t.Event, t.Tag, t.Session
	return &provider.TaskClaim{
		Token:   provider.Token{Key: t.ID, Epoch: t.epoch + 1, Lease: lease},
		Task:    decoded,
		Attempt: int(t.attempts) + 1,
	}
}
