package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// RewindOptions say where an instance goes back to.
type RewindOptions struct {
	// Execution and Event are the last event that is kept.
	Execution uint64
	Event     uint64
	// Failure, if set, goes to the event before the first failure that was not made good, of the current
	// execution of an instance that has failed.
	Failure bool
	// AcceptUndo allows that what code did since is forgotten.
	AcceptUndo bool
	// Reason and By are recorded.
	Reason string
	By     string
	// DryRun only says what would be done.
	DryRun bool
}

// Rewind takes back everything after an event, of the current execution or of one before it. Errors, by errors.Is:
// provider.ErrInstanceNotFound; ErrCannotRepair; ErrWouldUndo, which is a *WouldUndoError; an *InputError
// where there is no such event.
func (c *Client) Rewind(ctx context.Context, instance string, o RewindOptions) (Repaired, error) {
	return c.planned(ctx, instance, RetryOptions{Reason: o.Reason, By: o.By, DryRun: o.DryRun}, func(p *retryPlan) error {
		return p.rewind(ctx, instance, o)
	})
}

func (p *retryPlan) rewind(ctx context.Context, instance string, o RewindOptions) error {
	p.planned[instance] = true
	info, err := p.rewindable(ctx, instance)
	if err != nil {
		return err
	}
	if o.Failure {
		o.Execution = info.Execution
	}
	all, err := p.since(ctx, info, o.Execution)
	if err != nil {
		return err
	}
	if o.Failure {
		o.Event = replay.BeforeFailure(all[0])
		if o.Event == 0 || info.Status != provider.Failed {
			return cannotRepair(instance, "it has not failed, or nothing that it waited for has")
		}
	}
	events, later := all[0], slices.Concat(all[1:]...)
	note := history.OrchestrationRewound{Reason: o.Reason, By: o.By, To: o.Event}
	if len(later) > 0 {
		note.Over = info.Execution
	}
	kept, undone, err := replay.Rewind(events, later, note, o.AcceptUndo, p.nowMs, p.c.e.version)
	if err := notThere(instance, o.Execution, "go back to", err); err != nil {
		return err
	}
	base, err := p.base(ctx, info, o.Execution, slices.Concat(events, later))
	if err != nil {
		return err
	}
	last := all[len(all)-1]
	w := provider.Rewrite{
		Place:     provider.Place{Instance: instance, Life: info.Life},
		Execution: o.Execution, Current: info.Execution, LastEvent: last[len(last)-1].ID, Status: info.Status,
		Started: startedIn(kept), Events: kept, Level: history.LevelOf(kept), Base: base,
		Live: LiveValues(provider.Record{Values: base, Events: kept}),
	}
	if status := statusIn(kept); !sameText(status, statusIn(last)) {
		w.CustomStatus = &provider.CustomStatusChange{Status: status}
	}
	all[0] = undone
	if p.beforeMs, err = p.before(ctx, instance); err != nil {
		return err
	}
	w.Forget = promiseKeys(o.Execution, replay.Unmade(events, o.Event))
	for n, undone := range all {
		execution := o.Execution + uint64(n)
		if n > 0 {
			w.Forget = append(w.Forget, promiseKeys(execution, replay.Unmade(undone, 0))...)
		}
		if err := p.giveBack(ctx, &w, execution, undone); err != nil {
			return err
		}
	}
	info.Name, info.Version = w.Started.Name, w.Started.Version
	return p.work(ctx, w, info)
}

// rewindable gives an instance that can go back: its execution has begun, and no parent knows of its end.
func (p *retryPlan) rewindable(ctx context.Context, instance string) (provider.InstanceInfo, error) {
	info, err := p.c.Instance(ctx, instance)
	switch {
	case err != nil:
		return info, err
	case info.Imported:
		return info, cannotRepair(instance, isImported)
	case info.Status == provider.ContinuedAsNew || info.Status == provider.NotCommitted:
		return info, provider.ErrChanged // Its next execution is about to begin.
	case info.Status == provider.Running:
		return info, nil
	}
	return info, p.unknownToParent(ctx, info)
}

// mostUndone bounds the executions that one rewind goes back over.
const mostUndone = 1000

// since gives the histories from an execution to the current one, one at least.
func (p *retryPlan) since(
	ctx context.Context, info provider.InstanceInfo, execution uint64,
) (all [][]history.Event, err error) {
	if execution > info.Execution {
		return nil, inputErrorf("instance %s has no execution %d, its last one is %d", info.Instance, execution, info.Execution)
	}
	if info.Execution-execution > mostUndone {
		return nil, cannotRepair(info.Instance, fmt.Sprintf("it is in execution %d, and goes back over at most %d",
			info.Execution, mostUndone))
	}
	for number := execution; number <= info.Execution; number++ {
		events, err := p.c.History(ctx, info.Instance, number)
		switch {
		case err != nil:
			return nil, err
		case len(events) == 0 && number == info.Execution:
			return nil, provider.ErrChanged
		case len(events) == 0:
			return nil, cannotRepair(info.Instance, fmt.Sprintf("its execution %d is not stored any more", number))
		}
		all = append(all, events)
	}
	return all, nil
}

// notThere says of which instance and execution an error of package replay is.
func notThere(instance string, execution uint64, what string, err error) error {
	if undo, ok := errors.AsType[*replay.WouldUndoError](err); ok {
		return &WouldUndoError{Instance: instance, Execution: execution, Events: undo.Events}
	}
	if missing, ok := errors.AsType[*replay.NoEventError](err); ok {
		return inputErrorf("execution %d of instance %s cannot %s event %d: %v", execution, instance, what, missing.Event, missing)
	}
	return err
}

// startedIn gives what an execution is one of.
func startedIn(events []history.Event) *provider.Started {
	if s, ok := events[0].Data.(history.OrchestrationStarted); ok {
		return &provider.Started{Name: s.Name, Version: s.Version}
	}
	return nil
}

// unknownToParent refuses an ended instance whose parent knows of its end, or is about to.
func (p *retryPlan) unknownToParent(ctx context.Context, info provider.InstanceInfo) error {
	link, err := p.link(ctx, info)
	if err != nil || link == nil {
		return err
	}
	parent, err := p.c.Instance(ctx, link.Instance)
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return nil
	case err != nil:
		return err
	case !parent.Life.Fits(link.Life) || parent.Execution != link.Execution:
		return nil
	}
	return cannotRepair(info.Instance, fmt.Sprintf("its parent %s knows how it has ended", link.Instance))
}

// promiseKeys gives what is to be forgotten so that promises can be settled once more.
func promiseKeys(execution uint64, promises []uint64) (hashes [][]byte) {
	for _, n := range promises {
		m := provider.Message{Kind: provider.PromiseSettled, Key: promiseKey(execution, n)}
		hashes = append(hashes, m.KeyHash())
	}
	return hashes
}

// giveBack plans what becomes of what came and was begun since: signals, queue messages and what promises
// got lie in front of newer ones, and children are cancelled.
// Promises of executions that are gone got nothing that anybody could want.
func (p *retryPlan) giveBack(
	ctx context.Context, w *provider.Rewrite, execution uint64, undone []history.Event,
) error {
	promises := map[uint64]uint64{}
	if execution == w.Execution {
		promises = replay.Promises(w.Events)
	}
	copies := 0
	for _, e := range undone {
		if d, ok := e.Data.(history.OrchestrationStarted); ok {
			copies = len(d.Carried)
		}
		if _, ok := e.Data.(history.QueueEventDelivered); ok && copies > 0 {
			copies-- // It has arrived in an execution before, which keeps it or gives it back.
			continue
		}
		if d, ok := e.Data.(history.SubOrchestrationScheduled); ok {
			if err := p.cancelChild(ctx, w, execution, e, d); err != nil {
				return err
			}
		}
		if m, ok := givenBack(e, promises[e.Source]); ok {
			m.Instance, m.Life, m.DueMs = w.Instance, w.Life, min(e.TimeMs, p.beforeMs)
			if m.Kind == provider.PromiseSettled {
				m.Execution = w.Execution
			}
			w.Send = append(w.Send, m)
		}
	}
	return nil
}

// before gives a time before that of everything that waits for an instance: what was taken has come before it.
func (p *retryPlan) before(ctx context.Context, instance string) (int64, error) {
	standing, err := retry(ctx, p.c, func(ctx context.Context) (*provider.Standing, error) {
		return p.c.e.store.Standing(ctx, instance, 0)
	})
	if err != nil || standing == nil || standing.ReadySinceMs == 0 {
		return p.nowMs, err
	}
	return standing.ReadySinceMs - 1, nil
}

// givenBack gives the message whose arrival an event says, if it still has somebody: for what a promise got
// that promise must be there.
func givenBack(e history.Event, promise uint64) (m provider.Message, ok bool) {
	if d, ok := e.Data.(history.ExternalEvent); ok {
		return provider.Message{Kind: provider.EventRaised, Name: d.Name, Data: d.Data}, true
	}
	if d, ok := e.Data.(history.QueueEventDelivered); ok {
		return provider.Message{Kind: provider.QueueEvent, Name: d.Name, Data: d.Data}, true
	}
	if d, ok := e.Data.(history.QueueEventWithdrawn); ok {
		return provider.Message{Kind: provider.RequestWithdrawn, Name: d.Name, Data: d.Request}, true
	}
	m = provider.Message{Kind: provider.PromiseSettled, Source: promise}
	if d, ok := e.Data.(history.PromiseResolved); ok {
		m.Data = d.Value
		return m, promise > 0
	}
	if d, ok := e.Data.(history.PromiseRejected); ok {
		m.Failure = &d.Failure
		return m, promise > 0
	}
	return provider.Message{}, false
}

// cancelChild plans the end of a child that was started since. Ids that the engine has made are never used
// again within an execution, so it stays where it is; a chosen one would be in the way of the next child, and so
// would those of executions that begin anew.
func (p *retryPlan) cancelChild(
	ctx context.Context, w *provider.Rewrite, execution uint64, e history.Event, d history.SubOrchestrationScheduled,
) error {
	id, life := replay.ChildOf(w.Instance, w.Life, d)
	info, err := p.c.Instance(ctx, id)
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return nil
	case err != nil:
		return err
	case !info.Life.Fits(life):
		return nil
	case id == d.Instance:
		return cannotRepair(w.Instance, fmt.Sprintf(
			"it has started the child %s since, whose id its code has chosen and would want again", id))
	}
	if execution != w.Execution { // It would get the same events again, and from them ids of children.
		return cannotRepair(w.Instance, fmt.Sprintf(
			"its execution %d has started the child %s, whose id would be used again; go back within that execution",
			execution, id))
	}
	w.Send = append(w.Send, provider.Message{
		Instance: id, Life: info.Life, Kind: provider.CancelInstance, Data: history.ReasonParentDroppedChild,
		Parent: &history.Parent{Instance: w.Instance, Life: w.Life, Execution: execution, Event: e.ID},
	})
	return nil
}

// statusIn gives the custom status after some events.
func statusIn(events []history.Event) *string {
	var status *string
	for _, e := range events {
		if d, ok := e.Data.(history.OrchestrationStarted); ok {
			status = d.CustomStatus
		}
		if d, ok := e.Data.(history.CustomStatusUpdated); ok {
			status = d.Status
		}
	}
	return status
}

func sameText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
