package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// A child is one of who lives at the parent's id now, unless nobody does, or one of them is unknown.
const (
	ofParent = `LEFT JOIN LATERAL (
  SELECT l.life FROM S.instances p JOIN S.details l ON l.instance = p.key
  WHERE p.id = d.parent OFFSET 0) p ON true`
	sameParent = `coalesce(d.parent_life = p.life, true)`
)

var (
	sqlInstance = define(`
SELECT coalesce(d.name, ''), coalesce(d.version, ''), i.execution, i.status, e.output,
  coalesce(d.created, 0), greatest(d.created, i.updated), coalesce(d.parent, ''), d.life,
  d.instance IS NOT NULL, e.instance IS NOT NULL, d.hold, i.last_event,
  d.cancelling,
  coalesce(CASE i.execution WHEN 0 THEN (
    SELECT min(effective) FROM S.messages WHERE instance = i.key AND kind IN ` + starts + `) END, 0),
  coalesce((SELECT max(effective) FROM S.messages
    WHERE instance = i.key AND kind IN ` + beginnings + ` AND kind IN ` + ends + ` AND effective > $2), 0),
  i.pin
FROM S.instances i
LEFT JOIN S.details d ON d.instance = i.key
LEFT JOIN S.executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = $1 AND (d.instance IS NOT NULL OR i.execution > 0)`)
	sqlExecutions = define(`
SELECT e.execution FROM S.instances i JOIN S.executions e ON e.instance = i.key
WHERE i.id = $1 ORDER BY e.execution`)
	// The sizes of the current execution stand in the hot row.
	sqlExecutionInfo = define(`
SELECT e.status, e.output, e.started, coalesce(e.completed, 0),
  CASE WHEN e.execution = i.execution THEN i.events ELSE e.events END
FROM S.instances i JOIN S.executions e ON e.instance = i.key
WHERE i.id = $1 AND e.execution = $2`)
	sqlChildren = define(`
SELECT i.id FROM S.details d JOIN S.instances i ON i.key = d.instance ` + ofParent + `
WHERE d.parent = $1 AND d.parent <> '' AND ` + sameParent + ` ORDER BY i.id`)
	sqlMetrics = define(`
SELECT count(*), count(*) FILTER (WHERE status < 2), count(*) FILTER (WHERE status = 2),
  count(*) FILTER (WHERE status = 3), coalesce(sum(events), 0)::bigint
FROM S.instances JOIN S.details ON instance = key`)
	sqlPastEvents = define(`
SELECT count(*), coalesce(sum(e.events) FILTER (WHERE e.execution < i.execution), 0)::bigint
FROM S.executions e JOIN S.instances i ON i.key = e.instance`)
	sqlMessageDepths = define(`
SELECT count(*) FILTER (WHERE NOT ` + timed + `), count(*) FILTER (WHERE ` + timed + `)
FROM S.messages m JOIN S.instances i ON i.key = m.instance WHERE ` + free)
	sqlTaskDepth = define(`
SELECT count(*) FROM S.tasks i WHERE ` + free)
)

// Instance describes one instance.
func (s *Store) Instance(ctx context.Context, instance string) (provider.InstanceInfo, error) {
	var info *provider.InstanceInfo
	var damage error
	err := s.read(ctx, "get_instance_info", func(p *pipeline) {
		info, damage = nil, nil
		p.each(sqlInstance, func(r pgx.Rows) error {
			var execution, created, updated, last, start, over, pin int64
			var status int16
			var output, life, hold, cancelling []byte
			info = &provider.InstanceInfo{Instance: instance}
			stored := provider.Whole{Instance: instance}
			err := r.Scan(&info.Name, &info.Version, &execution, &status, &output, &created, &updated,
				&info.Parent, &life, &stored.HasDetails, &stored.HasExecution, &hold, &last, &cancelling, &start, &over,
				&pin)
			info.StartAt, info.TimeoutAt = provider.StartAt(start, created), moment(over)
			info.Imported = unsigned(pin) == provider.Inert
			info.Life = lifeOf(life)
			info.Execution, info.Status = unsigned(execution), executionStatus(status)
			info.Output, info.Created, info.Updated = string(output), moment(created), moment(updated)
			stored.Execution, stored.Status = info.Execution, info.Status
			info.Hold = provider.DecodeHold(hold).At(info.Execution, unsigned(last), info.Status)
			info.Cancelling = provider.DecodeCancelling(cancelling).At(info.Status)
			damage = stored.Check()
			return err
		}, askable(instance), s.nowMs())
	})
	switch {
	case err != nil:
		return provider.InstanceInfo{}, err
	case damage != nil:
		return provider.InstanceInfo{}, failure("get_instance_info", damage)
	case info == nil:
		return provider.InstanceInfo{}, failure("get_instance_info", rules.NotFound(instance))
	}
	return *info, nil
}

// Executions lists execution ids, ascending.
func (s *Store) Executions(ctx context.Context, instance string) ([]uint64, error) {
	var executions []uint64
	var known committed
	err := s.read(ctx, "list_executions", func(p *pipeline) {
		executions = nil
		known.read(p, instance, nil)
		p.each(sqlExecutions, func(r pgx.Rows) error {
			var execution int64
			err := r.Scan(&execution)
			executions = append(executions, unsigned(execution))
			return err
		}, askable(instance))
	})
	if err == nil {
		err = failure("list_executions", known.damage)
	}
	if err != nil {
		return nil, err
	}
	return executions, nil
}

// Execution describes one execution.
func (s *Store) Execution(
	ctx context.Context, instance string, execution uint64,
) (provider.ExecutionInfo, error) {
	var info *provider.ExecutionInfo
	var known committed
	err := s.read(ctx, "get_execution_info", func(p *pipeline) {
		info = nil
		p.each(sqlExecutionInfo, func(r pgx.Rows) error {
			var started, completed int64
			var status int16
			var output []byte
			info = &provider.ExecutionInfo{Execution: execution}
			err := r.Scan(&status, &output, &started, &completed, &info.Events)
			info.Status, info.Output = executionStatus(status), string(output)
			info.Started, info.Completed = moment(started), moment(completed)
			return err
		}, askable(instance), signed(execution))
		known.read(p, instance, nil)
	})
	switch {
	case err != nil:
		return provider.ExecutionInfo{}, err
	case known.damage != nil:
		return provider.ExecutionInfo{}, failure("get_execution_info", known.damage)
	case !known.exists:
		return provider.ExecutionInfo{}, failure("get_execution_info", rules.NotFound(instance))
	case info == nil:
		return provider.ExecutionInfo{}, failure("get_execution_info",
			rules.Refuse(provider.ErrExecutionNotFound,
				"Execution %d not found for instance %s", execution, instance))
	}
	return *info, nil
}

// Children lists direct children.
func (s *Store) Children(ctx context.Context, instance string) ([]string, error) {
	return s.ids(ctx, "list_children", s.texts[sqlChildren], askable(instance))
}

// ids runs a query that gives instance ids.
func (s *Store) ids(ctx context.Context, op, query string, args ...any) ([]string, error) {
	var ids []string
	err := s.read(ctx, op, func(p *pipeline) {
		ids = nil
		p.batch.Queue(query, args...).Query(func(r pgx.Rows) error {
			for r.Next() {
				var id string
				if err := r.Scan(&id); err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return r.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// Metrics counts over the whole store.
func (s *Store) Metrics(ctx context.Context) (provider.Metrics, error) {
	var m provider.Metrics
	err := s.read(ctx, "get_system_metrics", func(p *pipeline) {
		var past int
		p.each(sqlMetrics, func(r pgx.Rows) error {
			return r.Scan(&m.Instances, &m.Running, &m.Completed, &m.Failed, &m.Events)
		})
		p.each(sqlPastEvents, func(r pgx.Rows) error {
			err := r.Scan(&m.Executions, &past)
			m.Events += past
			return err
		})
	})
	if err != nil {
		return provider.Metrics{}, err
	}
	return m, nil
}

// Depths counts messages and tasks that are not claimed. A timer that is not due counts as a timer
// only.
func (s *Store) Depths(ctx context.Context) (provider.Depths, error) {
	if err := s.direct(ctx, "get_queue_depths", s.endOver); err != nil {
		return provider.Depths{}, err
	}
	now := s.nowMs()
	var d provider.Depths
	err := s.read(ctx, "get_queue_depths", func(p *pipeline) {
		p.each(sqlMessageDepths, func(r pgx.Rows) error { return r.Scan(&d.Messages, &d.Timers) }, now)
		p.each(sqlTaskDepth, func(r pgx.Rows) error { return r.Scan(&d.Tasks) })
	})
	if err != nil {
		return provider.Depths{}, err
	}
	return d, nil
}
