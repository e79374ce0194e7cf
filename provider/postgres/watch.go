package postgres

import (
	"time"

	"duroxide/provider"
)

// Watch calls changed after each group of commits of this process, and when other processes tell
// of theirs. Without a listening connection, those are noticed by the clock.
func (s *Store) Watch(changed func(provider.Change)) (stop func()) {
	return s.watchers.Add(changed)
}

// change collects what a transaction did.
type change struct {
	instances []string
	// work is instances or anything, tasks is tasks.
	work, tasks bool
	deleted     bool
	nextDue     int64
}

func (c *change) isEmpty() bool {
	return len(c.instances) == 0 && !c.work && !c.tasks && !c.deleted && c.nextDue == 0
}

func (c *change) delayed(due int64) {
	if due != 0 && (c.nextDue == 0 || due < c.nextDue) {
		c.nextDue = due
	}
}

func (c *change) add(other *change) {
	c.instances = append(c.instances, other.instances...)
	c.work, c.tasks = c.work || other.work, c.tasks || other.tasks
	c.deleted = c.deleted || other.deleted
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
	if s.watchers.Any() {
		s.watchers.Call(c.public())
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
