package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// Names that begin with duroxide_ are ours, also where a later release has made them.
var sqlShape = define(`
WITH ours AS (
  SELECT c.oid, c.relname, c.relpersistence FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY($2::text[]))
SELECT true, format('the rule %s on the table %s changes what is stored there; drop it', r.rulename, o.relname)
FROM ours o JOIN pg_rewrite r ON r.ev_class = o.oid
UNION ALL
SELECT true, format('the table %s is UNLOGGED, so that a crash of the server empties it', o.relname)
FROM ours o WHERE o.relpersistence = 'u'
UNION ALL
SELECT true, format('row security hides rows of the table %s from this user', o.relname)
FROM ours o WHERE row_security_active(o.oid)
UNION ALL
SELECT true, format('the constraint %s on the table %s would refuse what is stored there; drop it',
  k.conname, o.relname)
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid WHERE k.contype IN ('u', 'c', 'f', 'x')
UNION ALL
SELECT x.indisunique, format('the %s index %s of somebody else is on the table %s',
  CASE WHEN x.indisunique THEN 'unique' ELSE 'additional' END, i.relname, o.relname)
FROM ours o JOIN pg_index x ON x.indrelid = o.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT x.indisprimary AND NOT i.relname = ANY($3::text[]) AND NOT starts_with(i.relname::text, 'duroxide_')
UNION ALL
SELECT false, format('the trigger %s of somebody else runs with what is stored in the table %s',
  g.tgname, o.relname)
FROM ours o JOIN pg_trigger g ON g.tgrelid = o.oid WHERE NOT g.tgisinternal
UNION ALL
SELECT DISTINCT false, format('the view %s of somebody else reads the table %s, which a later version '
  'may change', v.relname, o.relname)
FROM ours o JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
ORDER BY 1 DESC, 2`)

var madeIndex = regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX (\w+)`)

// checkShape refuses a schema in which somebody has changed what happens when we write to our tables.
// Triggers are warned of only: replication makes some.
func (s *Store) checkShape(ctx context.Context, conn querier, all []migration) error {
	var indexes []string
	for _, m := range all {
		for _, found := range madeIndex.FindAllStringSubmatch(m.text, -1) {
			indexes = append(indexes, found[1])
		}
	}
	rows, err := conn.Query(ctx, s.texts[sqlShape], s.schema, tables, indexes)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	var refused bool
	var text string
	var warnings []string
	_, err = pgx.ForEachRow(rows, []any{&refused, &text}, func() error {
		if refused {
			return refuse(provider.ErrSchema, "schema %s cannot be used: %s", s.schema, text)
		}
		warnings = append(warnings, text)
		return nil
	})
	if err == nil && len(warnings) > 0 {
		s.log.Warn("postgres: schema " + s.schema + ": " + strings.Join(warnings, "; "))
	}
	return err
}
