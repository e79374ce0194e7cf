package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// overdue ends what has waited too long for a runtime that has its code: so a mistyped name surfaces where
// it is awaited. It is owned by upkeep.
type overdue struct {
	rt        *Runtime
	announced bool
	// tasks and turns are when it has looked for them.
	tasks, turns time.Time
}

// overdueAtOnce is how many are ended at a time.
const overdueAtOnce = 100

func newOverdue(rt *Runtime) *overdue {
	now := rt.e.clock.Now()
	return &overdue{rt: rt, tasks: now, turns: now}
}

// announce tells the store which activities there are: who waits for one of them may wait for ever.
func (o *overdue) announce(ctx context.Context) {
	if o.announced {
		return
	}
	if err := o.rt.e.store.Announce(ctx, o.rt.reg.activityNames()); err != nil {
		o.rt.storeFailed("announce", err, 0) // upkeep comes here again
		return
	}
	o.announced = true
}

// isTime reports whether to look again for what waits for so long.
func (o *overdue) isTime(looked *time.Time, waits time.Duration) bool {
	every := min(max(waits/10, time.Second), 30*time.Second)
	now := o.rt.e.clock.Now()
	if now.Sub(*looked) < every {
		return false
	}
	*looked = now
	return true
}

func (o *overdue) upkeep(ctx context.Context) {
	set := &o.rt.set
	o.announce(ctx)
	if o.announced && o.isTime(&o.tasks, set.unregisteredActivity) {
		if err := o.endTasks(ctx); err != nil {
			o.rt.storeFailed("overdue", err, 0)
		}
	}
	if set.unregisteredTurn > 0 && o.isTime(&o.turns, set.unregisteredTurn) {
		if err := o.takeTurns(ctx); err != nil {
			o.rt.storeFailed("take_overdue", err, 0)
		}
	}
}

// endTasks ends the tasks that are overdue now.
func (o *overdue) endTasks(ctx context.Context) error {
	rt, serves := o.rt, o.rt.leases.serves
	if rt.set.announcedToo { // Else nobody has ever had it.
		var err error
		if serves, err = o.anybody(ctx); err != nil {
			return err
		}
	}
	late, err := rt.e.store.Overdue(ctx, provider.OverdueQuery{
		Before: rt.e.store.Now().Add(-rt.set.unregisteredActivity), Serves: serves,
		Announced: rt.set.announcedToo, Limit: overdueAtOnce,
	})
	if err != nil || len(late) == 0 {
		return err
	}
	c := provider.Completions{}
	msgs := make([]provider.Message, len(late))
	for n := range late {
		t := &late[n].Task
		msgs[n] = provider.Message{
			Instance: t.Instance, Life: t.Life, Kind: provider.ActivityDone, Execution: t.Execution, Source: t.Event,
			DueMs: rt.nowMs(), Failure: rt.unregistered(t.Name),
		}
		c.Items = append(c.Items, provider.Completion{Task: late[n].Token, Message: &msgs[n]})
		rt.log.overdue(t, rt.set.unregisteredActivity)
	}
	results, err := rt.e.store.Complete(ctx, c)
	if err == nil {
		rt.e.route(rt, msgs, results)
	}
	return err
}

func (rt *Runtime) unregistered(name string) *history.Failure {
	return &history.Failure{
		Category: history.Application, Kind: history.ActivityFailedKind, ActivityName: name,
		Message: fmt.Sprintf("activity '%s' is not registered: no runtime has taken it within %v",
			name, rt.set.unregisteredActivity),
	}
}

// anybody is what this runtime, and all others that live, can run: that is not overdue, however long it
// waits. Formats are those that this one reads.
func (o *overdue) anybody(ctx context.Context) (*provider.Serves, error) {
	rt := o.rt
	all, err := rt.e.runtimeInfos(ctx)
	if err != nil {
		return nil, err
	}
	own := *rt.leases.serves
	serves := own
	serves.Orchestration = func(name, version string) bool {
		return own.Orchestration(name, version) || slices.ContainsFunc(all, func(r RuntimeInfo) bool {
			return r.runs(provider.TurnLane(name, version, 0))
		})
	}
	serves.Activity = func(name string) bool {
		return own.Activity(name) || slices.ContainsFunc(all, func(r RuntimeInfo) bool { return r.has(name) })
	}
	return &serves, nil
}

// takeTurns takes the instances that are overdue now; their turns end them.
func (o *overdue) takeTurns(ctx context.Context) error {
	rt := o.rt
	room := min(rt.room(), overdueAtOnce)
	if room == 0 {
		return nil
	}
	holder := rt.leases.holder()
	var err error
	if holder.Serves, err = o.anybody(ctx); err != nil {
		return err
	}
	defer rt.claiming()()
	claims, err := rt.e.store.TakeOverdue(ctx, provider.OverdueTurns{
		Before: rt.e.store.Now().Add(-rt.set.unregisteredTurn), Holder: holder, Limit: room,
	})
	for _, c := range claims {
		rt.adopt(c)
	}
	return err
}

// isOverdue reports whether what an instance is to do has waited too long for a runtime that has its code.
func (t *turn) isOverdue() bool {
	limit := t.rt.set.unregisteredTurn
	return limit > 0 && slices.ContainsFunc(slices.Concat(t.start, t.items), func(it item) bool {
		return t.rt.nowMs()-it.msg.DueMs >= limit.Milliseconds()
	})
}

func (t *turn) unregistered(name, version string) history.Failure {
	return history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind,
		Message: fmt.Sprintf("orchestration '%s' version %s is not registered: no runtime has taken it within %v",
			name, version, t.rt.set.unregisteredTurn),
	}
}
