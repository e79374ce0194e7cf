package sqlite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var _ provider.Inspector = (*Store)(nil)

// inspected are the settings that are shown, each a statement of one value.
var inspected = []struct {
	name string
	sql  *statement
}{
	{"journal", &statement{`PRAGMA journal_mode`}},
	{"page size", &statement{`SELECT CAST(page_size AS TEXT) FROM pragma_page_size`}},
	{"pages", &statement{`SELECT CAST(page_count AS TEXT) FROM pragma_page_count`}},
	{"free pages", &statement{`SELECT CAST(freelist_count AS TEXT) FROM pragma_freelist_count`}},
}

// Inspect says how the file is kept.
func (s *Store) Inspect(ctx context.Context) (provider.Inspection, error) {
	var found provider.Inspection
	names, err := migrationNames()
	if err != nil {
		return found, failure("inspect", err)
	}
	err = s.read(ctx, "inspect", func(c *conn) error {
		version, err := number(c, sqlSchema)
		found = provider.Inspection{Applied: int(version), Known: len(names)}
		for _, setting := range inspected {
			if err != nil {
				break
			}
			var r *rows
			if r, err = c.one(setting.sql); r != nil {
				found.Settings = append(found.Settings, provider.Setting{Name: setting.name, Value: r.text(0)})
			}
		}
		return err
	})
	if err != nil {
		return found, err
	}
	found.Ahead = time.Until(s.Now())
	if info, err := os.Stat(s.options.Path + "-wal"); err == nil && !s.options.Memory {
		found.Settings = append(found.Settings, provider.Setting{
			Name: "log", Value: fmt.Sprintf("%d bytes", info.Size()),
		})
	}
	return found, nil
}

// MigrationSQL gives the migrations that follow the first n as one script for a shell of SQLite.
// ErrBadInput: there are not so many.
func MigrationSQL(n int) (string, error) {
	names, err := migrationNames()
	if err != nil {
		return "", err
	}
	if err := rules.MissingAfter(n, len(names)); err != nil {
		return "", err
	}
	var script strings.Builder
	script.WriteString("BEGIN IMMEDIATE;\n")
	for _, name := range names[n:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("read migration: %w", err)
		}
		fmt.Fprintf(&script, "\n-- %s\n%s", strings.TrimPrefix(name, "migrations/"), text)
	}
	fmt.Fprintf(&script, "\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;\nCOMMIT;\n",
		applicationID, len(names))
	return script.String(), nil
}
