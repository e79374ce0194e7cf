package sqlite

import (
	"embed"
	"fmt"

	"duroxide/provider"
	"duroxide/provider/release"
	"duroxide/provider/rules"
)

// applicationID marks a database file as ours: "DurX".
const applicationID = 0x44757258

//go:embed migrations/*.sql
var migrations embed.FS

var (
	sqlApplication = &statement{`PRAGMA application_id`}
	sqlSchema      = &statement{`PRAGMA user_version`}
	sqlTables      = &statement{`SELECT count(*) FROM sqlite_schema`}
)

func number(c *conn, s *statement) (int64, error) {
	r, err := c.one(s)
	if err != nil || r == nil {
		return 0, err
	}
	return r.int(0), nil
}

// isEmpty reports whether the database has nothing in it.
func isEmpty(c *conn) (bool, error) {
	tables, err := number(c, sqlTables)
	if err != nil {
		return false, fmt.Errorf("read schema: %w", err)
	}
	return tables == 0, nil
}

// recognise refuses databases that are not ours, that a newer release has migrated which leaves out this
// one, or whose tables are not what we made. It gives what to warn of.
func recognise(c *conn, o *Options) (warnings []string, err error) {
	path := o.Path
	id, err := number(c, sqlApplication)
	if err != nil {
		return nil, fmt.Errorf("read application id: %w", err)
	}
	if id != applicationID {
		return nil, rules.Refuse(provider.ErrSchema, "%s belongs to another application", path)
	}
	names, err := migrationNames()
	if err != nil {
		return nil, err
	}
	version, err := number(c, sqlSchema)
	if err != nil {
		return nil, fmt.Errorf("read schema version: %w", err)
	}
	switch {
	case version < 1:
		return nil, rules.Refuse(provider.ErrSchema, "%s says that its schema is number %d, and no release "+
			"has made such a file", path, version)
	case version > int64(len(names)):
		found := release.Schema{Place: path, Found: version, Known: int64(len(names))}
		if found.Oldest, err = oldestRelease(c); err != nil {
			return nil, err
		}
		if refusal := found.Refusal(o.Release); refusal != "" {
			return nil, rules.Refuse(provider.ErrSchema, "%s", refusal)
		}
	}
	if warnings, err = checkShape(c, path, version); err != nil {
		return nil, err
	}
	return warnings, checkIDs(c, path)
}

var (
	sqlKeepsRelease  = &statement{`SELECT count(*) FROM sqlite_schema WHERE name = 'duroxide_release'`}
	sqlOldestRelease = &statement{`SELECT oldest FROM duroxide_release`}
)

// oldestRelease gives the oldest release that may open the database; "" where it does not say.
func oldestRelease(c *conn) (string, error) {
	tables, err := number(c, sqlKeepsRelease)
	if err != nil || tables == 0 {
		return "", err
	}
	r, err := c.one(sqlOldestRelease)
	if err != nil || r == nil {
		return "", err
	}
	return r.text(0), nil
}

func migrationNames() ([]string, error) { return rules.MigrationNames(migrations) }

// migrate applies what is missing, in one transaction, so that two processes that open a file at
// the same time do not meet.
func migrate(c *conn, o *Options) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	version, err := number(c, sqlSchema)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version >= int64(len(names)) {
		return nil
	}
	if !o.mayMake() {
		behind := &provider.BehindError{Applied: int(version), Known: len(names)}
		return rules.Refuse(behind, "%s has the tables of an earlier release (number %d of %d), and this may not change "+
			"them; open it once with the application of this release, or run npx duroxide migrate",
			o.Path, version, len(names))
	}
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin migration: %w", err)
	}
	if err := applyMissing(c, o, names); err != nil {
		// The first error is the one that matters; SQLite may have rolled back by itself.
		_ = c.script("ROLLBACK")
		return err
	}
	if err := c.script("COMMIT"); err != nil {
		return fmt.Errorf("commit migration: %w", err)
	}
	return nil
}

func applyMissing(c *conn, o *Options, names []string) error {
	fresh, err := isEmpty(c)
	if err != nil {
		return err
	}
	if !fresh {
		if _, err := recognise(c, o); err != nil {
			return err
		}
	}
	version, err := number(c, sqlSchema)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version >= int64(len(names)) {
		return nil // Another process was faster.
	}
	for _, name := range names[version:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		if err := c.script(string(text)); err != nil {
			return fmt.Errorf("apply %s: %w", name, err)
		}
	}
	return c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
		applicationID, len(names)))
}
