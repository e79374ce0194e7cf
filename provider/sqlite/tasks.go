package sqlite

import (
	"encoding/json"
	"slices"

	"duroxide/provider"
)

var (
	sqlInsertTask = &statement{`
INSERT INTO tasks
  (id, instance, execution, event, due, lease, epoch, attempts, tag, session, body, place, lane)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12)`}
	sqlSetProgress = &statement{`UPDATE tasks SET progress = ?2 WHERE id = ?1`}
	sqlHeartbeat   = &statement{`UPDATE tasks SET heartbeat = ?2 WHERE id = ?1`}
	// An attempt has failed, so that the process has survived it.
	sqlFailedTask = &statement{`
UPDATE tasks SET lease = 0, due = ?2, place = 0, attempts = 0, marks = 0, progress = ?3
WHERE id = ?1`}
	sqlRetryTask = &statement{`
UPDATE tasks SET due = ?4
WHERE instance = ?1 + 0 AND execution = ?2 + 0 AND event = ?3 + 0 AND lease = 0 AND due = ?5`}
	sqlTask       = &statement{`SELECT epoch, lease, session FROM tasks WHERE id = ?1`}
	sqlFinishTask = &statement{`DELETE FROM tasks WHERE id = ?1 AND epoch = ?2`}
	sqlCancelTask = &statement{`
DELETE FROM tasks WHERE instance = ?1 + 0 AND execution = ?2 + 0 AND event = ?3 + 0 RETURNING id`}
	sqlClaimTask = &statement{`
UPDATE tasks SET lease = ?2, place = 0, epoch = epoch + 1 WHERE id = ?1`}
	sqlHideTask = &statement{`
UPDATE tasks SET attempts = attempts + 1, due = ?2, place = 0 WHERE id = ?1`}
)

// heldTask gives what is known of the task of a token; false if it is not valid now.
func (w *writer) heldTask(token provider.Token) (task, bool, error) {
	t, ok := w.tasks[token.Key]
	if !ok {
		r, err := w.c.one(sqlTask, signed(token.Key))
		if err != nil || r == nil {
			return task{}, false, err
		}
		t = task{epoch: r.uint(0), lease: provider.LeaseID(r.uint(1)), session: r.optional(2)}
		if t.lease != 0 {
			w.tasks[token.Key] = t
		}
	}
	if t.epoch != token.Epoch || t.lease != token.Lease {
		return task{}, false, nil
	}
	l, err := w.liveLease(t.lease)
	return t, l != nil, err
}

// checkTasks gives the tasks of the tokens, or says which are no longer held.
func (w *writer) checkTasks(tokens []provider.Token) ([]task, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	held := make([]task, len(tokens))
	var lost []provider.Token
	for n, token := range tokens {
		t, ok, err := w.heldTask(token)
		if err != nil {
			return nil, err
		}
		if !ok {
			lost = append(lost, token)
		}
		held[n] = t
	}
	if lost != nil {
		return nil, &provider.TaskLostError{Tasks: lost}
	}
	return held, nil
}

func (w *writer) finishTask(token provider.Token, t task) error {
	deleted, err := w.c.exec(sqlFinishTask, signed(token.Key), signed(token.Epoch))
	if err != nil {
		return err
	}
	if deleted != 1 {
		return &provider.TaskLostError{Tasks: []provider.Token{token}}
	}
	delete(w.tasks, token.Key)
	return w.bumpSession(t)
}

// commitTasks inserts the new tasks of a turn, claimed where that is asked for and allowed, and
// cancels others. A task that the same turn cancels is never inserted.
func (w *writer) commitTasks(i *instance, t *turn, result *provider.Committed) error {
	result.Tasks = make([]*provider.TaskClaim, len(t.NewTasks))
	claims, waiting := holder{Holder: t.TaskHolder}, places{w: w, key: i.key}
	for n := range t.NewTasks {
		fresh := &t.NewTasks[n]
		if slices.Contains(t.CancelTasks, fresh.Task.Event) {
			continue
		}
		claim, err := w.insertTask(i, t, n, &claims, &waiting)
		if err != nil {
			return err
		}
		result.Tasks[n] = claim
	}
	result.TaskLease = claims.Used
	if err := w.retryTasks(i, t); err != nil {
		return err
	}
	for _, event := range t.CancelTasks {
		err := w.c.each(sqlCancelTask, func(r *rows) bool {
			delete(w.tasks, r.uint(0))
			w.c.writes++
			return true
		}, signed(i.key), signed(t.Execution), signed(event))
		if err != nil {
			return err
		}
	}
	return nil
}

// retryTasks makes tasks due that wait for a decision.
func (w *writer) retryTasks(i *instance, t *turn) error {
	for _, r := range t.Retries {
		due := w.now + r.Delay.Milliseconds()
		changed, err := w.c.exec(sqlRetryTask,
			signed(i.key), signed(t.Execution), signed(r.Event), due, int64(provider.Undecided))
		if err != nil {
			return err
		}
		if changed > 0 {
			w.ready(due)
		}
	}
	return nil
}

// keepHeartbeats stores what held tasks say of themselves.
func (w *writer) keepHeartbeats(all []provider.Heartbeat) error {
	for _, h := range all {
		_, held, err := w.heldTask(h.Task)
		if err != nil {
			return err
		}
		if !held {
			continue
		}
		if _, err := w.c.exec(sqlHeartbeat, signed(h.Task.Key), h.Details); err != nil {
			return err
		}
	}
	return nil
}

// giveTaskBack frees a task of which an attempt has failed.
func (w *writer) giveTaskBack(token provider.Token, due int64, p *provider.Progress) error {
	delete(w.tasks, token.Key)
	_, err := w.c.exec(sqlFailedTask, signed(token.Key), due, provider.EncodeProgress(p))
	return err
}

func (w *writer) insertTask(
	i *instance, t *turn, n int, claims *holder, waiting *places,
) (*provider.TaskClaim, error) {
	fresh := &t.NewTasks[n]
	id, err := w.newID()
	if err != nil {
		return nil, err
	}
	lane := provider.LaneOf(&fresh.Task)
	number, err := w.laneNumber(lane)
	if err != nil {
		return nil, err
	}
	state := task{session: fresh.Task.Session}
	if fresh.Claim && claims.Holder != nil && claims.Tasks(lane, fresh.Route) {
		ours, err := w.takeSession(fresh.Task.Session, fresh.Route.Session)
		if err != nil {
			return nil, err
		}
		if ours {
			if state.lease, err = w.lease(claims); err != nil {
				return nil, err
			}
			state.epoch = 1
		}
	}
	place := int64(0)
	if state.lease == 0 {
		if place, err = waiting.next(); err != nil {
			return nil, err
		}
	}
	_, err = w.c.exec(sqlInsertTask, signed(id), signed(i.key), signed(t.Execution),
		signed(fresh.Task.Event), w.now, signed(state.lease), signed(state.epoch),
		optionalText(fresh.Task.Tag), optionalText(fresh.Task.Session), t.TaskBodies[n], place, number)
	if err != nil {
		return nil, err
	}
	if p := fresh.Task.Progress; p != nil {
		if _, err := w.c.exec(sqlSetProgress, signed(id), provider.EncodeProgress(p)); err != nil {
			return nil, err
		}
	}
	if state.lease == 0 {
		w.ready(w.now)
		return nil, w.await(fresh.Task.Session, place)
	}
	w.tasks[id] = state
	claim := &provider.TaskClaim{
		Token:   provider.Token{Key: id, Epoch: state.epoch, Lease: state.lease},
		Task:    fresh.Task,
		Attempt: 1,
		DueMs:   w.now,
	}
	claim.Task.ID, claim.Task.Instance, claim.Task.Execution = id, i.id, t.Execution
	return claim, nil
}

// readyTask is a free task as it is stored.
type readyTask struct {
	provider.Task
	epoch    uint64
	attempts int64
	marks    int64
	due      int64
	body     []byte
	progress []byte
}

func distinct(texts []string) []string {
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// hideTask hides a task that cannot be read for a while.
func (w *writer) hideTask(t readyTask, reason error) (provider.UndecodableTask, error) {
	w.store.log.Warn("sqlite: task cannot be read",
		"instance", t.Instance, "task", t.ID, "reason", reason.Error())
	bad := provider.UnreadableRow(reason, int(t.attempts))
	_, err := w.c.exec(sqlHideTask, signed(t.ID), w.now+bad.Pause().Milliseconds())
	return provider.UndecodableTask{
		Token: provider.Token{Key: t.ID, Epoch: t.epoch}, Instance: t.Instance, Execution: t.Execution,
		Event: t.Event, Unreadable: bad,
	}, err
}

// claimTask takes one free task. It gives nil if its session is another's by now.
func (w *writer) claimTask(
	t readyTask, decoded provider.Task, route *provider.Route, claims *holder,
) (*provider.TaskClaim, error) {
	ours, err := w.takeSession(t.Session, route.Session)
	if err != nil || !ours {
		return nil, err
	}
	lease, err := w.lease(claims)
	if err != nil {
		return nil, err
	}
	if _, err := w.c.exec(sqlClaimTask, signed(t.ID), signed(lease)); err != nil {
		return nil, err
	}
	w.tasks[t.ID] = task{epoch: t.epoch + 1, lease: lease, session: t.Session}
	decoded.ID, decoded.Instance, decoded.Execution = t.ID, t.Instance, t.Execution
	decoded.Event, decoded.Tag, decoded.Session = t.Event, t.Tag, t.Session
	return &provider.TaskClaim{
		Token:   provider.Token{Key: t.ID, Epoch: t.epoch + 1, Lease: lease},
		Task:    decoded,
		Attempt: int(t.attempts) + 1,
		Marks:   int(t.marks),
		DueMs:   t.due,
	}, nil
}

// list binds texts or numbers for json_each.
func list[T string | int64](all []T) (string, error) {
	text, err := json.Marshal(all)
	return string(text), err
}
