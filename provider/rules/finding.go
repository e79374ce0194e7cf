package rules

import "duroxide/provider"

// Candidates are sources that are read from behind the place where a page begins up to one, if it is not nil.
type Candidates struct {
	From  []provider.Source
	Until *provider.Cursor
}

// Nth returns the place, key and id, of the nth candidate of a source in the order of a list; nil where it has
// fewer.
type Nth func(q *provider.ListQuery, from provider.Source, n int) (*provider.Cursor, error)

// Choose returns the sources that leave out most, and the place up to which they are read so that at most scan
// candidates are looked at; zero is all of them.
func Choose(q *provider.ListQuery, scan int, nth Nth) (best Candidates, err error) {
	if q.IDs != nil {
		return Candidates{From: []provider.Source{provider.FromIDs}}, nil
	}
	choices := q.Sources()
	if scan == 0 {
		return Candidates{From: choices[0]}, nil
	}
	if q.IDPrefix != "" && q.Order != provider.ByID {
		few := Candidates{From: []provider.Source{provider.FromPrefix}}
		byID := &provider.ListQuery{IDPrefix: q.IDPrefix, Order: provider.ByID}
		many, err := nth(byID, provider.FromAll, scan) // To sort all would take long.
		if err != nil || many == nil {
			return few, err
		}
	}
	for _, choice := range choices {
		all, err := bounded(q, choice, scan, nth)
		if err != nil || all.Until == nil {
			return all, err
		}
		if best.Until == nil || q.Order.Before(*best.Until, *all.Until) {
			best = all
		}
	}
	return best, nil
}

// bounded returns the sources of a choice, up to where one of them has had scan candidates.
func bounded(q *provider.ListQuery, choice []provider.Source, scan int, nth Nth) (Candidates, error) {
	all := Candidates{From: choice}
	for _, from := range choice {
		until, err := nth(q, from, scan)
		if err != nil {
			return all, err
		}
		if until != nil && (all.Until == nil || q.Order.Before(*until, *all.Until)) {
			all.Until = until
		}
	}
	return all, nil
}

// Between adds the conditions, in the words of both databases, of the candidates of a source that lie behind the
// page before, up to a place, and returns their order. parameter is how a whole number is bound.
func Between(
	q *provider.ListQuery, from provider.Source, key, parameter string, until *provider.Cursor,
	add func(condition string, arg any),
) (order string) {
	if q.IDPrefix != "" && (from == provider.FromPrefix || q.Order == provider.ByID) {
		add("id >= ?", q.IDPrefix)
		if end := provider.After(q.IDPrefix); end != "" {
			add("id < ?", end)
		}
	}
	if q.Order == provider.ByID {
		if q.After != nil {
			add("id > ?", q.After.ID)
		}
		if until != nil {
			add("id <= ?", until.ID)
		}
		return "id"
	}
	order, behind, to := key, " > ", " <= "
	if q.Order == provider.NewestFirst {
		order, behind, to = key+" DESC", " < ", " >= "
	}
	if q.After != nil {
		add(key+behind+parameter, int64(q.After.Key)) //nolint:gosec // keys stay far below the sign bit
	}
	if until != nil {
		add(key+to+parameter, int64(until.Key)) //nolint:gosec // keys stay far below the sign bit
	}
	return order
}

// Finish brings what was found up to a place into the order of a list, cuts it to its length, and says where the
// next page begins.
func Finish(q *provider.ListQuery, page *provider.SummaryPage, until *provider.Cursor) {
	q.Order.Sort(page.Instances)
	page.Next = q.Order.Place(until)
	if q.Limit > 0 && len(page.Instances) >= q.Limit {
		page.Instances = page.Instances[:q.Limit]
		page.Next = q.Order.At(&page.Instances[q.Limit-1])
	}
}
