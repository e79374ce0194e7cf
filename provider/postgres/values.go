package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	sqlClearValues = define(`
UPDATE S.key_values SET live = NULL, live_at = 0, dirty = true WHERE instance = ANY($1::bigint[])`)
	sqlSetValues = define(`
INSERT INTO S.key_values (instance, key, live, live_at, dirty)
SELECT instance, key, live, live_at, true
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[]) AS n (instance, key, live, live_at)
ON CONFLICT (instance, key) DO UPDATE
SET live = excluded.live, live_at = excluded.live_at, dirty = true`)
	// The end of an execution makes the live layer the base of the next one.
	sqlDropCleared = define(`
DELETE FROM S.key_values WHERE instance = ANY($1::bigint[]) AND live IS NULL`)
	sqlMergeValues = define(`
UPDATE S.key_values SET base = live, base_at = live_at, dirty = false
WHERE instance = ANY($1::bigint[]) AND dirty`)

	sqlValue = define(`
SELECT v.live FROM S.key_values v JOIN S.instances i ON i.key = v.instance
WHERE i.id = $1 AND v.key = $2 AND v.live IS NOT NULL`)
	sqlValues = define(`
SELECT v.key, v.live FROM S.key_values v JOIN S.instances i ON i.key = v.instance
WHERE i.id = $1 AND v.live IS NOT NULL`)
)

// commitValues applies the changes of a turn: of several changes of a key the last one counts.
func (g *group) commitValues(i *instance, t *turn) {
	changes := map[string]provider.ValueChange{}
	var order []string
	w, key := &g.writes, signed(i.key)
	for _, change := range t.Values {
		i.dirty = true
		if change.All {
			w.cleared = append(w.cleared, key)
			clear(changes)
			order = nil
			continue
		}
		if _, ok := changes[change.Key]; !ok {
			order = append(order, change.Key)
		}
		changes[change.Key] = change
	}
	for _, name := range order {
		change, at := changes[name], int64(0)
		if change.Value != nil {
			at = change.UpdatedAtMs
		}
		w.values.instance, w.values.at = append(w.values.instance, key), append(w.values.at, at)
		w.values.key = append(w.values.key, blob(name))
		w.values.live = append(w.values.live, optionalBlob(change.Value))
	}
	if t.Outcome != nil && t.Outcome.Status.IsFinal() && i.dirty {
		i.dirty = false
		w.merged = append(w.merged, key)
	}
}

func (g *group) flushValues(p *pipeline) {
	w := &g.writes.records
	if len(w.cleared) > 0 {
		p.exec(sqlClearValues, w.cleared)
	}
	if n := &w.values; len(n.instance) > 0 {
		p.exec(sqlSetValues, n.instance, n.key, n.live, n.at)
	}
	if len(w.merged) > 0 {
		p.exec(sqlDropCleared, w.merged)
		p.exec(sqlMergeValues, w.merged)
	}
}

// Value gives a live value, or nil.
func (s *Store) Value(ctx context.Context, instance, key string) (*string, error) {
	var value []byte
	err := s.read(ctx, "get_value", func(p *pipeline) {
		value = nil
		p.each(sqlValue, func(r pgx.Rows) error { return r.Scan(&value) }, askable(instance), blob(key))
	})
	if err != nil {
		return nil, err
	}
	return optionalText(value), nil
}

// Values gives all live values.
func (s *Store) Values(ctx context.Context, instance string) (map[string]string, error) {
	var values map[string]string
	err := s.read(ctx, "get_values", func(p *pipeline) {
		values = map[string]string{}
		p.each(sqlValues, func(r pgx.Rows) error {
			var key, value []byte
			err := r.Scan(&key, &value)
			values[string(key)] = string(value)
			return err
		}, askable(instance))
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}
