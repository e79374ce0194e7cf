package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var _ provider.Copier = (*Store)(nil)

// partialSuffix ends the name of a copy until it is complete, with a number that no other has.
const partialSuffix = "-partial-*"

// sqlAnything makes a transaction see what is committed now.
var sqlAnything = &statement{`SELECT count(*) FROM sqlite_schema`}

// copying is a copy in the making: a connection that sees one commit, and where its pages go.
type copying struct {
	store   *Store
	path    string
	partial string
	replace bool

	mu     sync.Mutex // the store may close it
	from   *conn
	backup *sqlite.Backup
}

// Copy begins a copy. It reads what is committed now, however long it takes: SQLite would begin again
// with every commit of somebody else.
func (s *Store) Copy(ctx context.Context, path string, replace bool) (provider.Copy, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure("backup", err)
	}
	c, err := s.beginCopy(path, replace)
	if err != nil {
		return nil, failure("backup", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, failure("backup", errors.Join(rules.Closed(""), c.giveUp()))
	}
	s.copies.Store(c, true)
	return c, nil
}

func (s *Store) beginCopy(path string, replace bool) (*copying, error) {
	if s.options.Memory {
		return nil, rules.Refuse(provider.ErrBadInput, "a store in memory has no file that could be copied")
	}
	if err := s.isClosed(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable("cannot make the copy", path, err)
	}
	c := &copying{store: s, path: path, replace: replace}
	if err := c.checkPlace(); err != nil {
		return nil, err
	}
	if c.from, err = s.openReader(); err != nil {
		return nil, s.note(err)
	}
	if err := c.begin(); err != nil {
		return nil, errors.Join(s.note(err), c.giveUp())
	}
	return c, nil
}

// checkPlace refuses the files of the store itself, and those that may not be replaced.
func (c *copying) checkPlace() error {
	info, err := os.Stat(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unusable("cannot make the copy", c.path, err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		own, err := os.Stat(c.store.options.Path + suffix)
		if err == nil && os.SameFile(own, info) {
			return rules.Refuse(provider.ErrCannotOpen, "the copy %s would be the store itself", c.path)
		}
	}
	if !info.Mode().IsRegular() {
		return rules.Refuse(provider.ErrCannotOpen, "cannot make the copy %s: it is a %s", c.path, kindOf(info.Mode()))
	}
	if !c.replace {
		return rules.Refuse(provider.ErrCannotOpen, "cannot make the copy %s: there is such a file already", c.path)
	}
	return nil
}

func (c *copying) begin() error {
	if _, err := c.from.exec(sqlSnapshot); err != nil {
		return err
	}
	if _, err := c.from.one(sqlAnything); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(c.path), filepath.Base(c.path)+partialSuffix)
	if err != nil {
		return unusable("cannot make the copy", c.path, err)
	}
	c.partial = file.Name()
	if err := file.Close(); err != nil {
		return unusable("cannot make the copy", c.path, err)
	}
	backup, err := c.from.raw.(backuper).NewBackup(fileName(c.partial, false))
	if err != nil {
		return fmt.Errorf("begin the copy: %w", err)
	}
	c.backup = backup
	return nil
}

// backuper is what connections of the driver are.
type backuper interface {
	NewBackup(name string) (*sqlite.Backup, error)
}

// Step copies pages.
func (c *copying) Step(ctx context.Context, pages int) (provider.CopyProgress, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backup == nil {
		return provider.CopyProgress{}, rules.Closed("backup")
	}
	progress, err := c.step(ctx, pages)
	if err != nil {
		return progress, failure("backup", errors.Join(c.store.note(err), c.giveUp()))
	}
	return progress, nil
}

func (c *copying) step(ctx context.Context, pages int) (progress provider.CopyProgress, err error) {
	if err := errors.Join(ctx.Err(), c.store.verify()); err != nil {
		return progress, err
	}
	more, err := c.backup.Step(int32(max(1, min(pages, 1<<20))))
	if err != nil {
		return progress, fmt.Errorf("copy pages: %w", err)
	}
	progress.Pages, progress.Remaining = c.backup.PageCount(), c.backup.Remaining()
	if more {
		progress.Remaining = max(progress.Remaining, 1)
		return progress, nil
	}
	progress.Bytes, err = c.complete()
	return progress, err
}

// complete gives the copy its name.
func (c *copying) complete() (size int64, err error) {
	err = c.backup.Finish()
	c.backup = nil
	if err := errors.Join(err, c.leave()); err != nil {
		return 0, fmt.Errorf("end the copy: %w", err)
	}
	info, err := os.Stat(c.partial)
	if err != nil {
		return 0, unusable("cannot make the copy", c.partial, err)
	}
	if err := c.checkPlace(); err != nil { // somebody else may have been faster
		return 0, err
	}
	if err := os.Rename(c.partial, c.path); err != nil {
		return 0, unusable("cannot make the copy", c.path, err)
	}
	return info.Size(), syncFolder(filepath.Dir(c.path))
}

// leave ends what the copy holds of the store.
func (c *copying) leave() error {
	c.store.copies.Delete(c)
	if c.from == nil {
		return nil
	}
	_, err := c.from.exec(sqlCommit)
	err = errors.Join(err, c.from.close())
	c.from = nil
	return err
}

// giveUp leaves nothing behind.
func (c *copying) giveUp() error {
	var errs []error
	if c.backup != nil {
		errs = append(errs, c.backup.Finish())
		c.backup = nil
	}
	errs = append(errs, c.leave())
	if c.partial == "" {
		return errors.Join(errs...)
	}
	for _, suffix := range []string{"", "-journal"} {
		if err := os.Remove(c.partial + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close gives up what is not complete.
func (c *copying) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backup == nil {
		return nil
	}
	return failure("backup", c.giveUp())
}

// endCopies gives up all copies, because the store is closed.
func (s *Store) endCopies() error {
	var errs []error
	s.copies.Range(func(c, _ any) bool {
		errs = append(errs, c.(*copying).Close())
		return true
	})
	return errors.Join(errs...)
}

// syncFolder makes a new name survive a power cut, where folders can be synced.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // which folder it is, the caller says
	if err != nil {
		return nil //nolint:nilerr // the copy is there
	}
	_ = folder.Sync() // not every system can
	return folder.Close()
}
