package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlCountEvents = define(`
SELECT count(*), coalesce(sum(CASE WHEN e.execution < i.execution THEN e.events END), 0)::bigint
FROM S.executions e JOIN S.instances i ON i.key = e.instance WHERE e.instance = ANY($1::bigint[])`)
	sqlChildrenOf = define(`
SELECT d.parent, i.id FROM S.details d JOIN S.instances i ON i.key = d.instance ` + ofParent + `
WHERE d.parent = ANY($1::text[]) AND d.parent <> '' AND ` + sameParent + ` ORDER BY i.id`)
	sqlDeleteMessages = define(`
WITH gone AS (DELETE FROM S.messages WHERE instance = ANY($1::bigint[]) RETURNING 1)
SELECT count(*) FROM gone`)
	// In this order nothing refers to what is gone, should anybody look at the tables by hand.
	sqlDeletes = []statement{
		define(`
DELETE FROM S.tasks WHERE id IN (
  SELECT id FROM S.tasks WHERE instance = ANY($1::bigint[]) ORDER BY id FOR UPDATE)`),
		define(`DELETE FROM S.duroxide_keys WHERE instance = ANY($1::bigint[])`),
		define(`DELETE FROM S.key_values WHERE instance = ANY($1::bigint[])`),
		define(`DELETE FROM S.histories WHERE instance = ANY($1::bigint[])`),
		define(`DELETE FROM S.executions WHERE instance = ANY($1::bigint[])`),
		define(`DELETE FROM S.details WHERE instance = ANY($1::bigint[])`),
		define(`DELETE FROM S.instances WHERE key = ANY($1::bigint[])`),
	}
	// The newest executions that are kept include the current one, which always stays.
	sqlPrune = define(`
WITH old AS (
  SELECT execution, events FROM S.executions
  WHERE instance = $1 AND execution < $2 AND status <> 1 AND completed < $3
    AND execution NOT IN (
      SELECT execution FROM S.executions WHERE instance = $1 ORDER BY execution DESC LIMIT $4)),
rows_gone AS (
  DELETE FROM S.histories h USING old WHERE h.instance = $1 AND h.execution = old.execution),
gone AS (
  DELETE FROM S.executions e USING old WHERE e.instance = $1 AND e.execution = old.execution)
SELECT count(*), coalesce(sum(events), 0)::bigint FROM old`)
)

// Delete deletes the listed instances with all that belongs to them. Their keys are never given to
// others, so that nothing claimed before can reach an instance of the same id.
func (s *Store) Delete(
	ctx context.Context, d provider.Deletion,
) (provider.Deleted, error) {
	if len(d.Instances) == 0 {
		return provider.Deleted{}, failure("delete_instances", ctx.Err())
	}
	ids := make([]string, 0, len(d.Instances))
	for _, id := range d.Instances {
		ids = append(ids, askable(id))
	}
	ids = distinct(ids)
	var deleted provider.Deleted
	err := s.locked(ctx, "delete_instances", ids, func(ctx context.Context, g *group) error {
		deleted = provider.Deleted{}
		if root := g.byID[d.Instances[0]]; root != nil && !root.life.Fits(d.Root) {
			return nil
		}
		found, err := g.deletable(ctx, ids, d.Force)
		if err != nil || len(found) == 0 {
			return err
		}
		return g.delete(ctx, found, &deleted)
	})
	if err != nil {
		return provider.Deleted{}, err
	}
	return deleted, nil
}

// locked runs a call in a transaction of its own in which the named instances are locked.
func (s *Store) locked(
	ctx context.Context, op string, ids []string, call func(ctx context.Context, g *group) error,
) error {
	return s.direct(ctx, op, func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		g := s.newGroup(conn)
		defer g.release(ctx)
		p := s.pipeline()
		g.begin(p)
		p.exec(sqlLockInstances, []int64(nil), ids)
		p.each(sqlReadInstances, g.scanInstance, []int64(nil), ids)
		g.readRest(p, 0)
		if err := g.send(ctx, p); err != nil {
			return fmt.Errorf("lock rows: %w", err)
		}
		g.timed(s.nowMs())
		if err := call(ctx, g); err != nil {
			return err
		}
		p = s.pipeline()
		p.exec(sqlCommit)
		err = g.send(ctx, p)
		switch {
		case err != nil && !isUndecided(err):
			return fmt.Errorf("commit: %w", err)
		case err != nil:
			// Whether it is deleted is seen when somebody asks for it again.
			return fmt.Errorf("commit: %w: %w", errUnknown, err)
		}
		g.opened = false
		s.publish(&g.changed)
		return nil
	})
}

// deletable gives the listed instances that exist, if all of them may be deleted.
func (g *group) deletable(ctx context.Context, ids []string, force bool) ([]*instance, error) {
	var found []*instance
	var parents []string
	for _, id := range ids {
		i := g.byID[id]
		if i == nil || !i.born && i.execution == 0 {
			continue
		}
		if !force && !i.hasEnded() && i.pin != provider.Inert && (i.parent == nil || !slices.Contains(ids, i.parent.Instance)) {
			return nil, rules.Refuse(provider.ErrStillRunning, "Instance %s is still running. "+
				"Use force=true to delete anyway, or cancel first.", id)
		}
		found, parents = append(found, i), append(parents, id)
	}
	p := g.s.pipeline()
	var orphaned error
	p.each(sqlChildrenOf, func(r pgx.Rows) error {
		var parent, child string
		if err := r.Scan(&parent, &child); err != nil {
			return err
		}
		if g.byID[child] == nil && orphaned == nil {
			orphaned = rules.Refuse(provider.ErrOrphanedChild, "Cannot delete: instance %s has "+
				"child %s that was created after tree traversal. Re-fetch the tree and retry.",
				parent, child)
		}
		return nil
	}, parents)
	if err := g.send(ctx, p); err != nil {
		return nil, fmt.Errorf("list children: %w", err)
	}
	return found, orphaned
}

// hasEnded reports whether an instance will not go on. One that continued as new will: its next
// execution only has not had its first turn yet.
func (i *instance) hasEnded() bool {
	return i.status == provider.Completed || i.status == provider.Failed
}

func (g *group) delete(ctx context.Context, found []*instance, deleted *provider.Deleted) error {
	var keys []int64
	g.changed.deleted = true
	for _, i := range found {
		keys = append(keys, signed(i.key))
		deleted.Instances++
		deleted.Gone = append(deleted.Gone, provider.Gone{Instance: i.id, Key: i.key, Life: i.life})
		deleted.Events += int(i.events)
		g.changed.instances = append(g.changed.instances, i.id)
	}
	p := g.s.pipeline()
	p.each(sqlCountEvents, func(r pgx.Rows) error {
		var past int
		err := r.Scan(&deleted.Executions, &past)
		deleted.Events += past
		return err
	}, keys)
	p.each(sqlDeleteMessages, func(r pgx.Rows) error { return r.Scan(&deleted.Messages) }, keys)
	for _, st := range sqlDeletes {
		p.exec(st, keys)
	}
	if err := g.send(ctx, p); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// Prune deletes old executions of one instance.
func (s *Store) Prune(
	ctx context.Context, instance string, o provider.PruneOptions,
) (provider.Pruned, error) {
	before := rules.PrunedBefore(o)
	var pruned provider.Pruned
	ids := []string{askable(instance)}
	err := s.locked(ctx, "prune_executions", ids, func(ctx context.Context, g *group) error {
		i := g.byID[instance]
		if i == nil || !i.born {
			return rules.NotFound(instance)
		}
		p := s.pipeline()
		p.each(sqlPrune, func(r pgx.Rows) error {
			return r.Scan(&pruned.Executions, &pruned.Events)
		}, signed(i.key), signed(i.execution), before, max(o.KeepLast, 1))
		if err := g.send(ctx, p); err != nil {
			return fmt.Errorf("prune: %w", err)
		}
		return nil
	})
	if err != nil {
		return provider.Pruned{}, err
	}
	return pruned, nil
}
