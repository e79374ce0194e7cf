package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// insist repeats a call until it succeeds; only failures that may pass are allowed.
func insist(ctx context.Context, t *testing.T, call func() error) {
	t.Helper()
	if !insisted(ctx, t, call) {
		t.FailNow()
	}
}

// traffic runs until enough steps were done: every worker sends itself numbered messages and takes
// turns that consume them. It counts the steps, and checks at the end that nothing is lost or there
// twice.
func traffic(t *testing.T, stores []*postgres.Store, disturb func(steps *atomic.Int64)) {
	t.Helper()
	const workers, rounds = 8, 40
	ctx, cancel := context.WithTimeout(context.Background(), 2*hangs)
	defer cancel()
	var steps atomic.Int64
	var group sync.WaitGroup
	for n := range workers {
		s, id := stores[n%len(stores)], fmt.Sprint("i", n)
		group.Go(func() {
			h := &provider.Holder{Node: "node" + id, TTL: 4 * hangs}
			claim := submit(t, s, start(id), h).Claim //nolint:contextcheck // before any trouble
			require.NotNil(t, claim)
			_, err := s.Commit(ctx, firstTurn(claim))
			require.NoError(t, err)
			steps.Add(1)
			for round := range rounds {
				var sent []provider.Submitted
				insist(ctx, t, func() (err error) {
					sent, err = s.Submit(ctx, provider.Submission{
						Messages: []provider.Message{raise(id, strconv.Itoa(round))},
					})
					return err
				})
				c := nextTurn(&provider.InstanceClaim{Token: claim.Token, LastEvent: uint64(round) + 1})
				c.Messages, c.Release = []uint64{sent[0].ID}, false
				if sent[0].ID == 0 { // the answer was lost, and the number with it
					insist(ctx, t, func() (err error) {
						c.Messages, err = pending(ctx, s, claim.Token)
						return err
					})
				}
				insist(ctx, t, func() error {
					_, err := s.Commit(ctx, c)
					return err
				})
				steps.Add(1)
			}
		})
	}
	disturb(&steps)
	group.Wait()
	for n := range workers {
		id := fmt.Sprint("i", n)
		events, err := stores[0].History(ctx, id, 1)
		require.NoError(t, err)
		require.Len(t, events, rounds+1)
		stats, err := stores[0].Stats(ctx, id)
		require.NoError(t, err)
		require.Zero(t, stats.Messages, "what was refused was not stored either")
	}
}

func pending(ctx context.Context, s *postgres.Store, token provider.Token) ([]uint64, error) {
	found, err := s.Pending(ctx, token)
	var ids []uint64
	for _, m := range found.Messages {
		ids = append(ids, m.ID)
	}
	return ids, err
}

// hangs is a time without the progress that a test waits for after which it waits no longer. A call
// on a connection that has gone silent takes 35 seconds to notice, and machines have other work.
const hangs = 4 * time.Minute

func reached(t *testing.T, steps *atomic.Int64, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return steps.Load() >= n }, hangs, time.Millisecond)
}

func TestNothingIsLostWhenTheServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t)
	o := postgres.Options{URL: server.URL, Schema: "s", MaxConns: 4, NoListen: false}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	heard := ear(t, stores[1])
	traffic(t, stores, func(steps *atomic.Int64) {
		for _, round := range []struct {
			after int64
			end   func() error
		}{{40, server.Stop}, {120, server.Kill}} {
			reached(t, steps, round.after)
			require.NoError(t, round.end())
			require.NoError(t, server.Run())
		}
	})
	require.Eventually(t, stores[1].IsListening, hangs, 10*time.Millisecond)
	submit(t, stores[0], start("after"), nil)
	await(t, heard, "work", func(c provider.Change) bool { return c.Work && !c.All })
}

func TestNothingIsLostWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t)
	o := postgres.Options{URL: server.URL, Schema: "s", MaxConns: 4}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	traffic(t, stores, func(steps *atomic.Int64) {
		for after := int64(30); after < 300; after += 10 {
			reached(t, steps, after)
			pgtest.Script(t, server.URL, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'duroxide'`)
		}
	})
}

// The same through engines, which need no help.
func TestNoInstanceFailsWhenTheServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t)
	o := postgres.Options{URL: server.URL, Schema: "s", MaxConns: 4}
	n := startNodes(t, open(t, o), open(t, o))
	n.work(t, o, func(ended *atomic.Int64) {
		for _, end := range []func() error{server.Stop, server.Kill} {
			reached(t, ended, ended.Load()+2*callers)
			require.NoError(t, end())
			require.NoError(t, server.Run())
		}
		reached(t, ended, ended.Load()+2*callers)
	})
}

func TestNoInstanceFailsWhenTheServerEndsConnections(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	o := postgres.Options{URL: url, Schema: pgtest.Schema(t, url), MaxConns: 4}
	named := o
	named.URL += "&application_name=" + o.Schema
	n := startNodes(t, open(t, named), open(t, named))
	n.work(t, o, func(ended *atomic.Int64) {
		for range 20 {
			reached(t, ended, ended.Load()+2)
			pgtest.Script(t, url, `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '`+o.Schema+`'`)
		}
	})
}

func TestNewConnectionsUseTheNewPassword(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t)
	server.RequirePasswords(t)
	pgtest.Script(t, server.URL, `
CREATE ROLE app LOGIN PASSWORD 'first'; GRANT CREATE ON DATABASE postgres TO app`)
	var mu sync.Mutex
	password := "first"
	o := postgres.Options{
		URL: pgtest.With(t, server.URL, "app", "wrong", ""), Schema: "s",
		Password: func(context.Context) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			return password, nil
		},
	}
	s := open(t, o)
	submit(t, s, start("a"), nil)
	pgtest.Script(t, server.URL, `
ALTER ROLE app PASSWORD 'second';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'duroxide'`)
	_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("b")}})
	require.Error(t, err)
	require.True(t, provider.IsRetryable(err), "the next token may be a better one: %v", err)
	require.NotContains(t, err.Error(), "first")
	mu.Lock()
	password = "second"
	mu.Unlock()
	insist(t.Context(), t, func() error {
		_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("b")}})
		return err
	})
	o.Password = nil
	_, err = postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), "wrong")
}
