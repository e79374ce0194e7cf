// Command inspect prints, as JSON, what a database file still holds of unfinished work. It opens
// the file by itself, beside the engine, so that a test need not trust the engine's own answers.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite"
)

// counts are rows that must be gone once every instance has ended and every runtime is shut down.
// Rows of leases that hold nothing may stay: they end by themselves.
var counts = map[string]string{
	"tasks":           "SELECT count(*) FROM tasks",
	"messages":        "SELECT count(*) FROM messages",
	"lockedInstances": "SELECT count(*) FROM instances WHERE lease <> 0",
	"openExecutions":  "SELECT count(*) FROM executions WHERE completed IS NULL",
	"brokenPages":     "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	dsn := url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
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
