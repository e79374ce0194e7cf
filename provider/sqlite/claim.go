package sqlite

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/rules"
)

var (
	// The join order is fixed: the messages that are due come first, by their index.
	sqlReady = &statement{`
SELECT m.instance, m.due, m.id FROM messages m CROSS JOIN instances i ON i.key = m.instance
WHERE m.lane = ?1 + 0 AND m.due <= ?2 AND i.lease = 0
ORDER BY m.due, m.id`}
	sqlWaiting = &statement{`
SELECT i.id, m.id FROM (
  SELECT id, instance FROM messages WHERE lane = ?1 + 0 AND due BETWEEN ?4 AND ?2 ORDER BY due LIMIT ?5) m
CROSS JOIN instances i ON i.key = m.instance WHERE i.lease = ?3 + 0`}
	sqlWaitingAfter = &statement{`
SELECT due FROM messages WHERE lane = ?1 + 0 AND due BETWEEN ?3 AND ?2 ORDER BY due LIMIT 1 OFFSET ?4`}
	sqlClaim = &statement{`
UPDATE instances SET epoch = ?2, lease = ?3, batch = ?4, batch_due = ?5 WHERE key = ?1`}
	// Timers of held instances are no reason to wake up. The number of rows that are looked at is
	// bounded; beyond it the first one that was not looked at is reported.
	sqlNextMessage = &statement{`
SELECT m.due FROM (
  SELECT due, instance FROM messages WHERE lane = ?1 + 0 AND due > ?2 ORDER BY due LIMIT 500) m
CROSS JOIN instances i ON i.key = m.instance
WHERE i.lease = 0 AND (i.execution <> 0 OR EXISTS (
  SELECT 1 FROM ` + firstMessages + ` WHERE instance = i.key AND ` + isStarting + `))
ORDER BY m.due LIMIT 1`}
	sqlNextBeyond = &statement{`
SELECT due FROM messages WHERE lane = ?1 + 0 AND due > ?2 ORDER BY due LIMIT 1 OFFSET 500`}
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
		lanes, err := w.claimTurns(&r, &claimed)
		if err != nil {
			return err
		}
		if err := w.claimTasks(&r, &claimed); err != nil {
			return err
		}
		next, err := w.nextDue(lanes)
		claimed.NextDue = moment(next)
		return err
	})
	if err != nil {
		return provider.Claimed{}, err
	}
	s.examineOnce()
	return claimed, nil
}

// claimTurns takes ready instances. It gives the lanes of the holder in which there are any messages.
func (w *writer) claimTurns(r *provider.ClaimRequest, claimed *provider.Claimed) ([]int64, error) {
	if r.Turns == nil {
		return nil, nil
	}
	if err := w.sortTurns(); err != nil {
		return nil, err
	}
	all, err := w.lanesOf(sqlNextTurnLane)
	if err != nil {
		return nil, err
	}
	lanes, left, err := w.choose(all, r.Turns.Turns)
	if err != nil {
		return nil, err
	}
	if err := w.waiting(r.Turns.Lease, lanes, claimed); err != nil {
		return nil, err
	}
	claims := holder{Holder: r.Turns}
	ready := search{lanes: lanes, takes: r.Turns.Turns, before: w.now, most: r.MaxTurns}
	if err := w.claimReady(&ready, &claims, claimed); err != nil {
		return nil, err
	}
	claimed.TurnLease = claims.Used
	if !r.Unserved {
		return lanes, nil
	}
	return lanes, w.report(sqlOldestTurn, left, claimed, w.now)
}

// search says which instances are taken: of some lanes, that were ready by a time.
type search struct {
	lanes  []int64
	takes  func(provider.Lane) bool
	before int64
	most   int
}

func (w *writer) claimReady(s *search, claims *holder, claimed *provider.Claimed) error {
	messages := 0
	for len(claimed.Instances) < s.most {
		found, err := w.candidates(s, s.most-len(claimed.Instances))
		if err != nil || len(found) == 0 {
			return err
		}
		for _, f := range found {
			claim, err := w.claimFound(f, s.takes, claims)
			if err != nil {
				return err
			}
			if claim == nil {
				continue
			}
			claimed.Instances = append(claimed.Instances, *claim)
			if messages += len(claim.Messages); messages >= provider.ClaimMessages {
				claimed.MoreTurns = true
				return nil
			}
		}
	}
	return nil
}

// claimFound claims a candidate, unless it belongs to a lane of others: then it is there afterwards. What
// is not claimed is that, or was an orphan and is hidden or gone, so that searching ends.
func (w *writer) claimFound(
	f candidate, takes func(provider.Lane) bool, claims *holder,
) (*provider.InstanceClaim, error) {
	i, err := w.withKey(f.key)
	if err != nil {
		return nil, err
	}
	lane, err := w.sorted(i)
	if err != nil {
		return nil, err
	}
	ends := f.lane == anyTurn && i.endsForAll()
	if i.lane != f.lane && !ends { // An older release has stored the message, or has moved the instance on.
		if err := w.moveMessages(i); err != nil {
			return nil, err
		}
	}
	if !ends && !takes(lane) {
		return nil, nil
	}
	return w.claim(i, claims)
}

// waitingScan is how many due messages of a lane one claim looks at, whoever they are for. The next claim
// goes on behind them.
const waitingScan = 1024

// waitingPart is where the next claim of a holder goes on to look in a lane.
type waitingPart struct {
	lane  int64
	lease provider.LeaseID
}

// waitingFrom gives the due time from which a claim looks at a lane, and moves it on.
func (w *writer) waitingFrom(p waitingPart) (from int64, err error) {
	from = w.waitingParts[p]
	r, err := w.c.one(sqlWaitingAfter, p.lane, w.now, from, int64(waitingScan))
	switch {
	case err != nil:
		return 0, err
	case r == nil: // The next one begins at the front.
		delete(w.waitingParts, p)
		return from, nil
	case len(w.waitingParts) >= waitingScan:
		clear(w.waitingParts)
	}
	w.waitingParts[p] = max(r.int(0), from+1)
	return from, nil
}

// waiting lists due messages of what is held under a live lease, in some lanes.
func (w *writer) waiting(id provider.LeaseID, lanes []int64, claimed *provider.Claimed) error {
	l, err := w.liveLease(id)
	if l == nil || err != nil {
		return err
	}
	byInstance := map[string][]uint64{}
	for _, lane := range lanes {
		from, err := w.waitingFrom(waitingPart{lane, id})
		if err != nil {
			return err
		}
		err = w.c.each(sqlWaiting, func(r *rows) bool {
			instance := r.text(0)
			byInstance[instance] = append(byInstance[instance], r.uint(1))
			return true
		}, lane, w.now, signed(id), from, int64(waitingScan))
		if err != nil {
			return err
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(byInstance)) {
		claimed.Waiting = append(claimed.Waiting,
			provider.Waiting{Instance: instance, Messages: byInstance[instance]})
	}
	return nil
}

// candidate is a free instance with due messages, the first of which is named.
type candidate struct {
	key  uint64
	lane int64
	due  int64
	id   uint64
}

// candidates gives free instances with due messages, longest waiting first. An instance
// with many messages ends the search in its lane early; once it is claimed the next search leaves it out.
func (w *writer) candidates(s *search, limit int) ([]candidate, error) {
	const repeats, least = 64, 8
	var found []candidate
	each := min(limit, max(least, 4*limit/max(len(s.lanes), 1)))
	seen := map[uint64]bool{}
	for _, lane := range s.lanes {
		repeated, count := 0, 0
		err := w.c.each(sqlReady, func(r *rows) bool {
			key := r.uint(0)
			if seen[key] {
				repeated++
				return repeated < repeats
			}
			seen[key] = true
			found = append(found, candidate{key: key, lane: lane, due: r.int(1), id: r.uint(2)})
			count++
			return count < each
		}, lane, s.before)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id))
	})
	return found[:min(limit, len(found))], nil
}

func (i *instance) claimed() *provider.InstanceClaim {
	return &provider.InstanceClaim{
		Token:     provider.Token{Key: i.key, Epoch: i.epoch, Lease: i.lease},
		Instance:  i.id,
		Life:      i.life,
		Starts:    i.starts,
		Parent:    i.parent,
		Hold:      i.held(),
		Execution: i.execution,
		LastEvent: i.lastEvent,
		Level:     i.pin,
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
	for _, m := range b.undecodable {
		w.store.log.Warn("sqlite: message cannot be read",
			"instance", i.id, "message", m.ID, "reason", m.Reason)
		if _, err := w.c.exec(sqlQuarantine, signed(m.ID), w.now+m.Pause().Milliseconds()); err != nil {
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
		return nil, rules.LockLost()
	}
	l, err := w.liveLease(token.Lease)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, rules.LockLost()
	}
	return i, nil
}

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

// nextDue gives when the earliest delayed work is due that nobody holds, or zero. Of messages it is that of
// some lanes.
func (w *writer) nextDue(lanes []int64) (int64, error) {
	next := int64(0)
	earlier := func(r *rows, err error) (bool, error) {
		if r != nil && (next == 0 || r.int(0) < next) {
			next = r.int(0)
		}
		return r != nil, err
	}
	for _, lane := range lanes {
		found, err := earlier(w.c.one(sqlNextMessage, lane, w.now))
		if err == nil && !found {
			_, err = earlier(w.c.one(sqlNextBeyond, lane, w.now))
		}
		if err != nil {
			return 0, err
		}
	}
	_, err := earlier(w.c.one(sqlNextTask, w.now))
	return next, err
}
