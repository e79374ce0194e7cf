package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider/process"
)

// OpenAs is Open in another process.
func OpenAs(ctx context.Context, o Options, here process.ID) (*Store, error) {
	return open(ctx, o, here)
}

// Script runs SQL in which "S." stands for the schema, so that tests can damage what is stored.
func (s *Store) Script(ctx context.Context, text string) error {
	_, err := s.pool.Exec(ctx, inSchema(text, s.schema), pgx.QueryExecModeSimpleProtocol)
	return err
}

// Number gives the number that a query finds.
func (s *Store) Number(ctx context.Context, text string, args ...any) (int64, error) {
	var found int64
	err := s.pool.QueryRow(ctx, inSchema(text, s.schema), args...).Scan(&found)
	return found, err
}

// IsListening reports whether other processes are heard.
func (s *Store) IsListening() bool { return s.server.isListening() }

// WithMigrations makes the options those of a later version, which has more migrations.
func WithMigrations(o Options, more ...string) (Options, error) {
	all, err := allMigrations()
	for _, text := range more {
		version := len(all) + 1
		all = append(all, migration{
			version: version, name: fmt.Sprintf("%04d_later.sql", version), text: text,
		})
	}
	o.migrations = all
	return o, err
}

// HurryStatements bounds how long one statement may take.
func HurryStatements(o Options, within time.Duration) Options {
	o.statementWithin = within
	return o
}

// HurryMigrations bounds how long such a version waits for locks.
func HurryMigrations(o Options, within time.Duration) Options {
	o.migrateWithin = within
	return o
}

// MigrationCount is the number of migrations of this version.
func MigrationCount() int {
	all, err := allMigrations()
	if err != nil {
		panic(err)
	}
	return len(all)
}

// WithIdle sets how long a connection of the pool may be idle.
func WithIdle(o Options, idle time.Duration) Options {
	o.connectionIdle = idle
	return o
}
