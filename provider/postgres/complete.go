package postgres

import (
	"context"
	"slices"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// Begin counts an attempt for messages of a held instance.
func (s *Store) Begin(ctx context.Context, token provider.Token, messages []uint64) error {
	return s.write(ctx, "begin", s.routes.of(token.Key), &request{
		needs: func(n *needs) { n.keys = append(n.keys, signed(token.Key)) },
		apply: func(g *group) error {
			i, err := g.held(token)
			if err != nil {
				return err
			}
			g.abandonMessages(i, messages, 1, 0)
			return nil
		},
	})
}

// BeginTask counts an attempt for a held task.
func (s *Store) BeginTask(ctx context.Context, token provider.Token) error {
	return s.write(ctx, "begin_task", token.Key, &request{
		needs: func(n *needs) { n.tasks = append(n.tasks, token) },
		apply: func(g *group) error {
			t := g.heldTask(token)
			if t == nil {
				return rules.LockLost()
			}
			g.writes.begun.add(t)
			return nil
		},
	})
}

// Complete deletes finished tasks and stores their outcomes, each on its own.
func (s *Store) Complete(
	ctx context.Context, c provider.Completions,
) ([]provider.Submitted, error) {
	if len(c.Items) == 0 {
		return nil, failure("complete", ctx.Err())
	}
	o, err := rules.EncodeOutcomes(c)
	if err == nil {
		err = rules.CheckTargets(o.Messages)
	}
	if err != nil {
		return nil, failure("complete", err)
	}
	route := c.Items[0].Task.Key
	if len(o.Messages) > 0 {
		route = routeOf(o.Messages[0].Instance)
	}
	var results []provider.Submitted
	err = s.write(ctx, "complete", route, &request{
		size: o.Size,
		needs: func(n *needs) {
			n.messages(s, o.Messages)
			for _, item := range c.Items {
				n.tasks = append(n.tasks, item.Task)
			}
		},
		apply: func(g *group) (err error) {
			results, err = g.complete(o)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (g *group) complete(o *rules.Outcomes) ([]provider.Submitted, error) {
	results, accepted, err := o.Finish(func(c *provider.Completion) (bool, error) {
		t := g.finishable(c.Task)
		switch {
		case t == nil:
			return false, nil
		case c.Kept != nil:
			g.giveTaskBack(t, provider.Undecided, &provider.AbandonedTask{Progress: c.Kept})
		default:
			g.finishTask(t)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	delivered, _ := g.deliver(accepted.Messages, accepted.Bodies, o.Claim)
	// The server numbers the messages where the group is written without reading.
	g.after = append(g.after, func() { accepted.Put(delivered, results) })
	return results, nil
}

// Abandon gives claims back.
func (s *Store) Abandon(
	ctx context.Context, a provider.Abandonment,
) (provider.Abandoned, error) {
	var route uint64
	switch {
	case len(a.Instances) > 0:
		route = s.routes.of(a.Instances[0].Token.Key)
	case len(a.Tasks) > 0:
		route = a.Tasks[0].Token.Key
	default:
		return provider.Abandoned{}, failure("abandon", ctx.Err())
	}
	var result provider.Abandoned
	err := s.write(ctx, "abandon", route, &request{
		needs: func(n *needs) {
			for i := range a.Instances {
				n.keys = append(n.keys, signed(a.Instances[i].Token.Key))
			}
			for i := range a.Tasks {
				n.tasks = append(n.tasks, a.Tasks[i].Token)
			}
		},
		apply: func(g *group) error {
			result = provider.Abandoned{}
			g.abandon(&a, &result)
			return nil
		},
	})
	if err != nil {
		return provider.Abandoned{}, err
	}
	return result, nil
}

func (g *group) abandon(a *provider.Abandonment, result *provider.Abandoned) {
	// What this request tells the watchers is also its answer.
	var own change
	for n := range a.Instances {
		left := g.abandonInstance(&a.Instances[n])
		if left == nil {
			result.Lost = append(result.Lost, a.Instances[n].Token)
			continue
		}
		g.after = append(g.after, func() {
			own.work = own.work || left.work
			own.delayed(left.nextDue)
		})
	}
	for _, item := range a.Tasks {
		t := g.heldTask(item.Token)
		if t == nil {
			result.Lost = append(result.Lost, item.Token)
			continue
		}
		due := g.now + item.Delay.Milliseconds()
		g.giveTaskBack(t, due, &item)
		g.ready(due)
		if due <= g.now {
			own.work = true
		} else {
			own.delayed(due)
		}
	}
	g.after = append(g.after, func() {
		result.Work, result.NextDue = own.work, moment(own.nextDue)
	})
}

// abandonInstance gives what is left of the instance, or nil if the token is not valid.
func (g *group) abandonInstance(a *provider.AbandonedInstance) *offer {
	i, err := g.held(a.Token)
	if err != nil {
		return nil
	}
	i.lease = 0
	g.touch(i)
	if a.Mark {
		g.markClaim(i)
	}
	due := int64(0)
	if a.Delay > 0 {
		due = g.now + a.Delay.Milliseconds()
	}
	if due != 0 || !a.IgnoreAttempt {
		g.abandonMessages(i, a.Messages, flag(!a.IgnoreAttempt), due)
	}
	return g.offer(i)
}

// abandonMessages adds attempts to messages and, if due is not zero, delays them.
func (g *group) abandonMessages(i *instance, messages []uint64, attempts, due int64) {
	ids := slices.Clone(messages)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		key := messageKey{signed(i.key), signed(id)}
		c := g.writes.abandoned[key]
		c.attempts += attempts
		if due != 0 {
			c.due = due
		}
		g.writes.abandoned[key] = c
	}
}

func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
