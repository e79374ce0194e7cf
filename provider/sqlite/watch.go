package sqlite

import (
	"sync"
	"sync/atomic"
	"time"

	"duroxide/provider"
)

// watchers are the functions that learn of commits.
type watchers struct {
	count atomic.Int64
	// wake makes an idle writer look whether there are watchers now.
	wake chan struct{}

	mu    sync.Mutex // guards what follows
	next  int
	calls map[int]func(provider.Change)
}

func (a *watchers) any() bool { return a.count.Load() > 0 }

// Watch calls changed after each group of commits, on the writer's goroutine. While there is a
// watcher, commits of other processes are noticed within probeEvery.
func (s *Store) Watch(changed func(provider.Change)) (stop func()) {
	a := &s.watchers
	a.mu.Lock()
	if a.calls == nil {
		a.calls = map[int]func(provider.Change){}
	}
	id := a.next
	a.next++
	a.calls[id] = changed
	a.mu.Unlock()
	a.count.Add(1)
	select {
	case a.wake <- struct{}{}:
	default:
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			a.mu.Lock()
			delete(a.calls, id)
			a.mu.Unlock()
			a.count.Add(-1)
		})
	}
}

func (a *watchers) call(c provider.Change) {
	a.mu.Lock()
	calls := make([]func(provider.Change), 0, len(a.calls))
	for _, changed := range a.calls {
		calls = append(calls, changed)
	}
	a.mu.Unlock()
	for _, changed := range calls {
		changed(c)
	}
}

// change collects what the running group did.
type change struct {
	instances []string
	all       bool
	work      bool
	nextDue   int64
}

func (c *change) reset() {
	// What another process did stays to be reported even if our group is rolled back.
	*c = change{all: c.all}
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
	if !w.store.watchers.any() || (len(c.instances) == 0 && !c.all && !c.work && c.nextDue == 0) {
		return
	}
	w.store.watchers.call(provider.Change{
		Instances: c.instances,
		All:       c.all,
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
