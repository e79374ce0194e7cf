package postgres

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// FindCost gives how many pages of the database, and rows in vain, a page of a query costs at most, of all
// sources that it may come from.
func (s *Store) FindCost(ctx context.Context, q provider.ListQuery) (cost int64, plan string, err error) {
	f := &finder{s, &q, "explain"}
	for _, choice := range q.Sources() {
		for _, from := range choice {
			nth, nthArgs := f.source(from, nil)
			until, err := f.nth(ctx, from, q.Scan())
			if err != nil {
				return 0, "", err
			}
			page, pageArgs := f.selected(from, until)
			for text, args := range map[string][]any{
				nth + " LIMIT 1 OFFSET " + strconv.Itoa(q.Scan()-1):                                  nthArgs,
				summaryColumns + page + " ORDER BY " + f.order() + " LIMIT " + strconv.Itoa(q.Limit): pageArgs,
			} {
				var explained []struct{ Plan node }
				text := "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text
				err := f.each(ctx, text, args, func(r pgx.Rows) error {
					if err := r.Scan(&plan); err != nil {
						return err
					}
					return json.Unmarshal([]byte(plan), &explained)
				}, func() {})
				if err != nil {
					return 0, plan, err
				}
				top := &explained[0].Plan
				if each := top.Hit + top.Read + top.inVain(); each > cost {
					cost = each
				}
			}
		}
	}
	return cost, plan, nil
}
