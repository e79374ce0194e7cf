package sqlite

import (
	"context"
	"encoding/json"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlInstance = &statement{`
SELECT d.name, d.version, i.execution, i.status, e.output, d.created, max(d.created, i.updated),
  d.parent, d.life, d.instance IS NOT NULL, e.instance IS NOT NULL, d.hold, i.last_event,
  d.cancelling, ` + lastRow + `,
  CASE i.execution WHEN 0 THEN (
    SELECT min(effective) FROM ` + firstMessages + ` WHERE instance = i.key AND ` + isStarting + `) END,
  (SELECT max(effective) FROM ` + firstMessages + ` WHERE instance = i.key AND ` + isEnding + ` AND effective > ?2),
  i.pin
FROM instances i
LEFT JOIN details d ON d.instance = i.key
LEFT JOIN executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = CAST(?1 AS TEXT) AND (d.instance IS NOT NULL OR i.execution > 0)`}
	sqlExecutions = &statement{`
SELECT e.execution FROM instances i JOIN executions e ON e.instance = i.key
WHERE i.id = CAST(?1 AS TEXT) ORDER BY e.execution`}
	// The sizes of the current execution stand in the hot row.
	sqlExecutionInfo = &statement{`
SELECT e.status, e.output, e.started, e.completed,
  CASE WHEN e.execution = i.execution THEN i.events ELSE e.events END, ` + lastRow + `
FROM instances i JOIN executions e ON e.instance = i.key
WHERE i.id = CAST(?1 AS TEXT) AND e.execution = ?2 + 0`}
	sqlChildren = &statement{`
SELECT i.id FROM details d JOIN instances i ON i.key = d.instance
LEFT JOIN instances p ON p.id = d.parent LEFT JOIN details l ON l.instance = p.key
WHERE d.parent = CAST(?1 AS TEXT) AND d.parent <> ''
  AND coalesce(d.parent_life = l.life, true) ORDER BY i.id`}
	sqlMetrics = &statement{`
SELECT count(*), sum(status < 2), sum(status = 2), sum(status = 3), sum(events)
FROM instances JOIN details ON instance = key`}
	sqlPastEvents = &statement{`
SELECT count(*), sum(CASE WHEN e.execution < i.execution THEN e.events END)
FROM executions e JOIN instances i ON i.key = e.instance`}
	sqlMessageDepths = &statement{`
SELECT sum(NOT ` + timed + `), sum(` + timed + `)
FROM messages m JOIN instances i ON i.key = m.instance
LEFT JOIN leases l ON l.id = i.lease AND l.id NOT IN (SELECT value FROM json_each(?2))
WHERE l.id IS NULL`}
	sqlTaskDepth = &statement{`
SELECT count(*) FROM tasks t
LEFT JOIN leases l ON l.id = t.lease AND l.id NOT IN (SELECT value FROM json_each(?1))
WHERE l.id IS NULL`}
)

// Instance describes one instance.
func (s *Store) Instance(ctx context.Context, instance string) (provider.InstanceInfo, error) {
	var info provider.InstanceInfo
	err := s.read(ctx, "get_instance_info", func(c *conn) error {
		r, err := c.one(sqlInstance, instance, s.clock.Ms())
		if err != nil {
			return err
		}
		if r == nil {
			return rules.NotFound(instance)
		}
		if err := whole(instance, r.uint(2), r.int(3), r.int(9), r.int(10)); err != nil {
			return err
		}
		info = provider.InstanceInfo{
			Instance:  instance,
			Name:      r.text(0),
			Version:   r.text(1),
			Execution: r.uint(2),
			Status:    executionStatus(r.int(3)),
			Created:   moment(r.int(5)),
			Updated:   moment(r.int(6)),
			Parent:    r.text(7),
			Life:      r.life(8),
		}
		info.Hold = provider.DecodeHold(r.blob(11)).At(info.Execution, r.uint(12), info.Status)
		info.Cancelling = provider.DecodeCancelling(r.blob(13)).At(info.Status)
		info.Imported = r.uint(17) == provider.Inert
		info.StartAt = provider.StartAt(r.int(15), r.int(5))
		info.TimeoutAt = moment(r.int(16))
		info.Output, err = r.output(info.Status, 4, 14)
		return err
	})
	if err != nil {
		return provider.InstanceInfo{}, err
	}
	return info, nil
}

// Executions lists execution ids, ascending.
func (s *Store) Executions(ctx context.Context, instance string) ([]uint64, error) {
	var executions []uint64
	err := s.snapshot(ctx, "list_executions", func(c *conn) error {
		executions = nil
		if _, err := committed(c, instance); err != nil {
			return err
		}
		return c.each(sqlExecutions, func(r *rows) bool {
			executions = append(executions, r.uint(0))
			return true
		}, instance)
	})
	if err != nil {
		return nil, err
	}
	return executions, nil
}

// Execution describes one execution.
func (s *Store) Execution(
	ctx context.Context, instance string, execution uint64,
) (provider.ExecutionInfo, error) {
	var info provider.ExecutionInfo
	err := s.snapshot(ctx, "get_execution_info", func(c *conn) error {
		r, err := c.one(sqlExecutionInfo, instance, signed(execution))
		if err != nil {
			return err
		}
		if r == nil {
			return missingExecution(c, instance, execution)
		}
		info = provider.ExecutionInfo{
			Execution: execution,
			Status:    executionStatus(r.int(0)),
			Started:   moment(r.int(2)),
			Completed: moment(r.int(3)),
			Events:    int(r.int(4)),
		}
		info.Output, err = r.output(info.Status, 1, 5)
		return err
	})
	if err != nil {
		return provider.ExecutionInfo{}, err
	}
	return info, nil
}

func missingExecution(c *conn, instance string, execution uint64) error {
	i, err := committed(c, instance)
	if err != nil {
		return err
	}
	if i == nil {
		return rules.NotFound(instance)
	}
	return rules.Refuse(provider.ErrExecutionNotFound,
		"Execution %d not found for instance %s", execution, instance)
}

// Children lists direct children.
func (s *Store) Children(ctx context.Context, instance string) ([]string, error) {
	var children []string
	err := s.read(ctx, "list_children", func(c *conn) (err error) {
		children, err = childrenOf(c, instance)
		return err
	})
	if err != nil {
		return nil, err
	}
	return children, nil
}

func childrenOf(c *conn, instance string) ([]string, error) {
	var children []string
	err := c.each(sqlChildren, func(r *rows) bool {
		children = append(children, r.text(0))
		return true
	}, instance)
	return children, err
}

// Metrics counts over the whole store.
func (s *Store) Metrics(ctx context.Context) (provider.Metrics, error) {
	var m provider.Metrics
	err := s.snapshot(ctx, "get_system_metrics", func(c *conn) error {
		now, err := c.one(sqlMetrics)
		if err != nil {
			return err
		}
		past, err := c.one(sqlPastEvents)
		if err != nil {
			return err
		}
		m = provider.Metrics{
			Instances:  int(now.int(0)),
			Running:    int(now.int(1)),
			Completed:  int(now.int(2)),
			Failed:     int(now.int(3)),
			Executions: int(past.int(0)),
			Events:     int(now.int(4) + past.int(1)),
		}
		return nil
	})
	if err != nil {
		return provider.Metrics{}, err
	}
	return m, nil
}

// Depths counts messages and tasks that are not claimed. A timer that is not due counts as a timer
// only.
func (s *Store) Depths(ctx context.Context) (provider.Depths, error) {
	now := s.Now().UnixMilli()
	over := []uint64{} // what is free with the next claim
	for _, l := range s.leases.Over() {
		over = append(over, uint64(l.ID))
	}
	ended, err := json.Marshal(over)
	if err != nil {
		return provider.Depths{}, failure("get_queue_depths", err)
	}
	var d provider.Depths
	err = s.snapshot(ctx, "get_queue_depths", func(c *conn) error {
		messages, err := c.one(sqlMessageDepths, now, string(ended))
		if err != nil {
			return err
		}
		tasks, err := c.one(sqlTaskDepth, string(ended))
		if err != nil {
			return err
		}
		d = provider.Depths{
			Messages: int(messages.int(0)), Timers: int(messages.int(1)), Tasks: int(tasks.int(0)),
		}
		return nil
	})
	if err != nil {
		return provider.Depths{}, err
	}
	return d, nil
}
