package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"strconv"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/rules"
)

// finder reads instances in the order of a list. Its candidates come from one index, or two, that it chooses
// by which of them leaves out most; of these it looks at a bounded number.
type finder struct {
	c *conn
	q *provider.ListQuery
}

// Summaries gives a page of instances.
func (s *Store) Summaries(ctx context.Context, q provider.ListQuery) (provider.SummaryPage, error) {
	var page provider.SummaryPage
	err := s.snapshot(ctx, "list_instances", func(c *conn) error {
		f := &finder{c, &q}
		all, err := f.choose(q.Scan())
		if err != nil {
			return err
		}
		page, err = f.page(all)
		return err
	})
	if err != nil {
		return provider.SummaryPage{}, err
	}
	return page, nil
}

// Count counts a part of the instances.
func (s *Store) Count(ctx context.Context, q provider.ListQuery, by provider.Grouping) (provider.Counted, error) {
	var counted provider.Counted
	err := s.snapshot(ctx, "count_instances", func(c *conn) error {
		f := &finder{c, &q}
		all, err := f.choose(provider.CountScan)
		if err != nil {
			return err
		}
		counted = provider.Counted{Next: q.Order.Place(all.Until)}
		for _, from := range all.From {
			groups, err := f.count(from, all.Until, by)
			if err != nil {
				return err
			}
			counted.Groups = append(counted.Groups, groups...)
		}
		return nil
	})
	if err != nil {
		return provider.Counted{}, err
	}
	return counted, nil
}

// choose gives the sources that leave out most, see rules.Choose.
func (f *finder) choose(scan int) (rules.Candidates, error) {
	return rules.Choose(f.q, scan, func(q *provider.ListQuery, from provider.Source, n int) (*provider.Cursor, error) {
		return (&finder{f.c, q}).nth(from, n)
	})
}

// nth gives the place of the nth candidate of a source; nil where it has fewer.
func (f *finder) nth(from provider.Source, n int) (*provider.Cursor, error) {
	var found *provider.Cursor
	text, args, err := f.source(from, nil)
	if err != nil {
		return nil, err
	}
	text += " LIMIT 1 OFFSET " + strconv.Itoa(n-1)
	err = f.each(text, args, func(r *rows) { found = &provider.Cursor{Key: r.uint(0), ID: r.text(1)} })
	return found, err
}

// each runs a statement that is not used again.
func (f *finder) each(text string, args []driver.Value, visit func(r *rows)) error {
	st := &statement{text}
	err := f.c.each(st, func(r *rows) bool {
		visit(r)
		return true
	}, args...)
	return errors.Join(err, f.c.forget(st))
}

// once makes one of several rows of an instance.
const once = "\n  GROUP BY instance"

// indexed are the statements of the sources, each with its column of the key. The term beside an index is what
// SQLite needs to see that it has what is asked for.
var indexed = map[provider.Source]struct{ text, key, end string }{
	provider.FromAll:    {`SELECT key, id FROM instances WHERE true`, "key", ""},
	provider.FromName:   {`SELECT instance AS key, '' AS id FROM details WHERE true`, "instance", ""},
	provider.FromParent: {`SELECT instance AS key, '' AS id FROM details WHERE parent <> ''`, "instance", ""},
	provider.FromHeld:   {`SELECT instance AS key, '' AS id FROM details WHERE hold IS NOT NULL`, "instance", ""},
	provider.FromFailed: {
		`SELECT instance AS key, '' AS id FROM executions WHERE status IN (1, 3) AND status = 3`, "instance", once,
	},
	provider.FromRunning: {
		`SELECT instance AS key, '' AS id FROM executions WHERE status IN (1, 3) AND status = 1`, "instance", once,
	},
	provider.FromStarting: {
		`SELECT instance AS key, '' AS id FROM messages WHERE kind IN (1, 2, 8) AND kind = 1`, "instance", once,
	},
	provider.FromContinued: {
		`SELECT instance AS key, '' AS id FROM messages WHERE kind IN (1, 2, 8) AND kind = 2`, "instance", once,
	},
	provider.FromIDs:    {`SELECT key, id FROM instances WHERE true`, "key", ""},
	provider.FromPrefix: {`SELECT key, id FROM instances WHERE true`, "+key", ""},
}

// source gives the statement of the candidates of a source in their order.
func (f *finder) source(from provider.Source, until *provider.Cursor) (text string, args []driver.Value, err error) {
	var where conditions
	of := indexed[from]
	switch from {
	case provider.FromName:
		where.add("name = ?", f.q.Name)
	case provider.FromParent:
		where.add("parent = ?", f.q.Parent)
	case provider.FromIDs:
		ids, err := list(f.q.IDs)
		if err != nil {
			return "", nil, err
		}
		where.add("id IN (SELECT value FROM json_each(?))", ids)
	case provider.FromAll, provider.FromHeld, provider.FromFailed, provider.FromRunning, provider.FromStarting,
		provider.FromContinued, provider.FromPrefix:
	}
	order := rules.Between(f.q, from, of.key, "?", until, func(c string, arg any) { where.add(c, arg) })
	return of.text + where.text.String() + of.end + "\n  ORDER BY " + order, where.args, nil
}

// selected gives the rest of a statement about the candidates that fit.
func (f *finder) selected(from provider.Source, until *provider.Cursor) (text string, args []driver.Value, err error) {
	text, args, err = f.source(from, until)
	if err != nil {
		return "", nil, err
	}
	where := conditions{args: args}
	if err := listed(f.q, &where); err != nil {
		return "", nil, err
	}
	switch from { // What is in two sources counts in one.
	case provider.FromStarting:
		where.add("i.status = 0")
	case provider.FromRunning:
		where.add("i.status = 1")
	case provider.FromAll, provider.FromName, provider.FromParent, provider.FromHeld, provider.FromFailed,
		provider.FromContinued, provider.FromIDs, provider.FromPrefix:
	}
	// SQLite goes through a cross join in the order in which it is written, and leaves out the order of a
	// subquery unless that has a limit.
	return `
FROM (
  ` + text + ` LIMIT -1
) c
CROSS JOIN instances i ON i.key = c.key
CROSS JOIN details d ON d.instance = c.key
LEFT JOIN executions e ON e.instance = c.key AND e.execution = i.execution
WHERE true` + where.text.String(), where.args, nil
}

// summaryColumns are what a page reads.
const summaryColumns = `
SELECT i.id, i.key, d.name, d.version, i.execution, i.status, d.created, max(d.created, i.updated),
  d.parent, d.life, d.hold, i.last_event, d.cancelling, e.failure, i.pin`

// page gives the candidates that fit.
func (f *finder) page(all rules.Candidates) (provider.SummaryPage, error) {
	var page provider.SummaryPage
	for _, from := range all.From {
		text, args, err := f.selected(from, all.Until)
		if err != nil {
			return page, err
		}
		text = summaryColumns + text
		if f.q.Limit > 0 {
			text += "\nLIMIT " + strconv.Itoa(f.q.Limit)
		}
		err = f.each(text, args, func(r *rows) { page.Instances = append(page.Instances, summary(r)) })
		if err != nil {
			return page, err
		}
	}
	rules.Finish(f.q, &page, all.Until)
	return page, nil
}

func summary(r *rows) provider.Summary {
	s := provider.Summary{Key: r.uint(1), Failure: history.Class(r.text(13)), InstanceInfo: provider.InstanceInfo{
		Instance: r.text(0), Name: r.text(2), Version: r.text(3), Execution: r.uint(4),
		Status: executionStatus(r.int(5)), Created: moment(r.int(6)), Updated: moment(r.int(7)),
		Parent: r.text(8), Life: r.life(9),
	}}
	s.Hold = provider.DecodeHold(r.blob(10)).At(s.Execution, r.uint(11), s.Status)
	s.Cancelling = provider.DecodeCancelling(r.blob(12)).At(s.Status)
	s.Imported = r.uint(14) == provider.Inert
	return s
}

// count counts the candidates of a source that fit.
func (f *finder) count(from provider.Source, until *provider.Cursor, by provider.Grouping) ([]provider.Group, error) {
	text, args, err := f.selected(from, until)
	if err != nil {
		return nil, err
	}
	if f.q.Failure != "" {
		text += "\n  AND e.failure IS NOT NULL"
	}
	column := func(is bool, column, none string) string {
		if is {
			return column
		}
		return none
	}
	text = `
SELECT ` + column(by.Status, "max(i.status, 1)", "0") + ", " + column(by.Name, "d.name", "''") + ", " +
		column(by.Version, "d.version", "''") + ", " +
		column(by.Failure, "CASE WHEN i.status = 3 THEN coalesce(e.failure, '') ELSE '' END", "''") + `, count(*)` +
		text + "\nGROUP BY 1, 2, 3, 4"
	var groups []provider.Group
	err = f.each(text, args, func(r *rows) {
		groups = append(groups, provider.Group{
			Status: executionStatus(r.int(0)), Name: r.text(1), Version: r.text(2), Failure: history.Class(r.text(3)),
			Count: int(min(r.int(4), math.MaxInt32)),
		})
	})
	return groups, err
}
