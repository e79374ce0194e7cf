package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// finder reads instances in the order of a list. Its candidates come from one index, or two, that it chooses
// by which of them leaves out most; of these it looks at a bounded number.
type finder struct {
	s  *Store
	q  *provider.ListQuery
	op string
}

// Summaries gives a page of instances.
func (s *Store) Summaries(ctx context.Context, q provider.ListQuery) (provider.SummaryPage, error) {
	f := &finder{s, &q, "list_instances"}
	all, err := f.choose(ctx, q.Scan())
	if err != nil {
		return provider.SummaryPage{}, err
	}
	return f.page(ctx, all)
}

// Count counts a part of the instances.
func (s *Store) Count(ctx context.Context, q provider.ListQuery, by provider.Grouping) (provider.Counted, error) {
	f := &finder{s, &q, "count_instances"}
	all, err := f.choose(ctx, provider.CountScan)
	if err != nil {
		return provider.Counted{}, err
	}
	counted := provider.Counted{Next: q.Order.Place(all.Until)}
	for _, from := range all.From {
		groups, err := f.count(ctx, from, all.Until, by)
		if err != nil {
			return provider.Counted{}, err
		}
		counted.Groups = append(counted.Groups, groups...)
	}
	return counted, nil
}

// choose gives the sources that leave out most, see rules.Choose.
func (f *finder) choose(ctx context.Context, scan int) (rules.Candidates, error) {
	return rules.Choose(f.q, scan, func(q *provider.ListQuery, from provider.Source, n int) (*provider.Cursor, error) {
		of := *f
		of.q = q
		return of.nth(ctx, from, n)
	})
}

// nth gives the place of the nth candidate of a source; nil where it has fewer.
func (f *finder) nth(ctx context.Context, from provider.Source, n int) (*provider.Cursor, error) {
	text, args := f.source(from, nil)
	var found *provider.Cursor
	err := f.each(ctx, text+" LIMIT 1 OFFSET "+strconv.Itoa(n-1), args, func(r pgx.Rows) error {
		var key int64
		found = &provider.Cursor{}
		err := r.Scan(&key, &found.ID)
		found.Key = unsigned(key)
		return err
	}, func() { found = nil })
	return found, err
}

// each runs a statement; again is called before each try.
func (f *finder) each(
	ctx context.Context, text string, args []any, scan func(r pgx.Rows) error, again func(),
) error {
	text = inSchema(text, f.s.schema)
	return f.s.read(ctx, f.op, func(p *pipeline) {
		again()
		p.batch.Queue(text, args...).Query(func(r pgx.Rows) error {
			for r.Next() {
				if err := scan(r); err != nil {
					return err
				}
			}
			return r.Err()
		})
	})
}

// once makes one of several rows of an instance.
const once = "\n  GROUP BY instance"

// indexed are the statements of the sources, each with its column of the key.
var indexed = map[provider.Source]struct{ text, key, end string }{
	provider.FromAll:    {`SELECT key, id FROM S.instances WHERE true`, "key", ""},
	provider.FromName:   {`SELECT instance AS key, ''::text AS id FROM S.details WHERE true`, "instance", ""},
	provider.FromParent: {`SELECT instance AS key, ''::text AS id FROM S.details WHERE parent <> ''`, "instance", ""},
	provider.FromHeld:   {`SELECT instance AS key, ''::text AS id FROM S.details WHERE hold IS NOT NULL`, "instance", ""},
	provider.FromFailed: {
		`SELECT instance AS key, ''::text AS id FROM S.executions WHERE status IN (1, 3) AND status = 3`, "instance", once,
	},
	provider.FromRunning: {
		`SELECT instance AS key, ''::text AS id FROM S.executions WHERE status IN (1, 3) AND status = 1`, "instance", once,
	},
	provider.FromStarting: {
		`SELECT instance AS key, ''::text AS id FROM S.messages WHERE kind IN (1, 2, 8) AND kind = 1`, "instance", once,
	},
	provider.FromContinued: {
		`SELECT instance AS key, ''::text AS id FROM S.messages WHERE kind IN (1, 2, 8) AND kind = 2`, "instance", once,
	},
	provider.FromIDs: {`SELECT key, id FROM S.instances WHERE true`, "key", ""},
	// To read these in the order of the key would be to look at all.
	provider.FromPrefix: {`SELECT key, id FROM S.instances WHERE true`, "(key + 0)", ""},
}

// source gives the statement of the candidates of a source in their order.
func (f *finder) source(from provider.Source, until *provider.Cursor) (text string, args []any) {
	var where conditions
	of := indexed[from]
	switch from {
	case provider.FromName:
		where.add("left(name, 100) = left(?, 100)", f.q.Name)
		where.add("name = ?", f.q.Name)
	case provider.FromParent:
		where.add("parent = ?", f.q.Parent)
	case provider.FromIDs:
		ids := make([]string, 0, len(f.q.IDs))
		for _, id := range f.q.IDs {
			ids = append(ids, askable(id))
		}
		where.add("id = ANY(?::text[])", ids)
	case provider.FromAll, provider.FromHeld, provider.FromFailed, provider.FromRunning, provider.FromStarting,
		provider.FromContinued, provider.FromPrefix:
	}
	order := rules.Between(f.q, from, of.key, "?::bigint", until, func(c string, arg any) { where.add(c, arg) })
	return of.text + where.text.String() + of.end + "\n  ORDER BY " + order, where.args
}

// selected gives the rest of a statement about the candidates that fit. What it knows of how many there are,
// it must not take from the server, which would rather look at all instances.
func (f *finder) selected(from provider.Source, until *provider.Cursor) (text string, args []any) {
	text, args = f.source(from, until)
	where := conditions{args: args}
	listed(f.q, &where)
	switch from { // What is in two sources counts in one.
	case provider.FromStarting:
		where.add("i.status = 0")
	case provider.FromRunning:
		where.add("i.status = 1")
	case provider.FromAll, provider.FromName, provider.FromParent, provider.FromHeld, provider.FromFailed,
		provider.FromContinued, provider.FromIDs, provider.FromPrefix:
	}
	if scan := f.q.Scan(); scan > 0 || f.op == "count_instances" {
		text += " LIMIT " + strconv.Itoa(2*max(scan, provider.CountScan))
	}
	return `
FROM (
  ` + text + `
) c
CROSS JOIN LATERAL (SELECT * FROM S.instances WHERE key = c.key OFFSET 0) i
CROSS JOIN LATERAL (SELECT * FROM S.details WHERE instance = c.key OFFSET 0) d
LEFT JOIN LATERAL (
  SELECT completed, failure FROM S.executions WHERE instance = c.key AND execution = i.execution OFFSET 0) e ON true
WHERE true` + where.text.String(), where.args
}

// summaryColumns are what a page reads.
const summaryColumns = `
SELECT i.id, i.key, d.name, d.version, i.execution, i.status, d.created, greatest(d.created, i.updated),
  d.parent, d.life, d.hold, i.last_event, d.cancelling,
  coalesce(e.failure, ''), i.pin`

// page gives the candidates that fit.
func (f *finder) page(ctx context.Context, all rules.Candidates) (provider.SummaryPage, error) {
	var page provider.SummaryPage
	for _, from := range all.From {
		text, args := f.selected(from, all.Until)
		text = summaryColumns + text
		if f.q.Limit > 0 {
			text += "\nORDER BY " + f.order() + " LIMIT " + strconv.Itoa(f.q.Limit)
		}
		before := len(page.Instances)
		err := f.each(ctx, text, args, func(r pgx.Rows) error {
			s, err := summary(r)
			page.Instances = append(page.Instances, s)
			return err
		}, func() { page.Instances = page.Instances[:before] })
		if err != nil {
			return provider.SummaryPage{}, err
		}
	}
	rules.Finish(f.q, &page, all.Until)
	return page, nil
}

func summary(r pgx.Rows) (s provider.Summary, err error) {
	var key, execution, created, updated, last, pin int64
	var status int16
	var life, hold, cancelling []byte
	err = r.Scan(&s.Instance, &key, &s.Name, &s.Version, &execution, &status, &created, &updated, &s.Parent, &life, &hold,
		&last, &cancelling, &s.Failure, &pin)
	s.Key, s.Execution, s.Status = unsigned(key), unsigned(execution), executionStatus(status)
	s.Created, s.Updated, s.Life = moment(created), moment(updated), lifeOf(life)
	s.Hold = provider.DecodeHold(hold).At(s.Execution, unsigned(last), s.Status)
	s.Cancelling = provider.DecodeCancelling(cancelling).At(s.Status)
	s.Imported = unsigned(pin) == provider.Inert
	return s, err
}

// order gives that of a list.
func (f *finder) order() string {
	switch f.q.Order {
	case provider.ByID:
		return "c.id"
	case provider.OldestFirst:
		return "c.key"
	case provider.NewestFirst:
		return "c.key DESC"
	default:
		return "c.key DESC"
	}
}

// count counts the candidates of a source that fit.
func (f *finder) count(
	ctx context.Context, from provider.Source, until *provider.Cursor, by provider.Grouping,
) (groups []provider.Group, err error) {
	text, args := f.selected(from, until)
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
SELECT ` + column(by.Status, "greatest(i.status, 1)::smallint", "0::smallint") + ", " +
		column(by.Name, "d.name", "''::text") + ", " + column(by.Version, "d.version", "''::text") + ", " +
		column(by.Failure, "CASE WHEN i.status = 3 THEN coalesce(e.failure, '') ELSE '' END", "''::text") +
		", count(*)" + text + "\nGROUP BY 1, 2, 3, 4"
	err = f.each(ctx, text, args, func(r pgx.Rows) error {
		var g provider.Group
		var status int16
		err := r.Scan(&status, &g.Name, &g.Version, &g.Failure, &g.Count)
		g.Status = executionStatus(status)
		groups = append(groups, g)
		return err
	}, func() { groups = nil })
	return groups, err
}
