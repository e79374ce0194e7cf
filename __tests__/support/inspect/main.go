// Command inspect prints, as JSON, what a store still holds of unfinished work. It opens the
// database by itself, beside the engine, so that a test need not trust the engine's own answers.
// Its arguments are the file of a SQLite database, or the URL of a PostgreSQL database and a schema.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// counts are rows that must be gone once every instance has ended and every runtime is shut down.
// Rows of leases that hold nothing may stay: they end by themselves.
var counts = map[string]string{
	"tasks":           "SELECT count(*) FROM tasks",
	"messages":        "SELECT count(*) FROM messages",
	"lockedInstances": "SELECT count(*) FROM instances WHERE lease <> 0",
	"openExecutions":  "SELECT count(*) FROM executions WHERE completed IS NULL",
}

const brokenPages = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	db, err := open(args)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer db.Close()
	found := map[string]int{}
	for name, query := range counts {
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", name, err)
		}
		found[name] = n
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func open(args []string) (*sql.DB, error) {
	if len(args) == 1 {
		counts["brokenPages"] = brokenPages
		dsn := url.URL{Scheme: "file", Path: args[0], RawQuery: "mode=ro"}
		return sql.Open("sqlite", dsn.String())
	}
	config, err := pgx.ParseConfig(args[0])
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{args[1]}.Sanitize()
	return stdlib.OpenDB(*config), nil
}
