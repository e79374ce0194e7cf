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
		slices.SortFunc(all, func(a, b provider.TaskClaim) int { return cmp.Compare(a.Task.ID, b.Task.ID) })
		all = all[:min(len(all), q.Limit)]
		return nil
	})
	return all, err
}

// unheld gives the task of a token without a lease, if nobody holds it.
func (s *store) unheld(token provider.Token) *task {
	t := s.tasks[token.Key]
	if token.Lease != 0 || t == nil || t.epoch != token.Epoch || s.live(t.lease) {
		return nil
	}
	return t
}
