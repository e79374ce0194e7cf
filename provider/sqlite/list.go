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
	query, args, err := listQuery(&q, "i.id")
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

// summaryColumns are what Summaries reads.
const summaryColumns = `i.id, i.key, d.name, d.version, i.execution, i.status, d.created, max(d.created, i.updated),
  d.parent, d.life, d.hold, i.last_event,
  d.cancelling`

// Summaries gives instances, newest first.
func (s *Store) Summaries(ctx context.Context, q provider.ListQuery) ([]provider.Summary, error) {
	query, args, err := listQuery(&q, summaryColumns)
	if err != nil {
		return nil, failure("list_instances", err)
	}
	var all []provider.Summary
	err = s.read(ctx, "list_instances", func(c *conn) error {
		all = nil
		err := c.each(query, func(r *rows) bool {
			sum := provider.Summary{Key: r.uint(1), InstanceInfo: provider.InstanceInfo{
				Instance: r.text(0), Name: r.text(2), Version: r.text(3), Execution: r.uint(4),
				Status: executionStatus(r.int(5)), Created: moment(r.int(6)), Updated: moment(r.int(7)),
				Parent: r.text(8), Life: r.life(9),
			}}
			sum.Hold = provider.DecodeHold(r.blob(10)).At(sum.Execution, r.uint(11), sum.Status)
			sum.Cancelling = provider.DecodeCancelling(r.blob(12)).At(sum.Status)
			all = append(all, sum)
			return true
		}, args...)
		return errors.Join(err, c.forget(query))
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func listQuery(q *provider.ListQuery, columns string) (*statement, []driver.Value, error) {
	var where conditions
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
			return nil, nil, err
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
	if q.BeforeKey != 0 {
		where.add("i.key < ?", signed(q.BeforeKey))
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
SELECT ` + columns + ` FROM instances i
JOIN details d ON d.instance = i.key
LEFT JOIN executions e ON e.instance = i.key AND e.execution = i.execution
WHERE true` + where.text.String() + "\nORDER BY i.key DESC"
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	}
	return &statement{text}, where.args, nil
}

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
