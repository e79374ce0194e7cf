package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Delete deletes exactly the listed instances.
func (p *Provider) Delete(
	ctx context.Context, d provider.Deletion,
) (deleted provider.Deleted, err error) {
	err = p.do(ctx, "delete_instances", func(s *store) error {
		ids := d.Instances
		if len(ids) == 0 || !s.isMeant(ids[0], d.Root) {
			return nil
		}
		for _, id := range ids {
			if err := s.checkDelete(id, ids, d.Force); err != nil {
				return err
			}
		}
		for _, id := range ids {
			s.deleteInstance(id, &deleted)
		}
		return nil
	})
	return deleted, err
}

// isMeant reports whether the life that a deletion means can be the one that is there.
func (s *store) isMeant(id string, life history.Life) bool {
	in := s.living(id)
	return in == nil || in.life.Fits(life)
}

func (s *store) checkDelete(id string, ids []string, force bool) error {
	in := s.living(id)
	if in == nil {
		return nil
	}
	if in.active() && in.level != provider.Inert && !force && !slices.Contains(ids, in.parentID()) {
		return &provider.Error{
			Op: "delete_instances", Err: provider.ErrStillRunning,
			Message: "Instance " + id + " is still running. " +
				"Use force=true to delete anyway, or cancel first.",
		}
	}
	for _, child := range s.children(id) {
		if !slices.Contains(ids, child) {
			return &provider.Error{
				Op: "delete_instances", Err: provider.ErrOrphanedChild,
				Message: fmt.Sprintf("Cannot delete: instance %s has child %s that was created "+
					"after tree traversal. Re-fetch the tree and retry.", id, child),
			}
		}
	}
	return nil
}

// deleteInstance removes an instance with its claim and its tasks, held or not. A new instance of
// the same id has another key, so nothing that was claimed before can reach it.
func (s *store) deleteInstance(id string, deleted *provider.Deleted) {
	in := s.living(id)
	if in == nil {
		return
	}
	deleted.Instances++
	deleted.Gone = append(deleted.Gone, provider.Gone{Instance: id, Key: in.key, Life: in.life})
	deleted.Executions += len(in.executions)
	for _, ex := range in.executions {
		deleted.Events += ex.events
	}
	deleted.Messages += len(in.messages)
	maps.DeleteFunc(s.tasks, func(_ uint64, t *task) bool { return t.Instance == id })
	delete(s.instances, id)
	s.visible(id)
}

// Prune deletes old executions.
func (p *Provider) Prune(
	ctx context.Context, id string, o provider.PruneOptions,
) (pruned provider.Pruned, err error) {
	err = p.do(ctx, "prune_executions", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return notFound("prune_executions", id)
		}
		numbers := slices.Sorted(maps.Keys(in.executions))
		// The current execution is the last one and always stays.
		keep := min(max(o.KeepLast, 1), len(numbers))
		for _, number := range numbers[:len(numbers)-keep] {
			ex := in.executions[number]
			if ex.status == provider.Running || !endedBefore(ex, o.CompletedBefore) {
				continue
			}
			pruned.Executions++
			pruned.Events += ex.events
			delete(in.executions, number)
		}
		return nil
	})
	return pruned, err
}

func endedBefore(ex *execution, limit time.Time) bool {
	return limit.IsZero() || ex.completed != 0 && time.UnixMilli(ex.completed).Before(limit)
}
