package engine

import (
	"cmp"
	"context"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// ForkOptions say what a fork begins with.
type ForkOptions struct {
	// Instance is the id of the fork, at which nobody lives.
	Instance string
	// Execution and Event are the last event that it takes over. Zero is the current execution, and its last
	// event that is no part of its end.
	Execution uint64
	Event     uint64
	// Input and Version are those of the fork; nil leaves what they are.
	Input   *string
	Version *string
	// Reason and By are recorded.
	Reason string
	By     string
	// DryRun only says what would be done.
	DryRun bool
}

// Fork makes another instance that has lived through what one has up to an event, and leaves that one alone.
// The fork is a root, and has a life of its own, so that nothing which is under way reaches both: activities and
// children that are open at the event begin for it, and messages that were not taken are not its. Errors, by
// errors.Is: provider.ErrInstanceNotFound, ErrInstanceExists, ErrCannotRepair; an *InputError where there is
// no such event or id; a *LimitError.
func (c *Client) Fork(ctx context.Context, instance string, o ForkOptions) (Repaired, error) {
	asked := RetryOptions{Reason: o.Reason, By: o.By, DryRun: o.DryRun}
	version := ""
	if o.Version != nil {
		version = *o.Version
	}
	err := cmp.Or(checkRootID(o.Instance), checkName("newInstanceId", o.Instance),
		checkSize("version", version, history.MaxVersionBytes))
	if err != nil {
		return Repaired{}, err
	}
	return c.planned(ctx, o.Instance, asked, func(p *retryPlan) error { return p.fork(ctx, instance, o) })
}

func (p *retryPlan) fork(ctx context.Context, instance string, o ForkOptions) error {
	info, err := p.c.Instance(ctx, instance)
	if err != nil {
		return refusal(instance, err)
	}
	if err := p.unused(ctx, o.Instance); err != nil {
		return err
	}
	if info.Status == provider.NotCommitted {
		return cannotRepair(instance, "it has not begun, so that there is nothing to fork")
	}
	execution := cmp.Or(o.Execution, info.Execution)
	all, err := p.since(ctx, info, execution)
	if err != nil {
		return err
	}
	note := history.OrchestrationForked{
		Reason: o.Reason, By: o.By, From: instance, Execution: execution, To: cmp.Or(o.Event, replay.Forkable(all[0])),
	}
	kept, err := replay.Fork(all[0], note, o.Input, o.Version, p.nowMs, p.c.e.version)
	if err := notThere(instance, execution, "be forked from", err); err != nil {
		return err
	}
	readdress(kept, instance, o.Instance)
	base, err := p.base(ctx, info, execution, slices.Concat(all...))
	if err != nil {
		return err
	}
	w := provider.Rewrite{
		Place: provider.Place{Instance: o.Instance, Life: newLife()}, Execution: execution, Fresh: true,
		Started: startedIn(kept), Events: kept, Level: history.LevelOf(kept), Base: base,
		Live: LiveValues(provider.Record{Values: base, Events: kept}),
	}
	if w.Started == nil {
		return cannotRepair(instance, "its history is damaged")
	}
	if status := statusIn(kept); status != nil {
		w.CustomStatus = &provider.CustomStatusChange{Status: status}
	}
	return p.work(ctx, w, provider.InstanceInfo{Name: w.Started.Name, Version: w.Started.Version})
}

// unused refuses an id at which somebody lives.
func (p *retryPlan) unused(ctx context.Context, instance string) error {
	there, err := retry(ctx, p.c, func(ctx context.Context) (*provider.Status, error) {
		return p.c.e.store.Status(ctx, instance)
	})
	if err == nil && there != nil {
		err = exists(instance)
	}
	return err
}

// readdress makes what code has sent to itself the same in a fork. Replay knows answers by their request.
func readdress(events []history.Event, from, to string) {
	for n := range events {
		d, ok := events[n].Data.(history.MessageSent)
		isAnswer := d.What == history.SentAnswer || d.What == history.SentRejection
		if ok && d.Instance == from && !isAnswer {
			d.Instance = to
			events[n].Data = d
		}
	}
}
