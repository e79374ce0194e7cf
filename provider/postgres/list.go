package postgres

import (
	"context"
	"strconv"
	"strings"

	"duroxide/provider"
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
	if q.Name != "" {
		where.add("d.name = ?", q.Name)
	}
	listTimes(q, &where)
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

func listTimes(q *provider.ListQuery, where *conditions) {
	if !q.CompletedBefore.IsZero() {
		where.add("e.completed < ?::bigint", ceiling(q.CompletedBefore))
	}
	if !q.CreatedFrom.IsZero() {
		where.add("d.created >= ?::bigint", ceiling(q.CreatedFrom))
	}
	if !q.CreatedBefore.IsZero() {
		where.add("d.created < ?::bigint", ceiling(q.CreatedBefore))
	}
}
