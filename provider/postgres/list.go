package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// conditions collects a WHERE clause with numbered parameters.
type conditions struct {
	text strings.Builder
	args []any
}

// add takes a condition that names its parameters "?".
func (c *conditions) add(condition string, args ...any) {
	for _, arg := range args {
		c.args = append(c.args, arg)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.text.WriteString("\n  AND " + condition)
}

// List gives instances, newest first.
func (s *Store) List(ctx context.Context, q provider.ListQuery) ([]string, error) {
	query, args := listQuery(&q, "i.id")
	return s.ids(ctx, "list_instances", inSchema(query, s.schema), args...)
}

// summaryColumns are what Summaries reads.
const summaryColumns = `i.id, i.key, d.name, d.version, i.execution, i.status, d.created,
  greatest(d.created, i.updated), d.parent, d.life, d.hold, i.last_event,
  d.cancelling`

// Summaries gives instances, newest first.
func (s *Store) Summaries(ctx context.Context, q provider.ListQuery) ([]provider.Summary, error) {
	query, args := listQuery(&q, summaryColumns)
	text := inSchema(query, s.schema)
	var all []provider.Summary
	err := s.read(ctx, "list_instances", func(p *pipeline) {
		all = nil
		p.batch.Queue(text, args...).Query(func(r pgx.Rows) error {
			for r.Next() {
				var sum provider.Summary
				var key, execution, created, updated, last int64
				var status int16
				var life, hold, cancelling []byte
				err := r.Scan(&sum.Instance, &key, &sum.Name, &sum.Version, &execution, &status, &created, &updated,
					&sum.Parent, &life, &hold, &last, &cancelling)
				if err != nil {
					return err
				}
				sum.Key, sum.Execution, sum.Status = unsigned(key), unsigned(execution), executionStatus(status)
				sum.Created, sum.Updated, sum.Life = moment(created), moment(updated), lifeOf(life)
				sum.Hold = provider.DecodeHold(hold).At(sum.Execution, unsigned(last), sum.Status)
				sum.Cancelling = provider.DecodeCancelling(cancelling).At(sum.Status)
				all = append(all, sum)
			}
			return r.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func listQuery(q *provider.ListQuery, columns string) (query string, args []any) {
	var where conditions
	if q.Status != provider.NotCommitted {
		where.add("greatest(i.status, 1) = ?::smallint", int16(q.Status)) // what starts counts as running
	}
	if q.RootsOnly {
		where.add("d.parent = ''")
	}
	if q.FinalOnly {
		where.add("i.status IN (2, 3)")
	}
	if q.IDs != nil {
		ids := make([]string, 0, len(q.IDs))
		for _, id := range q.IDs {
			ids = append(ids, askable(id))
		}
		where.add("i.id = ANY(?::text[])", ids)
	}
	if q.Before != "" {
		where.add("i.key < (SELECT key FROM S.instances WHERE id = ?)", askable(q.Before))
	}
	if q.IDPrefix != "" {
		where.add("starts_with(i.id, ?)", q.IDPrefix)
	}
	if q.BeforeKey != 0 {
		where.add("i.key < ?::bigint", signed(q.BeforeKey))
	}
	for _, named := range []struct{ condition, value string }{
		{"d.name = ?", q.Name}, {"d.version = ?", q.Version}, {"d.parent <> '' AND d.parent = ?", q.Parent},
	} {
		if named.value != "" {
			where.add(named.condition, named.value)
		}
	}
	listTimes(q, &where)
	text := `
SELECT ` + columns + ` FROM S.instances i
JOIN S.details d ON d.instance = i.key
LEFT JOIN S.executions e ON e.instance = i.key AND e.execution = i.execution
WHERE true` + where.text.String() + "\nORDER BY i.key DESC"
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	}
	return text, where.args
}

func listTimes(q *provider.ListQuery, where *conditions) {
	if !q.CompletedBefore.IsZero() {
		where.add("e.completed < ?::bigint", rules.Ceiling(q.CompletedBefore))
	}
	if !q.UpdatedFrom.IsZero() {
		where.add("greatest(d.created, i.updated) >= ?::bigint", rules.Ceiling(q.UpdatedFrom))
	}
	if !q.UpdatedBefore.IsZero() {
		where.add("greatest(d.created, i.updated) < ?::bigint", rules.Ceiling(q.UpdatedBefore))
	}
	if !q.CreatedFrom.IsZero() {
		where.add("d.created >= ?::bigint", rules.Ceiling(q.CreatedFrom))
	}
	if !q.CreatedBefore.IsZero() {
		where.add("d.created < ?::bigint", rules.Ceiling(q.CreatedBefore))
	}
}
