package memory

import (
	"cmp"
	"context"
	"slices"

	"duroxide/provider"
)

// listed gives the instances that a query selects, in its order, behind the page before.
func (s *store) listed(q *provider.ListQuery) []*instance {
	compare := func(a, b *instance) int { return cmp.Compare(b.key, a.key) }
	switch q.Order {
	case provider.OldestFirst:
		compare = func(a, b *instance) int { return cmp.Compare(a.key, b.key) }
	case provider.ByID:
		compare = func(a, b *instance) int { return cmp.Compare(a.id, b.id) }
	case provider.NewestFirst:
	}
	var all []*instance
	for _, in := range s.instances {
		isBehind := q.After == nil || compare(in, &instance{key: q.After.Key, id: q.After.ID}) > 0
		if in.born && isBehind && in.selected(*q) && in.selectedByTime(*q) {
			all = append(all, in)
		}
	}
	slices.SortFunc(all, compare)
	return all
}

// Summaries gives a page of instances.
func (p *Provider) Summaries(ctx context.Context, q provider.ListQuery) (page provider.SummaryPage, err error) {
	err = p.do(ctx, "list", func(s *store) error {
		for _, in := range s.listed(&q) {
			if q.Limit > 0 && len(page.Instances) == q.Limit {
				page.Next = q.Order.At(&page.Instances[q.Limit-1])
				break
			}
			info := in.info()
			info.Output = ""
			page.Instances = append(page.Instances, provider.Summary{
				InstanceInfo: info, Key: in.key, Failure: in.execution().failure,
			})
		}
		return nil
	})
	return page, err
}

// Count counts all of the instances.
func (p *Provider) Count(
	ctx context.Context, q provider.ListQuery, by provider.Grouping,
) (counted provider.Counted, err error) {
	err = p.do(ctx, "count", func(s *store) error {
		groups := map[provider.Group]int{}
		for _, in := range s.listed(&q) {
			var g provider.Group
			if by.Status {
				g.Status = max(in.status(), provider.Running)
			}
			if by.Name {
				g.Name = in.name
			}
			if by.Version {
				g.Version = in.version
			}
			if by.Failure {
				g.Failure = in.execution().failure
			}
			groups[g]++
		}
		for g, n := range groups {
			g.Count = n
			counted.Groups = append(counted.Groups, g)
		}
		return nil
	})
	return counted, err
}
