package memory

import (
	"cmp"
	"context"
	"slices"

	"duroxide/provider"
)

// Announce remembers names of activities.
func (p *Provider) Announce(ctx context.Context, activities []string) error {
	return p.do(ctx, "announce", func(s *store) error {
		for _, name := range activities {
			s.announced[name] = true
		}
		return nil
	})
}

// Overdue gives tasks that have waited long.
func (p *Provider) Overdue(
	ctx context.Context, q provider.OverdueQuery,
) (all []provider.TaskClaim, err error) {
	err = p.do(ctx, "overdue", func(s *store) error {
		for _, t := range s.tasks {
			if s.live(t.lease) || t.due > q.Before.UnixMilli() || !q.Overdue(provider.LaneOf(&t.Task)) ||
				s.announced[t.Name] && !q.Announced {
				continue
			}
			all = append(all, provider.TaskClaim{Token: provider.Token{Key: t.ID, Epoch: t.epoch}, Task: t.Task})
		}
		sortBy(all, func(a, b provider.TaskClaim) int { return cmp.Compare(a.Task.ID, b.Task.ID) })
		all = all[:min(len(all), q.Limit)]
		return nil
	})
	return all, err
}

// TakeOverdue takes instances that have been ready for long.
func (p *Provider) TakeOverdue(
	ctx context.Context, q provider.OverdueTurns,
) (claims []provider.InstanceClaim, err error) {
	err = p.do(ctx, "take_overdue", func(s *store) error {
		holder := claimer{holder: q.Holder}
		var late []*instance
		for _, in := range s.instances {
			waits := slices.ContainsFunc(in.deliverable(s.now), func(m *message) bool { return m.due <= q.Before.UnixMilli() })
			if waits && s.free(in) && q.Overdue(in.lane(s.now)) {
				late = append(late, in)
			}
		}
		slices.SortFunc(late, func(a, b *instance) int { return cmp.Compare(a.key, b.key) })
		for _, in := range late[:min(len(late), q.Limit)] {
			claims = append(claims, s.claim(in, &holder))
		}
		return nil
	})
	return claims, err
}

// unheld gives the task of a token without a lease, if nobody holds it.
func (s *store) unheld(token provider.Token) *task {
	t := s.tasks[token.Key]
	if token.Lease != 0 || t == nil || t.epoch != token.Epoch || s.live(t.lease) {
		return nil
	}
	return t
}
