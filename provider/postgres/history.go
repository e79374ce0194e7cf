package postgres

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/history"
	"duroxide/provider"
)

var (
	sqlHistory = define(`
SELECT h.first, h.body FROM S.instances i JOIN S.histories h
  ON h.instance = i.key AND h.execution = CASE WHEN $2::bigint = 0 THEN i.execution ELSE $2::bigint END
WHERE i.id = $1 AND i.execution > 0 ORDER BY h.first`)
	sqlLastRow = define(`
SELECT h.execution, h.first, h.body FROM S.instances i JOIN S.histories h
  ON h.instance = i.key AND h.execution = CASE WHEN $2::bigint = 0 THEN i.execution ELSE $2::bigint END
WHERE i.id = $1 AND i.execution > 0 ORDER BY h.first DESC LIMIT 1`)
	// How many events there must be, and which is the last; of past executions the hot row has
	// forgotten that.
	sqlWritten = define(`
SELECT coalesce(e.execution, i.execution),
  CASE WHEN i.execution = coalesce(e.execution, i.execution) THEN i.events ELSE e.events END,
  CASE WHEN i.execution = coalesce(e.execution, i.execution) THEN i.last_event ELSE 0 END
FROM S.instances i LEFT JOIN S.executions e
  ON e.instance = i.key AND e.execution = $2::bigint AND e.execution < i.execution
WHERE i.id = $1 AND i.execution > 0 AND ($2::bigint IN (0, i.execution) OR e.execution IS NOT NULL)`)
	sqlCommitted = define(`
SELECT i.execution, i.status, d.instance IS NOT NULL, e.instance IS NOT NULL
FROM S.instances i
LEFT JOIN S.details d ON d.instance = i.key
LEFT JOIN S.executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = $1 AND (d.instance IS NOT NULL OR i.execution > 0)`)
	sqlBase = define(`
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
	var known committed
	err := s.read(ctx, "load", func(p *pipeline) {
		record = provider.Record{}
		known.read(p, instance, func() { record.Values = map[string]provider.Value{} })
		p.each(sqlBase, func(r pgx.Rows) error {
			var key, base []byte
			var at int64
			err := r.Scan(&key, &base, &at)
			record.Values[string(key)] = provider.Value{Data: string(base), UpdatedAtMs: at}
			return err
		}, askable(instance))
		if execution != 0 {
			events.read(p, instance, execution)
		}
	})
	if err == nil {
		err = failure("load", known.damage)
	}
	if err == nil && execution != 0 {
		record.Events, err = events.complete("load")
	}
	if err != nil {
		return provider.Record{}, err
	}
	return record, nil
}

// History gives the events of one execution, or of the current one for zero.
func (s *Store) History(
	ctx context.Context, instance string, execution uint64,
) ([]history.Event, error) {
	var events eventList
	var known committed
	err := s.read(ctx, "read_history", func(p *pipeline) {
		known.read(p, instance, nil)
		events.read(p, instance, execution)
	})
	if err == nil {
		err = failure("read_history", known.damage)
	}
	if err != nil {
		return nil, err
	}
	return events.complete("read_history")
}

// LastEvent gives the last event of an execution, or of the current one for zero.
func (s *Store) LastEvent(
	ctx context.Context, instance string, execution uint64,
) (*history.Event, error) {
	var last *history.Event
	var damage error
	var known committed
	err := s.read(ctx, "read_history", func(p *pipeline) {
		last, damage = nil, nil
		known.read(p, instance, nil)
		p.each(sqlLastRow, func(r pgx.Rows) error {
			var number, first int64
			var body []byte
			err := r.Scan(&number, &first, &body)
			if err == nil {
				last, damage = provider.LastOf(unsigned(number), unsigned(first), body)
			}
			return err
		}, askable(instance), signed(execution))
	})
	if err == nil {
		err = failure("read_history", cmp.Or(known.damage, damage))
	}
	if err != nil {
		return nil, err
	}
	return last, nil
}

// committed is what is known of an instance: whether it exists, and whether something is missing of it.
type committed struct {
	exists bool
	damage error
}

// read asks for an instance; then, if not nil, is called where there is one.
func (c *committed) read(p *pipeline, instance string, then func()) {
	*c = committed{}
	p.each(sqlCommitted, func(r pgx.Rows) error {
		var execution int64
		var status int16
		stored := provider.Whole{Instance: instance}
		err := r.Scan(&execution, &status, &stored.HasDetails, &stored.HasExecution)
		stored.Execution, stored.Status = unsigned(execution), executionStatus(status)
		c.exists, c.damage = true, stored.Check()
		if then != nil {
			then()
		}
		return err
	}, askable(instance))
}

// eventList collects all events of an execution, never a shortened list.
type eventList struct {
	stored  *provider.HistoryRows
	written int64
	last    int64
}

// read asks for the events of an execution, or of the current one for zero.
func (l *eventList) read(p *pipeline, instance string, execution uint64) {
	*l = eventList{stored: provider.NewHistoryRows(execution)}
	p.each(sqlWritten, func(r pgx.Rows) error {
		var number int64
		err := r.Scan(&number, &l.written, &l.last)
		l.stored = provider.NewHistoryRows(unsigned(number))
		return err
	}, askable(instance), signed(execution))
	p.each(sqlHistory, func(r pgx.Rows) error {
		var first int64
		var body []byte
		err := r.Scan(&first, &body)
		l.stored.Add(unsigned(first), body)
		return err
	}, askable(instance), signed(execution))
}

func (l *eventList) complete(op string) ([]history.Event, error) {
	events, err := l.stored.Complete(l.written, unsigned(l.last))
	return events, failure(op, err)
}
