package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// resolveTime bounds how long the outcome of a commit is asked for whose connection broke.
const resolveTime = 20 * time.Second

// errUnknown means that nobody can tell whether a transaction was committed.
var errUnknown = errors.New("the connection was lost during a commit whose outcome is unknown")

// staleWriter is how long the row of a writer is kept that nobody has heard of: longer than clocks are set
// ahead by mistake, because the row of a living writer must not go while it asks what it has committed.
const staleWriter = 30 * 24 * time.Hour

var (
	// The first statement of a transaction: until that has ended, whoever asks for its mark waits.
	// One that arrives after it was asked for is refused by a division by zero.
	sqlMark = define(`
WITH marked AS (
  INSERT INTO S.writers AS w (id, last, seen_ms) VALUES ($1, $2, $3)
  ON CONFLICT (id) DO UPDATE SET last = excluded.last, seen_ms = excluded.seen_ms
  WHERE w.fence < excluded.last RETURNING 1)
SELECT 1 / count(*)::int FROM marked`)
	sqlMarked = define(`
INSERT INTO S.writers AS w (id, last, fence, seen_ms) VALUES ($1, 0, $2, $3)
ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, seen_ms = excluded.seen_ms RETURNING w.last`)
	sqlDropWriters = define(`DELETE FROM S.writers WHERE id = ANY($1::text[]) OR seen_ms < $2`)
)

// writer is a committer as the database knows it.
type writer struct {
	id string
	// last is the number of its last transaction, committed or not.
	last int64
}

// resolve finds out whether the transaction was committed whose connection broke with cause. It
// gives nil if it was: then the answers are read again. Errors other than errUnknown mean that it
// was not, and will not be.
func (g *group) resolve(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	// The broken connection makes room for another one.
	_ = g.conn.Conn().Close(ctx)
	g.conn.Release()
	g.conn, g.opened = nil, false
	for try := 1; g.writer != nil; try++ {
		committed, known := g.outcome(ctx)
		switch {
		case known && committed:
			return nil
		case known:
			return fmt.Errorf("%w: %w", errBroken, cause)
		}
		if err := rest(ctx, pauseBefore(try)); err != nil {
			break
		}
	}
	return fmt.Errorf("%w: %w: %w", errUnknown, errBroken, cause)
}

func (g *group) outcome(ctx context.Context) (committed, known bool) {
	conn, err := g.s.acquire(ctx)
	if err != nil {
		return false, false
	}
	defer conn.Release()
	var last int64
	err = conn.QueryRow(ctx, g.s.texts[sqlMarked], g.writer.id, g.mark, g.s.nowMs()).Scan(&last)
	if err != nil {
		return false, false
	}
	if last != g.mark {
		return false, true
	}
	return true, g.askAgain(ctx, conn) == nil
}

// dropWriters deletes the rows of writers that are no more.
func (s *Store) dropWriters(ctx context.Context, ids []string) error {
	p := s.pipeline()
	p.exec(sqlDropWriters, ids, s.nowMs()-staleWriter.Milliseconds())
	return s.sendPool(ctx, p)
}

// askAgain repeats the questions of a committed transaction whose answers were lost.
func (g *group) askAgain(ctx context.Context, conn *pooled) error {
	for _, claim := range g.claims {
		claim.Messages, claim.Undecodable, claim.Attempt = nil, nil, 1
	}
	g.unknown = nil
	for key, claim := range g.made {
		claim.Messages = nil
		g.claims[key] = claim
	}
	for _, a := range g.writes.arrived.arrivals[g.writes.arrived.numbered:] {
		if g.short {
			// Its number is not known, so it is left in the store for its holder to find.
			a.result.ID, a.result.DueMs, a.result.Held = 0, 0, 0
			g.changed.work = true
		}
	}
	p := g.s.pipeline()
	g.ask(p)
	if len(p.batch.QueuedQueries) == 0 {
		return nil
	}
	return conn.SendBatch(ctx, &p.batch).Close()
}
