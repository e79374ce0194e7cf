package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

const (
	// defaultBulkLimit bounds the instances of a bulk call.
	defaultBulkLimit = 1000
	// orphanRetries bounds how often a tree that grows while it is deleted is read again.
	orphanRetries = 10
)

// InstanceStats are sizes of one instance.
type InstanceStats struct {
	// Events and Bytes are those of the current execution's history.
	Events int
	Bytes  int64
	// Pending is the number of queue messages of the current execution that its code has not read.
	Pending int
	// Keys and ValueBytes are those of the live key-value store; keys count no bytes.
	Keys       int
	ValueBytes int64
}

// Filter selects instances for a bulk call. Conditions that are set must all hold.
type Filter struct {
	// IDs selects among these ids; nil means all, an empty list none.
	IDs []string
	// CompletedBefore, if not zero, selects instances whose current execution ended strictly before.
	CompletedBefore time.Time
	// Limit is the highest number of instances that are looked at; zero means 1000.
	Limit int
}

// PruneResult counts what a prune looked at and removed.
type PruneResult struct {
	Instances  int
	Executions int
	Events     int
}

// Metrics counts over the whole store.
func (c *Client) Metrics(ctx context.Context) (provider.Metrics, error) {
	return retry(ctx, c, c.e.store.Metrics)
}

// Depths counts messages and tasks that nobody holds.
func (c *Client) Depths(ctx context.Context) (provider.Depths, error) {
	return retry(ctx, c, c.e.store.Depths)
}

// List gives instances, newest first.
func (c *Client) List(ctx context.Context, q provider.ListQuery) ([]string, error) {
	return retry(ctx, c, func(ctx context.Context) ([]string, error) {
		return c.e.store.List(ctx, q)
	})
}

// Instance describes one instance. provider.ErrInstanceNotFound: it is unknown.
func (c *Client) Instance(ctx context.Context, instance string) (provider.InstanceInfo, error) {
	return retry(ctx, c, func(ctx context.Context) (provider.InstanceInfo, error) {
		return c.e.store.Instance(ctx, instance)
	})
}

// Execution describes one execution. provider.ErrExecutionNotFound: it is unknown.
func (c *Client) Execution(
	ctx context.Context, instance string, execution uint64,
) (provider.ExecutionInfo, error) {
	return retry(ctx, c, func(ctx context.Context) (provider.ExecutionInfo, error) {
		return c.e.store.Execution(ctx, instance, execution)
	})
}

// Failure gives the failure that has ended an execution, or nil where none has.
func (c *Client) Failure(
	ctx context.Context, instance string, execution uint64,
) (*history.Failure, error) {
	return retry(ctx, c, func(ctx context.Context) (*history.Failure, error) {
		return c.failure(ctx, instance, execution)
	})
}

// Executions lists execution ids, ascending; empty for unknown instances.
func (c *Client) Executions(ctx context.Context, instance string) ([]uint64, error) {
	return retry(ctx, c, func(ctx context.Context) ([]uint64, error) {
		return c.e.store.Executions(ctx, instance)
	})
}

// History gives the events of one execution, or of the current one for zero; empty for unknown.
func (c *Client) History(
	ctx context.Context, instance string, execution uint64,
) ([]history.Event, error) {
	return retry(ctx, c, func(ctx context.Context) ([]history.Event, error) {
		return c.e.store.History(ctx, instance, execution)
	})
}

// Stats gives sizes of an instance, or nil for an unknown one. It reads the current history.
func (c *Client) Stats(ctx context.Context, instance string) (*InstanceStats, error) {
	stored, err := retry(ctx, c, func(ctx context.Context) (*provider.Stats, error) {
		return c.e.store.Stats(ctx, instance)
	})
	if err != nil || stored == nil {
		return nil, err
	}
	events, err := c.History(ctx, instance, 0)
	if err != nil {
		return nil, err
	}
	return &InstanceStats{
		Events:     stored.Events,
		Bytes:      stored.Bytes,
		Pending:    unreadQueueMessages(events),
		Keys:       stored.Keys,
		ValueBytes: stored.ValueBytes,
	}, nil
}

// Tree gives an instance and all its descendants, the instance first and each after its parent.
// Of an unknown instance it gives the id alone.
func (c *Client) Tree(ctx context.Context, instance string) ([]string, error) {
	tree := []string{instance}
	seen := map[string]struct{}{instance: {}}
	for at := 0; at < len(tree); at++ {
		children, err := retry(ctx, c, func(ctx context.Context) ([]string, error) {
			return c.e.store.Children(ctx, tree[at])
		})
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			if _, ok := seen[child]; !ok {
				seen[child] = struct{}{}
				tree = append(tree, child)
			}
		}
	}
	return tree, nil
}

// Delete removes an instance with its descendants and all that belongs to them. Errors, by
// errors.Is: provider.ErrInstanceNotFound; provider.ErrIsSubOrchestration for a child, also with
// force; provider.ErrStillRunning where it runs and force is not given, or where descendants clean up after
// its end for longer than half a minute.
func (c *Client) Delete(ctx context.Context, instance string, force bool) (provider.Deleted, error) {
	info, err := c.Instance(ctx, instance)
	if force && errors.Is(err, provider.ErrCorrupt) { // There is no other way to be rid of it.
		info, err = provider.InstanceInfo{Instance: instance}, nil
	}
	if err != nil {
		return provider.Deleted{}, refusal(instance, err)
	}
	if info.Parent != "" {
		return provider.Deleted{}, refusal(instance, provider.ErrIsSubOrchestration)
	}
	if !force && info.Status.IsFinal() {
		if err := c.unwound(ctx, instance); err != nil {
			return provider.Deleted{}, refusal(instance, err)
		}
	}
	deleted, err := c.deleteTree(ctx, info, force)
	return deleted, refusal(instance, err)
}

// DeleteBulk deletes finished root instances that match, each with its descendants, running or
// not. Running roots are skipped, and those of which descendants clean up. An error ends the call; what was deleted before stays deleted
// and is counted in the result.
func (c *Client) DeleteBulk(ctx context.Context, f Filter) (provider.Deleted, error) {
	var total provider.Deleted
	roots, err := c.selected(ctx, f, provider.ListQuery{RootsOnly: true, FinalOnly: true})
	if err != nil {
		return total, err
	}
	for _, root := range roots {
		deleted, err := c.deleteFinished(ctx, root)
		if err != nil {
			return total, fmt.Errorf("delete %s: %w", root, err)
		}
		total.Instances += deleted.Instances
		total.Executions += deleted.Executions
		total.Events += deleted.Events
		total.Messages += deleted.Messages
	}
	return total, nil
}

// Prune deletes old executions of one instance: never the current one, never a running one.
// provider.ErrInstanceNotFound: the instance is unknown.
func (c *Client) Prune(
	ctx context.Context, instance string, o provider.PruneOptions,
) (PruneResult, error) {
	if o.KeepLast < 0 {
		return PruneResult{}, inputErrorf("keepLast must not be negative")
	}
	pruned, err := retry(ctx, c, func(ctx context.Context) (provider.Pruned, error) {
		return c.e.store.Prune(ctx, instance, o)
	})
	if err != nil {
		return PruneResult{}, err
	}
	return PruneResult{Instances: 1, Executions: pruned.Executions, Events: pruned.Events}, nil
}

// PruneBulk prunes every instance that matches, children and running ones included. An error ends
// the call; what was pruned before is counted in the result.
func (c *Client) PruneBulk(
	ctx context.Context, f Filter, o provider.PruneOptions,
) (PruneResult, error) {
	var total PruneResult
	instances, err := c.selected(ctx, f, provider.ListQuery{})
	if err != nil {
		return total, err
	}
	for _, instance := range instances {
		pruned, err := c.Prune(ctx, instance, o)
		if errors.Is(err, provider.ErrInstanceNotFound) {
			// It was deleted since it was listed.
			continue
		}
		if err != nil {
			return total, fmt.Errorf("prune %s: %w", instance, err)
		}
		total.Instances += pruned.Instances
		total.Executions += pruned.Executions
		total.Events += pruned.Events
	}
	return total, nil
}

func (c *Client) selected(
	ctx context.Context, f Filter, q provider.ListQuery,
) ([]string, error) {
	if f.Limit < 0 {
		return nil, inputErrorf("limit must not be negative")
	}
	if f.IDs != nil && len(f.IDs) == 0 {
		return nil, nil
	}
	q.IDs = f.IDs
	q.CompletedBefore = f.CompletedBefore
	q.Limit = f.Limit
	if q.Limit == 0 {
		q.Limit = defaultBulkLimit
	}
	return c.List(ctx, q)
}

// deleteTree reads and deletes a tree, again where a child appeared in between.
func (c *Client) deleteTree(
	ctx context.Context, root provider.InstanceInfo, force bool,
) (provider.Deleted, error) {
	for attempt := 1; ; attempt++ {
		tree, err := c.Tree(ctx, root.Instance)
		if err == nil && !force {
			err = c.noneWinds(ctx, tree[1:])
		}
		if err != nil {
			return provider.Deleted{}, err
		}
		deleted, err := retry(ctx, c, func(ctx context.Context) (provider.Deleted, error) {
			return c.e.store.Delete(ctx, provider.Deletion{Instances: tree, Root: root.Life, Force: force})
		})
		if err == nil {
			c.e.deleted(deleted.Gone)
		}
		if err == nil && len(deleted.Gone) == 0 { // Perhaps the answer of an earlier try was lost.
			c.e.findDeleted(ctx)
		}
		if err == nil || attempt == orphanRetries || !errors.Is(err, provider.ErrOrphanedChild) {
			return deleted, err
		}
	}
}

// deleteFinished deletes a finished root with its tree. A root that runs (its id may have been
// used again since it was listed) or is gone is skipped.
func (c *Client) deleteFinished(ctx context.Context, root string) (provider.Deleted, error) {
	info, err := c.Instance(ctx, root)
	if err == nil {
		var deleted provider.Deleted
		if deleted, err = c.deleteTree(ctx, info, false); err == nil {
			return deleted, nil
		}
	}
	if errors.Is(err, provider.ErrStillRunning) || errors.Is(err, provider.ErrInstanceNotFound) {
		err = nil
	}
	return provider.Deleted{}, err
}

// refusal gives a refused deletion the text that users know.
func refusal(instance string, err error) error {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused // It says already which instance it is about.
	}
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return notFound(instance)
	case errors.Is(err, provider.ErrIsSubOrchestration):
		return &RefusedError{
			Message: fmt.Sprintf("Cannot delete sub-orchestration %s directly. "+
				"Delete the root orchestration instead.", instance),
			Err: provider.ErrIsSubOrchestration,
		}
	case errors.Is(err, provider.ErrStillRunning):
		return &RefusedError{
			Message: fmt.Sprintf("Instance %s is still running. "+
				"Use force=true or cancel first.", instance),
			Err: provider.ErrStillRunning,
		}
	default:
		return err
	}
}

// unreadQueueMessages counts arrivals that no subscription of the same queue consumed. Cancelled
// subscriptions consume nothing; each other one consumes one arrival, now or when it comes.
func unreadQueueMessages(events []history.Event) int {
	unread := make(map[string]int)
	queueOf := make(map[uint64]string)
	for _, e := range events {
		switch d := e.Data.(type) {
		case history.QueueEventDelivered:
			unread[d.Name]++
		case history.QueueEventWithdrawn:
			unread[d.Name]--
		case history.QueueSubscribed:
			unread[d.Name]--
			queueOf[e.ID] = d.Name
		case history.QueueSubscriptionCancelled:
			// Duplicate cancellations occur in old histories and count once.
			if name, ok := queueOf[e.Source]; ok {
				unread[name]++
				delete(queueOf, e.Source)
			}
		case history.Schedule, history.Answer, history.Cancellation, history.Input, history.Change, history.Ending,
			history.OrchestrationStarted, history.OrchestrationChained, history.MessageSent,
			history.PatchDecided, history.CleanupFailed, history.Repair: // No queue has to do with them.
		}
	}
	total := 0
	for _, n := range unread {
		total += max(n, 0)
	}
	return total
}

func notFound(instance string) error {
	return &RefusedError{
		Message: fmt.Sprintf("Instance %s not found", instance),
		Err:     provider.ErrInstanceNotFound,
	}
}
