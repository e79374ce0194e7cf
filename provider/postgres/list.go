package postgres

import (
	"context"
	"strconv"
	"strings"

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
	query, args := listQuery(&q)
	return s.ids(ctx, "list_instances", inSchema(query, s.schema), args...)
}

func listQuery(q *provider.ListQuery) (query string, args []any) {
	var where conditions
	listed(q, &where)
	text := `
SELECT i.id FROM S.instances i
JOIN S.details d ON d.instance = i.key
LEFT JOIN S.executions e ON e.instance = i.key AND e.execution = i.execution
WHERE true` + where.text.String() + "\nORDER BY i.key DESC"
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	}
	return text, where.args
}

// listed adds the conditions of a query to a statement with instances i, details d and executions e.
func listed(q *provider.ListQuery, where *conditions) {
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
	for _, named := range []struct{ condition, value string }{
		{"d.name = ?", q.Name}, {"d.version = ?", q.Version}, {"d.parent <> '' AND d.parent = ?", q.Parent},
	} {
		if named.value != "" {
			where.add(named.condition, named.value)
		}
	}
	if q.Failure != "" {
		where.add("i.status = 3 AND coalesce(e.failure, '') IN ('', ?)", string(q.Failure))
	}
	if q.Held != nil {
		where.add("("+isHeld+") = ?", *q.Held)
	}
	listTimes(q, where)
}

// isHeld reports whether an instance is held: an older release moves on without ending a hold.
const isHeld = `CASE WHEN i.status = 1 AND d.hold IS NOT NULL
  THEN (convert_from(d.hold, 'UTF8')::json ->> 'execution')::numeric = i.execution
    AND (convert_from(d.hold, 'UTF8')::json ->> 'lastEvent')::numeric = i.last_event ELSE false END`

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
