package sqlite

import (
	"cmp"
	"context"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlHold       = &statement{`UPDATE details SET hold = ?2 WHERE instance = ?1`}
	sqlCancelling = &statement{`UPDATE details SET cancelling = ?2 WHERE instance = ?1`}
	sqlPatches    = &statement{`UPDATE details SET patched = ?2, patches = ?3 WHERE instance = ?1`}
)

// cancelling notes that an instance is being cancelled, or for nil that it is not any more.
func (w *writer) cancelling(i *instance, c *provider.Cancelling) error {
	_, err := w.c.exec(sqlCancelling, signed(i.key), optionalBytes(provider.EncodeCancelling(c)))
	return err
}

// answered notes what the current execution has been answered at its patches.
func (w *writer) answered(i *instance, t *turn) error {
	_, err := w.c.exec(sqlPatches, signed(i.key), signed(i.execution), optionalBytes(t.Patches))
	return err
}

// held says what an instance is held for, or gives nil.
func (i *instance) held() *provider.Hold { return i.hold.At(i.execution, i.lastEvent, i.status) }

// endsForAll reports whether anybody may take what ends an instance.
func (i *instance) endsForAll() bool { return i.execution == 0 || i.held() != nil }

// laneOf gives the lane of a message for an instance.
func (i *instance) laneOf(m *provider.Message) int64 {
	if m.Ends(i.parent) && i.execution == 0 || m.Kind.EndsHeld() && i.held() != nil {
		return anyTurn
	}
	return i.lane
}

// commitHold holds an instance with a turn, or ends that.
func (w *writer) commitHold(i *instance, t *turn) error {
	i.pin = max(i.pin, t.Level)
	if err := w.hold(i, t.Hold); err != nil {
		return err
	}
	if i.status == provider.ContinuedAsNew {
		return w.move(i, provider.TurnLane(i.name, i.version, i.pin))
	}
	lane, err := w.wanted(i)
	if err != nil {
		return err
	}
	return w.move(i, lane)
}

func (w *writer) hold(i *instance, h *provider.Hold) error {
	i.hold = h
	_, err := w.c.exec(sqlHold, signed(i.key), optionalBytes(provider.EncodeHold(h)))
	return err
}

// optionalBytes binds bytes; none are null.
func optionalBytes(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// Resume ends the hold of an instance.
func (s *Store) Resume(ctx context.Context, instance string) (bool, error) {
	held := false
	err := s.write(ctx, "resume", 0, func(w *writer) error {
		i, err := w.withID(instance)
		switch {
		case err != nil:
			return err
		case i == nil || !i.born:
			return rules.NotFound(instance)
		}
		if held = i.held() != nil; !held {
			return nil
		}
		if err := w.hold(i, nil); err != nil {
			return err
		}
		lane, err := w.wanted(i)
		if err != nil {
			return err
		}
		if err := w.resettle(i, lane); err != nil {
			return err
		}
		_, err = w.offer(i)
		return err
	})
	return held && err == nil, err
}

var (
	sqlStopping = &statement{`SELECT 1 FROM ` + firstMessages + ` WHERE instance = ?1 + 0 AND ` + isEnding + ` AND effective <= ?2 LIMIT 1`}
	sqlRerun    = &statement{`
UPDATE executions SET status = 1, output = NULL, completed = NULL, failure = NULL WHERE instance = ?1 AND execution = ?2`}
	sqlDropAnswers = &statement{`DELETE FROM messages WHERE instance = ?1 + 0 AND kind NOT IN ` + inputs}
	sqlDropTasks   = &statement{`DELETE FROM tasks WHERE instance = ?1 + 0`}
	sqlClearBase   = &statement{`
UPDATE key_values SET base = NULL, base_at = 0, dirty = 1 WHERE instance = ?1 + 0`}
	sqlSetBase = &statement{`
INSERT INTO key_values (instance, key, base, base_at, dirty) VALUES (?1, ?2, ?3, ?4, 1)
ON CONFLICT (instance, key) DO UPDATE SET base = ?3, base_at = ?4, dirty = 1`}
)

// rewrite is a rewritten history and the instance that gets it.
type rewrite struct {
	rules.Rewrite
	found *instance
}

// Repair gives instances another history.
func (s *Store) Repair(ctx context.Context, r provider.Repair) error {
	encoded, size, err := rules.EncodeRewrites(&r)
	if err != nil {
		return failure("repair", err)
	}
	all := make([]rewrite, len(encoded))
	for n := range encoded {
		all[n].Rewrite = encoded[n]
	}
	return s.write(ctx, "repair", size, func(w *writer) error {
		if err := w.repairable(&r, all); err != nil {
			return err
		}
		for n := range all {
			if err := w.rewrite(&all[n]); err != nil {
				return err
			}
		}
		for _, rw := range all { // Now that all of them run.
			if _, _, err := w.deliver(rw.Send, rw.Turn.SendBodies, nil); err != nil {
				return err
			}
			if _, err := w.offer(rw.found); err != nil {
				return err
			}
		}
		return nil
	})
}

// isAsSaid reports whether an instance is as a repair says.
func (i *instance) isAsSaid(rw *rewrite) bool {
	return i.life.Fits(rw.Life) && i.execution == rw.At() && i.lastEvent == rw.LastEvent && i.status == rw.Status
}

// repairable finds the instances of a repair, all of which must be as they are said to be (I2).
func (w *writer) repairable(r *provider.Repair, all []rewrite) error {
	changed := rules.Changed()
	for _, place := range r.Running {
		if err := w.goingOn(place); err != nil {
			return err
		}
	}
	for n := range all {
		rw := &all[n]
		if rw.Fresh {
			taken, err := w.isTaken(rw.Instance)
			if err != nil || taken {
				return cmp.Or(err, changed)
			}
			continue
		}
		i, err := w.withID(rw.Instance)
		if err != nil {
			return err
		}
		if i == nil || !i.isAsSaid(rw) {
			return changed
		}
		kept, err := w.c.one(sqlHasExecution, signed(i.key), signed(rw.Execution))
		if err != nil || kept == nil {
			return cmp.Or(err, changed)
		}
		rw.found = i
	}
	return nil
}

// goingOn sees that an instance runs, and that nothing is about to stop it.
func (w *writer) goingOn(place provider.Place) error {
	i, err := w.withID(place.Instance)
	if err != nil {
		return err
	}
	if i == nil || !i.born || !i.life.Fits(place.Life) || i.hasEnded() {
		return rules.Changed()
	}
	if stopping, err := w.c.one(sqlStopping, signed(i.key), w.now); err != nil || stopping != nil {
		return cmp.Or(err, rules.Changed())
	}
	return nil
}

func (w *writer) rewrite(rw *rewrite) error {
	if err := w.rewritten(rw); err != nil {
		return err
	}
	i, key := rw.found, signed(rw.found.key)
	if err := w.rewriteHistory(rw); err != nil {
		return err
	}
	for _, s := range []*statement{sqlDropTasks, sqlDropAnswers, sqlClearBase} {
		if _, err := w.c.exec(s, key); err != nil {
			return err
		}
	}
	clear(w.tasks) // some of them were its own
	for _, hash := range rw.Forget {
		if _, err := w.c.exec(sqlForgetKey, key, hash); err != nil {
			return err
		}
	}
	for name, value := range rw.Base {
		if _, err := w.c.exec(sqlSetBase, key, name, blob(value.Data), value.UpdatedAtMs); err != nil {
			return err
		}
	}
	if err := w.rewriteState(rw); err != nil {
		return err
	}
	i.epoch++
	i.lease, i.batch, i.batchDue = 0, 0, 0
	if _, err := w.c.exec(sqlClaim, key, signed(i.epoch), int64(0), int64(0), int64(0)); err != nil {
		return err
	}
	i.status, i.dirty, i.pin = provider.Running, true, max(i.pin, rw.Level)
	i.done, i.doneAfter = 0, 0
	if err := w.commitHold(i, rw.Turn); err != nil {
		return err
	}
	if err := w.cancelling(i, nil); err != nil {
		return err
	}
	changed, err := w.c.exec(sqlCommitTurn,
		key, signed(i.execution), int64(i.status), signed(i.lastEvent), signed(i.pin),
		i.events, i.bytes, flag(i.dirty), w.now, signed(i.epoch), int64(0), i.lane)
	switch {
	case err != nil:
		return err
	case changed != 1:
		return errForgotten
	}
	w.touch(i.id)
	var none provider.Committed
	return w.commitTasks(i, rw.Turn, &none)
}

// rewriteState gives the instance the answers, the live values and the custom status of another moment.
func (w *writer) rewriteState(rw *rewrite) error {
	if err := w.answered(rw.found, rw.Turn); err != nil {
		return err
	}
	key := signed(rw.found.key)
	if rw.Live != nil {
		if _, err := w.c.exec(sqlClearValues, key); err != nil {
			return err
		}
	}
	for name, value := range rw.Live {
		if _, err := w.c.exec(sqlSetValue, key, name, blob(value.Data), value.UpdatedAtMs); err != nil {
			return err
		}
	}
	if rw.CustomStatus == nil {
		return nil
	}
	_, err := w.c.exec(sqlCustomStatus, key, optionalBlob(rw.CustomStatus.Status))
	return err
}

// rewriteHistory gives the execution its other history.
func (w *writer) rewriteHistory(rw *rewrite) error {
	i, key, execution := rw.found, signed(rw.found.key), signed(rw.Execution)
	if _, err := w.c.exec(sqlDeleteHistory, key, execution); err != nil {
		return err
	}
	i.events, i.bytes = int64(len(rw.Events)), 0
	i.lastEvent = rw.Events[len(rw.Events)-1].ID
	for n, row := range rw.Rows {
		first := rw.Events[n*provider.RowEvents].ID
		if _, err := w.c.exec(sqlAppend, key, execution, signed(first), row); err != nil {
			return err
		}
		i.bytes += int64(len(row))
	}
	_, err := w.c.exec(sqlRerun, key, execution)
	return err
}
