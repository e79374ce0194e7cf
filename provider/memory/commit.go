package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"duroxide/history"
	"duroxide/provider"
)

// Commit writes one turn, or nothing.
func (p *Provider) Commit(
	ctx context.Context, c provider.Commit,
) (result provider.Committed, err error) {
	err = p.do(ctx, "commit", func(s *store) error {
		in, err := s.checkCommit(&c)
		if err != nil {
			return err
		}
		result = s.apply(in, &c)
		return nil
	})
	return result, err
}

// checkCommit finds every reason to refuse a turn.
func (s *store) checkCommit(c *provider.Commit) (*instance, error) {
	if in := s.byKey(c.Token.Key); in != nil && len(c.Events) > 0 && in.done == turnOf(c) {
		return nil, provider.ErrAlreadyCommitted
	}
	in := s.heldInstance(c.Token)
	if in == nil {
		return nil, provider.ErrLockLost
	}
	if err := in.checkEvents(c); err != nil {
		return nil, err
	}
	if err := in.checkConsumed(c.Messages); err != nil {
		return nil, err
	}
	var lost []provider.Token
	for _, token := range c.Tasks {
		if s.heldTask(token) == nil {
			lost = append(lost, token)
		}
	}
	if len(lost) > 0 {
		return nil, &provider.TaskLostError{Tasks: lost}
	}
	return in, checkMessages(c.Send)
}

// turnOf names a turn by the claim that it ran under and the events that it appends.
func turnOf(c *provider.Commit) doneTurn {
	turn := doneTurn{epoch: c.Token.Epoch, execution: c.Execution, from: c.LastEvent, to: c.LastEvent}
	if n := len(c.Events); n > 0 {
		turn.to = c.Events[n-1].ID
	}
	return turn
}

func (in *instance) checkEvents(c *provider.Commit) error {
	last := uint64(0)
	switch c.Execution {
	case in.current:
		last = in.lastEvent()
	case in.current + 1:
	default:
		return fmt.Errorf("execution %d after %d: %w", c.Execution, in.current, provider.ErrBadInput)
	}
	if c.Execution == 0 {
		return fmt.Errorf("execution 0: %w", provider.ErrBadInput)
	}
	if c.LastEvent != last {
		return fmt.Errorf("last event %d, not %d: %w", last, c.LastEvent, provider.ErrDuplicateEvent)
	}
	for _, e := range c.Events {
		if e.ID <= last {
			return fmt.Errorf("event id %d after %d: %w", e.ID, last, provider.ErrDuplicateEvent)
		}
		last = e.ID
	}
	return nil
}

// checkConsumed refuses unknown and repeated messages, so that none is processed twice.
func (in *instance) checkConsumed(ids []uint64) error {
	stored := make(map[uint64]bool, len(in.messages))
	for _, m := range in.messages {
		stored[m.id] = true
	}
	for _, id := range ids {
		if !stored[id] {
			return fmt.Errorf("message %d: %w", id, provider.ErrMessageLost)
		}
		delete(stored, id)
	}
	return nil
}

// apply does what a checked turn asks for. Nothing in it can fail.
func (s *store) apply(in *instance, c *provider.Commit) provider.Committed {
	for _, token := range c.Tasks {
		s.finishTask(s.tasks[token.Key])
	}
	in.messages = slices.DeleteFunc(in.messages, func(m *message) bool {
		return slices.Contains(c.Messages, m.id)
	})
	s.applyExecution(in, c)
	in.applyState(c)
	in.done = turnOf(c)

	var result provider.Committed
	result.Tasks, result.TaskLease = s.applyTasks(in, c)
	if c.Release {
		in.lease = 0
	}
	result.Sent, result.TurnLease = s.deliver(c.Send, c.TurnHolder)
	in.dropTimers(c.Execution, c.DropTimers)
	if c.DropTimeout {
		in.messages = slices.DeleteFunc(in.messages, func(m *message) bool { return m.isTimeout(s.now) })
	}
	if c.Release && s.free(in) {
		result.Work = len(in.deliverable(s.now)) > 0
		s.offerInstance(in)
	}
	if c.IsAwaited() {
		s.visible(in.id)
	}
	return result
}

// applyExecution creates the instance and the execution with their first turn, and appends.
func (s *store) applyExecution(in *instance, c *provider.Commit) {
	if !in.born {
		in.born, in.created = true, s.now
	}
	if in.life.IsZero() {
		in.life = c.Life
	}
	in.starts, in.level = max(in.starts, c.Starts), max(in.level, c.Level)
	if in.current == 0 {
		in.executions = make(map[uint64]*execution)
		in.base = make(map[string]provider.Value)
		in.delta = make(map[string]*provider.Value)
	}
	in.updated, in.hold = s.now, c.Hold
	if c.Cancelling != nil {
		in.cancelling = c.Cancelling
	}
	if c.Execution != in.current {
		in.patches = nil
	}
	if c.Patches != nil {
		in.patches = provider.EncodePatches(c.Patches)
	}
	in.current = c.Execution
	ex := in.executions[c.Execution]
	if ex == nil {
		ex = &execution{status: provider.Running, started: s.now}
		in.executions[c.Execution] = ex
	}
	if n := len(c.Events); n > 0 {
		ex.rows = append(ex.rows, historyRow{c.Events[0].ID, history.EncodeRow(c.Events)})
		ex.events += n
		ex.lastEvent = c.Events[n-1].ID
	}
	if c.Started != nil {
		in.name, in.version = c.Started.Name, c.Started.Version
		if in.parent == nil {
			in.parent = c.Started.Parent
		}
	}
	if c.Outcome != nil {
		ex.status, ex.output, ex.completed = c.Outcome.Status, c.Outcome.Output, 0
		ex.failure = provider.FailureOf(c)
		if c.Outcome.Status.IsFinal() {
			ex.completed = s.now
		}
	}
}

// applyState changes custom status and key-value store. The end of an execution makes its values
// the base that the next one starts from.
func (in *instance) applyState(c *provider.Commit) {
	if c.CustomStatus != nil {
		in.customStatus = c.CustomStatus.Status
		in.customStatusVersion++
	}
	for _, change := range c.Values {
		in.applyValue(change)
	}
	if c.Outcome != nil && c.Outcome.Status.IsFinal() {
		in.base = in.values()
		clear(in.delta)
	}
}

func (in *instance) applyValue(change provider.ValueChange) {
	switch {
	case change.All:
		for key := range in.base {
			in.delta[key] = nil
		}
		for key := range in.delta {
			in.delta[key] = nil
		}
	case change.Value == nil:
		in.delta[change.Key] = nil
	default:
		in.delta[change.Key] = &provider.Value{Data: *change.Value, UpdatedAtMs: change.UpdatedAtMs}
	}
}

// values gives the live values: the changes of the current execution over the base.
func (in *instance) values() map[string]provider.Value {
	live := maps.Clone(in.base)
	for key, value := range in.delta {
		if value == nil {
			delete(live, key)
		} else {
			live[key] = *value
		}
	}
	return live
}

// applyTasks inserts, then cancels, then claims: a task scheduled and cancelled by one turn is gone.
func (s *store) applyTasks(
	in *instance, c *provider.Commit,
) ([]*provider.TaskClaim, provider.LeaseID) {
	inserted := make([]*task, len(c.NewTasks))
	for i, n := range c.NewTasks {
		n.Task.Instance, n.Task.Execution = in.id, c.Execution
		inserted[i] = s.insertTask(n.Task)
	}
	s.retry(in, c)
	maps.DeleteFunc(s.tasks, func(_ uint64, t *task) bool {
		return t.Instance == in.id && t.Execution == c.Execution &&
			slices.Contains(c.CancelTasks, t.Event)
	})
	results := make([]*provider.TaskClaim, len(c.NewTasks))
	claims := claimer{holder: c.TaskHolder}
	for i, t := range inserted {
		if s.tasks[t.ID] == nil {
			continue
		}
		n := c.NewTasks[i]
		if n.Claim && c.TaskHolder != nil && s.takes(c.TaskHolder, n.Route, t) {
			claim := s.claimTask(t, t.Task, n.Route, &claims)
			results[i] = &claim
			continue
		}
		s.wait(t)
	}
	return results, claims.lease
}
