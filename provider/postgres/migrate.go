package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/release"
	"duroxide/provider/rules"
)

// migrations are never changed once they are released. Processes of the release before run on beside
// each: it adds, and drops or renames nothing that they use. It gets its locks or gives way, so it
// must not need them for long.
//
//go:embed migrations/*.sql
var migrations embed.FS

const createLedger = `
CREATE TABLE S.duroxide_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`

var (
	sqlSchemaExists = define(`SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`)
	sqlRelations    = define(`
SELECT c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY($2::text[])`)
	sqlLedger        = define(`SELECT version, name FROM S.duroxide_migrations ORDER BY version`)
	sqlOldestRelease = define(`SELECT oldest FROM S.duroxide_release`)
	sqlApplied       = define(`INSERT INTO S.duroxide_migrations (version, name) VALUES ($1, $2)`)
	sqlMigrateLock   = define(`SELECT pg_try_advisory_xact_lock($1)`)
)

// tables are what the first migration makes.
var tables = []string{
	"leases", "instances", "details", "executions", "histories", "messages", "tasks", "sessions",
	"key_values", "writers",
}

const ledger = "duroxide_migrations"

type migration struct {
	version int
	name    string
	text    string
}

func allMigrations() ([]migration, error) {
	names, err := rules.MigrationNames(migrations)
	if err != nil {
		return nil, err
	}
	all := make([]migration, 0, len(names))
	for n, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		all = append(all, migration{version: n + 1, name: path.Base(name), text: string(text)})
	}
	return all, nil
}

// MigrationSQL gives the migrations that follow the first n as one script, for people whose
// application may not create tables. With n zero it begins with the schema. ErrBadInput: the name is
// not allowed, or there are not so many migrations.
func MigrationSQL(schema string, n int) (string, error) {
	if schema == "" {
		schema = defaultSchema
	}
	if err := CheckSchema(schema); err != nil {
		return "", err
	}
	all, err := allMigrations()
	if err != nil {
		return "", err
	}
	if err := rules.MissingAfter(n, len(all)); err != nil {
		return "", err
	}
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	for _, m := range all[n:] {
		fmt.Fprintf(&script, "\n-- %s\n%sINSERT INTO %s (version, name) VALUES (%d, '%s');\n", m.name,
			m.script(schema, false), pgx.Identifier{schema, ledger}.Sanitize(), m.version, m.name)
	}
	script.WriteString("\nCOMMIT;\n")
	return script.String(), nil
}

// dial makes a connection of its own, outside the pool.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	config := s.listening.Copy()
	if err := s.options.beforeConnect(ctx, config); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, hideSecrets(err)
	}
	return conn, nil
}

// defaultMigrateWithin is how long a process waits for locks before it gives up.
const defaultMigrateWithin = 30 * time.Second

var errMigrating = errors.New("another process is migrating the schema")

// migrate applies what is missing. Whatever is not as expected is refused and left alone. Processes
// that run meanwhile go on: a migration that cannot have its locks within a second gives way to
// those who wait behind it, and tries again.
func (s *Store) migrate(ctx context.Context, conn *pgx.Conn) error {
	all := s.options.migrations
	if all == nil {
		var err error
		if all, err = allMigrations(); err != nil {
			return err
		}
	}
	giveUp := time.Now().Add(s.options.migrateWithin)
	for {
		missing, err := s.missing(ctx, conn, all)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return s.checkShape(ctx, conn, all)
		}
		if s.options.VerifyOnly {
			behind := &provider.BehindError{Applied: len(all) - len(missing), Known: len(all)}
			return rules.Refuse(behind, "schema %s lacks the migration %s, and this connection may not migrate; "+
				"npx duroxide migrate prints or applies what is missing", s.schema, missing[0].name)
		}
		if err := s.applyNext(ctx, conn, all); err != nil {
			if err := yield(ctx, err, giveUp); err != nil {
				return err
			}
		}
	}
}

// yield waits before another try to migrate, where there is hope.
func yield(ctx context.Context, reason error, giveUp time.Time) error {
	var pause time.Duration
	switch {
	case errors.Is(reason, errMigrating):
		pause = 10 * time.Millisecond
	case sqlState(reason) == stateLockTimeout || strings.HasPrefix(sqlState(reason), classRollback):
		pause = time.Second
	default:
		return reason
	}
	if time.Now().After(giveUp) {
		return &provider.Error{
			Message:   "the schema cannot be migrated, others hold the locks: " + reason.Error(),
			Retryable: true, Err: provider.ErrCannotOpen,
		}
	}
	return rest(ctx, pause)
}

// applyNext applies the first missing migration in a transaction. A lock that ends with it keeps
// other processes out, also behind a pooler. It is not waited for in SQL: that would hold a snapshot
// all the while.
func (s *Store) applyNext(ctx context.Context, conn *pgx.Conn, all []migration) error {
	committed := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	return pgx.BeginTxFunc(ctx, conn, committed, func(tx pgx.Tx) error {
		var locked bool
		err := tx.QueryRow(ctx, s.texts[sqlMigrateLock], s.migrationKey()).Scan(&locked)
		if err != nil {
			return fmt.Errorf("lock migrations: %w", err)
		}
		if !locked {
			return errMigrating
		}
		missing, err := s.missing(ctx, tx, all)
		if err != nil || len(missing) == 0 {
			return err
		}
		m := missing[0]
		var exists bool
		if err := tx.QueryRow(ctx, s.texts[sqlSchemaExists], s.schema).Scan(&exists); err != nil {
			return fmt.Errorf("read catalog: %w", err)
		}
		text := "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = 0; " +
			m.script(s.schema, exists)
		if _, err := tx.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("apply migration %s: %w", m.name, err)
		}
		_, err = tx.Exec(ctx, s.texts[sqlApplied], m.version, m.name)
		return err
	})
}

func (s *Store) migrationKey() int64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte("duroxide migrations of schema " + s.schema))
	return int64(hash.Sum64()) //nolint:gosec // any number will do
}

// script gives the text of a migration with what it needs before it. Making a schema needs a
// right even if it is there already.
func (m *migration) script(schema string, exists bool) string {
	text := ""
	if m.version == 1 {
		if !exists {
			text += "CREATE SCHEMA IF NOT EXISTS " + pgx.Identifier{schema}.Sanitize() + ";"
		}
		text += inSchema(createLedger, schema) + ";\n\n"
	}
	return text + inSchema(m.text, schema)
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

// missing gives the migrations that were not applied yet. ErrSchema: the schema is not what this
// version can use.
func (s *Store) missing(ctx context.Context, conn querier, all []migration) ([]migration, error) {
	kinds, err := s.relations(ctx, conn)
	if err != nil {
		return nil, err
	}
	if len(kinds) == 0 {
		return all, nil
	}
	if kinds[ledger] != "r" {
		return nil, rules.Refuse(provider.ErrSchema,
			"schema %s has tables of the same names that belong to something else", s.schema)
	}
	rows, err := conn.Query(ctx, s.texts[sqlLedger])
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	applied, last := 0, 0
	var version int
	var name string
	_, err = pgx.ForEachRow(rows, []any{&version, &name}, func() error {
		last = version
		if applied == len(all) {
			return nil
		}
		if all[applied].version != version || all[applied].name != name {
			return rules.Refuse(provider.ErrSchema, "schema %s has an unknown migration %s", s.schema, name)
		}
		applied++
		return nil
	})
	if err == nil && applied == len(all) && last > applied {
		err = s.mayUse(ctx, conn, last, applied)
	}
	if err != nil {
		return nil, err
	}
	return all[applied:], s.complete(kinds, applied)
}

// mayUse refuses a schema that a newer release has migrated which leaves out this one.
func (s *Store) mayUse(ctx context.Context, conn querier, last, known int) error {
	found := release.Schema{Place: "schema " + s.schema, Found: int64(last), Known: int64(known)}
	rows, err := conn.Query(ctx, s.texts[sqlOldestRelease])
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&found.Oldest}, func() error { return nil })
	}
	if err != nil && sqlState(err) != stateNoTable {
		return fmt.Errorf("read the oldest release: %w", err)
	}
	if refusal := found.Refusal(s.options.Release); refusal != "" {
		return rules.Refuse(provider.ErrSchema, "%s", refusal)
	}
	return nil
}

// complete refuses a schema in which tables are missing or something else than tables.
func (s *Store) complete(kinds map[string]string, applied int) error {
	for _, table := range tables {
		switch kind := kinds[table]; {
		case applied == 0 && kind != "":
			return rules.Refuse(provider.ErrSchema,
				"schema %s has a relation %s that is not ours", s.schema, table)
		case applied > 0 && kind == "":
			return rules.Refuse(provider.ErrSchema, "schema %s has no table %s", s.schema, table)
		case applied > 0 && kind != "r" && kind != "p":
			return rules.Refuse(provider.ErrSchema, "%s in schema %s is no table", table, s.schema)
		}
	}
	return nil
}

// relations gives the kinds of the relations that bear our names.
func (s *Store) relations(ctx context.Context, conn querier) (map[string]string, error) {
	rows, err := conn.Query(ctx, s.texts[sqlRelations], s.schema, append([]string{ledger}, tables...))
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	kinds := map[string]string{}
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		kinds[name] = kind
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return kinds, nil
}

// rest waits about as long as it is told, unless ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
