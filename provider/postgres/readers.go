package postgres

import (
	"context"
	"fmt"
	"time"
)

var sqlSnapshot = define(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)

// directTries is how often a call outside the committers is run that met a conflict.
const directTries = 5

// direct runs a call that uses a connection of its own, and that may be repeated: a conflict and a
// lost connection make it run again.
func (s *Store) direct(ctx context.Context, op string, call func(ctx context.Context) error) error {
	if err := s.enter(ctx); err != nil {
		return failure(op, err)
	}
	defer s.leave()
	for try := 1; ; try++ {
		err := bounded(ctx, call)
		if err == nil || !again(err) || ctx.Err() != nil || try == directTries {
			return failure(op, err)
		}
		s.renewPool(err)
		if err := rest(ctx, pauseBefore(try)); err != nil {
			return failure(op, err)
		}
	}
}

// callTime bounds a call outside the committers where its caller does not.
const callTime = statementTime + 5*time.Second

func bounded(ctx context.Context, call func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := call(limited)
	if err != nil && ctx.Err() == nil {
		return lostNetwork(err)
	}
	return err
}

// sendPool runs a pipeline on any connection. Without a BEGIN it is one transaction all the same.
func (s *Store) sendPool(ctx context.Context, p *pipeline) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return conn.SendBatch(ctx, &p.batch).Close()
}

// read runs queries that see the same commit, in one round trip.
func (s *Store) read(ctx context.Context, op string, build func(p *pipeline)) error {
	return s.direct(ctx, op, func(ctx context.Context) error { return s.readOnce(ctx, build) })
}

func (s *Store) readOnce(ctx context.Context, build func(p *pipeline)) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	p := s.pipeline()
	build(p)
	if len(p.batch.QueuedQueries) > 1 {
		p = s.pipeline()
		p.exec(sqlSnapshot)
		build(p)
		p.exec(sqlCommit)
	}
	if err := conn.SendBatch(ctx, &p.batch).Close(); err != nil {
		if len(p.batch.QueuedQueries) > 1 {
			_, _ = conn.Exec(ctx, "ROLLBACK") // the first error is the one to report
		}
		return fmt.Errorf("read: %w", err)
	}
	return s.onPrimary(conn)
}
