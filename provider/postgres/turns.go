package postgres

import (
	"context"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// turn is a commit with everything encoded that can be encoded before it waits its turn.
type turn = rules.Turn

// Commit writes one turn.
func (s *Store) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	t, err := rules.EncodeTurn(c)
	if err == nil {
		err = t.CheckTexts()
	}
	if err != nil {
		return provider.Committed{}, failure("commit", err)
	}
	s.number(ctx, lanesOf(t))
	var result provider.Committed
	err = s.write(ctx, "commit", s.routes.of(c.Token.Key), &request{
		size:  t.Size,
		alone: c.Token.Key,
		needs: func(n *needs) { n.turn(s, t) },
		apply: func(g *group) error {
			result = provider.Committed{}
			return g.commitTurn(t, &result)
		},
	})
	if err != nil {
		return provider.Committed{}, err
	}
	return result, nil
}

// turn adds what a turn looks at.
func (n *needs) turn(s *Store, t *turn) {
	key := signed(t.Token.Key)
	n.keys = append(n.keys, key)
	n.messages(s, t.Send)
	n.ids += len(t.NewTasks) + 1
	for _, id := range t.Messages {
		n.consumedInstances = append(n.consumedInstances, key)
		n.consumedIDs = append(n.consumedIDs, signed(id))
	}
	n.tasks = append(n.tasks, t.Tasks...)
	for _, event := range t.CancelTasks {
		n.cancelInstances = append(n.cancelInstances, key)
		n.cancelExecutions = append(n.cancelExecutions, signed(t.Execution))
		n.cancelEvents = append(n.cancelEvents, signed(event))
	}
	for i := range t.NewTasks {
		if name := t.NewTasks[i].Task.Session; name != nil {
			n.sessions = append(n.sessions, *name)
		}
	}
}

// commitTurn checks everything first (P4).
func (g *group) commitTurn(t *turn, result *provider.Committed) error {
	i, err := g.checkTurn(t)
	if err != nil {
		return err
	}
	finished, err := g.checkTasks(t.Tasks)
	if err != nil {
		return err
	}
	if err := g.checkMessages(i, t); err != nil {
		return err
	}
	w := &g.writes.consumed
	for _, id := range t.Messages {
		w.instance, w.id = append(w.instance, signed(i.key)), append(w.id, signed(id))
		delete(g.present, messageKey{signed(i.key), signed(id)})
	}
	for _, stored := range finished {
		g.finishTask(stored)
	}
	g.commitExecution(i, t)
	g.commitRow(i, t)
	g.commitTasks(i, t, result)
	g.commitMessages(i, t, result)
	return nil
}

func (g *group) checkMessages(i *instance, t *turn) error {
	seen := make(map[uint64]bool, len(t.Messages))
	for _, id := range t.Messages {
		if seen[id] || !g.present[messageKey{signed(i.key), signed(id)}] {
			return rules.Refuse(provider.ErrMessageLost, "message %d of %s was consumed already", id, i.id)
		}
		seen[id] = true
	}
	return nil
}

// checkTurn finds the instance of a turn that may be committed.
func (g *group) checkTurn(t *turn) (*instance, error) {
	if i := g.byKey[t.Token.Key]; i != nil && repeats(t, i) {
		return nil, rules.Refuse(provider.ErrAlreadyCommitted, "this turn of %s is committed", i.id)
	}
	i, err := g.held(t.Token)
	if err != nil {
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

// commitRow appends the history and moves the hot row on.
func (g *group) commitRow(i *instance, t *turn) {
	if n := len(t.Events); n > 0 {
		w := &g.writes.rows
		w.instance = append(w.instance, signed(i.key))
		w.execution = append(w.execution, signed(t.Execution))
		w.first, w.body = append(w.first, signed(t.Events[0].ID)), append(w.body, t.Row)
		i.lastEvent = t.Events[n-1].ID
		i.events += int64(n)
		i.bytes += int64(len(t.Row))
	}
	i.done, i.doneAfter, i.updated = i.epoch, t.LastEvent, max(i.updated, g.now)
	g.touch(i)
}

// commitMessages drops timers, sends, and gives the instance back.
func (g *group) commitMessages(i *instance, t *turn, result *provider.Committed) {
	if t.Release {
		i.lease = 0
		// What else it has is not known here; a message to itself may still claim it.
		i.anyDue = false
	}
	if len(t.Send) > 0 {
		result.Sent, result.TurnLease = g.deliver(t.Send, t.SendBodies, t.TurnHolder)
	}
	w := &g.writes.timers
	for _, event := range t.DropTimers {
		w.instance = append(w.instance, signed(i.key))
		w.execution = append(w.execution, signed(t.Execution))
		w.event = append(w.event, signed(event))
	}
	if t.DropTimeout {
		g.writes.timeouts = append(g.writes.timeouts, signed(i.key))
	}
	if t.Release && i.lease == 0 {
		left := g.offer(i)
		g.after = append(g.after, func() { result.Work = left.work })
	}
}
