package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var sqlInUse = define(`
SELECT d.name, d.version, count(*), min(d.created), count(*) FILTER (WHERE ` + isHeld + `),
  CASE WHEN d.patched = i.execution THEN d.patches END AS answers
FROM S.instances i JOIN S.details d ON d.instance = i.key
WHERE i.status NOT IN (2, 3) AND i.pin < 9223372036854775807 AND ($1 = '' OR d.name = $1)
GROUP BY d.name, d.version, answers ORDER BY d.name COLLATE "C", d.version COLLATE "C"`)

// InUse counts instances that have not ended by orchestration and version.
func (s *Store) InUse(ctx context.Context, name string) ([]provider.InUse, error) {
	var all []provider.InUse
	err := s.read(ctx, "in_use", func(p *pipeline) {
		all = nil
		p.each(sqlInUse, func(r pgx.Rows) error {
			var u provider.InUse
			var oldest int64
			var answers []byte
			err := r.Scan(&u.Name, &u.Version, &u.Running, &oldest, &u.Held, &answers)
			u.Oldest = moment(oldest)
			all = provider.CountUse(all, u, answers)
			return err
		}, askable(name))
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
