package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"duroxide/provider"
)

// examineTime bounds the look for damage.
const examineTime = 2 * time.Second

// uncleanEnd reports whether the log of a database holds something. After a clean end there is none.
func uncleanEnd(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// examineOnce looks for damage in the background, once, if the last process that had the file did not
// end well. It is called after the first claim: work that can be done does not wait for it.
func (s *Store) examineOnce() {
	if !s.unclean.CompareAndSwap(true, false) {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.examining.Go(s.examine)
	}
}

// examine checks as much of the database as it can in its time, on a connection of its own.
func (s *Store) examine() {
	ctx, cancel := context.WithTimeout(s.background, examineTime)
	defer cancel()
	c, err := s.openReader()
	if err != nil {
		_ = s.note(err) // whoever reads meets it too
		return
	}
	damage, err := c.quickCheck(ctx)
	err = errors.Join(err, c.close())
	switch {
	case damage != "":
		s.condemn(provider.ErrCorrupt, s.options.Path+" is damaged: "+damage)
	case ctx.Err() != nil: // there is more of it than can be looked at
	case err != nil:
		if s.note(err) == err { //nolint:errorlint // whether it is the same
			s.log.Warn("sqlite: cannot look for damage", "error", err)
		}
	}
}

// quickCheck gives the first damage that SQLite finds, or "".
func (c *conn) quickCheck(ctx context.Context) (string, error) {
	found, err := c.raw.(driver.QueryerContext).QueryContext(ctx, "PRAGMA quick_check(1)", nil)
	if err != nil {
		return "", fmt.Errorf("look for damage: %w", err)
	}
	row := make([]driver.Value, 1)
	err = found.Next(row)
	closed := found.Close()
	switch text, _ := row[0].(string); {
	case err != nil && !errors.Is(err, io.EOF):
		return "", fmt.Errorf("look for damage: %w", err)
	case text == "ok" || text == "":
		return "", closed
	default:
		return text, nil
	}
}
