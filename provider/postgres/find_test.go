package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

func TestAPageOfInstancesCostsTheSameHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	instances := 20_000 * times(t)
	s := open(t, fresh(t))
	require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
INSERT INTO S.instances (key, id, execution, status, last_event)
  SELECT k, 'i' || k, 1, CASE WHEN k %% 1000 = 0 THEN 3 WHEN k %% 3 = 0 THEN 1 ELSE 2 END, 1 FROM generate_series(1, %[1]d) k;
INSERT INTO S.executions (instance, execution, status, started)
  SELECT k, 1, CASE WHEN k %% 1000 = 0 THEN 3 WHEN k %% 3 = 0 THEN 1 ELSE 2 END, 0 FROM generate_series(1, %[1]d) k;
INSERT INTO S.details (instance, name, version, parent, created)
  SELECT k, CASE WHEN k %% 1000 = 1 THEN 'rare' ELSE 'usual' END, '1.0.0', CASE WHEN k %% 2 = 0 THEN 'p' ELSE '' END, k
  FROM generate_series(1, %[1]d) k`, instances)))
	yes := true
	for _, known := range []string{"never analysed", "analysed"} {
		if known == "analysed" {
			require.NoError(t, s.Script(t.Context(), "ANALYZE S.instances; ANALYZE S.executions; ANALYZE S.details"))
		}
		for name, q := range map[string]provider.ListQuery{
			"all":     {},
			"oldest":  {Order: provider.OldestFirst},
			"by id":   {Order: provider.ByID},
			"prefix":  {Order: provider.ByID, IDPrefix: "i1"},
			"usual":   {Name: "usual", Version: "9.9.9"},
			"rare":    {Name: "rare", Status: provider.Running},
			"parent":  {Parent: "p"},
			"held":    {Held: &yes},
			"running": {Status: provider.Running, Version: "9.9.9"},
			"failed":  {Status: provider.Failed},
			"failure": {Failure: history.PoisonClass},
			"renewed": {Status: provider.ContinuedAsNew},
			"none":    {CreatedFrom: time.UnixMilli(1 << 40)},
		} {
			q.Limit = 100
			for _, after := range []*provider.Cursor{nil, {Key: 10_000, ID: "i10000"}} {
				q.After = after
				cost, plan, err := s.FindCost(t.Context(), q)
				require.NoError(t, err, name)
				require.Less(t, cost, int64(provider.PageScan*costEach/2), "%s, %s: %s", name, known, plan)
			}
			began := time.Now()
			q.After = nil
			_, err := s.Summaries(t.Context(), q)
			require.NoError(t, err)
			t.Logf("%s, %s: a page took %v", name, known, time.Since(began))
		}
	}
}
