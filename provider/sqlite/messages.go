package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlInsertInstance = &statement{`
INSERT INTO instances (key, id, epoch, lease, batch, batch_due, lane, pin)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`}
	sqlInsertMessage = &statement{`
INSERT INTO messages (id, instance, due, effective, kind, execution, source, body, lane)
VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8)`}
	// What waits for a start is hidden for as long as it may wait.
	sqlInsertWaiting = &statement{`
INSERT INTO messages (id, instance, due, effective, kind, execution, source, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`}
	// A start makes what waited for it visible again.
	sqlUnhide       = &statement{`UPDATE messages SET due = effective, lane = ?2 WHERE instance = ?1 + 0`}
	sqlBringForward = &statement{`
UPDATE messages SET due = ?2, effective = min(effective, ?2) WHERE instance = ?1 + 0 AND due > ?2 AND kind NOT IN ` + ends}
	// Each by an index, so that a page costs the same however many messages wait. What comes by due time
	// is everything where it is less than a page; else what goes first is added, and what was hidden for
	// a while, whose place is earlier than when it was due.
	sqlPending = &statement{`
SELECT id, effective, attempts, kind, body, marks FROM messages INDEXED BY messages_instance
WHERE instance = ?1 + 0 AND due <= ?2 ORDER BY due, id LIMIT 257`}
	sqlFirst = &statement{`
SELECT id, effective, attempts, kind, body, marks FROM ` + firstMessages + `
WHERE instance = ?1 + 0 AND kind IN ` + firsts + ` AND due <= ?2 ORDER BY effective, id LIMIT 257`}
	sqlHidden = &statement{`
SELECT id, effective, attempts, kind, body, marks FROM messages INDEXED BY duroxide_messages_late
WHERE instance = ?1 + 0 AND due > effective AND due <= ?2 ORDER BY effective, id LIMIT 257`}
	// Before the first commit only a start makes the others deliverable.
	sqlAnyDue = &statement{`
SELECT 1 FROM messages
WHERE instance = ?1 + 0 AND due <= ?2 AND (?3 > 0 OR kind IN ` + starts + `) LIMIT 1`}
	sqlNextDue = &statement{`
SELECT due FROM messages WHERE instance = ?1 + 0 AND due > ?2 ORDER BY due LIMIT 1`}
	sqlAnyStart = &statement{`
SELECT 1 FROM ` + firstMessages + ` WHERE instance = ?1 + 0 AND ` + isStarting + ` LIMIT 1`}
	sqlQuarantine = &statement{`
UPDATE messages SET attempts = attempts + 1, due = ?2 WHERE id = ?1`}
)

// Submit stores messages and claims free targets.
func (s *Store) Submit(
	ctx context.Context, sub provider.Submission,
) ([]provider.Submitted, error) {
	bodies, size, err := rules.EncodeMessages(sub.Messages)
	if err != nil {
		return nil, failure("submit", err)
	}
	var results []provider.Submitted
	err = s.write(ctx, "submit", size, func(w *writer) (err error) {
		results, _, err = w.deliver(sub.Messages, bodies, sub.Claim)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// target is one place that messages are delivered to.
type target struct {
	*instance
	// fresh says that the row is not inserted yet; then arrived has all messages that there are.
	fresh bool
	// taken says that somebody lived there before; start, that a life begins now; waits, that messages
	// were stored before it.
	taken, start, waits bool
	settled             bool
	arrived             []provider.Message
}

// delivery is one call of deliver.
type delivery struct {
	w       *writer
	targets map[string]*target
	claims  holder
}

// deliver stores messages, then claims the targets that are ready for the holder, if there is one.
// The claim stands in the result of the first message of its target. It gives the lease too.
func (w *writer) deliver(
	messages []provider.Message, bodies [][]byte, h *provider.Holder,
) ([]provider.Submitted, provider.LeaseID, error) {
	d := delivery{w: w, claims: holder{Holder: h}, targets: map[string]*target{}}
	results := make([]provider.Submitted, len(messages))
	targets := make([]*target, len(messages))
	for n := range messages {
		var err error
		if targets[n], err = d.accept(messages[n], bodies[n], &results[n]); err != nil {
			return nil, 0, err
		}
	}
	for n, t := range targets {
		if t == nil {
			continue
		}
		if !t.settled {
			t.settled = true
			claim, err := d.settle(t)
			if err != nil {
				return nil, 0, err
			}
			results[n].Claim = claim
		}
		results[n].Held, results[n].Life = t.lease, t.life
	}
	return results, d.claims.Used, nil
}

// accept stores a message if it is for who lives at its target. It gives where something was stored.
func (d *delivery) accept(
	m provider.Message, body []byte, result *provider.Submitted,
) (*target, error) {
	t, err := d.target(m.Instance)
	if err != nil {
		return nil, err
	}
	result.Existing, result.Starting = t.status, t.execution == 0 && (t.taken || t.start)
	result.Fate = provider.FateOf(m, t.taken || t.start, t.life, t.status, t.pin)
	if result.Fate == provider.Stored {
		if result.Fate, err = d.admit(t, &m); err != nil {
			return nil, err
		}
	}
	switch result.Fate {
	case provider.Stored:
		if m.IsKept() {
			return nil, nil
		}
		return t, d.insert(t, m, body, result)
	case provider.Taken:
		return d.refuse(m, result)
	case provider.Same, provider.Refused, provider.Dropped, provider.Repeated, provider.Late,
		provider.Unheard:
		return nil, nil
	default:
		return nil, fmt.Errorf("unknown fate %d", result.Fate)
	}
}

// refuse stores what stands for a start whose place is taken.
func (d *delivery) refuse(m provider.Message, result *provider.Submitted) (*target, error) {
	if m.Refusal == nil {
		return nil, nil
	}
	var stored provider.Submitted
	answer := *m.Refusal.For(result.Existing)
	t, err := d.accept(answer, provider.EncodeMessage(answer), &stored)
	if t != nil && err == nil {
		result.Fate, result.ID, result.DueMs = provider.Refused, stored.ID, stored.DueMs
	}
	return t, err
}

func (d *delivery) target(id string) (*target, error) {
	if t, ok := d.targets[id]; ok {
		return t, nil
	}
	i, err := d.w.withID(id)
	if err != nil {
		return nil, err
	}
	t := &target{instance: i}
	if i == nil {
		key, err := d.w.newID()
		if err != nil {
			return nil, err
		}
		t.fresh, t.instance = true, &instance{key: key, id: id}
	} else if t.taken = i.born; !i.born {
		// A start that an older release stored has no cold row.
		start, err := d.w.c.one(sqlAnyStart, signed(i.key))
		if err != nil {
			return nil, err
		}
		t.taken, t.waits = start != nil, true
	}
	d.targets[id] = t
	return t, nil
}

func (d *delivery) insert(
	t *target, m provider.Message, body []byte, result *provider.Submitted,
) error {
	id, err := d.w.newID()
	if err != nil {
		return err
	}
	if m.DueMs == 0 {
		m.DueMs = d.w.now
	}
	if err := d.place(t, m); err != nil {
		return err
	}
	if t.taken || t.start {
		_, err = d.w.c.exec(sqlInsertMessage, signed(id), signed(t.key), m.DueMs, int64(m.Kind),
			signed(m.Execution), signed(m.Source), body, t.laneOf(&m))
	} else {
		t.waits = true
		until := m.DueMs + provider.Patience(m.Kind, d.w.store.options.OrphanRetention).Milliseconds()
		_, err = d.w.c.exec(sqlInsertWaiting, signed(id), signed(t.key), until, m.DueMs,
			int64(m.Kind), signed(m.Execution), signed(m.Source), body)
	}
	if err != nil {
		return err
	}
	t.messages++
	if t.execution == 0 && (t.taken || t.start) && m.BringsForward(t.parent) {
		if err := d.bringForward(t); err != nil {
			return err
		}
	}
	m.ID, m.Attempts = id, 0
	result.ID, result.DueMs = id, m.DueMs
	if t.fresh || d.claims.Holder == nil {
		t.arrived = append(t.arrived, m)
	}
	return nil
}

// bringForward makes a delayed start due, and what waits with it.
func (d *delivery) bringForward(t *target) error {
	for n, m := range t.arrived {
		if m.Stop != provider.TimedOut {
			t.arrived[n].DueMs = min(m.DueMs, d.w.now)
		}
	}
	_, err := d.w.c.exec(sqlBringForward, signed(t.key), d.w.now)
	return err
}

// beginLife makes a place the home of a life. What has waited for one in vain is dropped, and the rest is
// visible again.
func (d *delivery) beginLife(t *target, m provider.Message) error {
	w, i := d.w, t.instance
	t.start = true
	i.born, i.life, i.name, i.version, i.parent = true, m.Life, m.Name, "", m.Parent
	if m.Version != nil {
		i.version = *m.Version
	}
	var err error
	i.pin = max(i.pin, m.Level)
	if i.lane, err = w.laneNumber(m.LaneOf(i.pin)); err != nil {
		return err
	}
	if err := w.create(i); err != nil {
		return err
	}
	if !t.fresh {
		if _, err := w.c.exec(sqlInstanceLane, signed(i.key), i.lane, signed(i.pin)); err != nil {
			return err
		}
	}
	if !t.waits {
		return nil
	}
	if err := w.dropLate(i); err != nil {
		return err
	}
	if _, err = w.c.exec(sqlUnhide, signed(t.key), i.lane); err != nil {
		return err
	}
	_, err = w.c.exec(sqlFreeEnds, signed(t.key))
	return err
}

// place gives a target its lane where a message decides about that.
func (d *delivery) place(t *target, m provider.Message) error {
	switch {
	case rules.IsStart(m.Kind) && !t.taken && !t.start:
		return d.beginLife(t, m)
	case t.fresh && !t.start:
		t.pin = max(t.pin, m.Level)
		return nil
	case m.Kind == provider.ContinueInstance:
		t.pin = max(t.pin, m.Level)
		return d.w.resettle(t.instance, m.LaneOf(t.pin))
	case t.taken || t.start:
		return d.w.raise(t.instance, m.Level)
	default:
		return nil
	}
}

// settle claims a target or says that there is work on it.
func (d *delivery) settle(t *target) (*provider.InstanceClaim, error) {
	if t.fresh {
		return d.settleFresh(t)
	}
	w := d.w
	if !t.taken && !t.start {
		return nil, nil
	}
	if err := w.freeIfEnded(t.instance); err != nil {
		return nil, err
	}
	if t.lease != 0 {
		return nil, nil
	}
	serves, err := d.serves(t)
	if err != nil {
		return nil, err
	}
	if serves {
		claim, err := w.claim(t.instance, &d.claims)
		if claim != nil || err != nil {
			d.claims.Taken++
			return claim, err
		}
	}
	return nil, d.offer(t)
}

// serves reports whether the holder of the call has room for a target and can run it.
func (d *delivery) serves(t *target) (bool, error) {
	if !d.claims.MayTake() {
		return false, nil
	}
	if t.fresh {
		lane, err := d.w.laneOf(t.lane)
		return d.claims.Turns(lane), err
	}
	lane, err := d.w.sorted(t.instance)
	return d.claims.Turns(lane), err
}

// settleFresh inserts the row of a new target, claimed at once where that is wanted: all its
// messages are at hand, so nothing is read.
func (d *delivery) settleFresh(t *target) (*provider.InstanceClaim, error) {
	w := d.w
	slices.SortStableFunc(t.arrived, func(a, b provider.Message) int {
		return cmp.Compare(a.DueMs, b.DueMs)
	})
	due := t.arrived
	for n, m := range t.arrived {
		if m.DueMs > w.now {
			due = t.arrived[:n]
			break
		}
	}
	started := slices.ContainsFunc(due, func(m provider.Message) bool { return rules.IsStart(m.Kind) })
	claimed := false
	if started {
		var err error
		if claimed, err = d.serves(t); err != nil {
			return nil, err
		}
	}
	if claimed {
		d.claims.Taken++
		lease, err := w.lease(&d.claims)
		if err != nil {
			return nil, err
		}
		t.lease, t.epoch, t.batchDue = lease, 1, w.now
		for _, m := range due {
			t.batch = max(t.batch, m.ID)
		}
	}
	_, err := w.c.exec(sqlInsertInstance, signed(t.key), t.id, signed(t.epoch),
		signed(t.lease), signed(t.batch), t.batchDue, t.lane, signed(t.pin))
	if err != nil {
		return nil, err
	}
	w.remember(t.instance)
	if !claimed {
		return nil, d.offer(t)
	}
	claim := t.claimed()
	claim.Messages, claim.More = provider.CutPage(slices.Clip(due), provider.SizeOf)
	claim.Attempt = 1
	return claim, nil
}

// offer tells watchers of what has arrived for an instance that nobody holds.
func (d *delivery) offer(t *target) error {
	switch {
	case t.fresh && !t.start:
		return nil
	case len(t.arrived) == 0, t.execution == 0 && !t.fresh:
		_, err := d.w.offer(t.instance)
		return err
	}
	for _, m := range t.arrived {
		d.w.ready(m.DueMs)
	}
	return nil
}

// anyDue reports whether an instance has messages that can be delivered now.
func (w *writer) anyDue(i *instance) (bool, error) {
	if i.messages == 0 {
		return false, nil
	}
	r, err := w.c.one(sqlAnyDue, signed(i.key), w.now, signed(i.execution))
	return r != nil, err
}

// offer notes the work of an instance that nobody holds, and reports whether there is some now.
func (w *writer) offer(i *instance) (work bool, err error) {
	if i.messages == 0 {
		return false, nil
	}
	if work, err = w.anyDue(i); err != nil {
		return false, err
	}
	if work {
		w.ready(w.now)
	}
	next, err := w.c.one(sqlNextDue, signed(i.key), w.now)
	if err == nil && next != nil {
		w.ready(next.int(0))
	}
	return work, err
}
