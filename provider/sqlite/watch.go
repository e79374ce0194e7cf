package sqlite

import (
	"time"

	"duroxide/provider"
)

// Watch calls changed after each group of commits, on the writer's goroutine. While there is a
// watcher, commits of other processes are noticed within probeEvery.
func (s *Store) Watch(changed func(provider.Change)) (stop func()) {
	stop = s.watchers.Add(changed)
	s.wake()
	return stop
}

// change collects what the running group did.
type change struct {
	instances []string
	all       bool
	deleted   bool
	work      bool
	nextDue   int64
}

func (c *change) reset() {
	// What another process did stays to be reported even if our group is rolled back.
	*c = change{all: c.all, deleted: c.deleted}
}

func (c *change) delayed(due int64) {
	if c.nextDue == 0 || due < c.nextDue {
		c.nextDue = due
	}
}

// ready notes work that nobody holds and that is due at the given time.
func (w *writer) ready(due int64) {
	if due <= w.now {
		w.changed.work = true
	} else {
		w.changed.delayed(due)
	}
}

func (w *writer) touch(instance string) {
	w.changed.instances = append(w.changed.instances, instance)
}

func (w *writer) publish() {
	c := w.changed
	w.changed = change{}
	if !w.store.watchers.Any() || (len(c.instances) == 0 && !c.all && !c.work && c.nextDue == 0) {
		return
	}
	w.store.watchers.Call(provider.Change{
		Instances: c.instances,
		All:       c.all,
		Deleted:   c.deleted,
		Work:      c.work || c.all,
		NextDue:   moment(c.nextDue),
	})
}

// moment gives a time for stored milliseconds; zero is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
