package sqlite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

// findings are queries of lists, each of which comes from another index.
func findings() map[string]provider.ListQuery {
	yes := true
	return map[string]provider.ListQuery{
		"all":       {},
		"oldest":    {Order: provider.OldestFirst},
		"by id":     {Order: provider.ByID},
		"prefix":    {Order: provider.ByID, IDPrefix: "i1"},
		"name":      {Name: "theirs"},
		"version":   {Name: "theirs", Version: "1.0.0"},
		"parent":    {Parent: "i1"},
		"held":      {Held: &yes},
		"running":   {Status: provider.Running},
		"failed":    {Status: provider.Failed},
		"failure":   {Failure: history.PoisonClass},
		"continued": {Status: provider.ContinuedAsNew},
		"completed": {Status: provider.Completed, UpdatedBefore: time.UnixMilli(5)},
	}
}

func TestAPageIsReadInTheOrderOfAnIndex(t *testing.T) {
	t.Parallel()
	c := crowded(t, 4000)
	for name, q := range findings() {
		q.Limit = 100
		for _, after := range []*provider.Cursor{nil, {Key: 1_002_000, ID: "i2000"}} {
			q.After = after
			plans, err := c.store.FindPlans(t.Context(), q)
			require.NoError(t, err, name)
			for _, plan := range plans {
				for _, step := range plan {
					require.NotContains(t, step, "TEMP B-TREE", "%s: %v", name, plan)
					require.NotContains(t, step, "AUTOMATIC", "%s: %v", name, plan)
					if strings.HasPrefix(step, "SCAN ") && step != "SCAN c" {
						ordered := strings.Contains(step, "INDEX") || step == "SCAN instances" // by their key
						require.True(t, ordered, "%s: %v", name, plan)
					}
				}
			}
		}
	}
}

func TestAPageLooksAtABoundedNumberOfInstances(t *testing.T) {
	t.Parallel()
	rows := max(manyRows(t), 3*provider.PageScan)
	c := crowded(t, rows)
	q := provider.ListQuery{Name: "theirs", Version: "9.9.9", Limit: 100}
	pages := 0
	for began := time.Now(); ; {
		page, err := c.store.Summaries(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, page.Instances)
		pages++
		if page.Next == nil {
			t.Logf("%d pages took %v", pages, time.Since(began))
			break
		}
		q.After = page.Next
	}
	require.GreaterOrEqual(t, pages, rows/provider.PageScan)

	// What fits few needs one page, wherever they are.
	for _, few := range []provider.ListQuery{
		{Name: "mine", Status: provider.Running, Limit: 100}, {IDPrefix: "A", Name: "mine", Limit: 100},
	} {
		page, err := c.store.Summaries(t.Context(), few)
		require.NoError(t, err)
		require.Len(t, page.Instances, 1)
		require.Equal(t, "A", page.Instances[0].Instance)
		require.Nil(t, page.Next)
	}
}

func TestAllAreCounted(t *testing.T) {
	t.Parallel()
	c := crowded(t, manyRows(t))
	for name, q := range findings() {
		q.Limit = 100
		slowest := time.Duration(0)
		for range 20 {
			began := time.Now()
			page, err := c.store.Summaries(t.Context(), q)
			slowest = max(slowest, time.Since(began))
			require.NoError(t, err)
			if page.Next == nil {
				break
			}
			q.After = page.Next
		}
		t.Logf("%s: the slowest page took %v", name, slowest)
	}
	began := time.Now()
	total := 0
	for q := (provider.ListQuery{}); ; {
		part, err := c.store.Count(t.Context(), q, provider.Grouping{Status: true, Name: true})
		require.NoError(t, err)
		for _, g := range part.Groups {
			total += g.Count
		}
		if part.Next == nil {
			break
		}
		q.After = part.Next
	}
	require.Equal(t, manyRows(t)+2, total)
	t.Logf("counting took %v", time.Since(began))
}
