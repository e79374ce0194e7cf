package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/process"
)

// How often the leases of others are looked at, and the whole store where nobody tells of changes; and
// how often the clock of the server is read.
const (
	pollEvery  = 1500 * time.Millisecond
	clockEvery = 10 * time.Second
)

var (
	sqlEnded = define(`
SELECT EXISTS (SELECT 1 FROM S.leases WHERE until_ms > $1 AND until_ms <= $2)`)
	sqlNeighbours = define(`
SELECT DISTINCT pid, pid_start FROM S.leases
WHERE host = $1 AND (pid <> $2 OR pid_start <> $3) AND until_ms > $4`)
	sqlEndProcess = define(`
UPDATE S.leases SET until_ms = coalesce($4::bigint, ` + clockMs + `)
WHERE host = $1 AND pid = $2 AND pid_start = $3 AND until_ms > coalesce($4::bigint, ` + clockMs + `)`)
)

// poll follows the clock of the server and finds what nobody tells of: leases that have ended, and
// everything while there is no listening connection. A store without watchers polls nothing.
func (s *Store) poll() {
	seen, read := s.nowMs(), time.Now()
	for rest(s.background, pollEvery) == nil {
		if !s.watchers.Any() {
			continue
		}
		if time.Since(read) >= clockEvery && quick(s.background, s.synchronize) == nil {
			read = time.Now()
		}
		now := s.nowMs()
		var ended bool
		err := quick(s.background, func(ctx context.Context) (err error) {
			ended, err = s.ended(ctx, seen, now)
			return err
		})
		switch {
		case err != nil:
			continue // the next round asks again
		case !s.clock.isListening():
			s.everything()
		case ended:
			s.watchers.Call(provider.Change{Work: true})
		}
		seen = now
	}
}

// ended reports whether leases have ended between two times. Those of dead processes of this machine
// end here.
func (s *Store) ended(ctx context.Context, from, to int64) (ended bool, err error) {
	var others []process.ID
	p := s.pipeline()
	p.each(sqlEnded, func(r pgx.Rows) error { return r.Scan(&ended) }, from, to)
	p.each(sqlNeighbours, func(r pgx.Rows) error {
		other := process.ID{Host: s.process.Host}
		err := r.Scan(&other.PID, &other.Start)
		others = append(others, other)
		return err
	}, s.process.Host, s.process.PID, s.process.Start, to)
	if err := s.sendPool(ctx, p); err != nil {
		return false, err
	}
	p = s.pipeline()
	for _, other := range others {
		if other.HasEnded(s.process) {
			p.exec(sqlEndProcess, other.Host, other.PID, other.Start, s.fixedMs())
			ended = true
		}
	}
	if len(p.batch.QueuedQueries) == 0 {
		return ended, nil
	}
	return ended, s.sendPool(ctx, p)
}
