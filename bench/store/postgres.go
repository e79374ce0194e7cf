package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// connections is how many commit at once where the server can group what they commit.
const connections = 8

type postgresFigures struct {
	RoundTripUs            float64 `json:"roundTripUs"`
	CommitsPerSecond       float64 `json:"commitsPerSecond"`
	CommitsPerSecond8Conns float64 `json:"commitsPerSecond8Connections"`
	GroupedRowsPerSecond   float64 `json:"groupedRowsPerSecond"`
}

// bareServer is a server with a table of its own for this run.
type bareServer struct {
	url    string
	insert string
	row    []byte
}

func measurePostgres(ctx context.Context, d time.Duration, row []byte) (f postgresFigures, err error) {
	s := bareServer{url: os.Getenv("DATABASE_URL"), row: row}
	if s.url == "" {
		return f, errors.New("DATABASE_URL names no server")
	}
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return f, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	schema := "duroxide_bench_" + strings.ToLower(rand.Text())
	defer func() {
		if _, dropErr := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); dropErr != nil {
			err = errors.Join(err, fmt.Errorf("drop schema %s: %w", schema, dropErr))
		}
	}()
	for _, statement := range []string{
		"CREATE SCHEMA " + schema,
		"CREATE TABLE " + schema + ".rows (" +
			"id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return f, fmt.Errorf("run %q: %w", statement, err)
		}
	}
	s.insert = "INSERT INTO " + schema + ".rows (body) VALUES ($1)"
	return s.measure(ctx, conn, d)
}

func (s bareServer) measure(
	ctx context.Context, conn *pgx.Conn, d time.Duration,
) (f postgresFigures, err error) {
	trip := func() error { return roundTrip(ctx, conn) }
	// The first trips prepare the statement and warm both sides up.
	if _, err := median(d/10, trip); err != nil {
		return f, err
	}
	took, err := median(d, trip)
	if err != nil {
		return f, err
	}
	f.RoundTripUs = float64(took.Nanoseconds()) / 1000
	if f.CommitsPerSecond, err = s.commits(ctx, 1, d); err != nil {
		return f, err
	}
	if f.CommitsPerSecond8Conns, err = s.commits(ctx, connections, d); err != nil {
		return f, err
	}
	groups, err := rate(d, func() error { return s.commitGroup(ctx, conn) })
	f.GroupedRowsPerSecond = groups * rowsPerGroup
	return f, err
}

func roundTrip(ctx context.Context, conn *pgx.Conn) error {
	var one int
	if err := conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("select: %w", err)
	}
	return nil
}

// commits gives how many rows per second many connections commit, each row by itself.
func (s bareServer) commits(ctx context.Context, connections int, d time.Duration) (float64, error) {
	all := make([]*pgx.Conn, 0, connections)
	defer func() {
		for _, conn := range all {
			_ = conn.Close(ctx)
		}
	}()
	for range connections {
		conn, err := pgx.Connect(ctx, s.url)
		if err != nil {
			return 0, fmt.Errorf("connect: %w", err)
		}
		all = append(all, conn)
		// The first commit prepares the statement.
		if err := s.commitRow(ctx, conn); err != nil {
			return 0, err
		}
	}
	rates := make([]float64, connections)
	errs := make([]error, connections)
	var together sync.WaitGroup
	for n, conn := range all {
		together.Go(func() {
			rates[n], errs[n] = rate(d, func() error { return s.commitRow(ctx, conn) })
		})
	}
	together.Wait()
	sum := 0.0
	for _, each := range rates {
		sum += each
	}
	return sum, errors.Join(errs...)
}

// commitRow commits one row by itself.
func (s bareServer) commitRow(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, s.insert, s.row); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// commitGroup commits many rows in one round trip.
func (s bareServer) commitGroup(ctx context.Context, conn *pgx.Conn) error {
	var batch pgx.Batch
	for range rowsPerGroup {
		batch.Queue(s.insert, s.row)
	}
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("insert a group: %w", err)
	}
	return nil
}
