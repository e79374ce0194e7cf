package sqlite

import (
	"context"
	"time"

	"duroxide/provider"
	"duroxide/provider/process"
)

// aliveFor is how long a process that was found alive is taken to be.
const aliveFor = 50 * time.Millisecond

type lease struct {
	id      provider.LeaseID
	node    string
	until   int64
	owner   process.ID
	checked time.Time
}

var (
	sqlLeases      = &statement{`SELECT id, until_ms, host, pid, pid_start, node FROM leases`}
	sqlOpenLease   = &statement{`INSERT INTO leases VALUES (?1, ?2, ?3, ?4, ?5, ?6)`}
	sqlExtendLease = &statement{`UPDATE leases SET until_ms = ?2 WHERE id = ?1`}
	sqlEndLease    = &statement{`DELETE FROM leases WHERE id = ?1`}
	// A claim that ended without a commit leaves its mark on the messages that it was given.
	// What a lease held that ends without a word is marked: it may be what has ended its process.
	sqlMarkClaims = &statement{`
UPDATE messages SET marks = min(marks + 1, 2)
WHERE instance IN (SELECT key FROM instances WHERE lease = ?1 + 0 AND lease <> 0)
  AND id <= (SELECT batch FROM instances WHERE key = messages.instance)
  AND due <= (SELECT batch_due FROM instances WHERE key = messages.instance)`}
	sqlHeld          = &statement{`SELECT key FROM instances WHERE lease = ?1 + 0 AND lease <> 0`}
	sqlHeldInstances = &statement{`
SELECT i.key, i.epoch, i.lease FROM leases l JOIN instances i ON i.lease = l.id AND i.lease <> 0
WHERE l.node = CAST(?1 AS TEXT)`}
	sqlHeldTasks = &statement{`
SELECT t.id, t.epoch, t.lease FROM leases l JOIN tasks t ON t.lease = l.id AND t.lease <> 0
WHERE l.node = CAST(?1 AS TEXT)`}
	sqlFreeInstances = &statement{`
UPDATE instances SET lease = 0 WHERE lease = ?1 + 0 AND lease <> 0`}
	sqlFreeTasks = &statement{`
UPDATE tasks SET lease = 0, place = 0, marks = min(marks + 1, 2) WHERE lease = ?1 + 0 AND lease <> 0`}
)

// allLeases gives all leases; there is one or two for each node.
func (w *writer) allLeases() (map[provider.LeaseID]*lease, error) {
	if w.leases != nil {
		return w.leases, nil
	}
	all := map[provider.LeaseID]*lease{}
	err := w.c.each(sqlLeases, func(r *rows) bool {
		id := provider.LeaseID(r.uint(0))
		all[id] = &lease{
			id: id, until: r.int(1), owner: process.ID{Host: r.text(2), PID: r.int(3), Start: r.int(4)}, node: r.text(5),
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	w.leases = all
	return all, nil
}

// liveLease gives a lease that has not ended, or nil. Time alone decides: a dead process has
// nothing to ask here, and others sweep first.
func (w *writer) liveLease(id provider.LeaseID) (*lease, error) {
	if id == 0 {
		return nil, nil
	}
	all, err := w.allLeases()
	if err != nil {
		return nil, err
	}
	if l := all[id]; l != nil && l.until > w.now {
		return l, nil
	}
	return nil, nil
}

// sweep ends leases whose time is over or whose process is dead, so that what they held is free.
func (w *writer) sweep() error {
	all, err := w.allLeases()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.until > w.now && !w.isDead(l) {
			continue
		}
		if err := w.endLease(l); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) isDead(l *lease) bool {
	if time.Since(l.checked) < aliveFor {
		return false
	}
	l.checked = time.Now()
	return l.owner.HasEnded(w.process)
}

func (w *writer) endLease(l *lease) error {
	id := signed(l.id)
	if _, err := w.c.exec(sqlMarkClaims, id); err != nil {
		return err
	}
	err := w.c.each(sqlHeld, func(r *rows) bool {
		if i := w.byKey[r.uint(0)]; i != nil {
			i.lease = 0
		}
		return true
	}, id)
	if err != nil {
		return err
	}
	if _, err := w.c.exec(sqlFreeInstances, id); err != nil {
		return err
	}
	if _, err := w.c.exec(sqlFreeTasks, id); err != nil {
		return err
	}
	for key, t := range w.tasks {
		if t.lease == l.id {
			delete(w.tasks, key)
		}
	}
	if _, err := w.c.exec(sqlEndLease, id); err != nil {
		return err
	}
	delete(w.leases, l.id)
	w.changed.work = true
	return nil
}

// holder resolves the lease of a provider.Holder with the first claim that needs it.
type holder struct {
	*provider.Holder
	used provider.LeaseID
}

// lease gives a live lease of the holder: its own, extended where less than half is left, or a new
// one.
func (w *writer) lease(h *holder) (provider.LeaseID, error) {
	if h.used != 0 {
		return h.used, nil
	}
	l, err := w.holderLease(h.Holder)
	if err != nil {
		return 0, err
	}
	ttl := h.TTL.Milliseconds()
	switch {
	case l == nil:
		if h.used, err = w.openLease(h.Node, ttl); err != nil {
			return 0, err
		}
		return h.used, nil
	case l.until-w.now < ttl/2:
		if err := w.extend(l, w.now+ttl); err != nil {
			return 0, err
		}
	}
	h.used = l.id
	return h.used, nil
}

// holderLease gives the holder's lease, or another live one of its node, or nil.
func (w *writer) holderLease(h *provider.Holder) (*lease, error) {
	l, err := w.liveLease(h.Lease)
	if l != nil || err != nil {
		return l, err
	}
	all, err := w.allLeases()
	if err != nil {
		return nil, err
	}
	for _, other := range all {
		if other.node == h.Node && other.until > w.now {
			return other, nil
		}
	}
	return nil, nil
}

func (w *writer) openLease(node string, ttl int64) (provider.LeaseID, error) {
	all, err := w.allLeases()
	if err != nil {
		return 0, err
	}
	number, err := w.newID()
	if err != nil {
		return 0, err
	}
	l := &lease{id: provider.LeaseID(number), node: node, until: w.now + ttl, owner: w.process}
	_, err = w.c.exec(sqlOpenLease,
		signed(l.id), node, l.until, l.owner.Host, l.owner.PID, l.owner.Start)
	if err != nil {
		return 0, err
	}
	all[l.id] = l
	return l.id, nil
}

func (w *writer) extend(l *lease, until int64) error {
	if until <= l.until {
		return nil
	}
	if _, err := w.c.exec(sqlExtendLease, signed(l.id), until); err != nil {
		return err
	}
	l.until = until
	return nil
}

// Renew extends a live lease and says which tasks are no longer held.
func (s *Store) Renew(ctx context.Context, r provider.Renewal) ([]provider.Token, error) {
	var lost []provider.Token
	err := s.write(ctx, "renew", 0, func(w *writer) error {
		lost = nil
		l, err := w.liveLease(r.Lease)
		if err != nil {
			return err
		}
		if l == nil {
			return refuse(provider.ErrLockLost, "Lock token invalid, expired, or already released")
		}
		for _, token := range r.Tasks {
			t, held, err := w.heldTask(token)
			if err != nil {
				return err
			}
			if !held {
				lost = append(lost, token)
				continue
			}
			if err := w.bumpSession(t); err != nil {
				return err
			}
		}
		return w.extend(l, w.now+r.Extend.Milliseconds())
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// Held lists what is claimed under any lease of a node. It waits its turn with the writer, so that
// it sees the outcome of every call before it, also of those whose callers have given up.
func (s *Store) Held(ctx context.Context, node string) (provider.Held, error) {
	var held provider.Held
	err := s.write(ctx, "held", 0, func(w *writer) (err error) {
		if held.Instances, err = tokens(w.c, sqlHeldInstances, node); err != nil {
			return err
		}
		held.Tasks, err = tokens(w.c, sqlHeldTasks, node)
		return err
	})
	if err != nil {
		return provider.Held{}, err
	}
	return held, nil
}

func tokens(c *conn, s *statement, node string) ([]provider.Token, error) {
	var found []provider.Token
	err := c.each(s, func(r *rows) bool {
		found = append(found, provider.Token{
			Key: r.uint(0), Epoch: r.uint(1), Lease: provider.LeaseID(r.uint(2)),
		})
		return true
	}, node)
	return found, err
}
