package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
)

// How often the leases of others are looked at, the clock of the server is read, and the whole store
// is looked at where nobody tells of changes.
const pollEvery = 1500 * time.Millisecond

// A lease is over when one of the processes says so in its row, and not before: the time that it shows
// tells only when to ask (P5). The end is refused where the lease was renewed since it was read.
var sqlEndLeases = define(`
UPDATE S.leases l SET until_ms = -$3::bigint
FROM unnest($1::bigint[], $2::bigint[]) AS e (id, until_ms),
  (SELECT id FROM S.leases WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE) k
WHERE l.id = e.id AND k.id = l.id AND l.until_ms = e.until_ms RETURNING l.id`)

// poll follows the clock of the server and finds what nobody tells of: leases that have ended, and
// everything while there is no listening connection. A store without watchers polls nothing.
func (s *Store) poll() {
	for rest(s.background, pollEvery) == nil {
		if !s.watchers.Any() {
			continue
		}
		if quick(s.background, s.endLeases) == nil && !s.server.isListening() {
			s.everything()
		}
	}
}

// endOver ends leases if any may have ended, as far as is known.
func (s *Store) endOver(ctx context.Context) error {
	if len(s.leases.Over()) == 0 {
		return nil
	}
	return s.endLeases(ctx)
}

// endLeases looks at all leases and ends those that may be ended (see clock.Leases). What they held is
// free then, and others are told.
func (s *Store) endLeases(ctx context.Context) error {
	s.ending.Lock()
	defer s.ending.Unlock()
	look, began, now := s.leases.Try(), s.clock.Passed(), s.nowMs()
	var rows []clock.Lease
	var micros int64
	p := s.pipeline()
	p.each(sqlLeases, func(r pgx.Rows) error {
		l, err := scanLease(r)
		if l != nil {
			rows = append(rows, l.Lease)
		}
		return err
	})
	p.each(sqlClock, func(r pgx.Rows) error { return r.Scan(&micros) })
	err := s.sendPool(ctx, p)
	done(look, false, err)
	if err != nil {
		return fmt.Errorf("read leases: %w", err)
	}
	s.toldTime(time.UnixMicro(micros), began)
	s.leases.Look(rows)
	over := s.leases.Over()
	if len(over) == 0 {
		return nil
	}
	return s.end(ctx, over, now)
}

func (s *Store) end(ctx context.Context, over []clock.Lease, now int64) error {
	var ids, until []int64
	for _, l := range over {
		ids, until = append(ids, signed(l.ID)), append(until, l.Until)
	}
	ended := false
	p := s.pipeline()
	p.each(sqlEndLeases, func(r pgx.Rows) error {
		var id int64
		err := r.Scan(&id)
		ended = true
		return err
	}, ids, until, max(now, 1))
	if err := s.sendPool(ctx, p); err != nil {
		return fmt.Errorf("end leases: %w", err)
	}
	for _, l := range over {
		s.leases.Forget(l.ID)
		s.known.end(l.ID)
	}
	if ended {
		s.publish(&change{work: true})
	}
	return nil
}

// scanLease reads a row of sqlLeases; nil is one that has ended.
func scanLease(r pgx.Rows) (*lease, error) {
	var id, length int64
	l := &lease{}
	o := process.ID{}
	err := r.Scan(&id, &l.Until, &l.node, &o.Host, &o.PID, &o.Start, &length)
	if l.Until <= 0 {
		return nil, err
	}
	l.ID, l.Owner = provider.LeaseID(unsigned(id)), o
	l.Length = time.Duration(length) * time.Millisecond
	return l, err
}
