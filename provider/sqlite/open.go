package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"duroxide/provider"
	"duroxide/provider/rules"
	"duroxide/provider/sqlite/files"
)

// installed is what kept the care for files from being set up, before any database is opened.
var installed = files.Install()

var sqlDatabases = &statement{`SELECT file FROM pragma_database_list WHERE name = 'main'`}

// connect makes the writing connection, and the file where it is missing.
func connect(o Options) (*conn, error) {
	name := ":memory:"
	if !o.Memory {
		if err := prepare(o); err != nil {
			return nil, err
		}
		name = fileName(o.Path, o.ReadOnly)
	}
	c, err := dial(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", provider.ErrCannotOpen, err)
	}
	return c, nil
}

// opened gives the files that a connection has open.
func opened(c *conn, path string) (*files.Set, error) {
	r, err := c.one(sqlDatabases)
	if err != nil || r == nil {
		return nil, errors.Join(errors.New("read the name of the database"), err)
	}
	set, err := files.Opened(path, r.text(0))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", provider.ErrCannotOpen, err)
	}
	return set, nil
}

// mayMake reports whether files and tables may be made.
func (o *Options) mayMake() bool { return !o.ReadOnly && !o.VerifyOnly }

// prepare gives clearer errors than the driver does for files that cannot be opened, and makes the
// file, and its directories if that is wanted. It never opens a file that is there: closing it again
// would drop the locks that this process has on it.
func prepare(o Options) error {
	if o.Path == "" {
		return rules.Refuse(provider.ErrCannotOpen, "no database file was given")
	}
	folder := filepath.Dir(o.Path)
	if o.CreateDirs && o.mayMake() {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return unusable("cannot create the folder", folder, err)
		}
	}
	info, err := os.Stat(o.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing:
	case err != nil:
		return unusable("cannot open the database file", o.Path, err)
	case !info.Mode().IsRegular():
		return rules.Refuse(provider.ErrCannotOpen,
			"cannot open the database file %s: it is a %s", o.Path, kindOf(info.Mode()))
	}
	if missing || info.Size() == 0 {
		if err := checkLog(o.Path); err != nil {
			return err
		}
	}
	switch {
	case o.ReadOnly:
		return readable(o.Path, missing)
	case missing:
		return create(o)
	default:
		return writable(o.Path)
	}
}

func readable(path string, missing bool) error {
	if missing {
		return rules.Refuse(provider.ErrCannotOpen, "there is no database file %s, and to read one makes none", path)
	}
	return nil
}

func writable(path string) error {
	if err := files.Writable(path); err != nil {
		return unusable("cannot open the database file", path, err)
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	if mode.IsDir() {
		return "folder"
	}
	return "device"
}

// create makes an empty file that only its owner can read.
func create(o Options) error {
	path := o.Path
	if !o.mayMake() {
		return rules.Refuse(provider.ErrCannotOpen, "there is no database file %s, and migrate: false makes none", path)
	}
	//nolint:gosec // which file it is, the caller says
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // somebody else was faster
	case err != nil:
		return unusable("cannot open the database file", path, err)
	}
	if err := file.Close(); err != nil {
		return unusable("cannot open the database file", path, err)
	}
	return nil
}

// checkLog refuses a log without a database: SQLite would delete it, and what it holds.
func checkLog(path string) error {
	log := path + "-wal"
	info, err := os.Stat(log)
	if err != nil || info.Size() == 0 {
		return nil //nolint:nilerr // without a log there is nothing to lose
	}
	return rules.Refuse(provider.ErrCorrupt,
		"%s is missing or empty, but %s holds what was stored last: put the database back, or move "+
			"that file away to begin anew", path, log)
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

// fileName gives the driver's name of a path, in which ? and % would have a meaning. A file that is
// not there is not made.
func fileName(path string, readOnly bool) string {
	escaped := url.URL{Path: filepath.ToSlash(path)}
	mode := "?mode=rw"
	if readOnly {
		mode = "?mode=ro"
	}
	return "file:" + strings.ReplaceAll(escaped.EscapedPath(), ";", "%3B") + mode
}

// patience is how long SQLite itself waits for other processes; then the writer tries again.
const patience = "busy_timeout = 1000"

// setUp brings the connection and what it has opened into the state that a store needs. It may meet
// others that open the file at the same time, also where SQLite itself does not wait for them.
func setUp(c *conn, o Options) error {
	pause := firstPause
	for try := 1; ; try++ {
		warnings, err := setUpOnce(c, o)
		switch {
		case err == nil:
			for _, warning := range warnings {
				o.Log.Warn("sqlite: " + warning)
			}
			return nil
		case code(err) == codeNotADB:
			return rules.Refuse(provider.ErrCorrupt, "%s is not an SQLite database", o.Path)
		case !isBusy(err) || try == beginTries:
			return err
		}
		time.Sleep(pause + rand.N(pause)) //nolint:gosec // jitter needs no secrecy
		pause *= 2
	}
}

func setUpOnce(c *conn, o Options) (warnings []string, err error) {
	// The timeout comes first: the others may meet another process that opens the file.
	pragmas := []string{
		patience, "foreign_keys = OFF", "temp_store = MEMORY", "cache_size = -65536",
		"trusted_schema = OFF", "cell_size_check = ON",
	}
	if o.Memory {
		// A rollback needs the journal, so it must not be off.
		pragmas = append(pragmas, "journal_mode = MEMORY", "synchronous = OFF")
	}
	if err := set(c, pragmas); err != nil {
		return nil, err
	}
	fresh, err := isEmpty(c)
	if err != nil {
		return nil, err
	}
	switch {
	case fresh && !o.mayMake():
		err = emptyFile(o.Path)
	case fresh:
		// On a file that has tables this would change nothing, and write nevertheless.
		err = set(c, []string{"auto_vacuum = INCREMENTAL"})
	default:
		// A file of somebody else must not be changed, not even its journal mode.
		warnings, err = recognise(c, &o)
	}
	if err != nil {
		return nil, err
	}
	if !o.Memory && !o.ReadOnly {
		if err := useLog(c, o); err != nil {
			return nil, err
		}
	}
	return warnings, migrate(c, &o)
}

// emptyFile refuses a file without tables, which whoever opens it may not make.
func emptyFile(path string) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	behind := &provider.BehindError{Known: len(names)}
	return rules.Refuse(behind, "%s is empty: no store was ever opened on it", path)
}

var sqlUseLog = &statement{`PRAGMA journal_mode = WAL`}

// useLog turns the log on, without which readers and writers wait for each other.
func useLog(c *conn, o Options) error {
	mode, err := c.one(sqlUseLog)
	if err != nil {
		return fmt.Errorf("set journal_mode: %w", err)
	}
	if mode == nil || mode.text(0) != "wal" {
		return rules.Refuse(provider.ErrCannotOpen, "%s lies on a file system that cannot share memory "+
			"between processes; it must be a local one", o.Path)
	}
	synchronous := "synchronous = FULL"
	if o.Synchronous == Normal {
		synchronous = "synchronous = NORMAL"
	}
	return set(c, []string{
		synchronous, "journal_size_limit = 67108864", "wal_autocheckpoint = 0",
	})
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
func (s *Store) openReader() (*conn, error) {
	// Else SQLite would make a new log where the old one is gone.
	if err := s.verify(); err != nil {
		return nil, err
	}
	c, err := dial(fileName(s.options.Path, s.options.ReadOnly))
	if err != nil {
		return nil, err
	}
	err = set(c, []string{
		"busy_timeout = 5000", "query_only = 1", "cache_size = -8192", "temp_store = MEMORY",
		"trusted_schema = OFF", "cell_size_check = ON",
	})
	if err == nil {
		err = s.replaced(s.files.Joined())
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}
