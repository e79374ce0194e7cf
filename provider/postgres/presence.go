package postgres

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/process"
)

// presences are the runtimes of this process. That they live is told by the listening connection: it holds
// a lock under a random number, which stands in their rows, and which the server lets go with the session.
type presences struct {
	session atomic.Int64 // zero: there is no session that tells it
	writing sync.Mutex   // held while rows are written; it comes before mu

	mu     sync.Mutex // guards what follows
	joined map[string][]byte
}

// heldSessions are the numbers under which sessions hold locks.
const heldSessions = `
held AS MATERIALIZED (
  SELECT (classid::bigint << 32) | objid::bigint AS session FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

var (
	sqlHoldSession = define(`SELECT pg_advisory_lock($1)`)
	sqlJoin        = define(`
INSERT INTO S.duroxide_runtimes (id, started, seen, host, pid, pid_start, session, body)
SELECT n.id, $3, $3, $4, $5, $6, $7, n.body FROM unnest($1::text[], $2::bytea[]) AS n (id, body)
ON CONFLICT (id) DO UPDATE SET seen = $3, session = $7, body = excluded.body`)
	sqlTellSession = define(`UPDATE S.duroxide_runtimes SET session = $2 WHERE id = ANY($1::text[])`)
	sqlLeave       = define(`DELETE FROM S.duroxide_runtimes WHERE id = ANY($1::text[])`)
	// The last column says whether the session is there that tells of the runtime.
	sqlRuntimes = define(`
WITH ` + heldSessions + `
SELECT r.id, r.started, r.seen, r.host, r.pid, r.pid_start, r.session,
  r.session IN (SELECT session FROM held), r.load, r.body
FROM S.duroxide_runtimes r ORDER BY r.started, r.id`)
	sqlRuntimeIDs = define(`
WITH ` + heldSessions + `
SELECT r.id, r.started, r.seen, r.host, r.pid, r.pid_start, r.session,
  r.session IN (SELECT session FROM held), NULL::bytea, NULL::bytea
FROM S.duroxide_runtimes r`)
	sqlLoad = define(`UPDATE S.duroxide_runtimes SET load = $2, seen = $3 WHERE id = $1`)
)

// Join announces a runtime.
func (s *Store) Join(ctx context.Context, node string, body []byte) error {
	p := &s.presences
	p.mu.Lock()
	if p.joined == nil {
		p.joined = map[string][]byte{}
	}
	p.joined[node] = body // First: a session that begins meanwhile writes it, too.
	p.mu.Unlock()
	err := s.join(ctx, []string{node})
	if err != nil {
		p.mu.Lock()
		delete(p.joined, node)
		p.mu.Unlock()
	}
	return err
}

// join writes the rows of those that have not left meanwhile, with what they said last. One call after
// another writes or deletes: who began to write before a session did must not come after who knows of it,
// nor a row after its end.
func (s *Store) join(ctx context.Context, asked []string) error {
	s.presences.writing.Lock()
	defer s.presences.writing.Unlock()
	joined := s.presences.own()
	var nodes []string
	var bodies [][]byte
	for _, node := range asked {
		if body, ok := joined[node]; ok {
			nodes, bodies = append(nodes, node), append(bodies, body)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	here := s.process
	return s.direct(ctx, "join", func(ctx context.Context) error {
		p := s.pipeline()
		p.exec(sqlJoin, nodes, bodies, s.nowMs(), here.Host, here.PID, here.Start, s.presences.session.Load())
		return s.sendPool(ctx, p)
	})
}

// Leave takes back what Join said.
func (s *Store) Leave(ctx context.Context, node string) error {
	p := &s.presences
	p.mu.Lock()
	delete(p.joined, node)
	p.mu.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	return s.leaveAll(ctx, []string{node})
}

func (s *Store) leaveAll(ctx context.Context, nodes []string) error {
	return s.direct(ctx, "leave", func(ctx context.Context) error {
		p := s.pipeline()
		p.exec(sqlLeave, nodes)
		return s.sendPool(ctx, p)
	})
}

// own gives the runtimes of this process.
func (p *presences) own() map[string][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.joined)
}

// announced is a row.
type announced struct {
	provider.Presence
	owner   process.ID
	session int64
	held    bool
}

func scanRuntime(r pgx.Rows) (rt announced, err error) {
	var started, seen int64
	err = r.Scan(&rt.Node, &started, &seen, &rt.owner.Host, &rt.owner.PID, &rt.owner.Start, &rt.session,
		&rt.held, &rt.Load, &rt.Body)
	rt.Started, rt.Seen = moment(started), moment(seen)
	return rt, err
}

// isPresent reports whether a runtime lives: as its process tells where that can be seen, or its session,
// or what it has written not long ago.
func (s *Store) isPresent(rt *announced) bool {
	switch {
	case rt.owner.IsKnownTo(s.process):
		return !rt.owner.HasEnded(s.process)
	case rt.session != 0:
		return rt.held
	default:
		return s.clock.Now().Sub(rt.Seen) < provider.Silence
	}
}

// Runtimes lists the runtimes that live.
func (s *Store) Runtimes(ctx context.Context) ([]provider.Presence, error) {
	var all []provider.Presence
	err := s.read(ctx, "runtimes", func(p *pipeline) {
		all = nil
		p.each(sqlRuntimes, func(r pgx.Rows) error {
			rt, err := scanRuntime(r)
			if err == nil && s.isPresent(&rt) {
				all = append(all, rt.Presence)
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// SweepRuntimes deletes the rows of runtimes that have ended, and writes those of this process again that
// are missing, or that no session tells of.
func (s *Store) SweepRuntimes(ctx context.Context) error {
	var over []string
	own, session := s.presences.own(), s.presences.session.Load()
	err := s.read(ctx, "sweep_runtimes", func(p *pipeline) {
		over = nil
		p.each(sqlRuntimeIDs, func(r pgx.Rows) error {
			rt, err := scanRuntime(r)
			_, isOwn := own[rt.Node]
			switch {
			case err != nil:
			case isOwn && session != 0 && rt.session == session:
				delete(own, rt.Node)
			case !isOwn && !s.isPresent(&rt):
				over = append(over, rt.Node)
			}
			return err
		})
	})
	if err == nil && len(over) > 0 {
		err = s.leaveAll(ctx, over)
	}
	if err == nil {
		err = s.join(ctx, slices.Collect(maps.Keys(own)))
	}
	return err
}

// tellSession writes which session tells of the runtimes of this process that have joined by now.
func (s *Store) tellSession(ctx context.Context) error {
	s.presences.writing.Lock()
	defer s.presences.writing.Unlock()
	own := slices.Collect(maps.Keys(s.presences.own()))
	if len(own) == 0 {
		return nil
	}
	return s.direct(ctx, "tell_session", func(ctx context.Context) error {
		p := s.pipeline()
		p.exec(sqlTellSession, own, s.presences.session.Load())
		return s.sendPool(ctx, p)
	})
}

// present has the listening connection tell that the runtimes of this process live.
func (s *Store) present(conn *pgx.Conn) error {
	session := rand.Int64N(1<<62) + 1 //nolint:gosec // not a secret
	err := quick(s.background, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, s.texts[sqlHoldSession], pgx.QueryExecModeSimpleProtocol, session)
		return err
	})
	if err != nil {
		return fmt.Errorf("hold the session: %w", err)
	}
	s.presences.session.Store(session)
	s.idle.Go(func() { // Nobody waits for that to listen.
		err := quick(s.background, s.tellSession)
		if err != nil { // The next sweep does it.
			s.log.Debug("postgres: runtimes are not announced", "error", err.Error())
		}
	})
	return nil
}
