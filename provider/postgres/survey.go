package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// survey is which of the lanes with work a claim takes.
type survey struct {
	// turns are those of instances, with what was not sorted yet; the others are those of tasks.
	turns, tasks, sessionLanes []int64
	// leftTurns and leftTasks are those that the holders cannot run.
	leftTurns, leftTasks []int64
	// unsorted says that there are tasks to be sorted.
	unsorted bool
}

// survey finds the lanes that have work, and matches them with what the holders can run. It is not part of
// the transaction, which so takes its locks in the order of every other one.
func (c *claiming) survey(ctx context.Context, g *group) (v survey, err error) {
	var turns, tasks []int64
	p := c.s.pipeline()
	if c.r.Turns != nil {
		p.each(sqlTurnLanes, scanInto(&turns))
	}
	if c.wantedTasks() > 0 && c.route.Tags.Mode != provider.TagsNone {
		p.each(sqlTaskLanes, scanInto(&tasks))
	}
	if len(p.batch.QueuedQueries) == 0 {
		return v, nil
	}
	if err := g.send(ctx, p); err != nil {
		return v, fmt.Errorf("find lanes: %w", err)
	}
	if err := c.readLanes(ctx, g, slices.Concat(turns, tasks)); err != nil {
		return v, err
	}
	c.matchTurns(&v, turns)
	c.matchTasks(&v, tasks)
	return v, nil
}

// matchTurns tells the lanes of instances apart by whether their holder can run them.
func (c *claiming) matchTurns(v *survey, turns []int64) {
	for _, number := range turns {
		lane, known := c.s.lanes.of(number)
		switch {
		case number == unsorted && c.overdue == 0 || known && c.takes(lane):
			v.turns = append(v.turns, number)
		case known:
			v.leftTurns = append(v.leftTurns, number)
		}
	}
}

// matchTasks does the same for the lanes of tasks.
func (c *claiming) matchTasks(v *survey, tasks []int64) {
	for _, number := range tasks {
		lane, known := c.s.lanes.of(number)
		switch {
		case number == unsorted:
			v.unsorted = true
		case !known || !c.route.Covers(lane):
		case !c.r.Tasks.Tasks(lane, c.route):
			v.leftTasks = append(v.leftTasks, number)
		case lane.Kind == provider.SessionTask:
			v.sessionLanes = append(v.sessionLanes, number)
		default:
			v.tasks = append(v.tasks, number)
		}
	}
}

// scanInto collects numbers.
func scanInto(all *[]int64) func(r pgx.Rows) error {
	return func(r pgx.Rows) error {
		var number int64
		err := r.Scan(&number)
		*all = append(*all, number)
		return err
	}
}

// readLanes reads those lanes of a list that are not known.
func (c *claiming) readLanes(ctx context.Context, g *group, numbers []int64) error {
	unknown := slices.DeleteFunc(numbers, func(number int64) bool {
		_, known := c.s.lanes.of(number)
		return known || number == unsorted
	})
	if len(unknown) == 0 {
		return nil
	}
	p := c.s.pipeline()
	p.each(sqlReadLanes, c.s.scanLane, unknown)
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("read lanes: %w", err)
	}
	return nil
}

// report asks for the oldest of what is left in some lanes.
func (c *claiming) report(p *pipeline, v *survey, now int64) {
	if !c.r.Unserved {
		return
	}
	c.claimed.Unserved = nil
	scan := func(r pgx.Rows) error {
		var number int64
		var u provider.Unserved
		if err := r.Scan(&number, &u.DueMs, &u.Instance); err != nil {
			return err
		}
		u.Lane, _ = c.s.lanes.of(number)
		if len(c.claimed.Unserved) < provider.MostUnserved {
			c.claimed.Unserved = append(c.claimed.Unserved, u)
		}
		return nil
	}
	if most := v.leftTurns[:min(len(v.leftTurns), provider.MostUnserved)]; len(most) > 0 {
		p.each(sqlOldestTurns, scan, now, most)
	}
	if most := v.leftTasks[:min(len(v.leftTasks), provider.MostUnserved)]; len(most) > 0 {
		p.each(sqlOldestTasks, scan, most)
	}
}
