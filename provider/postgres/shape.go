package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
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
	columns := madeColumns(all)
	if err := s.checkColumns(ctx, conn, columns); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, s.texts[sqlShape], s.schema, slices.Collect(maps.Keys(columns)), indexes)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	var refused bool
	var text string
	var warnings []string
	_, err = pgx.ForEachRow(rows, []any{&refused, &text}, func() error {
		if refused {
			return s.unusable("%s", text)
		}
		warnings = append(warnings, text)
		return nil
	})
	if err == nil && len(warnings) > 0 {
		s.log.Warn("postgres: schema " + s.schema + ": " + strings.Join(warnings, "; "))
	}
	return err
}

var (
	madeTable  = regexp.MustCompile(`^CREATE TABLE S\.(\w+) \($`)
	addsColumn = regexp.MustCompile(`^ALTER TABLE S\.(\w+) ADD COLUMN (.*)`)
	oneColumn  = regexp.MustCompile(`^\s*([a-z]\w*) ([a-z]+(?: COLLATE "C")?)( .*)?`)
)

// madeColumns gives what migrations make: by table and column, the type and what belongs to it.
func madeColumns(all []migration) map[string]map[string]string {
	made := map[string]map[string]string{}
	for _, m := range all {
		table := ""
		for line := range strings.Lines(m.text) {
			definition := line
			if begins := madeTable.FindStringSubmatch(strings.TrimSpace(line)); begins != nil {
				table = begins[1]
				made[table] = map[string]string{}
				continue
			}
			of := table
			if adds := addsColumn.FindStringSubmatch(line); adds != nil {
				of, definition = adds[1], adds[2]
			}
			if strings.HasPrefix(line, ")") {
				table = ""
			}
			if column := oneColumn.FindStringSubmatch(definition); column != nil && made[of] != nil {
				made[of][column[1]] = column[2] + notNull(column[3])
			}
		}
	}
	return made
}

func notNull(rest string) string {
	if strings.Contains(rest, "NOT NULL") || strings.Contains(rest, "PRIMARY KEY") {
		return " NOT NULL"
	}
	return ""
}

var sqlColumns = define(`
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
  || CASE WHEN l.collname <> 'default' THEN ' COLLATE ' || quote_ident(l.collname) ELSE '' END
  || CASE WHEN a.attgenerated <> '' THEN ' GENERATED' ELSE '' END
  || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
  a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY($2::text[]) ORDER BY 1, 2`)

// checkColumns refuses a schema in which columns of ours are missing or are others, or in which columns
// of somebody else want a value that we do not give.
func (s *Store) checkColumns(ctx context.Context, conn querier, made map[string]map[string]string) error {
	rows, err := conn.Query(ctx, s.texts[sqlColumns], s.schema, slices.Sorted(maps.Keys(made)))
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	found := map[string]map[string]string{}
	var table, column, definition string
	var wanted bool
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &definition, &wanted}, func() error {
		if found[table] == nil {
			found[table] = map[string]string{}
		}
		found[table][column] = definition
		if _, ours := made[table][column]; !ours && wanted {
			return s.unusable("the column %s of somebody else in the table %s has no default; drop it", column, table)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(made)) {
		for _, column := range slices.Sorted(maps.Keys(made[table])) {
			switch own, is := made[table][column], found[table][column]; is {
			case own:
			case "":
				return s.unusable("the table %s has no column %s", table, column)
			default:
				return s.unusable("the column %s of the table %s is %s, and not %s", column, table, is, own)
			}
		}
	}
	return nil
}

func (s *Store) unusable(format string, args ...any) error {
	return rules.Refuse(provider.ErrSchema, "schema %s cannot be used: %s", s.schema, fmt.Sprintf(format, args...))
}
