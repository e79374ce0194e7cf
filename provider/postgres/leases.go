package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/rules"
)

// leaseRetention is how long the row of an ended lease is kept. No transaction lives that long, so
// whatever was claimed under it is visible, and freed, before the row goes.
const leaseRetention = 10 * time.Minute

var (
	sqlRenewLease = define(`
UPDATE S.leases SET until_ms = greatest(until_ms, $2) WHERE id = $1 AND until_ms > 0 RETURNING until_ms`)
	sqlHeartbeats = define(`
UPDATE S.tasks t SET heartbeat = h.details
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS h (id, epoch, details),
  (SELECT id FROM S.tasks WHERE id = ANY($1::bigint[]) AND lease = $4 ORDER BY id FOR UPDATE) k
WHERE t.id = k.id AND t.id = h.id AND t.epoch = h.epoch`)
	sqlStillHeld = define(`
SELECT id, epoch FROM S.tasks WHERE id = ANY($1::bigint[]) AND lease = $2`)
	sqlBumpHeld = define(`
UPDATE S.sessions s SET active_ms = $3
FROM (SELECT until_ms FROM S.leases WHERE id = $2) l,
  (SELECT id FROM S.sessions WHERE id IN (
    SELECT session FROM S.tasks WHERE id = ANY($1::bigint[]) AND lease = $2 AND session IS NOT NULL)
  ORDER BY id FOR UPDATE) k
WHERE s.id = k.id AND s.until_ms > $3 AND l.until_ms > 0`)
	sqlHeldInstances = define(`
SELECT key, epoch, lease FROM S.instances
WHERE lease <> 0 AND lease = ANY(ARRAY(SELECT id FROM S.leases WHERE node = $1))`)
	sqlHeldTasks = define(`
SELECT id, epoch, lease FROM S.tasks
WHERE lease <> 0 AND lease = ANY(ARRAY(SELECT id FROM S.leases WHERE node = $1))`)
	sqlSweepTasks = define(`
UPDATE S.tasks SET lease = 0, place = 0, marks = least(marks + 1, 2) WHERE id = ANY(ARRAY(
  SELECT id FROM S.tasks
  WHERE lease <> 0 AND lease = ANY(ARRAY(SELECT id FROM S.leases WHERE until_ms <= 0))
  LIMIT 1000 FOR UPDATE SKIP LOCKED))`)
	sqlSweepLeases = define(`
DELETE FROM S.leases WHERE id IN (
  SELECT l.id FROM S.leases l
  WHERE l.until_ms <= 0 AND -l.until_ms <= $1 AND NOT EXISTS (SELECT 1 FROM S.tasks t WHERE t.lease = l.id)
  ORDER BY l.id FOR UPDATE SKIP LOCKED)`)
)

// live gives a lease that has not ended, or nil.
func (g *group) live(id provider.LeaseID) *lease {
	if l := g.leases[id]; id != 0 && l != nil && !g.s.leases.RanOut(id) {
		g.relied[id] = true
		return l
	}
	return nil
}

// holder resolves the lease of a provider.Holder with the first claim that needs it.
type holder = rules.Holder

// lease gives a live lease of the holder: its own, extended where less than half is left, or a new
// one.
func (g *group) lease(h *holder) provider.LeaseID {
	if h.Used != 0 {
		return h.Used
	}
	l := g.live(h.Lease)
	if l == nil {
		l = g.ofNode(h.Node)
	}
	switch {
	case l == nil && g.short:
		g.doubt = true
		return 0
	case l == nil:
		l = g.s.opening.lease(g, h)
		g.leases[l.ID] = l
		w := &g.writes.opened
		w.id, w.until = append(w.id, signed(l.ID)), append(w.until, l.Until)
		w.node, w.length = append(w.node, h.Node), append(w.length, l.Length.Milliseconds())
		g.grants(l, h.TTL)
	case l.Until-g.now < h.TTL.Milliseconds()/2:
		l.Until = max(l.Until, g.now+h.TTL.Milliseconds())
		g.writes.extended[l.ID] = l.Until
		g.grants(l, h.TTL)
	}
	h.Used = l.ID
	return l.ID
}

// grants notes that a lease is opened or extended with the group: it lasts since that began.
func (g *group) grants(l *lease, lasts time.Duration) {
	granted := l.Lease
	g.after = append(g.after, func() { g.s.leases.Granted(granted, g.began, lasts) })
}

// ofNode gives a live lease of a node, or nil.
func (g *group) ofNode(node string) *lease {
	for _, l := range g.leases {
		if l.node == node && !g.s.leases.RanOut(l.ID) {
			return l
		}
	}
	return nil
}

// opening has the leases that this process has opened last, one for each node, so that calls at the
// same time do not open several.
type opening struct {
	mu     sync.Mutex
	byNode map[string]lease
}

const openingLimit = 1000

// lease gives a new lease, or the one that another transaction is opening for the node. Whoever
// uses it writes it, whichever is first.
func (o *opening) lease(g *group, h *holder) *lease {
	o.mu.Lock()
	defer o.mu.Unlock()
	node := h.Node
	if l, ok := o.byNode[node]; ok && l.Until > g.now && g.leases[l.ID] == nil {
		return &l
	}
	l := lease{node: node, Lease: clock.Lease{
		ID: provider.LeaseID(g.newID()), Until: g.now + h.TTL.Milliseconds(), Length: h.TTL, Owner: g.s.process,
	}}
	if o.byNode == nil || len(o.byNode) >= openingLimit {
		o.byNode = map[string]lease{}
	}
	o.byNode[node] = l
	return &l
}

// has reports whether a node has opened its lease here.
func (o *opening) has(node string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.byNode[node]
	return ok
}

// forget takes back what a transaction has opened that was rolled back: after a crash of the server
// its numbers may be given again.
func (o *opening) forget(nodes []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, node := range nodes {
		delete(o.byNode, node)
	}
}

// Renew extends a live lease and says which tasks are no longer held.
func (s *Store) Renew(ctx context.Context, r provider.Renewal) ([]provider.Token, error) {
	var lost []provider.Token
	err := s.direct(ctx, "renew", func(ctx context.Context) (err error) {
		lost, err = s.renew(ctx, &r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

func (s *Store) renew(ctx context.Context, r *provider.Renewal) ([]provider.Token, error) {
	var ids []int64
	for _, token := range r.Tasks {
		ids = append(ids, signed(token.Key))
	}
	if err := s.endOver(ctx); err != nil {
		return nil, err
	}
	began, now, renewed, until := s.clock.Passed(), s.nowMs(), false, int64(0)
	type held struct{ key, epoch int64 }
	kept := map[held]bool{}
	p := s.pipeline()
	if len(ids) > 0 {
		// Sessions are locked before leases (P1).
		p.exec(sqlBumpHeld, ids, signed(r.Lease), now)
	}
	p.each(sqlRenewLease, func(row pgx.Rows) error {
		renewed = true
		return row.Scan(&until)
	}, signed(r.Lease), now+r.Extend.Milliseconds())
	if r.Load != nil {
		p.exec(sqlLoad, r.Load.Node, r.Load.Body, now)
	}
	if len(ids) > 0 {
		p.each(sqlStillHeld, func(row pgx.Rows) error {
			var h held
			err := row.Scan(&h.key, &h.epoch)
			kept[h] = true
			return err
		}, ids, signed(r.Lease))
	}
	write := s.leases.Try()
	err := s.sendPool(ctx, p)
	done(write, renewed, err)
	if err != nil {
		return nil, fmt.Errorf("renew lease: %w", err)
	}
	if !renewed {
		return nil, rules.Refuse(provider.ErrLockLost, "Lock token invalid, expired, or already released")
	}
	s.leases.Renewed(r.Lease, until, began, r.Extend)
	s.known.extend(r.Lease, until)
	var lost []provider.Token
	for _, token := range r.Tasks {
		if token.Lease != r.Lease || !kept[held{signed(token.Key), signed(token.Epoch)}] {
			lost = append(lost, token)
		}
	}
	return lost, s.keepHeartbeats(ctx, r)
}

// keepHeartbeats stores what held tasks say of themselves. It is no part of the renewal, so that it never
// waits for tasks while the lease is locked.
func (s *Store) keepHeartbeats(ctx context.Context, r *provider.Renewal) error {
	if len(r.Heartbeats) == 0 {
		return nil
	}
	var ids, epochs []int64
	var details []string
	for _, h := range r.Heartbeats {
		ids, epochs = append(ids, signed(h.Task.Key)), append(epochs, signed(h.Task.Epoch))
		details = append(details, h.Details)
	}
	p := s.pipeline()
	p.exec(sqlHeartbeats, ids, epochs, details, signed(r.Lease))
	if err := s.sendPool(ctx, p); err != nil {
		return fmt.Errorf("keep heartbeats: %w", err)
	}
	return nil
}

// Held lists what is claimed under any lease of a node. It lets everything finish that was called
// before it, also what its callers have given up.
func (s *Store) Held(ctx context.Context, node string) (provider.Held, error) {
	if err := s.barrier(ctx); err != nil {
		return provider.Held{}, failure("held", err)
	}
	var held provider.Held
	err := s.read(ctx, "held", func(p *pipeline) {
		held = provider.Held{}
		p.each(sqlHeldInstances, tokenList(&held.Instances), node)
		p.each(sqlHeldTasks, tokenList(&held.Tasks), node)
	})
	if err != nil {
		return provider.Held{}, err
	}
	return held, nil
}

func tokenList(found *[]provider.Token) func(r pgx.Rows) error {
	return func(r pgx.Rows) error {
		var key, epoch, held int64
		err := r.Scan(&key, &epoch, &held)
		*found = append(*found, provider.Token{
			Key: unsigned(key), Epoch: unsigned(epoch), Lease: provider.LeaseID(unsigned(held)),
		})
		return err
	}
}
