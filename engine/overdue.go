package engine

import (
	"context"
	"fmt"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// overdue ends activities that have waited too long for a runtime that has their code: so a mistyped name
// surfaces where it is awaited. It is owned by upkeep.
type overdue struct {
	rt        *Runtime
	announced bool
	checked   time.Time
}

// overdueAtOnce is how many are ended at a time.
const overdueAtOnce = 100

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

// every is the pause between two looks.
func (o *overdue) every() time.Duration {
	return min(max(o.rt.set.unregisteredActivity/10, time.Second), 30*time.Second)
}

func (o *overdue) upkeep(ctx context.Context) {
	o.announce(ctx)
	now := o.rt.e.clock.Now()
	if now.Sub(o.checked) < o.every() || !o.announced {
		return
	}
	o.checked = now
	if err := o.end(ctx); err != nil {
		o.rt.storeFailed("overdue", err, 0)
	}
}

// end ends what is overdue now.
func (o *overdue) end(ctx context.Context) error {
	rt := o.rt
	late, err := rt.e.store.Overdue(ctx, provider.OverdueQuery{
		Before: rt.e.store.Now().Add(-rt.set.unregisteredActivity), Serves: rt.leases.serves,
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
