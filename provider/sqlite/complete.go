package sqlite

import (
	"context"
	"slices"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlDelayMessage = &statement{`
UPDATE messages SET attempts = attempts + ?3, due = ?4
WHERE id = ?1 AND instance = ?2`}
	sqlCountMessage = &statement{`
UPDATE messages SET attempts = attempts + ?3 WHERE id = ?1 AND instance = ?2`}
	sqlMarkClaim = &statement{`
UPDATE messages SET marks = min(marks + 1, 2) WHERE instance = ?1 + 0 AND id <= ?2 AND due <= ?3`}
	sqlAbandonTask = &statement{`
UPDATE tasks SET lease = 0, due = ?2, place = 0, attempts = attempts + ?3,
  marks = min(marks + ?4, 2) WHERE id = ?1`}
	sqlCountTask = &statement{`UPDATE tasks SET attempts = attempts + 1 WHERE id = ?1`}
)

// Begin counts an attempt for messages of a held instance.
func (s *Store) Begin(ctx context.Context, token provider.Token, messages []uint64) error {
	return s.write(ctx, "begin", 0, func(w *writer) error {
		i, err := w.held(token)
		if err != nil {
			return err
		}
		for _, id := range messages {
			if _, err := w.c.exec(sqlCountMessage, signed(id), signed(i.key), int64(1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// BeginTask counts an attempt for a held task.
func (s *Store) BeginTask(ctx context.Context, token provider.Token) error {
	return s.write(ctx, "begin_task", 0, func(w *writer) error {
		_, held, err := w.heldTask(token)
		if err != nil {
			return err
		}
		if !held {
			return rules.LockLost()
		}
		_, err = w.c.exec(sqlCountTask, signed(token.Key))
		return err
	})
}

// Complete deletes finished tasks and stores their outcomes, each on its own.
func (s *Store) Complete(
	ctx context.Context, c provider.Completions,
) ([]provider.Submitted, error) {
	o, err := rules.EncodeOutcomes(c)
	if err != nil {
		return nil, failure("complete", err)
	}
	var results []provider.Submitted
	err = s.write(ctx, "complete", o.Size, func(w *writer) (err error) {
		results, err = w.complete(o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (w *writer) complete(o *rules.Outcomes) ([]provider.Submitted, error) {
	results, accepted, err := o.Finish(func(c *provider.Completion) (bool, error) {
		t, held, err := w.finishable(c.Task)
		if err != nil || !held {
			return false, err
		}
		return true, w.finishOrKeep(c, t)
	})
	if err != nil {
		return nil, err
	}
	delivered, _, err := w.deliver(accepted.Messages, accepted.Bodies, o.Claim)
	accepted.Put(delivered, results)
	return results, err
}

// finishOrKeep deletes a task, or lets it wait for a decision.
func (w *writer) finishOrKeep(c *provider.Completion, t task) error {
	if c.Kept == nil {
		return w.finishTask(c.Task, t)
	}
	if err := w.bumpSession(t); err != nil {
		return err
	}
	return w.giveTaskBack(c.Task, provider.Undecided, c.Kept)
}

// Abandon gives claims back.
func (s *Store) Abandon(
	ctx context.Context, a provider.Abandonment,
) (provider.Abandoned, error) {
	var result provider.Abandoned
	err := s.write(ctx, "abandon", 0, func(w *writer) error {
		result = provider.Abandoned{}
		// What this request tells the watchers is also its answer.
		before := w.changed
		w.changed.work, w.changed.nextDue = false, 0
		if err := w.abandon(&a, &result); err != nil {
			return err
		}
		result.Work, result.NextDue = w.changed.work, moment(w.changed.nextDue)
		w.changed.work = w.changed.work || before.work
		if before.nextDue != 0 {
			w.changed.delayed(before.nextDue)
		}
		return nil
	})
	if err != nil {
		return provider.Abandoned{}, err
	}
	return result, nil
}

func (w *writer) abandon(a *provider.Abandonment, result *provider.Abandoned) error {
	for n := range a.Instances {
		held, err := w.abandonInstance(&a.Instances[n])
		if err != nil {
			return err
		}
		if !held {
			result.Lost = append(result.Lost, a.Instances[n].Token)
		}
	}
	for _, item := range a.Tasks {
		_, held, err := w.heldTask(item.Token)
		if err != nil {
			return err
		}
		if !held {
			result.Lost = append(result.Lost, item.Token)
			continue
		}
		due := w.now + item.Delay.Milliseconds()
		if err := w.abandonTask(&item, due); err != nil {
			return err
		}
		w.ready(due)
	}
	return nil
}

func (w *writer) abandonTask(a *provider.AbandonedTask, due int64) error {
	if a.Progress != nil {
		return w.giveTaskBack(a.Token, due, a.Progress)
	}
	delete(w.tasks, a.Token.Key)
	_, err := w.c.exec(sqlAbandonTask, signed(a.Token.Key), due, flag(!a.IgnoreAttempt), flag(a.Mark))
	return err
}

func (w *writer) abandonInstance(a *provider.AbandonedInstance) (bool, error) {
	i, err := w.held(a.Token)
	if err != nil {
		if rules.IsRefusal(err) {
			return false, nil
		}
		return false, err
	}
	i.lease = 0
	if _, err := w.c.exec(sqlRelease, signed(i.key)); err != nil {
		return false, err
	}
	if a.Mark {
		if _, err := w.c.exec(sqlMarkClaim, signed(i.key), signed(i.batch), i.batchDue); err != nil {
			return false, err
		}
	}
	ids := slices.Clone(a.Messages)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		attempts := flag(!a.IgnoreAttempt)
		if a.Delay > 0 {
			_, err = w.c.exec(sqlDelayMessage,
				signed(id), signed(i.key), attempts, w.now+a.Delay.Milliseconds())
		} else if attempts > 0 {
			_, err = w.c.exec(sqlCountMessage, signed(id), signed(i.key), attempts)
		}
		if err != nil {
			return false, err
		}
	}
	_, err = w.offer(i)
	return true, err
}
