package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Repaired says what a repair has done.
type Repaired struct {
	// Instances are those that go on again, the one that was asked for first.
	Instances []string
}

// RetryOptions say how an instance is taken up again.
type RetryOptions struct {
	// Reason and By are recorded.
	Reason string
	By     string
	// Parents repairs those too that have failed because of it.
	Parents bool
	// DryRun only says what would be done.
	DryRun bool
}

// WouldUndoError says what a repair would undo that it was not allowed to.
type WouldUndoError struct {
	Instance  string
	Execution uint64
	Events    []history.Event
}

// Error names the instance and the number of events.
func (e *WouldUndoError) Error() string {
	first := e.Events[0]
	return fmt.Sprintf("Instance %s has gone on after the failure: %d events of its code would be undone, the first is %s (event %d of execution %d)",
		e.Instance, len(e.Events), first.Kind(), first.ID, e.Execution)
}

// Unwrap gives ErrWouldUndo.
func (e *WouldUndoError) Unwrap() error { return ErrWouldUndo }

const (
	// repairTries is how often a repair is planned again because something has changed meanwhile, and
	// repairPause how long it waits before.
	repairTries = 20
	repairPause = 25 * time.Millisecond
	// mostRepaired bounds the instances of one repair.
	mostRepaired = 1000
)

// Retry takes a failed instance up again: its end goes, and what has led to it, and it goes on from there
// with the code that there is. A held one is released. Errors, by errors.Is: provider.ErrInstanceNotFound;
// ErrCannotRepair; ErrWouldUndo, which is a *WouldUndoError.
func (c *Client) Retry(ctx context.Context, instance string, o RetryOptions) (Repaired, error) {
	held, err := c.resume(ctx, instance, o.DryRun)
	if err != nil || held {
		return Repaired{Instances: []string{instance}}, refusal(instance, err)
	}
	return c.planned(ctx, instance, o, func(p *retryPlan) error { return p.retry(ctx, instance) })
}

// resume releases a held instance; false where it is not held.
func (c *Client) resume(ctx context.Context, instance string, dryRun bool) (bool, error) {
	if dryRun {
		info, err := c.Instance(ctx, instance)
		return info.Hold != nil, err
	}
	return retry(ctx, c, func(ctx context.Context) (bool, error) { return c.e.store.Resume(ctx, instance) })
}

// planned plans a repair and does it, again where something has changed meanwhile.
func (c *Client) planned(
	ctx context.Context, instance string, o RetryOptions, plan func(p *retryPlan) error,
) (Repaired, error) {
	for try := 1; ; try++ {
		p := &retryPlan{c: c, o: o, nowMs: c.e.store.Now().UnixMilli(), planned: map[string]bool{}}
		err := plan(p)
		if err == nil && !o.DryRun {
			err = p.run(ctx)
		}
		switch {
		case err == nil:
			return p.done(instance), nil
		case !errors.Is(err, provider.ErrChanged):
			return Repaired{}, refusal(instance, err)
		case try == repairTries:
			return Repaired{}, cannotRepair(instance, "it changes all the time, or is still being cancelled; try again later")
		}
		if err := c.pause(ctx, repairPause); err != nil {
			return Repaired{}, err
		}
	}
}

// retry plans to take back the failure of an instance, and those of its parents.
func (p *retryPlan) retry(ctx context.Context, instance string) error {
	top, err := p.top(ctx, instance)
	if err != nil {
		return err
	}
	if err := p.add(ctx, top); err != nil {
		return err
	}
	if !p.planned[instance] {
		return cannotRepair(instance, "its parent does not wait for it any more")
	}
	return nil
}

// run does what is planned.
func (p *retryPlan) run(ctx context.Context) error {
	_, err := retry(ctx, p.c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.c.e.store.Repair(ctx, p.repair)
	})
	if errors.Is(err, provider.ErrChanged) && p.isDone(ctx) {
		return nil
	}
	return err
}

// isDone reports whether an earlier try, whose answer was lost, has taken effect. Who was made by somebody else
// in the same millisecond has another life.
func (p *retryPlan) isDone(ctx context.Context) bool {
	w := &p.repair.Rewrites[0]
	if info, err := p.c.Instance(ctx, w.Instance); err != nil || !info.Life.Fits(w.Life) {
		return false
	}
	note := w.Events[len(w.Events)-1]
	events, err := p.c.History(ctx, w.Instance, w.Execution)
	return err == nil && slices.ContainsFunc(events, func(e history.Event) bool {
		return e.ID == note.ID && e.TimeMs == note.TimeMs && reflect.DeepEqual(e.Data, note.Data)
	})
}

func (p *retryPlan) done(instance string) Repaired {
	done := Repaired{Instances: []string{instance}}
	for n := range p.repair.Rewrites {
		if id := p.repair.Rewrites[n].Instance; id != instance {
			done.Instances = append(done.Instances, id)
		}
	}
	return done
}

func cannotRepair(instance, why string) error {
	return &RefusedError{
		Message: fmt.Sprintf("Instance %s cannot be repaired: %s", instance, why), Err: ErrCannotRepair,
	}
}

// retryPlan is what a retry will change: an instance, and the children that it waits for then.
type retryPlan struct {
	c     *Client
	o     RetryOptions
	nowMs int64
	// beforeMs is before everything that waits for the instance of a rewind.
	beforeMs int64
	repair   provider.Repair
	planned  map[string]bool
}

// top gives the instance to begin with: the last of the parents that have failed because of their child.
func (p *retryPlan) top(ctx context.Context, instance string) (string, error) {
	for range mostRepaired {
		info, err := p.c.Instance(ctx, instance)
		if err != nil {
			return "", err
		}
		if info.Status != provider.Failed || info.Parent == "" {
			return instance, nil
		}
		link, err := p.link(ctx, info)
		if err != nil {
			return "", err
		}
		above, err := p.took(ctx, info, link)
		if err != nil || above == "" {
			return instance, err
		}
		if !p.o.Parents {
			return "", cannotRepair(instance, fmt.Sprintf(
				"its parent %s has failed because of it; retry both with { parents: true }", above))
		}
		instance = above
	}
	return "", cannotRepair(instance, "it has too many parents")
}

// link gives what a child says of its parent; nil where an older release has not stored all of it.
func (p *retryPlan) link(ctx context.Context, info provider.InstanceInfo) (*history.Parent, error) {
	events, err := p.c.History(ctx, info.Instance, info.Execution)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	if s, ok := events[0].Data.(history.OrchestrationStarted); ok {
		return s.Parent, nil
	}
	return nil, nil
}

// took gives the parent that has failed after it was told of the failure of a child. It gives "" where the
// parent does not wait for that child any more.
func (p *retryPlan) took(ctx context.Context, child provider.InstanceInfo, link *history.Parent) (string, error) {
	if link == nil {
		return "", nil
	}
	info, err := p.c.Instance(ctx, link.Instance)
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return "", nil
	case err != nil:
		return "", err
	case !info.Life.Fits(link.Life) || info.Execution != link.Execution:
		return "", nil
	}
	events, err := p.c.History(ctx, link.Instance, link.Execution)
	if err != nil {
		return "", err
	}
	told, closed := hasTaken(events, link.Event)
	switch {
	case told && info.Status == provider.Failed:
		return link.Instance, nil
	case !closed && info.Status == provider.Running:
		return "", provider.ErrChanged // It learns of it just now.
	case told:
		return "", cannotRepair(child.Instance, fmt.Sprintf(
			"its parent %s knows of the failure and has not failed", link.Instance))
	default:
		return "", nil
	}
}

// add plans to take back the failure of an instance, and those of the children that it waits for then.
func (p *retryPlan) add(ctx context.Context, instance string) error {
	if p.planned[instance] {
		return nil
	}
	if len(p.planned) == mostRepaired {
		return cannotRepair(instance, fmt.Sprintf("it has more than %d children that would be retried", mostRepaired))
	}
	p.planned[instance] = true
	info, err := p.c.Instance(ctx, instance)
	if err != nil {
		return err
	}
	if info.Imported {
		return cannotRepair(instance, isImported)
	}
	if info.Status != provider.Failed {
		why := "it is not held, and has not failed"
		if info.Status == provider.Completed {
			why = "it has completed"
		}
		return cannotRepair(instance, why)
	}
	events, err := p.c.History(ctx, instance, info.Execution)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return provider.ErrChanged
	}
	base, err := p.base(ctx, info, info.Execution, events)
	if err != nil {
		return err
	}
	note := history.OrchestrationRetried{Reason: p.o.Reason, By: p.o.By}
	kept, err := replay.Retry(events, note, p.nowMs, p.c.e.version)
	if undo, ok := errors.AsType[*replay.WouldUndoError](err); ok {
		return &WouldUndoError{Instance: instance, Execution: info.Execution, Events: undo.Events}
	}
	if err != nil {
		return provider.ErrChanged // It had failed a moment ago.
	}
	w := provider.Rewrite{
		Place:     provider.Place{Instance: instance, Life: info.Life},
		Execution: info.Execution, LastEvent: events[len(events)-1].ID, Status: info.Status,
		Events: kept, Level: history.LevelOf(kept), Base: base,
		Forget: promiseKeys(info.Execution, replay.Unsettled(events, kept)),
	}
	return p.work(ctx, w, info)
}

// base gives the values that an execution has started from; since are all events since then. A store does
// not keep them beyond the end of the execution, so they are made again from the executions before.
func (p *retryPlan) base(
	ctx context.Context, info provider.InstanceInfo, execution uint64, since []history.Event,
) (map[string]provider.Value, error) {
	stored, err := p.c.Executions(ctx, info.Instance)
	if err != nil {
		return nil, err
	}
	if uint64(len(stored)) < info.Execution {
		record, err := p.c.Record(ctx, info.Instance, info.Execution)
		kept := info.Status == provider.Running && execution == info.Execution
		if err == nil && !kept && changesValues(since) {
			err = cannotRepair(info.Instance, "it has changed values, and what they were before is known from executions only that were deleted")
		}
		return record.Values, err
	}
	values := map[string]provider.Value{}
	for _, number := range stored {
		if number == execution {
			break
		}
		before, err := p.c.History(ctx, info.Instance, number)
		if err != nil {
			return nil, err
		}
		values = LiveValues(provider.Record{Values: values, Events: before})
	}
	return values, nil
}

// headersIn gives what travels with the instance of a history.
func headersIn(events []history.Event) string {
	if s, ok := events[0].Data.(history.OrchestrationStarted); ok {
		return s.Headers
	}
	return ""
}

// hasTaken reports whether a child's schedule is closed, and whether that is by its failure.
func hasTaken(events []history.Event, child uint64) (failure, closed bool) {
	for _, e := range events {
		if e.Source == child {
			_, failed := e.Data.(history.SubOrchestrationFailed)
			failure, closed = failure || failed, true
		}
	}
	return failure, closed
}

func changesValues(events []history.Event) bool {
	return slices.ContainsFunc(events, func(e history.Event) bool {
		_, isChange := e.Data.(history.Change)
		_, isStatus := e.Data.(history.CustomStatusUpdated)
		return isChange && !isStatus
	})
}

// work plans what the instance waits for then: activities and timers are wanted again, and children go on.
func (p *retryPlan) work(ctx context.Context, w provider.Rewrite, info provider.InstanceInfo) error {
	x, _, err := replay.Load(w.Events, replay.Params{
		Instance: w.Instance, Life: w.Life, Execution: w.Execution, Engine: p.c.e.version,
	})
	if err != nil {
		return fmt.Errorf("the history of %s: %w", w.Instance, err)
	}
	work := x.OpenWork(w.Events)
	for _, a := range work.Activities {
		w.Tasks = append(w.Tasks, provider.Task{
			Instance: w.Instance, Life: w.Life, Execution: w.Execution, Event: a.Event, Name: a.Name, Input: a.Input,
			Session: a.Session, Tag: a.Tag, Orchestration: info.Name, Version: info.Version,
			Progress: taskProgress(a),
			Headers:  x.Params().Headers,
		})
	}
	for _, timer := range work.Timers {
		w.Send = append(w.Send, provider.Message{
			Instance: w.Instance, Life: w.Life, Kind: provider.TimerDue, Execution: w.Execution,
			Source: timer.Event, Name: timer.Limit, DueMs: timer.FireAtMs,
		})
	}
	if limit := x.Params().Timeout; !limit.IsZero() {
		w.Send = append(w.Send, provider.TimeOut(w.Instance, w.Life, limit))
	}
	w.Send = append(w.Send, provider.Resumption(w.Instance, w.Life, w.Execution))
	at := len(p.repair.Rewrites)
	p.repair.Rewrites = append(p.repair.Rewrites, w)
	for _, child := range work.Children {
		message, err := p.child(ctx, w, child)
		if err != nil {
			return err
		}
		if message != nil {
			p.repair.Rewrites[at].Send = append(p.repair.Rewrites[at].Send, *message)
		}
	}
	return nil
}

// child plans how a child goes on that is waited for again: one that has failed is retried, the result of
// one that has completed comes again, and one that is not there is started.
func (p *retryPlan) child(
	ctx context.Context, w provider.Rewrite, child replay.NewInstance,
) (*provider.Message, error) {
	link := history.Parent{Instance: w.Instance, Life: w.Life, Execution: w.Execution, Event: child.Event}
	if w.Fresh && !strings.HasPrefix(child.Instance, w.Instance+"::"+history.ReservedChildMarker) {
		return nil, cannotRepair(w.Instance, fmt.Sprintf(
			"it would wait for the child %s, whose id code has chosen and the other instance has; fork from an earlier event",
			child.Instance))
	}
	info, err := p.c.Instance(ctx, child.Instance)
	gone := errors.Is(err, provider.ErrInstanceNotFound)
	if err != nil && !gone {
		return nil, err
	}
	if gone || !info.Life.Fits(child.Life) {
		if child.Version, err = p.c.pin(ctx, child.Name, child.Instance, child.Version); err != nil {
			return nil, err
		}
		start := startOfChild(link, child, headersIn(w.Events))
		return &start, nil
	}
	switch info.Status {
	case provider.Failed:
		return nil, p.add(ctx, child.Instance)
	case provider.Completed:
		done := childDone(link, child.Life, info.Output, nil)
		return &done, nil
	case provider.NotCommitted, provider.Running, provider.ContinuedAsNew:
		p.repair.Running = append(p.repair.Running, provider.Place{Instance: child.Instance, Life: child.Life})
		return nil, nil
	default:
		return nil, fmt.Errorf("instance %s has status %d", child.Instance, info.Status)
	}
}
