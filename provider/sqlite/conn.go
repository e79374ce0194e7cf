package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"modernc.org/sqlite"

	"duroxide/history"
)

// statement is one SQL text. Its address is the key under which a connection keeps it prepared,
// so every statement of this package is a variable.
//
// A parameter that a frequent statement compares for equality stands in an expression (?1 + 0,
// CAST(?1 AS TEXT)): the planner looks at the value of a bare one, and then prepares the statement
// anew for every other value, which costs ten times what the statement does.
type statement struct{ sql string }

// conn is one connection with its prepared statements, for one goroutine at a time. It speaks to
// the driver directly: the pool of database/sql costs more than a small statement does.
type conn struct {
	raw      driver.Conn
	prepared map[*statement]driver.Stmt
	args     []driver.NamedValue
	// writes counts statements that changed rows, so that the writer can tell whether a refused
	// request has left anything to undo; runs counts all statements.
	writes int
	runs   int
}

func dial(name string) (*conn, error) {
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &conn{raw: raw, prepared: map[*statement]driver.Stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, stmt := range c.prepared {
		errs = append(errs, stmt.Close())
	}
	c.prepared = nil
	return errors.Join(append(errs, c.raw.Close())...)
}

func (c *conn) prepare(s *statement) (driver.Stmt, error) {
	if stmt, ok := c.prepared[s]; ok {
		return stmt, nil
	}
	stmt, err := c.raw.(driver.ConnPrepareContext).PrepareContext(context.Background(), s.sql)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	c.prepared[s] = stmt
	return stmt, nil
}

func (c *conn) bind(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for n, value := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: n + 1, Value: value})
	}
	return c.args
}

// exec runs a statement without rows and gives the number of rows that it changed.
func (c *conn) exec(s *statement, args ...driver.Value) (int64, error) {
	stmt, err := c.prepare(s)
	if err != nil {
		return 0, err
	}
	c.runs++
	count(s)
	// The background context matters: the driver arms no interrupt for it.
	result, err := stmt.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	changed, err := result.RowsAffected()
	if changed > 0 {
		c.writes++
	}
	return changed, err
}

// query starts a statement with rows. The caller must close them before it uses the same
// statement again.
func (c *conn) query(s *statement, args ...driver.Value) (*rows, error) {
	stmt, err := c.prepare(s)
	if err != nil {
		return nil, err
	}
	c.runs++
	count(s)
	raw, err := stmt.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return nil, err
	}
	return &rows{raw: raw, values: make([]driver.Value, len(raw.Columns()))}, nil
}

// one gives the first row, or nil where there is none.
func (c *conn) one(s *statement, args ...driver.Value) (*rows, error) {
	r, err := c.query(s, args...)
	if err != nil {
		return nil, err
	}
	found := r.next()
	if err := r.close(); err != nil || !found {
		return nil, err
	}
	return r, nil
}

// each calls visit for every row; it may stop early by returning false.
func (c *conn) each(s *statement, visit func(r *rows) bool, args ...driver.Value) error {
	r, err := c.query(s, args...)
	if err != nil {
		return err
	}
	for r.next() && visit(r) {
	}
	return r.close()
}

// script runs SQL text that is used once: it may hold several statements.
func (c *conn) script(text string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

// forget closes a statement that will not be used again.
func (c *conn) forget(s *statement) error {
	stmt, ok := c.prepared[s]
	if !ok {
		return nil
	}
	delete(c.prepared, s)
	return stmt.Close()
}

// pagesWritten gives the number of pages written since the last call.
func (c *conn) pagesWritten() int {
	pages, _, err := c.raw.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return 0
	}
	return pages
}

// rows is a running query. Values stay valid after close.
type rows struct {
	raw    driver.Rows
	values []driver.Value
	err    error
}

func (r *rows) next() bool {
	if r.err != nil {
		return false
	}
	r.err = r.raw.Next(r.values)
	return r.err == nil
}

func (r *rows) close() error {
	err := r.raw.Close()
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return r.err
	}
	return err
}

func (r *rows) null(column int) bool { return r.values[column] == nil }

// int gives an integer; null is zero.
func (r *rows) int(column int) int64 {
	value, _ := r.values[column].(int64)
	return value
}

func (r *rows) uint(column int) uint64 { return unsigned(r.int(column)) }

// text gives a text or a blob as a string; null is "".
func (r *rows) text(column int) string {
	switch value := r.values[column].(type) {
	case string:
		return value
	case []byte:
		// The driver has made it for this row, and nothing here writes into such bytes.
		return unsafe.String(unsafe.SliceData(value), len(value)) //nolint:gosec // see above
	default:
		return ""
	}
}

// optional gives nil for null.
func (r *rows) optional(column int) *string {
	if r.null(column) {
		return nil
	}
	text := r.text(column)
	return &text
}

// life gives a life; null is an unknown one.
func (r *rows) life(column int) history.Life {
	var life history.Life
	copy(life[:], r.blob(column))
	return life
}

func (r *rows) blob(column int) []byte {
	value, _ := r.values[column].([]byte)
	return value
}

// SQLite knows signed integers only. Ids, epochs and event ids stay far below the sign bit, and a
// value above it would come back unchanged all the same.

func signed[T ~uint64](v T) int64 { return int64(v) }

func unsigned(v int64) uint64 { return uint64(v) } //nolint:gosec // see above

// optionalText binds nil as null.
func optionalText(text *string) driver.Value {
	if text == nil {
		return nil
	}
	return *text
}

// blob binds text as bytes: payloads are opaque and may hold what SQL text functions stop at. The driver
// only reads them.
func blob(text string) driver.Value {
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // see above
}

func optionalBlob(text *string) driver.Value {
	if text == nil {
		return nil
	}
	return blob(*text)
}

func flag(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
