package sqlite

import (
	"context"

	"duroxide/provider"
)

var (
	sqlSetValue = &statement{`
INSERT INTO key_values (instance, key, live, live_at, dirty) VALUES (?1, ?2, ?3, ?4, 1)
ON CONFLICT (instance, key) DO UPDATE SET live = ?3, live_at = ?4, dirty = 1`}
	sqlClearValue = &statement{`
UPDATE key_values SET live = NULL, live_at = 0, dirty = 1 WHERE instance = ?1 + 0 AND key = CAST(?2 AS TEXT)`}
	sqlClearValues = &statement{`
UPDATE key_values SET live = NULL, live_at = 0, dirty = 1 WHERE instance = ?1 + 0`}
	// The end of an execution makes the live layer the base of the next one.
	sqlDropCleared = &statement{`DELETE FROM key_values WHERE instance = ?1 + 0 AND live IS NULL`}
	sqlMergeValues = &statement{`
UPDATE key_values SET base = live, base_at = live_at, dirty = 0 WHERE instance = ?1 + 0 AND dirty = 1`}

	sqlValue = &statement{`
SELECT v.live FROM key_values v JOIN instances i ON i.key = v.instance
WHERE i.id = CAST(?1 AS TEXT) AND v.key = CAST(?2 AS TEXT) AND v.live IS NOT NULL`}
	sqlValues = &statement{`
SELECT v.key, v.live FROM key_values v JOIN instances i ON i.key = v.instance
WHERE i.id = CAST(?1 AS TEXT) AND v.live IS NOT NULL`}
)

// commitValues applies the changes of a turn in order.
func (w *writer) commitValues(i *instance, t *turn) error {
	for _, change := range t.Values {
		if err := w.changeValue(i, change); err != nil {
			return err
		}
		i.dirty = true
	}
	if t.Outcome == nil || !t.Outcome.Status.IsFinal() || !i.dirty {
		return nil
	}
	i.dirty = false
	if _, err := w.c.exec(sqlDropCleared, signed(i.key)); err != nil {
		return err
	}
	_, err := w.c.exec(sqlMergeValues, signed(i.key))
	return err
}

func (w *writer) changeValue(i *instance, change provider.ValueChange) error {
	var err error
	switch {
	case change.All:
		_, err = w.c.exec(sqlClearValues, signed(i.key))
	case change.Value == nil:
		_, err = w.c.exec(sqlClearValue, signed(i.key), change.Key)
	default:
		_, err = w.c.exec(sqlSetValue,
			signed(i.key), change.Key, blob(*change.Value), change.UpdatedAtMs)
	}
	return err
}

// Value gives a live value, or nil.
func (s *Store) Value(ctx context.Context, instance, key string) (*string, error) {
	var value *string
	err := s.read(ctx, "get_value", func(c *conn) error {
		value = nil
		r, err := c.one(sqlValue, instance, key)
		if r != nil {
			value = r.optional(0)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// Values gives all live values.
func (s *Store) Values(ctx context.Context, instance string) (map[string]string, error) {
	var values map[string]string
	err := s.read(ctx, "get_values", func(c *conn) error {
		found := map[string]string{}
		values = found
		return c.each(sqlValues, func(r *rows) bool {
			found[r.text(0)] = r.text(1)
			return true
		}, instance)
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}
