package engine

import (
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Late outcomes: the lease of an activity can end while its process stands still (the machine slept, or was too
// busy), and then the store does not take what has come of it. Nobody else may have taken the task, though: then
// it is claimed here again, and gets the outcome that is there already. What was done is not done once more.

// taskKey names a task, whatever claim it is under.
type taskKey struct {
	instance         string
	life             history.Life
	execution, event uint64
}

// late is an outcome whose task is not ours any more.
type late struct {
	it    item
	until time.Time
}

// Bounds of what is kept of late outcomes.
const (
	mostLate      = 1000
	mostLateBytes = 64 << 10
	lateTime      = 5 * time.Minute
)

func keyOfTask(t *provider.Task) taskKey {
	return taskKey{t.Instance, t.Life, t.Execution, t.Event}
}

func keyOfOutcome(m *provider.Message) taskKey {
	return taskKey{m.Instance, m.Life, m.Execution, m.Source}
}

// keepLate keeps an outcome that the store has refused because the lease of its task has ended, for a while. An
// attempt after which another one may come is made again instead.
func (w *workers) keepLate(it item) {
	if it.kept != nil {
		return
	}
	now := w.rt.e.clock.Now()
	w.mu.Lock()
	for key, l := range w.late {
		if !l.until.After(now) {
			delete(w.late, key)
		}
	}
	key := keyOfOutcome(&it.msg)
	c, isClaimed := w.again[key]
	if isClaimed || len(w.late) < mostLate && len(it.msg.Data) <= mostLateBytes {
		w.late[key] = late{it, now.Add(lateTime)}
	}
	if isClaimed {
		delete(w.again, key)
		w.takeLate(c)
	}
	w.mu.Unlock()
	// At once, or when the store is certain that nobody lives who holds the task.
	w.rt.poller.wake()
	w.rt.e.clock.AfterFunc(w.rt.set.taskLease, w.rt.poller.wake)
}

// takeLate stores the outcome that is there for a task, under the claim that it was claimed again with, and
// reports whether there is one. The caller holds w.mu.
func (w *workers) takeLate(c provider.TaskClaim) bool {
	key := keyOfTask(&c.Task)
	l, ok := w.late[key]
	if !ok {
		return false
	}
	delete(w.late, key)
	if !l.until.After(w.rt.e.clock.Now()) {
		return false
	}
	w.held[c.Token] = &job{claim: c, started: true, finished: true}
	l.it.task = &c.Token
	w.rt.completeLater(l.it)
	return true
}
