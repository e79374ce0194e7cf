package engine

import (
	"cmp"
	"context"
	"sort"

	"duroxide/provider"
)

// Summaries gives a page of instances: fewer than its Limit, or none, where it had to look at many of them, and
// then Next is set all the same.
func (c *Client) Summaries(ctx context.Context, q provider.ListQuery) (provider.SummaryPage, error) {
	page, err := retry(ctx, c, func(ctx context.Context) (provider.SummaryPage, error) {
		return c.e.store.Summaries(ctx, q)
	})
	if err != nil {
		return page, err
	}
	kept := page.Instances[:0]
	for _, s := range page.Instances {
		if s.Status == provider.Failed && s.Failure == "" { // An older release has stored it.
			failure, err := c.Failure(ctx, s.Instance, s.Execution)
			if err != nil {
				return page, err
			}
			if failure != nil {
				s.Failure = failure.Shown()
			}
		}
		if q.Failure == "" || s.Failure == q.Failure {
			kept = append(kept, s)
		}
	}
	page.Instances = kept
	return page, nil
}

// mostGroups bounds what a count tells apart.
const mostGroups = 1000

// Count counts the instances that a query without IDs and Limit selects, in groups of which the largest come
// first. It goes through them part by part, so that it takes the longer the more there are, and delays nobody.
// more means that groups are left out of a thousand; total counts theirs too.
func (c *Client) Count(
	ctx context.Context, q provider.ListQuery, by provider.Grouping,
) (total int, groups []provider.Group, more bool, err error) {
	counts := map[provider.Group]int{}
	q.Limit, q.Before, q.Order, q.After = 0, "", provider.NewestFirst, nil
	for {
		part, err := retry(ctx, c, func(ctx context.Context) (provider.Counted, error) {
			return c.e.store.Count(ctx, q, by)
		})
		if err != nil {
			return 0, nil, false, err
		}
		for _, g := range part.Groups {
			total += g.Count
			n := g.Count
			g.Count = 0
			counts[g] += n
		}
		if part.Next == nil {
			break
		}
		q.After = part.Next
	}
	if by == (provider.Grouping{}) {
		return total, nil, false, nil
	}
	for g, n := range counts {
		g.Count = n
		groups = append(groups, g)
	}
	sort.Slice(groups, func(i, j int) bool {
		a, b := &groups[i], &groups[j]
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Failure, b.Failure)) < 0
	})
	return total, groups[:min(len(groups), mostGroups)], len(groups) > mostGroups, nil
}
