package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/providertest"
)

func TestAPageOfInstancesCostsTheSameHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	instances := 20_000 * times(t)
	s := open(t, fresh(t))
	require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
INSERT INTO S.instances (key, id, execution, status, last_event, updated)
  SELECT k, 'i' || k, 1, CASE WHEN k %% 1000 = 0 THEN 3 WHEN k %% 3 = 0 THEN 1 ELSE 2 END, 1, 2 * k
  FROM generate_series(1, %[1]d) k;
INSERT INTO S.executions (instance, execution, status, started, failure)
  SELECT k, 1, CASE WHEN k %% 1000 = 0 THEN 3 WHEN k %% 3 = 0 THEN 1 ELSE 2 END, 0,
    CASE WHEN k %% 3000 = 0 THEN 'timeout' WHEN k %% 1000 = 0 THEN 'application' END FROM generate_series(1, %[1]d) k;
INSERT INTO S.details (instance, name, version, parent, created)
  SELECT k, CASE WHEN k %% 1000 = 1 THEN 'rare' ELSE 'usual' END, '1.0.0', CASE WHEN k %% 2 = 0 THEN 'p' ELSE '' END, k
  FROM generate_series(1, %[1]d) k`, instances)))
	for _, known := range []string{"never analysed", "analysed"} {
		if known == "analysed" {
			require.NoError(t, s.Script(t.Context(), "ANALYZE S.instances; ANALYZE S.executions; ANALYZE S.details"))
		}
		for name, q := range wanted(instances) {
			for _, order := range []provider.Order{provider.NewestFirst, provider.OldestFirst, provider.ByID} {
				q.Limit, q.Order = 100, order
				for _, after := range []*provider.Cursor{nil, {Key: 10_000, ID: "i10000"}} {
					q.After = after
					cost, plan, err := s.FindCost(t.Context(), q)
					require.NoError(t, err, name)
					require.Less(t, cost, int64(provider.PageScan*costEach/2), "%s, %d, %s: %s", name, order, known, plan)
				}
				q.After = nil
				took := []time.Duration{}
				for range 10 {
					began := time.Now()
					page, err := s.Summaries(t.Context(), q)
					took = append(took, time.Since(began))
					require.NoError(t, err)
					q.After = page.Next
				}
				slices.Sort(took)
				t.Logf("%s, %d, %s: a page took %v, at least %v", name, order, known, took[len(took)/2], took[0])
			}
		}
	}
	began := time.Now()
	total := 0
	for q := (provider.ListQuery{}); ; {
		part, err := s.Count(t.Context(), q, provider.Grouping{Status: true, Name: true})
		require.NoError(t, err)
		for _, g := range part.Groups {
			total += g.Count
		}
		if part.Next == nil {
			break
		}
		q.After = part.Next
	}
	require.Equal(t, instances, total)
	t.Logf("counting took %v", time.Since(began))
}

// wanted are queries that people ask for.
func wanted(instances int) map[string]provider.ListQuery {
	queries := providertest.Wanted(time.UnixMilli(int64(instances)))
	queries["no version"] = provider.ListQuery{Name: "usual", Version: "9.9.9"}
	return queries
}
