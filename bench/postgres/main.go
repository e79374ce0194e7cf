// Command postgres asks the server that DATABASE_URL names for what benchmarks in JavaScript need of
// it. It prints one JSON object.
//
//	postgres settings               the version, and the settings that decide about durability
//	postgres transactions DURATION  how many transactions end in that time, in the whole database
//	postgres drop SCHEMA            removes a schema with all that is in it
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

func main() {
	answer, err := run(context.Background(), os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("say what to do: settings, transactions DURATION or drop SCHEMA")
	}
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		return nil, errors.New("DATABASE_URL names no server")
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	switch {
	case args[0] == "settings" && len(args) == 1:
		return settings(ctx, conn)
	case args[0] == "transactions" && len(args) == 2:
		return transactions(ctx, conn, args[1])
	case args[0] == "drop" && len(args) == 2:
		return drop(ctx, conn, args[1])
	}
	return nil, fmt.Errorf("unknown request %q", args)
}

func settings(ctx context.Context, conn *pgx.Conn) (map[string]string, error) {
	found := map[string]string{}
	for _, name := range []string{
		"server_version", "fsync", "synchronous_commit", "wal_sync_method", "full_page_writes",
	} {
		var value string
		if err := conn.QueryRow(ctx, "SHOW "+name).Scan(&value); err != nil {
			return nil, fmt.Errorf("show %s: %w", name, err)
		}
		found[name] = value
	}
	return found, nil
}

// transactions counts what everybody does in the database, the first of its own two counts included.
func transactions(ctx context.Context, conn *pgx.Conn, text string) (map[string]float64, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("read the duration: %w", err)
	}
	before, err := ended(ctx, conn)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	time.Sleep(d)
	after, err := ended(ctx, conn)
	if err != nil {
		return nil, err
	}
	return map[string]float64{
		"perSecond": float64(after-before) / time.Since(began).Seconds(),
	}, nil
}

func ended(ctx context.Context, conn *pgx.Conn) (count int64, err error) {
	err = conn.QueryRow(ctx, `SELECT xact_commit + xact_rollback FROM pg_stat_database
		WHERE datname = current_database()`).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("read the statistics: %w", err)
	}
	return count, nil
}

func drop(ctx context.Context, conn *pgx.Conn, schema string) (map[string]string, error) {
	name := pgx.Identifier{schema}.Sanitize()
	if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+" CASCADE"); err != nil {
		return nil, fmt.Errorf("drop schema %s: %w", schema, err)
	}
	return map[string]string{"dropped": schema}, nil
}
