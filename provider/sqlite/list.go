package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// conditions collects a WHERE clause with numbered parameters.
type conditions struct {
	text strings.Builder
	args []driver.Value
}

// add takes a condition that names its parameter "?".
func (c *conditions) add(condition string, args ...driver.Value) {
	for _, arg := range args {
		c.args = append(c.args, arg)
		condition = strings.Replace(condition, "?", ":"+strconv.Itoa(len(c.args)), 1)
	}
	c.text.WriteString("\n  AND " + strings.ReplaceAll(condition, ":", "?"))
}

// List gives instances, newest first.
func (s *Store) List(ctx context.Context, q provider.ListQuery) ([]string, error) {
	query, args, err := listQuery(&q)
	if err != nil {
		return nil, failure("list_instances", err)
	}
	var ids []string
	err = s.read(ctx, "list_instances", func(c *conn) error {
		ids = nil
		err := c.each(query, func(r *rows) bool {
			ids = append(ids, r.text(0))
			return true
		}, args...)
		return errors.Join(err, c.forget(query))
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func listQuery(q *provider.ListQuery) (*statement, []driver.Value, error) {
	var where conditions
	if err := listed(q, &where); err != nil {
		return nil, nil, err
	}
	text := `
SELECT i.id FROM instances i
JOIN details d ON d.instance = i.key
LEFT JOIN executions e ON e.instance = i.key AND e.execution = i.execution
WHERE true` + where.text.String() + "\nORDER BY i.key DESC"
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	}
	return &statement{text}, where.args, nil
}

// listed adds the conditions of a query to a statement with instances i, details d and executions e.
func listed(q *provider.ListQuery, where *conditions) error {
	if q.Status != provider.NotCommitted {
		where.add("max(i.status, 1) = ?", int64(q.Status)) // what starts counts as running
	}
	if q.RootsOnly {
		where.add("d.parent = ''")
	}
	if q.FinalOnly {
		where.add("i.status IN (2, 3)")
	}
	if q.IDs != nil {
		ids, err := list(q.IDs)
		if err != nil {
			return err
		}
		where.add("i.id IN (SELECT value FROM json_each(?))", ids)
	}
	if q.Before != "" {
		where.add("i.key < (SELECT key FROM instances WHERE id = ?)", q.Before)
	}
	if q.IDPrefix != "" {
		// Not LIKE, which folds case and has wildcards.
		where.add("substr(CAST(i.id AS BLOB), 1, ?) = ?", int64(len(q.IDPrefix)), []byte(q.IDPrefix))
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
	return nil
}

// isHeld reports whether an instance is held: an older release moves on without ending a hold.
const isHeld = `i.status = 1 AND d.hold IS NOT NULL
  AND json_extract(CAST(d.hold AS TEXT), '$.execution') = i.execution
  AND json_extract(CAST(d.hold AS TEXT), '$.lastEvent') = i.last_event`

func listTimes(q *provider.ListQuery, where *conditions) {
	if !q.CompletedBefore.IsZero() {
		where.add("e.completed < ?", rules.Ceiling(q.CompletedBefore))
	}
	if !q.UpdatedFrom.IsZero() {
		where.add("max(d.created, i.updated) >= ?", rules.Ceiling(q.UpdatedFrom))
	}
	if !q.UpdatedBefore.IsZero() {
		where.add("max(d.created, i.updated) < ?", rules.Ceiling(q.UpdatedBefore))
	}
	if !q.CreatedFrom.IsZero() {
		where.add("d.created >= ?", rules.Ceiling(q.CreatedFrom))
	}
	if !q.CreatedBefore.IsZero() {
		where.add("d.created < ?", rules.Ceiling(q.CreatedBefore))
	}
}
