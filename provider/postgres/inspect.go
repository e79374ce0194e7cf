package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var _ provider.Inspector = (*Store)(nil)

var (
	sqlAppliedNow = define(`SELECT max(version), clock_timestamp() FROM S.duroxide_migrations`)
	sqlInspect    = define(`
SELECT 'database', current_database()::text
UNION ALL SELECT 'user', current_user::text
UNION ALL SELECT 'standby', pg_is_in_recovery()::text
UNION ALL SELECT 'synchronous_commit', current_setting('synchronous_commit')
UNION ALL SELECT 'max_connections', current_setting('max_connections')
UNION ALL SELECT 'connections', count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL SELECT 'waiting for locks', count(*)::text FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'
UNION ALL SELECT 'oldest transaction', coalesce(ceil(extract(epoch FROM clock_timestamp() - min(xact_start)))::text, '0') || ' s'
  FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
)

// Inspect says how the server is set up, and how much of it is in use. What it may not see of other users
// is not counted.
func (s *Store) Inspect(ctx context.Context) (provider.Inspection, error) {
	var found provider.Inspection
	all, err := allMigrations()
	if err != nil {
		return found, failure("inspect", err)
	}
	asked := time.Now()
	err = s.read(ctx, "inspect", func(p *pipeline) {
		p.each(sqlAppliedNow, func(r pgx.Rows) error {
			var there time.Time
			err := r.Scan(&found.Applied, &there)
			// The answer was made somewhere between the question and now.
			half := time.Since(asked) / 2
			found.Ahead = there.Sub(asked.Add(half))
			return err
		})
		p.each(sqlInspect, func(r pgx.Rows) error {
			var setting provider.Setting
			err := r.Scan(&setting.Name, &setting.Value)
			found.Settings = append(found.Settings, setting)
			return err
		})
	})
	found.Known = len(all)
	found.Settings = append(found.Settings, provider.Setting{Name: "schema", Value: s.schema})
	return found, err
}
