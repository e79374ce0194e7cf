package sqlite

import (
	"context"
	"math"
	"time"

	"duroxide/provider"
	"duroxide/provider/clock"
)

var (
	// The join order is fixed: the messages that are due come first, by their index.
	sqlReady = &statement{`
SELECT m.instance FROM messages m CROSS JOIN instances i ON i.key = m.instance
WHERE m.due <= ?1 AND i.lease = 0
  AND (i.execution = 0 OR i.pin = 0 OR i.pin BETWEEN ?2 AND ?3)
ORDER BY m.due, m.id`}
	sqlWaiting = &statement{`
SELECT i.id, m.id FROM messages m CROSS JOIN instances i ON i.key = m.instance
WHERE m.due <= ?1 AND i.lease = ?2 + 0 ORDER BY i.id`}
	sqlClaim = &statement{`
UPDATE instances SET epoch = ?2, lease = ?3, batch = ?4, batch_due = ?5 WHERE key = ?1`}
	// Timers of held instances are no reason to wake up. The number of rows that are looked at is
	// bounded; beyond it the first one that was not looked at is reported.
	sqlNextMessage = &statement{`
SELECT m.due FROM (SELECT due, instance FROM messages WHERE due > ?1 ORDER BY due LIMIT 500) m
CROSS JOIN instances i ON i.key = m.instance
WHERE i.lease = 0 AND (i.execution <> 0 OR EXISTS (
  SELECT 1 FROM messages s WHERE s.instance = i.key AND s.kind IN (1, 2)))
ORDER BY m.due LIMIT 1`}
	sqlNextBeyond = &statement{`
SELECT due FROM messages WHERE due > ?1 ORDER BY due LIMIT 1 OFFSET 500`}
	sqlNextTask = &statement{`
SELECT due FROM tasks WHERE lease = 0 AND place = 0 AND due > ?1 ORDER BY due LIMIT 1`}
)

// Claim takes ready instances and tasks.
func (s *Store) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	var claimed provider.Claimed
	err := s.write(ctx, "claim", 0, func(w *writer) error {
		claimed = provider.Claimed{}
		if err := w.sweep(); err != nil {
			return err
		}
		if err := w.claimTurns(&r, &claimed); err != nil {
			return err
		}
		if err := w.claimTasks(&r, &claimed); err != nil {
			return err
		}
		next, err := w.nextDue()
		claimed.NextDue = moment(next)
		return err
	})
	if err != nil {
		return provider.Claimed{}, err
	}
	s.examineOnce()
	return claimed, nil
}

func (w *writer) claimTurns(r *provider.ClaimRequest, claimed *provider.Claimed) error {
	if r.Turns == nil {
		return nil
	}
	if err := w.waiting(r.Turns.Lease, claimed); err != nil {
		return err
	}
	claims := holder{Holder: r.Turns}
	for len(claimed.Instances) < r.MaxTurns {
		keys, err := w.candidates(r.Versions, r.MaxTurns-len(claimed.Instances))
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			i, err := w.withKey(key)
			if err != nil {
				return err
			}
			// What is not claimed was an orphan and is hidden or gone now, so that this ends.
			claim, err := w.claim(i, &claims)
			if err != nil {
				return err
			}
			if claim != nil {
				claimed.Instances = append(claimed.Instances, *claim)
			}
		}
	}
	claimed.TurnLease = claims.used
	return nil
}

// waiting lists the due messages of what is held under a live lease.
func (w *writer) waiting(id provider.LeaseID, claimed *provider.Claimed) error {
	l, err := w.liveLease(id)
	if l == nil || err != nil {
		return err
	}
	return w.c.each(sqlWaiting, func(r *rows) bool {
		instance, message := r.text(0), r.uint(1)
		last := len(claimed.Waiting) - 1
		if last < 0 || claimed.Waiting[last].Instance != instance {
			claimed.Waiting = append(claimed.Waiting, provider.Waiting{Instance: instance})
			last++
		}
		claimed.Waiting[last].Messages = append(claimed.Waiting[last].Messages, message)
		return true
	}, w.now, signed(id))
}

// candidates gives free instances with due messages, longest waiting first. An instance with many
// messages ends the search early; once it is claimed the next search leaves it out.
func (w *writer) candidates(versions *provider.VersionRange, limit int) ([]uint64, error) {
	const repeats = 64
	least, most := int64(0), int64(math.MaxInt64)
	if versions != nil {
		least, most = signed(versions.Min), signed(versions.Max)
	}
	var keys []uint64
	seen := map[uint64]bool{}
	repeated := 0
	err := w.c.each(sqlReady, func(r *rows) bool {
		key := r.uint(0)
		if seen[key] {
			repeated++
			return repeated < repeats
		}
		seen[key] = true
		keys = append(keys, key)
		return len(keys) < limit
	}, w.now, least, most)
	return keys, err
}

// fits compares the pin of the current execution; what has no pin fits every range.
func (i *instance) fits(v *provider.VersionRange) bool {
	return v == nil || i.execution == 0 || i.pin == 0 || (v.Min <= i.pin && i.pin <= v.Max)
}

func (i *instance) claimed() *provider.InstanceClaim {
	return &provider.InstanceClaim{
		Token:     provider.Token{Key: i.key, Epoch: i.epoch, Lease: i.lease},
		Instance:  i.id,
		Life:      i.life,
		Starts:    i.starts,
		Parent:    i.parent,
		Execution: i.execution,
		LastEvent: i.lastEvent,
		Status:    i.status,
		Name:      i.name,
		Version:   i.version,
	}
}

// claim takes a free instance with its due messages. It gives nil where there is none, or where
// they wait for a start.
func (w *writer) claim(i *instance, h *holder) (*provider.InstanceClaim, error) {
	b, err := due(w.c, i.key, i.id, w.now)
	if err != nil {
		return nil, err
	}
	if b.last == 0 {
		return nil, nil
	}
	if i.execution == 0 && !b.start {
		return nil, w.hideOrphans(i)
	}
	for n, m := range b.undecodable {
		w.store.log.Warn("sqlite: message cannot be read",
			"instance", i.id, "message", m.ID, "reason", m.Reason)
		if _, err := w.c.exec(sqlQuarantine, signed(m.ID), w.now+b.pauses[n]); err != nil {
			return nil, err
		}
	}
	lease, err := w.lease(h)
	if err != nil {
		return nil, err
	}
	i.epoch++
	i.lease, i.batch, i.batchDue = lease, b.last, w.now
	_, err = w.c.exec(sqlClaim,
		signed(i.key), signed(i.epoch), signed(i.lease), signed(i.batch), i.batchDue)
	if err != nil {
		return nil, err
	}
	claim := i.claimed()
	claim.Messages, claim.More, claim.Undecodable = b.messages, b.more, b.undecodable
	claim.Attempt, claim.Marks = b.attempts+1, b.marks
	return claim, nil
}

// held gives the instance of a token that is valid now.
func (w *writer) held(token provider.Token) (*instance, error) {
	i, err := w.withKey(token.Key)
	if err != nil {
		return nil, err
	}
	if i == nil || i.epoch != token.Epoch || i.lease != token.Lease {
		return nil, lockLost()
	}
	l, err := w.liveLease(token.Lease)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, lockLost()
	}
	return i, nil
}

func lockLost() error { return refuse(provider.ErrLockLost, "%v", provider.ErrLockLost) }

// freeIfEnded frees what the lease of an instance held, if that has ended.
func (w *writer) freeIfEnded(i *instance) error {
	if i.lease == 0 {
		return nil
	}
	all, err := w.allLeases()
	if err != nil {
		return err
	}
	l := all[i.lease]
	if l == nil {
		// Cannot be (I4), but an instance that nobody could ever claim would be worse.
		l = &lease{Lease: clock.Lease{ID: i.lease}}
	} else if !w.store.leases.Ended(l.ID) {
		return nil
	}
	return w.endLease(l)
}

// nextDue gives when the earliest delayed work that nobody holds is due, or zero.
func (w *writer) nextDue() (int64, error) {
	next := int64(0)
	earlier := func(r *rows, err error) error {
		if r != nil && (next == 0 || r.int(0) < next) {
			next = r.int(0)
		}
		return err
	}
	if err := earlier(w.c.one(sqlNextMessage, w.now)); err != nil {
		return 0, err
	}
	if next == 0 {
		if err := earlier(w.c.one(sqlNextBeyond, w.now)); err != nil {
			return 0, err
		}
	}
	return next, earlier(w.c.one(sqlNextTask, w.now))
}

// pause is how long something that cannot be read is hidden, by the number of times that it was
// tried.
func pause(attempts int64) int64 {
	const first, most = time.Second, time.Minute
	return min(first<<min(max(attempts-1, 0), 10), most).Milliseconds()
}
