package engine

import (
	"context"
	"errors"
	"fmt"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// RewindOptions say where an instance goes back to.
type RewindOptions struct {
	// Execution and Event are the last event that is kept.
	Execution uint64
	Event     uint64
	// AcceptUndo allows that what code did since is forgotten.
	AcceptUndo bool
	// Reason and By are recorded.
	Reason string
	By     string
	// DryRun only says what would be done.
	DryRun bool
}

// Rewind takes back everything after an event of the current execution. Errors, by errors.Is:
// provider.ErrInstanceNotFound; ErrCannotRepair; ErrWouldUndo, which is a *WouldUndoError; an *InputError
// where there is no such event.
func (c *Client) Rewind(ctx context.Context, instance string, o RewindOptions) (Repaired, error) {
	return c.planned(ctx, instance, RetryOptions{Reason: o.Reason, By: o.By, DryRun: o.DryRun}, func(p *retryPlan) error {
		return p.rewind(ctx, instance, o)
	})
}

func (p *retryPlan) rewind(ctx context.Context, instance string, o RewindOptions) error {
	p.planned[instance] = true
	info, err := p.c.Instance(ctx, instance)
	switch {
	case err != nil:
		return err
	case info.Execution != o.Execution:
		return cannotRepair(instance, fmt.Sprintf("it is in execution %d, and goes back within that only", info.Execution))
	case info.Status == provider.ContinuedAsNew || info.Status == provider.NotCommitted:
		return provider.ErrChanged // Its next execution is about to begin.
	}
	if info.Status != provider.Running {
		if err := p.unknownToParent(ctx, info); err != nil {
			return err
		}
	}
	events, err := p.c.History(ctx, instance, info.Execution)
	if err != nil {
		return err
	}
	note := history.OrchestrationRewound{Reason: o.Reason, By: o.By, To: o.Event}
	kept, undone, err := replay.Rewind(events, note, o.AcceptUndo, p.nowMs, p.c.e.version)
	if undo, ok := errors.AsType[*replay.WouldUndoError](err); ok {
		return &WouldUndoError{Instance: instance, Execution: info.Execution, Events: undo.Events}
	}
	if missing, ok := errors.AsType[*replay.NoEventError](err); ok {
		return inputErrorf("execution %d of instance %s cannot go back to event %d: %v",
			info.Execution, instance, o.Event, missing)
	}
	if err != nil {
		return err
	}
	base, err := p.base(ctx, info, events)
	if err != nil {
		return err
	}
	w := provider.Rewrite{
		Place:     provider.Place{Instance: instance, Life: info.Life},
		Execution: info.Execution, LastEvent: events[len(events)-1].ID, Status: info.Status,
		Events: kept, Level: history.LevelOf(kept), Base: base,
		Live: LiveValues(provider.Record{Values: base, Events: kept}),
	}
	if status := statusIn(kept); !sameText(status, statusIn(events)) {
		w.CustomStatus = &provider.CustomStatusChange{Status: status}
	}
	w.Forget = promiseKeys(info.Execution, replay.Unmade(events, o.Event))
	if err := p.giveBack(ctx, &w, undone); err != nil {
		return err
	}
	return p.work(ctx, w, info)
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
func (p *retryPlan) giveBack(ctx context.Context, w *provider.Rewrite, undone []history.Event) error {
	promises := replay.Promises(w.Events)
	for _, e := range undone {
		if d, ok := e.Data.(history.SubOrchestrationScheduled); ok {
			if err := p.cancelChild(ctx, w, e, d); err != nil {
				return err
			}
		}
		if m, ok := givenBack(e, promises[e.Source]); ok {
			m.Instance, m.Life, m.DueMs = w.Instance, w.Life, e.TimeMs
			if m.Kind == provider.PromiseSettled {
				m.Execution = w.Execution
			}
			w.Send = append(w.Send, m)
		}
	}
	return nil
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
// again, so it stays where it is; a chosen one would be in the way of the next child.
func (p *retryPlan) cancelChild(
	ctx context.Context, w *provider.Rewrite, e history.Event, d history.SubOrchestrationScheduled,
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
	w.Send = append(w.Send, provider.Message{
		Instance: id, Life: info.Life, Kind: provider.CancelInstance, Data: history.ReasonParentDroppedChild,
		Parent: &history.Parent{Instance: w.Instance, Life: w.Life, Execution: w.Execution, Event: e.ID},
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
