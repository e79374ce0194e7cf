// Command store measures what a store alone can do on this machine: commits of one row, commits of
// many rows, and what lies below them. It prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

const rowsPerGroup = 100

func main() {
	store := flag.String("store", "sqlite", "sqlite, or postgres: the server that DATABASE_URL names")
	synchronous := flag.String("synchronous", "full", "full or normal, for sqlite")
	duration := flag.Duration("duration", time.Second, "how long to run each measurement")
	payload := flag.Int("payload", 100, "bytes in each row")
	flag.Parse()
	ctx := context.Background()
	var result any
	var err error
	switch *store {
	case "sqlite":
		result, err = measureSQLite(ctx, *synchronous, *duration, make([]byte, *payload))
	case "postgres":
		result, err = measurePostgres(ctx, *duration, make([]byte, *payload))
	default:
		err = errors.New("-store must be sqlite or postgres")
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rate runs f for a while and gives how often it ran per second.
func rate(d time.Duration, f func() error) (float64, error) {
	began := time.Now()
	n := 0
	for time.Since(began) < d {
		if err := f(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// median runs f for a while and gives the median of its durations.
func median(d time.Duration, f func() error) (time.Duration, error) {
	var times []time.Duration
	_, err := rate(d, func() error {
		began := time.Now()
		if err := f(); err != nil {
			return err
		}
		times = append(times, time.Since(began))
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
