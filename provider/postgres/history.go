package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"duroxide/history"
	"duroxide/provider"
)

var (
	sqlHistory = define(`
SELECT h.body FROM S.instances i JOIN S.histories h
  ON h.instance = i.key AND h.execution = CASE WHEN $2::bigint = 0 THEN i.execution ELSE $2::bigint END
WHERE i.id = $1 AND i.execution > 0 ORDER BY h.first`)
	sqlCommitted = define(`SELECT execution FROM S.instances WHERE id = $1 AND execution > 0`)
	sqlBase      = define(`
SELECT v.key, v.base, v.base_at FROM S.instances i JOIN S.key_values v ON v.instance = i.key
WHERE i.id = $1 AND i.execution > 0 AND v.base IS NOT NULL`)
)

// Load gives the history of an execution and the values that it started from; unknown ones are
// empty.
func (s *Store) Load(
	ctx context.Context, instance string, execution uint64,
) (provider.Record, error) {
	var record provider.Record
	var events eventList
	err := s.read(ctx, "load", func(p *pipeline) {
		record, events = provider.Record{}, eventList{execution: execution}
		p.each(sqlCommitted, func(r pgx.Rows) error {
			record.Values = map[string]provider.Value{}
			return r.Scan(new(int64))
		}, askable(instance))
		p.each(sqlBase, func(r pgx.Rows) error {
			var key, base []byte
			var at int64
			err := r.Scan(&key, &base, &at)
			record.Values[string(key)] = provider.Value{Data: string(base), UpdatedAtMs: at}
			return err
		}, askable(instance))
		if execution != 0 {
			p.each(sqlHistory, events.scan, askable(instance), signed(execution))
		}
	})
	if err == nil {
		err = failure("load", events.damage)
	}
	if err != nil {
		return provider.Record{}, err
	}
	record.Events = events.all
	return record, nil
}

// History gives the events of one execution, or of the current one for zero.
func (s *Store) History(
	ctx context.Context, instance string, execution uint64,
) ([]history.Event, error) {
	var events eventList
	err := s.read(ctx, "read_history", func(p *pipeline) {
		events = eventList{execution: execution}
		p.each(sqlHistory, events.scan, askable(instance), signed(execution))
	})
	if err == nil {
		err = failure("read_history", events.damage)
	}
	if err != nil {
		return nil, err
	}
	return events.all, nil
}

// eventList collects all events of an execution, never a shortened list: damage is set where a row
// cannot be decoded.
type eventList struct {
	execution uint64
	all       []history.Event
	damage    error
}

func (l *eventList) scan(r pgx.Rows) error {
	var body []byte
	if err := r.Scan(&body); err != nil || l.damage != nil {
		return err
	}
	row, err := history.DecodeRow(body)
	switch {
	case err != nil:
		l.damage = refuse(fmt.Errorf("%w: %w", provider.ErrCorrupt, err),
			"history of execution %d cannot be decoded: %v", l.execution, err)
	case l.all == nil:
		l.all = row
	default:
		l.all = append(l.all, row...)
	}
	return nil
}
