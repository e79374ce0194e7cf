package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// Other programs may keep tables of their own in the file of a store. What they may not do is change
// what our tables are or do: whatever runs inside our transactions could take back what was stored, and
// still let it be acknowledged.

// ownPrefix begins the names of tables and indexes that later releases add. A release that does not know
// one leaves it alone: whether it may open the file is a matter of the migration number.
const ownPrefix = "duroxide_"

// object is one entry of the schema of a database.
type object struct{ kind, name, table, sql string }

var sqlObjects = &statement{`SELECT type, name, tbl_name, sql FROM sqlite_schema`}

func objectsOf(c *conn) ([]object, error) {
	var all []object
	err := c.each(sqlObjects, func(r *rows) bool {
		all = append(all, object{r.text(0), r.text(1), r.text(2), r.text(3)})
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	return all, nil
}

// shapes has what the first migrations make, by their number.
var shapes sync.Map

func shapeOf(version int64) ([]object, error) {
	if known, ok := shapes.Load(version); ok {
		return known.([]object), nil
	}
	c, err := dial(":memory:")
	if err != nil {
		return nil, err
	}
	made, err := madeBy(c, version)
	if err := errors.Join(err, c.close()); err != nil {
		return nil, fmt.Errorf("make the schema to compare with: %w", err)
	}
	shapes.Store(version, made)
	return made, nil
}

func madeBy(c *conn, version int64) ([]object, error) {
	names, err := migrationNames()
	if err != nil {
		return nil, err
	}
	for _, name := range names[:version] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := c.script(string(text)); err != nil {
			return nil, err
		}
	}
	return objectsOf(c)
}

// shape compares a database with what our migrations make.
type shape struct {
	path string
	// ours has what must be there, by name in lower case, as SQLite compares names.
	ours map[string]object
	// newer means that a newer release has added to the tables.
	newer bool
	// warnings are about what slows or may come to harm, but changes nothing.
	warnings []string
}

// checkShape refuses a database in which somebody has changed our tables, or what happens when we write
// to them, and gives what to warn of.
func checkShape(c *conn, path string, version int64) (warnings []string, err error) {
	names, err := migrationNames()
	if err != nil {
		return nil, err
	}
	known := int64(len(names))
	made, err := shapeOf(min(version, known))
	if err != nil {
		return nil, err
	}
	found, err := objectsOf(c)
	if err != nil {
		return nil, err
	}
	s := &shape{path: path, ours: make(map[string]object, len(made)), newer: version > known}
	for _, o := range made {
		s.ours[strings.ToLower(o.name)] = o
	}
	seen := make(map[string]bool, len(made))
	for _, o := range found {
		if err := s.check(o); err != nil {
			return nil, err
		}
		seen[strings.ToLower(o.name)] = true
	}
	for _, o := range made {
		if seen[strings.ToLower(o.name)] {
			continue
		}
		if o.kind == "table" {
			return nil, s.refuse("the table %s is missing", o.name)
		}
		s.warn("the index %s is missing, without which the store is slow", o.name)
	}
	return s.warnings, s.checkViews(c, found)
}

func (s *shape) refuse(format string, args ...any) error {
	return rules.Refuse(provider.ErrSchema, "%s cannot be used: %s", s.path, fmt.Sprintf(format, args...))
}

func (s *shape) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// owns reports whether a table is ours, also as one of a later release.
func (s *shape) owns(table string) bool {
	name := strings.ToLower(table)
	return s.ours[name].kind == "table" || strings.HasPrefix(name, ownPrefix)
}

func (s *shape) check(o object) error {
	own, isOurs := s.ours[strings.ToLower(o.name)]
	switch {
	case o.kind == "trigger" && s.owns(o.table):
		return s.refuse("the trigger %s on the table %s would run with everything that is stored there; "+
			"drop it", o.name, o.table)
	case isOurs && own.kind == "table":
		if o.kind != own.kind {
			return s.refuse("%s is a %s where a table of the store should be", o.name, o.kind)
		}
		if !s.fits(plain(o.sql), plain(own.sql)) {
			return s.refuse("the table %s has another shape than this version made", o.name)
		}
	case o.kind == "index" && s.owns(o.table):
		return s.checkIndex(o, own, isOurs)
	}
	return nil
}

// fits reports whether the text of a table is what we made, or that with columns of a newer release,
// which SQLite adds at one place.
func (s *shape) fits(found, own string) bool {
	if found == own || !s.newer || len(found) < len(own) {
		return found == own
	}
	same := 0
	for same < len(own) && found[same] == own[same] {
		same++
	}
	return strings.HasPrefix(found[same:], ",") && strings.HasSuffix(found, own[same:])
}

func (s *shape) checkIndex(o, own object, isOurs bool) error {
	switch {
	case o.sql == "": // a constraint of the table, which was compared
	case isOurs && plain(o.sql) == plain(own.sql):
	case strings.HasPrefix(strings.ToLower(o.name), ownPrefix): // of a later release
	case strings.HasPrefix(o.sql, "CREATE UNIQUE"):
		return s.refuse("the unique index %s on the table %s would refuse what is stored there; drop it",
			o.name, o.table)
	case isOurs:
		s.warn("the index %s is not as this version made it", o.name)
	default:
		s.warn("the index %s of somebody else on the table %s slows writing", o.name, o.table)
	}
	return nil
}

var sqlHighest = &statement{`
SELECT (SELECT next FROM counters WHERE name = 'id'), max(
  (SELECT coalesce(max(key), 0) FROM instances), (SELECT coalesce(max(id), 0) FROM messages),
  (SELECT coalesce(max(id), 0) FROM tasks), (SELECT coalesce(max(id), 0) FROM leases))`}

// lastID is far beyond what a store can use.
const lastID = 1 << 62

// checkIDs refuses a database whose next id was used already: two things of one id would be one.
func checkIDs(c *conn, path string) error {
	r, err := c.one(sqlHighest)
	if err != nil {
		return fmt.Errorf("read the counter of ids: %w", err)
	}
	if next, highest := r.int(0), r.int(1); next <= highest || next > lastID {
		return rules.Refuse(provider.ErrCorrupt, "%s is damaged: its next id would be %d, after %d",
			path, next, highest)
	}
	return nil
}

// plain gives a text of the schema without what means nothing.
func plain(sql string) string { return strings.Join(strings.Fields(sql), " ") }

// maxViews bounds how many views are looked at.
const maxViews = 200

var sqlRoots = &statement{`SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0`}

// checkViews warns of views that read our tables. What they read stands in the programs that SQLite
// makes of them.
func (s *shape) checkViews(c *conn, found []object) error {
	roots := map[int64]bool{}
	err := c.each(sqlRoots, func(r *rows) bool {
		if s.owns(r.text(1)) {
			roots[r.int(0)] = true
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	looked := 0
	for _, o := range found {
		if o.kind != "view" || looked == maxViews {
			continue
		}
		looked++
		if readsAny(c, o.name, roots) {
			s.warn("the view %s of somebody else reads tables that a later version may change", o.name)
		}
	}
	return nil
}

// readsAny reports whether a view reads one of the trees. One that SQLite does not understand reads
// nothing.
func readsAny(c *conn, view string, roots map[int64]bool) bool {
	explain := &statement{`EXPLAIN SELECT * FROM "` + strings.ReplaceAll(view, `"`, `""`) + `"`}
	const opcode, root = 1, 3
	reads := false
	err := c.each(explain, func(r *rows) bool {
		reads = reads || r.text(opcode) == "OpenRead" && roots[r.int(root)]
		return !reads
	})
	return err == nil && c.forget(explain) == nil && reads
}
