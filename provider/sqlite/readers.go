package sqlite

import (
	"context"
	"errors"

	"duroxide/provider/rules"
)

var sqlSnapshot = &statement{`BEGIN`}

// read runs a query function on a connection that cannot write, where each statement sees the
// latest commit. In memory there is one connection only, so there it runs on the writer.
func (s *Store) read(ctx context.Context, op string, query func(c *conn) error) error {
	if s.options.Memory {
		return s.write(ctx, op, 0, func(w *writer) error { return query(w.c) })
	}
	if err := ctx.Err(); err != nil {
		return failure(op, err)
	}
	if err := s.isClosed(); err != nil {
		return failure(op, err)
	}
	if err := s.glance(); err != nil {
		return failure(op, err)
	}
	var c *conn
	var open bool
	select {
	case c, open = <-s.readers:
	case <-ctx.Done():
		return failure(op, ctx.Err())
	}
	if !open {
		return rules.Closed(op)
	}
	if c == nil {
		fresh, err := s.openReader()
		if err != nil {
			s.readers <- nil
			return failure(op, s.note(err))
		}
		c = fresh
	}
	defer func() { s.readers <- c }()
	return failure(op, s.note(query(c)))
}

// snapshot is read for functions of several statements: all see the same commit.
func (s *Store) snapshot(ctx context.Context, op string, query func(c *conn) error) error {
	if s.options.Memory {
		return s.read(ctx, op, query)
	}
	return s.read(ctx, op, func(c *conn) error {
		if _, err := c.exec(sqlSnapshot); err != nil {
			return err
		}
		err := query(c)
		_, ended := c.exec(sqlCommit)
		if ended != nil {
			_, _ = c.exec(sqlRollback) // the first error is the one to report
		}
		return errors.Join(err, ended)
	})
}

func (s *Store) isClosed() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return rules.Closed("")
	}
	return nil
}
