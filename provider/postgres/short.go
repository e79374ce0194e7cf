package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The short way: a group whose rows this process holds, or makes, is written in one round trip and
// without reading them. The server checks that they are what they are believed to be and that all
// leases live; if not, nothing is written, and the group goes the long way (lock.go), which finds
// out what is wrong.

// numbersAtOnce is how many numbers are taken from the sequence in advance, for instances and tasks.
const numbersAtOnce = 1000

var (
	sqlBelieved = define(`
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM (
  SELECT i.key
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS b (key, epoch, lease, execution, last_event)
  JOIN S.instances i ON i.key = b.key
  WHERE i.epoch = b.epoch AND i.lease = b.lease AND i.execution = b.execution
    AND i.last_event = b.last_event AND i.key = ANY($1::bigint[])
  ORDER BY i.key FOR UPDATE OF i) held`)
	// A due time of 0 is the server's time.
	sqlNumber = define(`
INSERT INTO S.messages (instance, id, due, effective, kind, execution, source, body, lane)
SELECT instance, nextval('S.ids'), at, at, kind, execution, source, body, lane
FROM (
  SELECT n.*, CASE WHEN due = 0 THEN ` + momentMs(8, 9) + ` ELSE due END AS at
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[],
    $7::bigint[]) AS n (instance, due, kind, execution, source, body, lane)) n
RETURNING id, effective`)
	sqlMakeWhole = define(`
WITH made AS (
  INSERT INTO S.instances (key, id, epoch, lease, batch, batch_due, lane, pin)
  SELECT key, id, epoch, lease, (SELECT max(m.id) FROM S.messages m WHERE m.instance = key),
    ` + momentMs(5, 6) + `, lane, pin
  FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $7::bigint[], $8::bigint[])
    AS n (key, id, epoch, lease, lane, pin)
  ORDER BY id COLLATE "C"
  ON CONFLICT (id) DO NOTHING RETURNING 1)
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM made`)
	sqlLive = define(`
SELECT 1 / (count(*) = cardinality($1::bigint[]))::int FROM S.leases
WHERE id = ANY($1::bigint[]) AND until_ms > 0`)
	sqlNumbers = define(`
SELECT ARRAY(SELECT nextval('S.ids') FROM generate_series(1, $1::int))`)
)

// beliefs are the rows of a short group as they were before it.
type beliefs struct{ key, epoch, lease, execution, lastEvent []int64 }

func (b *beliefs) add(i *instance) {
	b.key, b.epoch = append(b.key, signed(i.key)), append(b.epoch, signed(i.epoch))
	b.lease, b.execution = append(b.lease, signed(i.lease)), append(b.execution, signed(i.execution))
	b.lastEvent = append(b.lastEvent, signed(i.lastEvent))
}

// short tries the short way. It reports false where that is not possible: then nothing was
// written and the connection is as it was.
func (s *Store) short(
	ctx context.Context, conn *pooled, w *writer, n *needs, batch []*request,
) (done bool, err error) {
	if len(n.sessions) > 0 || len(n.cancelEvents) > 0 || len(n.keyHashes) > 0 {
		return false, nil
	}
	g := s.newGroup(conn)
	g.short, g.writer = true, w
	believed, ok := g.believe(n)
	if !ok {
		return false, nil
	}
	if g.ids, err = s.numbers(ctx, conn, n.ids+len(n.targets)); err != nil {
		conn.Release()
		return true, err
	}
	g.makeTargets(n)
	if !g.applies(batch) {
		return false, nil
	}
	p := s.pipeline()
	g.check(p, believed)
	g.flush(p)
	g.ask(p)
	err = g.commit(ctx, p)
	if state := sqlState(err); state == stateDivision || state == stateUnique {
		s.known.forget(g)
		return false, nil
	}
	g.release(ctx)
	return true, err
}

// believe fills the group with what is known. It gives false where something is missing.
func (g *group) believe(n *needs) (*beliefs, bool) {
	k, b := &g.s.known, &beliefs{}
	k.mu.Lock()
	defer k.mu.Unlock()
	g.now = g.s.nowMs()
	for id := range k.leases {
		l := k.leases[id]
		g.leases[id] = &l
	}
	add := func(key uint64) bool {
		if g.byKey[key] != nil {
			return true
		}
		i, ok := k.instance(key)
		if !ok || g.live(i.lease) == nil {
			return false
		}
		g.byKey[key], g.byID[i.id] = i, i
		b.add(i)
		return true
	}
	for _, key := range n.keys {
		if !add(unsigned(key)) {
			return nil, false
		}
	}
	for _, id := range n.targets {
		key, ok := k.byID[id]
		if (ok && !add(key)) || (!ok && !n.begins(id)) {
			return nil, false
		}
	}
	for _, token := range n.tasks {
		g.tasks[token.Key] = &task{id: token.Key, epoch: token.Epoch, lease: token.Lease}
	}
	for at, id := range n.consumedIDs {
		g.present[messageKey{n.consumedInstances[at], id}] = true
	}
	return b, true
}

// begins reports whether a target gets a start.
func (n *needs) begins(id string) bool {
	_, ok := n.starts[id]
	return ok
}

// makeTargets makes the rows of the instances that are started and not known.
func (g *group) makeTargets(n *needs) {
	for _, id := range n.targets {
		if g.byID[id] == nil {
			i := &instance{key: newKey(g.now, g.newID()), id: id, fresh: true}
			g.byKey[i.key], g.byID[id] = i, i
		}
	}
}

// newKey makes the key of an instance from the time and a number, as sqlMakeInstances does: later
// ones are greater, and no two are the same.
func newKey(nowMs int64, number uint64) uint64 {
	const numberBits = 20
	return unsigned(nowMs)<<numberBits | number&(1<<numberBits-1)
}

// numbers gives numbers that were taken in advance.
func (s *Store) numbers(ctx context.Context, conn *pooled, count int) ([]uint64, error) {
	if ids := s.known.take(count); ids != nil {
		return ids, nil
	}
	var taken []int64
	err := conn.QueryRow(ctx, s.texts[sqlNumbers], max(numbersAtOnce, count)).Scan(&taken)
	if err != nil {
		return nil, fmt.Errorf("take numbers: %w", err)
	}
	ids := make([]uint64, len(taken))
	for at, id := range taken {
		ids[at] = unsigned(id)
	}
	s.known.put(ids[count:])
	return ids[:count], nil
}

// applies runs the requests, and reports whether all of them could be.
func (g *group) applies(batch []*request) bool {
	if g.applyAll(batch) != nil || g.doubt {
		return false
	}
	for _, r := range batch {
		if r.err != nil {
			return false
		}
	}
	return true
}

// check begins the transaction with everything that it relies on, and with the messages, whose
// instances are locked by then (P2).
func (g *group) check(p *pipeline, believed *beliefs) {
	if g.s.options.Pooler {
		p.exec(sqlLimit, milliseconds(g.s.options.statementWithin), milliseconds(idleInside))
	}
	g.stamp(p, g.now)
	if b := believed; len(b.key) > 0 {
		p.exec(sqlBelieved, b.key, b.epoch, b.lease, b.execution, b.lastEvent)
	}
	if n := &g.writes.arrived; len(n.id) > 0 {
		fixed, least := g.s.moment()
		p.each(sqlNumber, func(r pgx.Rows) error {
			var id, effective int64
			err := r.Scan(&id, &effective)
			n.arrivals[n.numbered].numbered(unsigned(id), effective)
			n.numbered++
			return err
		}, n.instance, n.due, n.kind, n.execution, n.source, n.body, n.lane, fixed, least)
	}
	g.make(p)
	var leases []int64
	for id := range g.relied {
		leases = append(leases, signed(id))
	}
	if len(leases) > 0 {
		p.exec(sqlLive, leases)
	}
}

// make inserts the rows of fresh instances as they are after the group.
func (g *group) make(p *pipeline) {
	var made struct {
		key, epoch, lease, lane, pin []int64
		id                           []string
	}
	for _, i := range g.byKey {
		if i.fresh {
			g.s.routes.learn(i.key, i.id)
			made.key, made.id = append(made.key, signed(i.key)), append(made.id, i.id)
			made.lane, made.pin = append(made.lane, i.lane), append(made.pin, signed(i.pin))
			made.epoch, made.lease = append(made.epoch, signed(i.epoch)), append(made.lease, signed(i.lease))
		}
	}
	if len(made.key) > 0 {
		fixed, least := g.s.moment()
		p.exec(sqlMakeWhole, made.key, made.id, made.epoch, made.lease, fixed, least,
			made.lane, made.pin)
	}
}
