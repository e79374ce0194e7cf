package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	// A start that waits counts as a state. Its row says status 0.
	sqlStatus = define(`
SELECT i.execution, i.status, e.output, d.custom_status, coalesce(d.custom_status_version, 0)
FROM S.instances i
LEFT JOIN S.details d ON d.instance = i.key
LEFT JOIN S.executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = $1 AND (i.execution > 0 OR EXISTS (
  SELECT 1 FROM S.messages m WHERE m.instance = i.key AND m.kind IN (1, 2)))`)
	sqlStats = define(`
SELECT i.events, i.bytes,
  (SELECT count(*) FROM S.messages m WHERE m.instance = i.key),
  (SELECT count(*) FROM S.key_values v WHERE v.instance = i.key AND v.live IS NOT NULL),
  (SELECT coalesce(sum(length(v.live)), 0) FROM S.key_values v WHERE v.instance = i.key)
FROM S.instances i WHERE i.id = $1 AND i.execution > 0`)
)

// known gives an id as it may be asked for. What no column can hold is nobody's id.
func known(instance string) string {
	if checkText("", instance) != nil {
		return ""
	}
	return instance
}

// Status gives the state of an instance, or nil. Whoever asks may wait for a change, so that
// other processes tell of changes of this instance by name from now on.
func (s *Store) Status(ctx context.Context, instance string) (*provider.Status, error) {
	s.asked.add(instance)
	var status *provider.Status
	err := s.read(ctx, "get_status", func(p *pipeline) {
		status = nil
		p.each(sqlStatus, func(r pgx.Rows) error {
			var execution, version int64
			var state int16
			var output, custom []byte
			err := r.Scan(&execution, &state, &output, &custom, &version)
			status = &provider.Status{
				Execution:           unsigned(execution),
				Status:              executionStatus(state),
				Output:              string(output),
				CustomStatus:        optionalText(custom),
				CustomStatusVersion: unsigned(version),
			}
			return err
		}, known(instance))
	})
	if err != nil {
		return nil, err
	}
	return status, nil
}

func executionStatus(v int16) provider.ExecutionStatus {
	return provider.ExecutionStatus(v) //nolint:gosec // written by this package
}

// Stats gives sizes of an instance, or nil.
func (s *Store) Stats(ctx context.Context, instance string) (*provider.Stats, error) {
	var stats *provider.Stats
	err := s.read(ctx, "get_stats", func(p *pipeline) {
		stats = nil
		p.each(sqlStats, func(r pgx.Rows) error {
			stats = &provider.Stats{}
			return r.Scan(
				&stats.Events, &stats.Bytes, &stats.Messages, &stats.Keys, &stats.ValueBytes)
		}, known(instance))
	})
	if err != nil {
		return nil, err
	}
	return stats, nil
}
