package sqlite

import (
	"context"
	"errors"
	"strconv"

	"duroxide/provider"
)

// FindPlans gives how SQLite goes about a page: of each source, its candidates and what is read of them.
func (s *Store) FindPlans(ctx context.Context, q provider.ListQuery) (plans [][]string, err error) {
	err = s.read(ctx, "explain", func(c *conn) error {
		f := &finder{c, &q}
		until := &provider.Cursor{Key: 1, ID: "a"}
		for _, choice := range q.Sources() {
			for _, from := range choice {
				nth, nthArgs, err := f.source(from, nil)
				if err != nil {
					return err
				}
				page, pageArgs, err := f.selected(from, until)
				if err != nil {
					return err
				}
				var steps []string
				visit := func(r *rows) { steps = append(steps, r.text(3)) }
				err = errors.Join(
					f.each("EXPLAIN QUERY PLAN "+nth+" LIMIT 1 OFFSET "+strconv.Itoa(provider.PageScan-1), nthArgs, visit),
					f.each("EXPLAIN QUERY PLAN "+summaryColumns+page+" LIMIT 100", pageArgs, visit))
				if err != nil {
					return err
				}
				plans = append(plans, steps)
			}
		}
		return nil
	})
	return plans, err
}
