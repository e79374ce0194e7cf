package postgres

import (
	"slices"

	"duroxide/provider"
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
	result.TaskLease = claims.Used
	g.retryTasks(i, t)
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

// retryTasks makes tasks due that wait for a decision.
func (g *group) retryTasks(i *instance, t *turn) {
	w := &g.writes.retried
	for _, r := range t.Retries {
		due := g.now + r.Delay.Milliseconds()
		w.instance, w.execution = append(w.instance, signed(i.key)), append(w.execution, signed(t.Execution))
		w.event, w.due = append(w.event, signed(r.Event)), append(w.due, due)
		g.ready(due)
	}
}

// giveTaskBack frees a task; with progress, because an attempt has failed.
func (g *group) giveTaskBack(t *task, due int64, a *provider.AbandonedTask) {
	if a.Progress != nil {
		w := &g.writes.failed
		w.add(t)
		w.due, w.progress = append(w.due, due), append(w.progress, provider.EncodeProgress(a.Progress))
	} else {
		w := &g.writes.freed
		w.add(t)
		w.due = append(w.due, due)
		w.attempts = append(w.attempts, flag(!a.IgnoreAttempt))
		w.marks = append(w.marks, flag(a.Mark))
	}
	t.lease = 0
}

func (g *group) insertTask(i *instance, t *turn, n int, claims *holder) *provider.TaskClaim {
	fresh := &t.NewTasks[n]
	var lease provider.LeaseID
	var epoch uint64
	lane := provider.LaneOf(&fresh.Task)
	if fresh.Claim && claims.Holder != nil && claims.Tasks(lane, fresh.Route) &&
		g.takeSession(fresh.Task.Session, fresh.Route.Session) {
		lease, epoch = g.lease(claims), 1
	}
	id, w := g.newID(), &g.writes.newTasks
	if lease == 0 {
		w = &g.writes.waitingTasks
	}
	w.id, w.instance = append(w.id, signed(id)), append(w.instance, signed(i.key))
	w.execution, w.event = append(w.execution, signed(t.Execution)), append(w.event, signed(fresh.Task.Event))
	w.lease, w.epoch = append(w.lease, signed(lease)), append(w.epoch, signed(epoch))
	w.tag, w.session = append(w.tag, fresh.Task.Tag), append(w.session, fresh.Task.Session)
	w.body, w.lane = append(w.body, t.TaskBodies[n]), append(w.lane, g.s.lanes.number(lane))
	if p := fresh.Task.Progress; p != nil {
		g.writes.progress.id = append(g.writes.progress.id, signed(id))
		g.writes.progress.bytes = append(g.writes.progress.bytes, provider.EncodeProgress(p))
	}
	if lease == 0 {
		if name := fresh.Task.Session; name != nil {
			g.writes.fronts = append(g.writes.fronts, *name)
		}
		g.ready(g.now)
		return nil
	}
	claim := &provider.TaskClaim{
		Token:   provider.Token{Key: id, Epoch: epoch, Lease: lease},
		Task:    fresh.Task,
		Attempt: 1,
		DueMs:   g.now,
	}
	claim.Task.ID, claim.Task.Instance, claim.Task.Execution = id, i.id, t.Execution
	return claim
}

// claimTasks takes free tasks. Those that cannot be read are hidden for a while, and kept.
func (g *group) claimTasks(
	tasks []*readyTask, route *provider.Route, claims *holder,
) (got []provider.TaskClaim, bad []provider.UndecodableTask) {
	for _, t := range tasks {
		decoded, err := provider.DecodeTaskWith(t.body, t.progress, t.Heartbeat)
		if err != nil {
			bad = append(bad, g.hideTask(t, err))
			continue
		}
		if claim := g.claimTask(t, decoded, route, claims); claim != nil {
			got = append(got, *claim)
		}
	}
	return got, bad
}

func (g *group) hideTask(t *readyTask, reason error) provider.UndecodableTask {
	g.s.log.Warn("postgres: task cannot be read",
		"instance", t.Instance, "task", t.ID, "reason", reason.Error())
	bad := provider.UnreadableRow(reason, int(t.attempts))
	w := &g.writes.hidden
	w.id, w.due = append(w.id, signed(t.ID)), append(w.due, g.now+bad.Pause().Milliseconds())
	return provider.UndecodableTask{
		Token: provider.Token{Key: t.ID, Epoch: t.epoch}, Instance: t.Instance, Execution: t.Execution,
		Event: t.Event, Unreadable: bad,
	}
}

// claimTask takes one free task. It gives nil if its session is another's by now.
func (g *group) claimTask(
	t *readyTask, decoded provider.Task, route *provider.Route, claims *holder,
) *provider.TaskClaim {
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
		Marks:   int(t.marks),
		DueMs:   t.due,
	}
}
