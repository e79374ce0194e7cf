package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"duroxide/provider"
)

// Submit stores messages and claims free targets.
func (p *Provider) Submit(
	ctx context.Context, sub provider.Submission,
) (results []provider.Submitted, err error) {
	err = p.do(ctx, "submit", func(s *store) error {
		if err := checkMessages(sub.Messages); err != nil {
			return err
		}
		results, _ = s.deliver(sub.Messages, sub.Claim)
		return nil
	})
	return results, err
}

// Claim takes ready instances and tasks.
func (p *Provider) Claim(
	ctx context.Context, r provider.ClaimRequest,
) (claimed provider.Claimed, err error) {
	err = p.do(ctx, "claim", func(s *store) error {
		if r.Turns != nil {
			s.sweepOrphans()
			claimed.Waiting = s.waiting(r.Turns.Lease)
			claims := claimer{holder: r.Turns}
			for _, in := range s.readyInstances(r.Turns, r.MaxTurns) {
				claimed.Instances = append(claimed.Instances, s.claim(in, &claims))
			}
			claimed.TurnLease = claims.lease
		}
		if r.Tasks != nil && r.MaxTasks > 0 {
			claims := claimer{holder: r.Tasks}
			s.claimTasks(r, &claims, &claimed)
			claimed.TaskLease = claims.lease
		}
		claimed.NextDue = s.nextDue(r.Turns)
		if r.Unserved {
			claimed.Unserved = s.unserved(&r)
		}
		return nil
	})
	return claimed, err
}

// readyInstances gives at most limit claimable instances, longest waiting first.
func (s *store) readyInstances(h *provider.Holder, limit int) []*instance {
	var ready []*instance
	for _, in := range s.instances {
		if s.ready(in, h) {
			ready = append(ready, in)
		}
	}
	slices.SortFunc(ready, func(a, b *instance) int {
		first, second := a.deliverable(s.now)[0], b.deliverable(s.now)[0]
		return cmp.Or(cmp.Compare(first.due, second.due), cmp.Compare(first.id, second.id))
	})
	return ready[:max(0, min(limit, len(ready)))]
}

// waiting gives due messages of the instances under a lease, in parts.
func (s *store) waiting(lease provider.LeaseID) []provider.Waiting {
	var all []provider.Waiting
	room := provider.MostWaiting
	for id, in := range s.instances {
		if in.lease != lease || !s.live(lease) {
			continue
		}
		w := provider.Waiting{Instance: id}
		for _, m := range in.due(s.now) {
			if room > 0 {
				w.Messages = append(w.Messages, m.id)
				room--
			}
		}
		if len(w.Messages) > 0 { // Maps go in any order, so that each gets its turn.
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b provider.Waiting) int { return cmp.Compare(a.Instance, b.Instance) })
	return all
}

// Complete deletes finished tasks and stores their outcomes, each on its own.
func (p *Provider) Complete(
	ctx context.Context, c provider.Completions,
) (results []provider.Submitted, err error) {
	err = p.do(ctx, "complete", func(s *store) error {
		for _, item := range c.Items {
			if item.Message != nil && item.Message.Kind != provider.ActivityDone {
				return fmt.Errorf("a completion of message kind %d: %w",
					item.Message.Kind, provider.ErrBadInput)
			}
		}
		results = make([]provider.Submitted, len(c.Items))
		var messages []provider.Message
		var position []int
		for i, item := range c.Items {
			t := s.heldTask(item.Task)
			if t == nil {
				t = s.unheld(item.Task)
			}
			if t == nil {
				results[i].Err = provider.ErrLockLost
				continue
			}
			if item.Kept != nil {
				s.keep(t, item.Kept)
			} else {
				s.finishTask(t)
			}
			if item.Message != nil {
				messages, position = append(messages, *item.Message), append(position, i)
			}
		}
		delivered, _ := s.deliver(messages, c.Claim)
		for i, result := range delivered {
			results[position[i]] = result
		}
		return nil
	})
	return results, err
}

// Abandon gives claims back.
func (p *Provider) Abandon(
	ctx context.Context, a provider.Abandonment,
) (result provider.Abandoned, err error) {
	err = p.do(ctx, "abandon", func(s *store) error {
		for _, item := range a.Instances {
			if !s.abandonInstance(item) {
				result.Lost = append(result.Lost, item.Token)
			}
		}
		for _, item := range a.Tasks {
			if !s.abandonTask(item) {
				result.Lost = append(result.Lost, item.Token)
			}
		}
		// What this call gave back is all that it told the watchers.
		result.Work, result.NextDue = s.change.Work, s.change.NextDue
		return nil
	})
	return result, err
}

func (s *store) abandonInstance(a provider.AbandonedInstance) bool {
	in := s.heldInstance(a.Token)
	if in == nil {
		return false
	}
	in.lease = 0
	if a.Mark {
		in.markClaimed()
	}
	for _, m := range in.messages {
		if !slices.Contains(a.Messages, m.id) {
			continue
		}
		if !a.IgnoreAttempt {
			m.attempts++
		}
		if a.Delay > 0 {
			m.due = s.now + a.Delay.Milliseconds()
		}
	}
	s.offerInstance(in)
	return true
}

func (s *store) abandonTask(a provider.AbandonedTask) bool {
	t := s.heldTask(a.Token)
	if t == nil {
		return false
	}
	t.lease = 0
	t.due = s.now + a.Delay.Milliseconds()
	if !a.IgnoreAttempt {
		t.attempts++
	}
	if a.Mark {
		t.mark()
	}
	if a.Progress != nil {
		t.failed(a.Progress)
	}
	s.offered(t.due)
	return true
}

// keep gives a task back that waits for a decision.
func (s *store) keep(t *task, p *provider.Progress) {
	s.touch(t)
	t.lease, t.place, t.due = 0, 0, provider.Undecided
	t.failed(p)
}

// offerInstance notes the work of an instance that nobody holds.
func (s *store) offerInstance(in *instance) {
	if len(in.deliverable(s.now)) > 0 {
		s.offered(s.now)
	}
	if due, ok := in.nextDue(s.now); ok {
		s.offered(due)
	}
}

// Renew extends a live lease.
func (p *Provider) Renew(ctx context.Context, r provider.Renewal) (lost []provider.Token, err error) {
	err = p.do(ctx, "renew", func(s *store) error {
		if !s.live(r.Lease) {
			return provider.ErrLockLost
		}
		s.extend(r.Lease, r.Extend)
		s.carry(r.Load)
		for _, token := range r.Tasks {
			if t := s.heldTask(token); t != nil {
				s.touch(t)
			} else {
				lost = append(lost, token)
			}
		}
		for _, h := range r.Heartbeats {
			if t := s.heldTask(h.Task); t != nil {
				t.Heartbeat = &h.Details
			}
		}
		return nil
	})
	return lost, err
}

// Begin counts an attempt for messages of a held instance.
func (p *Provider) Begin(ctx context.Context, t provider.Token, messages []uint64) error {
	return p.do(ctx, "begin", func(s *store) error {
		in := s.heldInstance(t)
		if in == nil {
			return provider.ErrLockLost
		}
		for _, m := range in.messages {
			if slices.Contains(messages, m.id) {
				m.attempts++
			}
		}
		return nil
	})
}

// BeginTask counts an attempt for a held task.
func (p *Provider) BeginTask(ctx context.Context, token provider.Token) error {
	return p.do(ctx, "begin_task", func(s *store) error {
		t := s.heldTask(token)
		if t == nil {
			return provider.ErrLockLost
		}
		t.attempts++
		return nil
	})
}

// Held lists the claims of a node.
func (p *Provider) Held(ctx context.Context, node string) (held provider.Held, err error) {
	err = p.do(ctx, "held", func(s *store) error {
		for _, in := range s.instances {
			if in.lease != 0 && s.nodes[in.lease] == node {
				held.Instances = append(held.Instances, in.token())
			}
		}
		for _, t := range s.tasks {
			if t.lease != 0 && s.nodes[t.lease] == node {
				held.Tasks = append(held.Tasks, t.token())
			}
		}
		return nil
	})
	return held, err
}

// Pending gives the first page of the due messages of a held instance.
func (p *Provider) Pending(
	ctx context.Context, t provider.Token,
) (page provider.Page, err error) {
	err = p.do(ctx, "pending", func(s *store) error {
		in := s.heldInstance(t)
		if in == nil {
			return provider.ErrLockLost
		}
		due, more := cut(in.due(s.now))
		page.More = more
		for _, m := range due {
			if decoded, err := in.decode(m); err == nil {
				page.Messages = append(page.Messages, decoded)
			} else {
				page.Undecodable = true
			}
		}
		return nil
	})
	return page, err
}

// RenewSessions extends live sessions in use.
func (p *Provider) RenewSessions(
	ctx context.Context, r provider.SessionRenewal,
) (renewed int, err error) {
	err = p.do(ctx, "renew_sessions", func(s *store) error {
		renewed = s.renewSessions(r)
		return nil
	})
	return renewed, err
}

// ReleaseSessions ends the live sessions of an owner.
func (p *Provider) ReleaseSessions(
	ctx context.Context, owner string,
) (released int, err error) {
	err = p.do(ctx, "release_sessions", func(s *store) error {
		released = s.releaseSessions(owner)
		return nil
	})
	return released, err
}

// CleanupSessions deletes ended sessions without tasks.
func (p *Provider) CleanupSessions(ctx context.Context) (deleted int, err error) {
	err = p.do(ctx, "cleanup_sessions", func(s *store) error {
		deleted = s.cleanupSessions()
		return nil
	})
	return deleted, err
}
