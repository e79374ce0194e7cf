package sqlite

import (
	"context"

	"duroxide/provider"
)

var sqlInUse = &statement{`
SELECT d.name, d.version, count(*), min(d.created), sum(` + isHeld + `),
  CASE WHEN d.patched = i.execution THEN d.patches END AS answers
FROM instances i JOIN details d ON d.instance = i.key
WHERE i.status NOT IN (2, 3) AND i.pin < 9223372036854775807 AND (?1 = '' OR d.name = CAST(?1 AS TEXT))
GROUP BY d.name, d.version, answers ORDER BY d.name, d.version`}

// InUse counts instances that have not ended by orchestration and version.
func (s *Store) InUse(ctx context.Context, name string) ([]provider.InUse, error) {
	var all []provider.InUse
	err := s.read(ctx, "in_use", func(c *conn) error {
		all = nil
		return c.each(sqlInUse, func(r *rows) bool {
			all = provider.CountUse(all, provider.InUse{
				Name: r.text(0), Version: r.text(1), Running: int(r.int(2)), Oldest: moment(r.int(3)), Held: int(r.int(4)),
			}, r.blob(5))
			return true
		}, name)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
