package sqlite

import (
	"context"

	"duroxide/provider"
)

var (
	// A start that an older release stored has no cold row.
	sqlStatus = &statement{`
SELECT i.execution, i.status, e.output, d.custom_status, d.custom_status_version,
  d.instance IS NOT NULL, e.instance IS NOT NULL, d.hold, i.last_event,
  d.cancelling, ` + lastRow + `
FROM instances i
LEFT JOIN details d ON d.instance = i.key
LEFT JOIN executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = CAST(?1 AS TEXT) AND (d.instance IS NOT NULL OR i.execution > 0 OR EXISTS (
  SELECT 1 FROM ` + firstMessages + ` WHERE instance = i.key AND ` + isStarting + `))`}
	sqlStats = &statement{`
SELECT i.events, i.bytes,
  (SELECT count(*) FROM messages m WHERE m.instance = i.key),
  (SELECT count(*) FROM key_values v WHERE v.instance = i.key AND v.live IS NOT NULL),
  (SELECT sum(length(v.live)) FROM key_values v WHERE v.instance = i.key)
FROM instances i WHERE i.id = CAST(?1 AS TEXT) AND i.execution > 0`}
)

// Status gives the state of an instance, or nil.
func (s *Store) Status(ctx context.Context, instance string) (*provider.Status, error) {
	var status *provider.Status
	err := s.read(ctx, "get_status", func(c *conn) error {
		status = nil
		r, err := c.one(sqlStatus, instance)
		if r != nil && err == nil {
			err = whole(instance, r.uint(0), r.int(1), r.int(5), r.int(6))
			status = &provider.Status{
				Execution:           r.uint(0),
				Status:              executionStatus(r.int(1)),
				CustomStatus:        r.optional(3),
				CustomStatusVersion: r.uint(4),
			}
			status.Hold = provider.DecodeHold(r.blob(7)).At(status.Execution, r.uint(8), status.Status)
			status.Cancelling = provider.DecodeCancelling(r.blob(9)).At(status.Status)
			if err == nil {
				status.Output, err = r.output(status.Status, 2, 10)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return status, nil
}

// whole gives ErrCorrupt where a row of an instance is missing.
func whole(instance string, execution uint64, status, hasDetails, hasExecution int64) error {
	return provider.Whole{
		Instance: instance, Execution: execution, Status: executionStatus(status),
		HasDetails: hasDetails != 0, HasExecution: hasExecution != 0,
	}.Check()
}

func executionStatus(v int64) provider.ExecutionStatus {
	return provider.ExecutionStatus(v) //nolint:gosec // written by this package
}

// Stats gives sizes of an instance, or nil.
func (s *Store) Stats(ctx context.Context, instance string) (*provider.Stats, error) {
	var stats *provider.Stats
	err := s.read(ctx, "get_stats", func(c *conn) error {
		stats = nil
		r, err := c.one(sqlStats, instance)
		if r != nil {
			stats = &provider.Stats{
				Events:     int(r.int(0)),
				Bytes:      r.int(1),
				Messages:   int(r.int(2)),
				Keys:       int(r.int(3)),
				ValueBytes: r.int(4),
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return stats, nil
}
