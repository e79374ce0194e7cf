package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// unsortedKeys are those of instances that were found outside any lane.
func (f *found) unsortedKeys() []int64 {
	var all []int64
	for _, key := range f.keys {
		if f.lanes[key] == unsorted {
			all = append(all, key)
		}
	}
	return all
}

// scanStart takes what begins the next execution of an instance.
func (g *group) scanStart(r pgx.Rows) error {
	var key int64
	var body []byte
	if err := r.Scan(&key, &body); err != nil {
		return err
	}
	m, err := provider.DecodeMessage(body)
	if i := g.byKey[unsigned(key)]; i != nil && err == nil {
		i.next = &m
	}
	return nil // What cannot be read is dealt with by the claim.
}

// sorted moves an instance to where it belongs, if its messages were found elsewhere: an older release
// has stored them, or has moved the instance on. It is false where that lane has no number yet.
func (g *group) sorted(i *instance, at int64) bool {
	lane, known := g.wanted(i)
	if !known {
		lane = provider.TurnLane(i.name, i.version, i.pin)
	}
	g.move(i, lane)
	if i.lane != at && i.lane != unsorted {
		g.writes.moved[i.key] = i.lane
		g.touch(i)
	}
	return i.lane != unsorted
}

// sortTasks gives waiting tasks their lanes that an older release has stored, or that were not known. It
// has a transaction of its own, and one to find them.
func (c *claiming) sortTasks(ctx context.Context) error {
	for range 2 { // The second time their lanes are known.
		if err := c.sortOnce(ctx); err != nil {
			return fmt.Errorf("sort tasks: %w", err)
		}
		if err := c.s.addLanes(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *claiming) sortOnce(ctx context.Context) error {
	conn, err := c.s.acquire(ctx)
	if err != nil {
		return err
	}
	g := c.s.newGroup(conn)
	defer g.release(ctx)
	var ids, numbers, hidden []int64
	p := c.s.pipeline()
	g.begin(p)
	p.each(sqlUnsortedTasks, func(r pgx.Rows) error {
		var id int64
		var tag, session *string
		var body []byte
		if err := r.Scan(&id, &tag, &session, &body); err != nil {
			return err
		}
		number, broken := int64(unsorted), int64(0)
		if t, err := provider.DecodeTask(body); err == nil {
			t.Tag, t.Session = tag, session
			number = c.s.lanes.number(provider.LaneOf(&t))
		} else {
			c.s.log.Warn("postgres: task cannot be read", "task", id, "reason", err.Error())
			broken = 1
		}
		if number != unsorted || broken > 0 {
			ids, numbers, hidden = append(ids, id), append(numbers, number), append(hidden, broken)
		}
		return nil
	}, lateLimit)
	if err := g.send(ctx, p); err != nil || len(ids) == 0 {
		return err
	}
	p = c.s.pipeline()
	p.exec(sqlSortTasks, ids, numbers, hidden, c.s.nowMs())
	p.exec(sqlCommit)
	if err := g.send(ctx, p); err != nil {
		return err
	}
	g.opened = false
	return nil
}
