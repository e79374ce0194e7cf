package sqlite

import (
	"context"
	"errors"
	"time"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
	"duroxide/provider/rules"
)

type lease struct {
	clock.Lease
	node string
}

var (
	sqlLeases = &statement{`
SELECT id, until_ms, host, pid, pid_start, node, length_ms FROM leases`}
	sqlOpenLease = &statement{`
INSERT INTO leases (id, node, until_ms, host, pid, pid_start, length_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`}
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
	var seen []clock.Lease
	err := w.c.each(sqlLeases, func(r *rows) bool {
		l := clock.Lease{
			ID: provider.LeaseID(r.uint(0)), Until: r.int(1),
			Length: time.Duration(r.int(6)) * time.Millisecond,
			Owner:  process.ID{Host: r.text(2), PID: r.int(3), Start: r.int(4)},
		}
		all[l.ID] = &lease{Lease: l, node: r.text(5)}
		seen = append(seen, l)
		return true
	})
	if err != nil {
		return nil, err
	}
	w.leases = all
	w.store.leases.Look(seen)
	return all, nil
}

// liveLease gives a lease that has not ended, or nil.
func (w *writer) liveLease(id provider.LeaseID) (*lease, error) {
	if id == 0 {
		return nil, nil
	}
	all, err := w.allLeases()
	if err != nil {
		return nil, err
	}
	if l := all[id]; l != nil && !w.store.leases.Ended(id) {
		return l, nil
	}
	return nil, nil
}

// sweep ends the leases that may be ended, so that what they held is free.
func (w *writer) sweep() error {
	all, err := w.allLeases()
	if err != nil {
		return err
	}
	failing := w.store.leases.Failing()
	for _, l := range all {
		switch {
		case failing:
			// Nothing ends before a write has worked, and there may be nothing else to write.
			if _, err := w.c.exec(sqlExtendLease, signed(l.ID), l.Until); err != nil {
				return err
			}
		case w.store.leases.Ended(l.ID):
			if err := w.endLease(l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) endLease(l *lease) error {
	id := signed(l.ID)
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
		if t.lease == l.ID {
			delete(w.tasks, key)
		}
	}
	if _, err := w.c.exec(sqlEndLease, id); err != nil {
		return err
	}
	delete(w.leases, l.ID)
	w.store.leases.Forget(l.ID)
	w.changed.work = true
	return nil
}

// holder resolves the lease of a provider.Holder with the first claim that needs it.
type holder = rules.Holder

// lease gives a live lease of the holder: its own, extended where less than half is left, or a new
// one.
func (w *writer) lease(h *holder) (provider.LeaseID, error) {
	if h.Used != 0 {
		return h.Used, nil
	}
	l, err := w.holderLease(h.Holder)
	if err != nil {
		return 0, err
	}
	switch {
	case l == nil:
		if h.Used, err = w.openLease(h.Node, h.TTL); err != nil {
			return 0, err
		}
		return h.Used, nil
	case l.Until-w.now < h.TTL.Milliseconds()/2:
		if err := w.extend(l, h.TTL); err != nil {
			return 0, err
		}
	}
	h.Used = l.ID
	return h.Used, nil
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
		if other.node == h.Node && !w.store.leases.Ended(other.ID) {
			return other, nil
		}
	}
	return nil, nil
}

func (w *writer) openLease(node string, length time.Duration) (provider.LeaseID, error) {
	all, err := w.allLeases()
	if err != nil {
		return 0, err
	}
	number, err := w.newID()
	if err != nil {
		return 0, err
	}
	l := &lease{node: node, Lease: clock.Lease{
		ID: provider.LeaseID(number), Until: w.now + length.Milliseconds(), Length: length, Owner: w.process,
	}}
	_, err = w.c.exec(sqlOpenLease, signed(l.ID), node, l.Until,
		l.Owner.Host, l.Owner.PID, l.Owner.Start, length.Milliseconds())
	if err != nil {
		return 0, err
	}
	all[l.ID] = l
	w.store.leases.Granted(l.Lease, w.at, length)
	return l.ID, nil
}

// extend makes a lease last for so long from now, or longer if it does already.
func (w *writer) extend(l *lease, by time.Duration) error {
	if until := w.now + by.Milliseconds(); until > l.Until {
		if _, err := w.c.exec(sqlExtendLease, signed(l.ID), until); err != nil {
			return err
		}
		l.Until = until
	}
	w.store.leases.Granted(l.Lease, w.at, by)
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
			return rules.Refuse(provider.ErrLockLost, "Lock token invalid, expired, or already released")
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
		if err := errors.Join(w.keepHeartbeats(r.Heartbeats), w.carry(r.Load)); err != nil {
			return err
		}
		return w.extend(l, r.Extend)
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
