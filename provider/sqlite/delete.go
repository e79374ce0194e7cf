package sqlite

import (
	"context"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlCountEvents = &statement{`
SELECT count(*), sum(CASE WHEN execution < ?2 THEN events END) FROM executions WHERE instance = ?1 + 0`}
	sqlCountDeletion  = &statement{`UPDATE counters SET next = next + 1 WHERE name = 'deletions'`}
	sqlDeletions      = &statement{`SELECT next FROM counters WHERE name = 'deletions'`}
	sqlDeleteMessages = &statement{`DELETE FROM messages WHERE instance = ?1 + 0`}
	// In this order nothing refers to what is gone, should anybody look at the file by hand.
	sqlDeletes = []*statement{
		{`DELETE FROM tasks WHERE instance = ?1 + 0`},
		sqlDropKeys,
		{`DELETE FROM key_values WHERE instance = ?1 + 0`},
		{`DELETE FROM histories WHERE instance = ?1 + 0`},
		{`DELETE FROM executions WHERE instance = ?1 + 0`},
		{`DELETE FROM details WHERE instance = ?1 + 0`},
		{`DELETE FROM instances WHERE key = ?1`},
	}
	// The newest executions that are kept include the current one, which always stays.
	sqlPrunable = &statement{`
SELECT execution, events FROM executions
WHERE instance = ?1 + 0 AND execution < ?2 AND status <> 1 AND completed < ?3
  AND execution NOT IN (
    SELECT execution FROM executions WHERE instance = ?1 + 0 ORDER BY execution DESC LIMIT ?4)`}
	sqlDeleteExecution = &statement{`DELETE FROM executions WHERE instance = ?1 + 0 AND execution = ?2 + 0`}
	sqlDeleteHistory   = &statement{`DELETE FROM histories WHERE instance = ?1 + 0 AND execution = ?2 + 0`}
)

// Delete deletes the listed instances with all that belongs to them. Their keys are never given to
// others, so that nothing claimed before can reach an instance of the same id.
func (s *Store) Delete(
	ctx context.Context, d provider.Deletion,
) (provider.Deleted, error) {
	if len(d.Instances) == 0 {
		return provider.Deleted{}, nil
	}
	var deleted provider.Deleted
	err := s.write(ctx, "delete_instances", 0, func(w *writer) error {
		deleted = provider.Deleted{}
		found, err := w.deletable(&d)
		if err != nil {
			return err
		}
		for _, i := range found {
			if err := w.delete(i, &deleted); err != nil {
				return err
			}
		}
		if len(found) > 0 {
			_, err = w.c.exec(sqlCountDeletion)
			w.deletions++
		}
		return err
	})
	if err != nil {
		return provider.Deleted{}, err
	}
	return deleted, nil
}

// deletable gives the listed instances that exist, if all of them may be deleted.
func (w *writer) deletable(d *provider.Deletion) ([]*instance, error) {
	ids := d.Instances
	root, err := w.withID(ids[0])
	if err != nil || root != nil && !root.life.Fits(d.Root) {
		return nil, err
	}
	listed := make(map[string]bool, len(ids))
	for _, id := range ids {
		listed[id] = true
	}
	var found []*instance
	for _, id := range distinct(ids) {
		i, err := w.withID(id)
		if err != nil {
			return nil, err
		}
		if i == nil || !i.born && i.execution == 0 {
			continue
		}
		if !d.Force && !i.hasEnded() && i.pin != provider.Inert && (i.parent == nil || !listed[i.parent.Instance]) {
			return nil, rules.Refuse(provider.ErrStillRunning, "Instance %s is still running. "+
				"Use force=true to delete anyway, or cancel first.", id)
		}
		found = append(found, i)
	}
	return found, w.refuseUnlisted(found, listed)
}

// refuseUnlisted is ErrOrphanedChild if one of the instances has a child that is not to be deleted along.
func (w *writer) refuseUnlisted(found []*instance, listed map[string]bool) error {
	for _, i := range found {
		children, err := childrenOf(w.c, i.id)
		if err != nil {
			return err
		}
		for _, child := range children {
			if !listed[child] {
				return rules.Refuse(provider.ErrOrphanedChild, "Cannot delete: instance %s has "+
					"child %s that was created after tree traversal. Re-fetch the tree and retry.",
					i.id, child)
			}
		}
	}
	return nil
}

// hasEnded reports whether an instance will not go on. One that continued as new will: its next
// execution only has not had its first turn yet.
func (i *instance) hasEnded() bool {
	return i.status == provider.Completed || i.status == provider.Failed
}

func (w *writer) delete(i *instance, deleted *provider.Deleted) error {
	key := signed(i.key)
	counts, err := w.c.one(sqlCountEvents, key, signed(i.execution))
	if err != nil {
		return err
	}
	messages, err := w.c.exec(sqlDeleteMessages, key)
	if err != nil {
		return err
	}
	for _, s := range sqlDeletes {
		if _, err := w.c.exec(s, key); err != nil {
			return err
		}
	}
	deleted.Instances++
	deleted.Gone = append(deleted.Gone, provider.Gone{Instance: i.id, Key: i.key, Life: i.life})
	deleted.Executions += int(counts.int(0))
	deleted.Events += int(counts.int(1) + i.events)
	deleted.Messages += int(messages)
	w.drop(i)
	clear(w.tasks) // some of them were its own
	w.touch(i.id)
	return nil
}

// Prune deletes old executions of one instance.
func (s *Store) Prune(
	ctx context.Context, instance string, o provider.PruneOptions,
) (provider.Pruned, error) {
	before := rules.PrunedBefore(o)
	var pruned provider.Pruned
	err := s.write(ctx, "prune_executions", 0, func(w *writer) error {
		pruned = provider.Pruned{}
		i, err := w.withID(instance)
		if err != nil {
			return err
		}
		if i == nil || !i.born {
			return rules.NotFound(instance)
		}
		return w.prune(i, before, max(o.KeepLast, 1), &pruned)
	})
	if err != nil {
		return provider.Pruned{}, err
	}
	return pruned, nil
}

func (w *writer) prune(i *instance, before int64, keep int, pruned *provider.Pruned) error {
	var executions []int64
	err := w.c.each(sqlPrunable, func(r *rows) bool {
		executions = append(executions, r.int(0))
		pruned.Events += int(r.int(1))
		return true
	}, signed(i.key), signed(i.execution), before, int64(keep))
	if err != nil {
		return err
	}
	for _, execution := range executions {
		if _, err := w.c.exec(sqlDeleteHistory, signed(i.key), execution); err != nil {
			return err
		}
		if _, err := w.c.exec(sqlDeleteExecution, signed(i.key), execution); err != nil {
			return err
		}
	}
	pruned.Executions = len(executions)
	return nil
}
