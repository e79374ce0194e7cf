package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"
)

type sqliteFigures struct {
	CommitsPerSecond     float64 `json:"commitsPerSecond"`
	GroupedRowsPerSecond float64 `json:"groupedRowsPerSecond"`
	FlushMs              float64 `json:"flushMs"`
}

func measureSQLite(
	ctx context.Context, synchronous string, d time.Duration, row []byte,
) (sqliteFigures, error) {
	folder, err := os.MkdirTemp("", "duroxide-bench-store-")
	if err != nil {
		return sqliteFigures{}, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := open(ctx, filepath.Join(folder, "bare.db"), synchronous)
	if err != nil {
		return sqliteFigures{}, err
	}
	defer func() { _ = db.Close() }()
	insert, err := db.PrepareContext(ctx, "INSERT INTO rows (body) VALUES (?)")
	if err != nil {
		return sqliteFigures{}, fmt.Errorf("prepare: %w", err)
	}
	defer func() { _ = insert.Close() }()
	var f sqliteFigures
	f.CommitsPerSecond, err = rate(d, func() error { return commitRow(ctx, insert, row) })
	if err != nil {
		return sqliteFigures{}, err
	}
	groups, err := rate(d, func() error { return commitGroup(ctx, db, insert, row) })
	if err != nil {
		return sqliteFigures{}, err
	}
	f.GroupedRowsPerSecond = groups * rowsPerGroup
	f.FlushMs, err = flushTime(filepath.Join(folder, "flush"), d)
	return f, err
}

func open(ctx context.Context, file, synchronous string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = " + synchronous,
		"CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("run %q: %w", statement, err)
		}
	}
	return db, nil
}

// commitRow commits one row by itself.
func commitRow(ctx context.Context, insert *sql.Stmt, row []byte) error {
	if _, err := insert.ExecContext(ctx, row); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// commitGroup commits many rows at once.
func commitGroup(ctx context.Context, db *sql.DB, insert *sql.Stmt, row []byte) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	inside := tx.StmtContext(ctx, insert)
	for range rowsPerGroup {
		if err := commitRow(ctx, inside, row); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// flushTime gives the median of overwriting 4 KiB in place and flushing them, in milliseconds.
func flushTime(name string, d time.Duration) (float64, error) {
	file, err := os.Create(filepath.Clean(name))
	if err != nil {
		return 0, fmt.Errorf("create %s: %w", name, err)
	}
	defer func() { _ = file.Close() }()
	page := make([]byte, 4096)
	took, err := median(d, func() error {
		if _, err := file.WriteAt(page, 0); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if err := flush(file); err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		return nil
	})
	return float64(took.Microseconds()) / 1000, err
}
