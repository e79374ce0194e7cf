package sqlite

import "context"

var (
	sqlDefaults   = &statement{`SELECT name, body FROM duroxide_defaults`}
	sqlSetDefault = &statement{`
INSERT INTO duroxide_defaults (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = ?2`}
	sqlDropDefault = &statement{`DELETE FROM duroxide_defaults WHERE name = CAST(?1 AS TEXT)`}
)

// SetDefault stores what starts of an orchestration take.
func (s *Store) SetDefault(ctx context.Context, orchestration string, body []byte) error {
	return s.write(ctx, "set_default", len(body), func(w *writer) error {
		if body == nil {
			_, err := w.c.exec(sqlDropDefault, orchestration)
			return err
		}
		_, err := w.c.exec(sqlSetDefault, orchestration, body)
		return err
	})
}

// Defaults gives what starts take, by orchestration.
func (s *Store) Defaults(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.read(ctx, "defaults", func(c *conn) error {
		clear(all)
		return c.each(sqlDefaults, func(r *rows) bool {
			all[r.text(0)] = r.blob(1)
			return true
		})
	})
	return all, err
}
