package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/providertest"
	"duroxide/provider/sqlite"
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

// peopled fills a store with instances of all kinds: every third runs, one of a thousand has failed, one of ten
// thousand is held; one of a thousand has another name; every other has a parent.
func peopled(t *testing.T, rows int) *amid {
	t.Helper()
	c := &amid{t: t, store: open(t, file(t))}
	c.begin("template", "usual")
	const status = "CASE WHEN n % 1000 = 0 THEN 3 WHEN n % 3 = 0 THEN 1 ELSE 2 END"
	hold := fmt.Sprintf("x'%x'", provider.EncodeHold(&provider.Hold{Execution: 1, LastEvent: 1, Reason: "why"}))
	for _, text := range []string{
		`INSERT INTO instances (key, id, execution, status, last_event, lane, events, updated)
  SELECT 1000000 + n, 'i' || n, 1, ` + status + `, 1, lane, 1, 2 * n FROM numbers, instances WHERE id = 'template'`,
		`INSERT INTO details (instance, name, version, parent, created, hold)
  SELECT 1000000 + n, CASE WHEN n % 1000 = 1 THEN 'rare' ELSE 'usual' END, '1.0.0',
    CASE WHEN n % 2 = 0 THEN 'p' ELSE '' END, n, CASE WHEN n % 10000 = 3 THEN ` + hold + ` END FROM numbers`,
		`INSERT INTO executions (instance, execution, status, started, failure)
  SELECT 1000000 + n, 1, ` + status + `, 0, CASE WHEN n % 1000 = 0 THEN iif(n % 3000 = 0, 'timeout', 'application') END
  FROM numbers`,
	} {
		require.NoError(t, c.store.Script(t.Context(), fmt.Sprintf(
			"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT %d)\n", rows)+text))
	}
	return c
}

// wanted are queries that people ask for.
func wanted(rows int) map[string]provider.ListQuery {
	queries := providertest.Wanted(time.UnixMilli(int64(rows)))
	queries["no version"] = provider.ListQuery{Version: "9.9.9"}
	queries["running, created early"] = provider.ListQuery{Status: provider.Running, CreatedBefore: time.UnixMilli(100)}
	return queries
}

// DUROXIDE_TEST_ROWS=1000000 go test -run AreCounted -v ./provider/sqlite tells how long pages take.
func TestAllAreCounted(t *testing.T) {
	t.Parallel()
	c := peopled(t, manyRows(t))
	for name, q := range wanted(manyRows(t)) {
		for order, of := range map[string]provider.Order{
			"newest": provider.NewestFirst, "oldest": provider.OldestFirst, "id": provider.ByID,
		} {
			q.Order, q.Limit, q.After = of, 100, nil
			took := []time.Duration{}
			for range 20 {
				began := time.Now()
				page, err := c.store.Summaries(t.Context(), q)
				took = append(took, time.Since(began))
				require.NoError(t, err)
				q.After = page.Next
			}
			slices.Sort(took)
			t.Logf("%s, %s: a page took %v, at least %v", name, order, took[len(took)/2], took[0])
		}
		began, parts := time.Now(), 0
		total := counted(t, c.store, q, &parts)
		if name == "all" {
			require.Equal(t, manyRows(t)+1, total)
		}
		t.Logf("%s: counting %d took %v in %d parts", name, total, time.Since(began), parts)
	}
}

// counted counts what a query selects, part by part.
func counted(t *testing.T, s *sqlite.Store, q provider.ListQuery, parts *int) (total int) {
	t.Helper()
	q.Order, q.Limit, q.After = provider.NewestFirst, 0, nil
	for {
		part, err := s.Count(t.Context(), q, provider.Grouping{Status: true, Name: true})
		require.NoError(t, err)
		*parts++
		for _, g := range part.Groups {
			total += g.Count
		}
		if part.Next == nil {
			return total
		}
		q.After = part.Next
	}
}
