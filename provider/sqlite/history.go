package sqlite

import (
	"context"

	"duroxide/history"
	"duroxide/provider"
)

var (
	sqlCommitted = &statement{`
SELECT i.key, i.execution, i.status, d.instance IS NOT NULL, e.instance IS NOT NULL
FROM instances i
LEFT JOIN details d ON d.instance = i.key
LEFT JOIN executions e ON e.instance = i.key AND e.execution = i.execution
WHERE i.id = CAST(?1 AS TEXT) AND (d.instance IS NOT NULL OR i.execution > 0)`}
	sqlHistory = &statement{`
SELECT first, body FROM histories WHERE instance = ?1 + 0 AND execution = ?2 + 0 ORDER BY first`}
	// How many events there must be, and which is the last; of past executions the hot row has
	// forgotten that.
	sqlWritten = &statement{`
SELECT i.events, i.last_event FROM instances i WHERE i.key = ?1 + 0 AND i.execution = ?2 + 0
UNION ALL
SELECT e.events, 0 FROM executions e JOIN instances i ON i.key = e.instance
WHERE e.instance = ?1 + 0 AND e.execution = ?2 + 0 AND e.execution < i.execution`}
	sqlLastRow = &statement{`
SELECT first, body FROM histories WHERE instance = ?1 + 0 AND execution = ?2 + 0
ORDER BY first DESC LIMIT 1`}
	sqlBase = &statement{`
SELECT key, base, base_at FROM key_values WHERE instance = ?1 + 0 AND base IS NOT NULL`}
)

// Load gives the history of an execution and the values that it started from; unknown ones are
// empty.
func (s *Store) Load(
	ctx context.Context, instance string, execution uint64,
) (provider.Record, error) {
	var record provider.Record
	err := s.snapshot(ctx, "load", func(c *conn) (err error) {
		record = provider.Record{}
		i, err := committed(c, instance)
		if err != nil || i == nil {
			return err
		}
		values := map[string]provider.Value{}
		err = c.each(sqlBase, func(r *rows) bool {
			values[r.text(0)] = provider.Value{Data: r.text(1), UpdatedAtMs: r.int(2)}
			return true
		}, i.int(0))
		if err != nil {
			return err
		}
		record.Values = values
		record.Events, err = events(c, i.int(0), signed(execution))
		return err
	})
	if err != nil {
		return provider.Record{}, err
	}
	return record, nil
}

// History gives the events of one execution, or of the current one for zero.
func (s *Store) History(
	ctx context.Context, instance string, execution uint64,
) ([]history.Event, error) {
	var found []history.Event
	err := s.snapshot(ctx, "read_history", func(c *conn) (err error) {
		found = nil
		i, err := committed(c, instance)
		if err != nil || i == nil {
			return err
		}
		number := signed(execution)
		if number == 0 {
			number = i.int(1)
		}
		found, err = events(c, i.int(0), number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// LastEvent gives the last event of an execution, or of the current one for zero.
func (s *Store) LastEvent(
	ctx context.Context, instance string, execution uint64,
) (*history.Event, error) {
	var last *history.Event
	err := s.snapshot(ctx, "read_history", func(c *conn) error {
		last = nil
		i, err := committed(c, instance)
		if err != nil || i == nil {
			return err
		}
		key, number := i.int(0), signed(execution)
		if number == 0 {
			number = i.int(1)
		}
		row, err := c.one(sqlLastRow, key, number)
		if err != nil || row == nil {
			return err
		}
		last, err = provider.LastOf(unsigned(number), row.uint(0), row.blob(1))
		return err
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}

// committed gives the key and the current execution of an instance, or nil.
func committed(c *conn, instance string) (*rows, error) {
	r, err := c.one(sqlCommitted, instance)
	if err == nil && r != nil {
		err = whole(instance, r.uint(1), r.int(2), r.int(3), r.int(4))
	}
	return r, err
}

// events gives all events of an execution, never a shortened list.
func events(c *conn, key, execution int64) ([]history.Event, error) {
	written, err := c.one(sqlWritten, key, execution)
	if err != nil {
		return nil, err
	}
	stored := provider.NewHistoryRows(unsigned(execution))
	err = c.each(sqlHistory, func(r *rows) bool {
		stored.Add(r.uint(0), r.blob(1))
		return true
	}, key, execution)
	if err != nil {
		return nil, err
	}
	if written == nil {
		return stored.Complete(0, 0)
	}
	return stored.Complete(written.int(0), written.uint(1))
}
