package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

var (
	sqlDefaults   = define(`SELECT name, body FROM S.duroxide_defaults`)
	sqlSetDefault = define(`
INSERT INTO S.duroxide_defaults (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body`)
	sqlDropDefault = define(`DELETE FROM S.duroxide_defaults WHERE name = $1`)
)

// SetDefault stores what starts of an orchestration take.
func (s *Store) SetDefault(ctx context.Context, orchestration string, body []byte) error {
	return s.direct(ctx, "set_default", func(ctx context.Context) error {
		p := s.pipeline()
		if body == nil {
			p.exec(sqlDropDefault, orchestration)
		} else {
			p.exec(sqlSetDefault, orchestration, body)
		}
		return s.sendPool(ctx, p)
	})
}

// Defaults gives what starts take, by orchestration.
func (s *Store) Defaults(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.read(ctx, "defaults", func(p *pipeline) {
		clear(all)
		p.each(sqlDefaults, func(r pgx.Rows) error {
			var name string
			var body []byte
			err := r.Scan(&name, &body)
			all[name] = body
			return err
		})
	})
	return all, err
}
