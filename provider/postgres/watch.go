package postgres

import (
	"sync"
	"sync/atomic"
	"time"

	"duroxide/provider"
)

// watchers are the functions that learn of commits.
type watchers struct {
	count atomic.Int64

	mu    sync.Mutex // guards what follows
	next  int
	calls map[int]func(provider.Change)
}

func (a *watchers) any() bool { return a.count.Load() > 0 }

// Watch calls changed after each group of commits of this process, and when other processes tell
// of theirs. Without a listening connection, those are noticed by the clock.
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

// change collects what a transaction did.
type change struct {
	instances []string
	// work is instances or anything, tasks is tasks.
	work, tasks bool
	nextDue     int64
}

func (c *change) isEmpty() bool {
	return len(c.instances) == 0 && !c.work && !c.tasks && c.nextDue == 0
}

func (c *change) delayed(due int64) {
	if due != 0 && (c.nextDue == 0 || due < c.nextDue) {
		c.nextDue = due
	}
}

func (c *change) add(other *change) {
	c.instances = append(c.instances, other.instances...)
	c.work, c.tasks = c.work || other.work, c.tasks || other.tasks
	c.delayed(other.nextDue)
}

func (c *change) public() provider.Change {
	return provider.Change{
		Instances: c.instances, Work: c.work || c.tasks, TasksOnly: !c.work, NextDue: moment(c.nextDue),
	}
}

// publish tells the watchers of this process, and lets the notifier tell the others.
func (s *Store) publish(c *change) {
	if c.isEmpty() {
		return
	}
	if s.watchers.any() {
		s.watchers.call(c.public())
	}
	s.notifier.add(c)
}

// moment gives a time for stored milliseconds; zero is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
