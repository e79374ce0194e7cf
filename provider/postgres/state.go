package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var sqlStats = define(`
SELECT i.events, i.bytes,
  (SELECT count(*) FROM S.messages m WHERE m.instance = i.key),
  (SELECT count(*) FROM S.key_values v WHERE v.instance = i.key AND v.live IS NOT NULL),
  (SELECT coalesce(sum(length(v.live)), 0) FROM S.key_values v WHERE v.instance = i.key)
FROM S.instances i WHERE i.id = $1 AND i.execution > 0`)

// askable gives an id as it may be asked for. What no column can hold is nobody's id.
func askable(instance string) string {
	if rules.CheckText("", instance) != nil {
		return ""
	}
	return instance
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
		}, askable(instance))
	})
	if err != nil {
		return nil, err
	}
	return stats, nil
}
