package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"duroxide/provider"
)

// openWriter opens the writing connection and brings the schema up to date.
func openWriter(o Options) (*conn, error) {
	name := ":memory:"
	if !o.Memory {
		if err := probe(o); err != nil {
			return nil, err
		}
		name = fileName(o.Path)
	}
	c, err := dial(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", provider.ErrCannotOpen, err)
	}
	if err := setUp(c, o); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// probe gives clearer errors than the driver does for files that cannot be opened, and makes the
// directories if that is wanted.
func probe(o Options) error {
	if o.Path == "" {
		return refuse(provider.ErrCannotOpen, "no database file was given")
	}
	folder := filepath.Dir(o.Path)
	if o.CreateDirs {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return unusable("cannot create the folder", folder, err)
		}
	}
	file, err := os.OpenFile(o.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return unusable("cannot open the database file", o.Path, err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return unusable("cannot read the database file", o.Path, err)
	}
	if info.Size() == 0 {
		return nil
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if n, _ := file.ReadAt(head, 0); string(head[:n]) != magic {
		return refuse(provider.ErrCorrupt, "%s is not an SQLite database", o.Path)
	}
	return nil
}

func unusable(what, path string, err error) error {
	_, sentinel := classify(err)
	if sentinel == nil {
		sentinel = provider.ErrCannotOpen
	}
	reason := err
	if detail, ok := errors.AsType[*fs.PathError](err); ok {
		reason = detail.Err
	}
	return &provider.Error{
		Message: fmt.Sprintf("%s %s: %v", what, path, reason),
		Err:     fmt.Errorf("%w: %w", sentinel, err),
	}
}

// fileName gives the driver's name of a path, in which ? and % would have a meaning.
func fileName(path string) string {
	escaped := url.URL{Path: filepath.ToSlash(path)}
	return "file:" + strings.ReplaceAll(escaped.EscapedPath(), ";", "%3B")
}

// patience is how long SQLite itself waits for other processes; then the writer tries again.
const patience = "busy_timeout = 1000"

func setUp(c *conn, o Options) error {
	// The timeout comes first: the others may meet another process that opens the file.
	pragmas := []string{
		patience, "auto_vacuum = INCREMENTAL", "foreign_keys = OFF",
		"temp_store = MEMORY", "cache_size = -65536",
	}
	if o.Memory {
		// A rollback needs the journal, so it must not be off.
		pragmas = append(pragmas, "journal_mode = MEMORY", "synchronous = OFF")
	}
	if err := set(c, pragmas); err != nil {
		return err
	}
	fresh, err := isEmpty(c)
	if err != nil {
		return err
	}
	if !fresh {
		// A file of somebody else must not be changed, not even its journal mode.
		if err := recognise(c, o.Path); err != nil {
			return err
		}
	}
	if !o.Memory {
		synchronous := "synchronous = FULL"
		if o.Synchronous == Normal {
			synchronous = "synchronous = NORMAL"
		}
		err := set(c, []string{
			"journal_mode = WAL", synchronous, "journal_size_limit = 67108864",
			"wal_autocheckpoint = 0",
		})
		if err != nil {
			return err
		}
	}
	return migrate(c, o.Path)
}

func set(c *conn, pragmas []string) error {
	for _, pragma := range pragmas {
		if err := c.script("PRAGMA " + pragma); err != nil {
			return fmt.Errorf("set %s: %w", pragma, err)
		}
	}
	return nil
}

const readerLimit = 3

// openReader opens a connection that cannot write.
func openReader(o Options) (*conn, error) {
	c, err := dial(fileName(o.Path))
	if err != nil {
		return nil, err
	}
	err = set(c, []string{
		"busy_timeout = 5000", "query_only = 1", "cache_size = -8192", "temp_store = MEMORY",
	})
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}
