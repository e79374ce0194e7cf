package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// finder reads instances in the order of a list. Its candidates come from one index, or two, that it chooses
// by which of them leaves out most; of these it looks at a bounded number.
type finder struct {
	s  *Store
	q  *provider.ListQuery
	op string
}

// spot is a place in the order of a list: that of a key or of an id.
type spot struct {
	key int64
	id  string
}

// candidates are sources that are read from behind the place where a page begins up to one, if it is not nil.
type candidates struct {
	from  []provider.Source
	until *spot
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
	counted := provider.Counted{Next: f.cursor(all.until)}
	for _, from := range all.from {
		groups, err := f.count(ctx, from, all.until, by)
		if err != nil {
			return provider.Counted{}, err
		}
		counted.Groups = append(counted.Groups, groups...)
	}
	return counted, nil
}

// choose gives the sources that leave out most, and the place up to which they are read so that at most scan
// candidates are looked at; zero is all of them.
func (f *finder) choose(ctx context.Context, scan int) (best candidates, err error) {
	if f.q.IDs != nil {
		return candidates{from: []provider.Source{provider.FromIDs}}, nil
	}
	choices := f.q.Sources()
	if scan == 0 {
		return candidates{from: choices[0]}, nil
	}
	if f.q.IDPrefix != "" && f.q.Order != provider.ByID {
		few := candidates{from: []provider.Source{provider.FromPrefix}}
		byID := *f
		byID.q = &provider.ListQuery{IDPrefix: f.q.IDPrefix, Order: provider.ByID}
		many, err := byID.nth(ctx, provider.FromAll, scan) // To sort all would take long.
		if err != nil || many == nil {
			return few, err
		}
	}
	for _, choice := range choices {
		all, err := f.bounded(ctx, choice, scan)
		if err != nil || all.until == nil {
			return all, err
		}
		if best.until == nil || f.before(*best.until, *all.until) {
			best = all
		}
	}
	return best, nil
}

// bounded gives the sources of a choice, up to where one of them has had scan candidates.
func (f *finder) bounded(ctx context.Context, choice []provider.Source, scan int) (candidates, error) {
	all := candidates{from: choice}
	for _, from := range choice {
		until, err := f.nth(ctx, from, scan)
		if err != nil {
			return all, err
		}
		if until != nil && (all.until == nil || f.before(*until, *all.until)) {
			all.until = until
		}
	}
	return all, nil
}

// before reports whether one place comes before another in the list.
func (f *finder) before(a, b spot) bool {
	switch f.q.Order {
	case provider.ByID:
		return a.id < b.id
	case provider.OldestFirst:
		return a.key < b.key
	case provider.NewestFirst:
		return a.key > b.key
	default:
		return a.key > b.key
	}
}

// nth gives the place of the nth candidate of a source; nil where it has fewer.
func (f *finder) nth(ctx context.Context, from provider.Source, n int) (*spot, error) {
	text, args := f.source(from, nil)
	var found *spot
	err := f.each(ctx, text+" LIMIT 1 OFFSET "+strconv.Itoa(n-1), args, func(r pgx.Rows) error {
		found = &spot{}
		return r.Scan(&found.key, &found.id)
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
func (f *finder) source(from provider.Source, until *spot) (text string, args []any) {
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
	if f.q.IDPrefix != "" && (from == provider.FromPrefix || f.q.Order == provider.ByID) {
		where.add("id >= ?", f.q.IDPrefix)
		if end := provider.After(f.q.IDPrefix); end != "" {
			where.add("id < ?", end)
		}
	}
	order := f.between(&where, of.key, until)
	return of.text + where.text.String() + of.end + "\n  ORDER BY " + order, where.args
}

// between adds the conditions of what is behind the page before, up to a place, and gives the order.
func (f *finder) between(where *conditions, key string, until *spot) (order string) {
	behind, to := " < ?::bigint", " >= ?::bigint"
	if f.q.Order == provider.NewestFirst {
		order = key + " DESC"
	} else {
		order, behind, to = key, " > ?::bigint", " <= ?::bigint"
	}
	if f.q.Order == provider.ByID {
		if f.q.After != nil {
			where.add("id > ?", f.q.After.ID)
		}
		if until != nil {
			where.add("id <= ?", until.id)
		}
		return "id"
	}
	if f.q.After != nil {
		where.add(key+behind, signed(f.q.After.Key))
	}
	if until != nil {
		where.add(key+to, until.key)
	}
	return order
}

// selected gives the rest of a statement about the candidates that fit. What it knows of how many there are,
// it must not take from the server, which would rather look at all instances.
func (f *finder) selected(from provider.Source, until *spot) (text string, args []any) {
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
func (f *finder) page(ctx context.Context, all candidates) (provider.SummaryPage, error) {
	var page provider.SummaryPage
	for _, from := range all.from {
		text, args := f.selected(from, all.until)
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
	f.q.Order.Sort(page.Instances)
	page.Next = f.cursor(all.until)
	if f.q.Limit > 0 && len(page.Instances) >= f.q.Limit {
		page.Instances = page.Instances[:f.q.Limit]
		page.Next = f.q.Order.At(&page.Instances[f.q.Limit-1])
	}
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

func (f *finder) cursor(at *spot) *provider.Cursor {
	if at == nil {
		return nil
	}
	if f.q.Order == provider.ByID {
		return &provider.Cursor{ID: at.id}
	}
	return &provider.Cursor{Key: unsigned(at.key)}
}

// count counts the candidates of a source that fit.
func (f *finder) count(
	ctx context.Context, from provider.Source, until *spot, by provider.Grouping,
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
