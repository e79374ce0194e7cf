package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

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
	sqlLedger      = define(`SELECT version, name FROM S.duroxide_migrations ORDER BY version`)
	sqlApplied     = define(`INSERT INTO S.duroxide_migrations (version, name) VALUES ($1, $2)`)
	sqlMigrateLock = define(`SELECT pg_try_advisory_lock($1)`)
	sqlMigrateFree = define(`SELECT pg_advisory_unlock($1)`)
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
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names)
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

// MigrationSQL gives all that an empty database needs for a schema, as one script, for people
// whose application may not create tables. ErrBadInput: the name is not allowed.
func MigrationSQL(schema string) (string, error) {
	if err := CheckSchema(schema); err != nil {
		return "", failure("migration_sql", err)
	}
	all, err := allMigrations()
	if err != nil {
		return "", err
	}
	var script strings.Builder
	fmt.Fprintf(&script, "BEGIN;\nCREATE SCHEMA IF NOT EXISTS %s;\n%s;\n",
		pgx.Identifier{schema}.Sanitize(), inSchema(createLedger, schema))
	for _, m := range all {
		fmt.Fprintf(&script, "\n-- %s\n%s", m.name, inSchema(m.text, schema))
		fmt.Fprintf(&script, "INSERT INTO %s (version, name) VALUES (%d, '%s');\n",
			pgx.Identifier{schema, ledger}.Sanitize(), m.version, m.name)
	}
	script.WriteString("COMMIT;\n")
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

// migrate applies what is missing. A lock of the session keeps other processes out, which may start
// at the same time. Whatever is not as expected is refused and left alone.
func (s *Store) migrate(ctx context.Context, conn *pgx.Conn) error {
	all, err := allMigrations()
	if err != nil {
		return err
	}
	missing, err := s.missing(ctx, conn, all)
	if err != nil || len(missing) == 0 {
		return err
	}
	if s.options.VerifyOnly {
		return refuse(provider.ErrSchema, "schema %s needs the migration %s, and was to be verified "+
			"only", s.schema, missing[0].name)
	}
	key := s.migrationKey()
	if err := s.migrationLock(ctx, conn, key); err != nil {
		return err
	}
	err = s.apply(ctx, conn, all)
	// The lock ends with the connection too, so that a failure to free it harms nobody.
	_, unlocked := conn.Exec(ctx, s.texts[sqlMigrateFree], key)
	return errors.Join(err, unlocked)
}

// migrationLock waits without a statement that waits: that would hold a snapshot all the while.
func (s *Store) migrationLock(ctx context.Context, conn *pgx.Conn, key int64) error {
	const tries = 3000
	for range tries {
		var locked bool
		if err := conn.QueryRow(ctx, s.texts[sqlMigrateLock], key).Scan(&locked); err != nil {
			return fmt.Errorf("lock migrations: %w", err)
		}
		if locked {
			return nil
		}
		if err := rest(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return &provider.Error{
		Message: "another process has been migrating the schema for too long", Retryable: true,
		Err: provider.ErrCannotOpen,
	}
}

func (s *Store) migrationKey() int64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte("duroxide migrations of schema " + s.schema))
	return int64(hash.Sum64()) //nolint:gosec // any number will do
}

func (s *Store) apply(ctx context.Context, conn *pgx.Conn, all []migration) error {
	missing, err := s.missing(ctx, conn, all)
	if err != nil {
		return err
	}
	var exists bool
	if err := conn.QueryRow(ctx, s.texts[sqlSchemaExists], s.schema).Scan(&exists); err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	for _, m := range missing {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, s.script(&m, exists), pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, s.texts[sqlApplied], m.version, m.name)
			return err
		})
		if err != nil {
			return fmt.Errorf("apply migration %s: %w", m.name, err)
		}
	}
	return nil
}

// script gives the text of a migration with what it needs before it. Making a schema needs a
// right even if it is there already.
func (s *Store) script(m *migration, exists bool) string {
	text := "SET LOCAL lock_timeout = '5s';"
	if m.version == 1 {
		if !exists {
			text += "CREATE SCHEMA IF NOT EXISTS " + pgx.Identifier{s.schema}.Sanitize() + ";"
		}
		text += inSchema(createLedger, s.schema) + ";"
	}
	return text + inSchema(m.text, s.schema)
}

// missing gives the migrations that were not applied yet. ErrSchema: the schema is not what this
// version can use.
func (s *Store) missing(ctx context.Context, conn *pgx.Conn, all []migration) ([]migration, error) {
	kinds, err := s.relations(ctx, conn)
	if err != nil {
		return nil, err
	}
	if len(kinds) == 0 {
		return all, nil
	}
	if kinds[ledger] != "r" {
		return nil, refuse(provider.ErrSchema,
			"schema %s has tables of the same names that belong to something else", s.schema)
	}
	rows, err := conn.Query(ctx, s.texts[sqlLedger])
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	applied := 0
	var version int
	var name string
	_, err = pgx.ForEachRow(rows, []any{&version, &name}, func() error {
		if applied >= len(all) {
			return refuse(provider.ErrSchema, "schema %s was written by a newer version "+
				"(migration %s, this version knows %d)", s.schema, name, len(all))
		}
		if all[applied].version != version || all[applied].name != name {
			return refuse(provider.ErrSchema, "schema %s has an unknown migration %s", s.schema, name)
		}
		applied++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all[applied:], s.complete(kinds, applied)
}

// complete refuses a schema in which tables are missing or something else than tables.
func (s *Store) complete(kinds map[string]string, applied int) error {
	for _, table := range tables {
		switch kind := kinds[table]; {
		case applied == 0 && kind != "":
			return refuse(provider.ErrSchema,
				"schema %s has a relation %s that is not ours", s.schema, table)
		case applied > 0 && kind == "":
			return refuse(provider.ErrSchema, "schema %s has no table %s", s.schema, table)
		case applied > 0 && kind != "r" && kind != "p":
			return refuse(provider.ErrSchema, "%s in schema %s is no table", table, s.schema)
		}
	}
	return nil
}

// relations gives the kinds of the relations that bear our names.
func (s *Store) relations(ctx context.Context, conn *pgx.Conn) (map[string]string, error) {
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
