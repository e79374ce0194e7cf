package sqlite

import (
	"context"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlConsume    = &statement{`DELETE FROM messages WHERE id = ?1 AND instance = ?2 + 0`}
	sqlAppend     = &statement{`INSERT INTO histories (instance, execution, first, body) VALUES (?1, ?2, ?3, ?4)`}
	sqlCommitTurn = &statement{commitTurn + commitWhere}
	// To set the lease of a turn that keeps it would write its index anew.
	sqlCommitLast = &statement{commitTurn + `, lease = 0` + commitWhere}
	sqlRelease    = &statement{`UPDATE instances SET lease = 0 WHERE key = ?1`}
	sqlDropTimer  = &statement{`
DELETE FROM messages WHERE instance = ?1 + 0 AND execution = ?2 + 0 AND source = ?3 + 0 AND kind = ` + timers}
	sqlDropTimeout = &statement{`
DELETE FROM ` + firstMessages + ` WHERE instance = ?1 + 0 AND ` + isEnding + ` AND effective > ?2`}
)

const (
	commitTurn = `
UPDATE instances SET execution = ?2, status = ?3, last_event = ?4, pin = ?5, events = ?6,
  bytes = ?7, dirty = ?8, updated = ?9, done = ?10, done_after = ?11, lane = ?12`
	commitWhere = `
WHERE key = ?1 AND epoch = ?10`
)

// turn is a commit with everything encoded that can be encoded before it waits its turn.
type turn = rules.Turn

// Commit writes one turn.
func (s *Store) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	t, err := rules.EncodeTurn(c)
	if err != nil {
		return provider.Committed{}, failure("commit", err)
	}
	var result provider.Committed
	err = s.write(ctx, "commit", t.Size, func(w *writer) error {
		result = provider.Committed{}
		return w.commitTurn(t, &result)
	})
	if err != nil {
		return provider.Committed{}, err
	}
	return result, nil
}

// commitTurn checks everything first (I2). Only the consumed messages are checked by deleting
// them: that they are missing means that something is wrong already, and then a group is run again.
func (w *writer) commitTurn(t *turn, result *provider.Committed) error {
	i, err := w.checkTurn(t)
	if err != nil {
		return err
	}
	finished, err := w.checkTasks(t.Tasks)
	if err != nil {
		return err
	}
	for _, id := range t.Messages {
		deleted, err := w.c.exec(sqlConsume, signed(id), signed(i.key))
		if err != nil {
			return err
		}
		if deleted != 1 {
			return rules.Refuse(provider.ErrMessageLost, "message %d of %s was consumed already", id, i.id)
		}
		i.messages--
	}
	for n, token := range t.Tasks {
		if err := w.finishTask(token, finished[n]); err != nil {
			return err
		}
	}
	if err := w.commitExecution(i, t); err != nil {
		return err
	}
	if err := w.commitRow(i, t); err != nil {
		return err
	}
	if err := w.commitTasks(i, t, result); err != nil {
		return err
	}
	return w.commitMessages(i, t, result)
}

// checkTurn finds the instance of a turn that may be committed.
func (w *writer) checkTurn(t *turn) (*instance, error) {
	i, err := w.withKey(t.Token.Key)
	if err != nil {
		return nil, err
	}
	if i != nil && repeats(t, i) {
		return nil, rules.Refuse(provider.ErrAlreadyCommitted, "this turn of %s is committed", i.id)
	}
	if i, err = w.held(t.Token); err != nil {
		return nil, err
	}
	last := uint64(0)
	switch {
	case t.Execution == 0 || t.Execution < i.execution || t.Execution > i.execution+1:
		return nil, rules.Refuse(provider.ErrBadInput,
			"execution %d of %s after %d", t.Execution, i.id, i.execution)
	case t.Execution == i.execution:
		last = i.lastEvent
	}
	if t.LastEvent != last {
		return nil, rules.Refuse(provider.ErrDuplicateEvent,
			"the last event of %s is %d, not %d", i.id, last, t.LastEvent)
	}
	return i, nil
}

// repeats reports whether a turn is the last one that was committed.
func repeats(t *turn, i *instance) bool {
	n := len(t.Events)
	return n > 0 && i.epoch == t.Token.Epoch && i.done == i.epoch && i.doneAfter == t.LastEvent &&
		i.execution == t.Execution && i.lastEvent == t.Events[n-1].ID
}

// commitRow appends the history and moves the hot row on, which gives the instance back too.
func (w *writer) commitRow(i *instance, t *turn) error {
	if n := len(t.Events); n > 0 {
		_, err := w.c.exec(sqlAppend,
			signed(i.key), signed(t.Execution), signed(t.Events[0].ID), t.Row)
		if err != nil {
			return err
		}
		i.lastEvent = t.Events[n-1].ID
		i.events += int64(n)
		i.bytes += int64(len(t.Row))
	}
	i.done, i.doneAfter = i.epoch, t.LastEvent
	statement := sqlCommitTurn
	if t.Release {
		statement, i.lease = sqlCommitLast, 0
	}
	changed, err := w.c.exec(statement,
		signed(i.key), signed(i.execution), int64(i.status), signed(i.lastEvent), signed(i.pin),
		i.events, i.bytes, flag(i.dirty), w.now, signed(i.epoch), signed(t.LastEvent), i.lane)
	if err == nil && changed != 1 {
		return errForgotten
	}
	return err
}

// commitMessages drops timers, sends, and offers the instance if it was given back.
func (w *writer) commitMessages(i *instance, t *turn, result *provider.Committed) error {
	var err error
	if len(t.Send) > 0 {
		result.Sent, result.TurnLease, err = w.deliver(t.Send, t.SendBodies, t.TurnHolder)
		if err != nil {
			return err
		}
	}
	for _, event := range t.DropTimers {
		dropped, err := w.c.exec(sqlDropTimer, signed(i.key), signed(t.Execution), signed(event))
		if err != nil {
			return err
		}
		i.messages -= dropped
	}
	if t.DropTimeout {
		dropped, err := w.c.exec(sqlDropTimeout, signed(i.key), w.now)
		if err != nil {
			return err
		}
		i.messages -= dropped
	}
	if !t.Release || i.lease != 0 {
		return nil
	}
	result.Work, err = w.offer(i)
	return err
}
