package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/postgres"
)

// fanHost has an orchestration that fans out to activities and a child, and waits for a message.
func fanHost() *enginetest.Host {
	h := enginetest.NewHost()
	h.Register("echo", func(_ context.Context, call engine.ActivityCall) (any, error) {
		return json.RawMessage(call.Input), nil
	})
	h.Orchestration("leaf", func(c *enginetest.Code, input string) (any, error) {
		out, err := c.Call("echo", input)
		return json.RawMessage(out), err
	})
	h.Orchestration("fan", func(c *enginetest.Code, _ string) (any, error) {
		var tokens []uint64
		for i := range 4 {
			tokens = append(tokens, c.Schedule(replay.Action{
				Kind: replay.Activity, Name: "echo", Input: strconv.Itoa(i),
			}))
		}
		tokens = append(tokens,
			c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "leaf", Input: "4"}),
			c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "inbox"}))
		var results []json.RawMessage
		for _, token := range tokens {
			_, d := c.Await(token)
			if !d.OK {
				return nil, errors.New(d.Value)
			}
			results = append(results, json.RawMessage(d.Value))
		}
		c.Sleep(1)
		return results, nil
	})
	return h
}

// nodes are engines on one schema, each with a store and a client of its own.
type nodes struct {
	stores   []*postgres.Store
	engines  []*engine.Engine
	runtimes []*engine.Runtime
	clients  []*engine.Client
}

// startNodes starts an engine with a runtime on each store.
func startNodes(t *testing.T, stores ...*postgres.Store) *nodes {
	t.Helper()
	n := &nodes{stores: stores}
	for _, s := range stores {
		n.add(t, engine.RuntimeOptions{}, engine.New(s, engine.Options{Version: "0.1.0"}))
	}
	return n
}

func (n *nodes) add(t *testing.T, r engine.RuntimeOptions, e *engine.Engine) {
	t.Helper()
	h := fanHost()
	rt, err := e.StartRuntime(t.Context(), r, h.Registry(), h)
	require.NoError(t, err)
	n.engines, n.clients = append(n.engines, e), append(n.clients, e.Client())
	n.runtimes = append(n.runtimes, rt)
}

// callers is how many clients start instances at the same time.
const callers = 8

// work is the last thing that nodes do. Clients start one instance after the other until disturb has
// done its worst; each must have its result, the store each step once, and nothing may be left.
// Clients repeat what failed and may be repeated; engines need no help. Instances are started by one
// node and waited for by another.
func (n *nodes) work(t *testing.T, direct postgres.Options, disturb func(ended *atomic.Int64)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*hangs)
	defer cancel()
	var ended atomic.Int64
	var over atomic.Bool
	var group sync.WaitGroup
	var instances [callers]int
	for caller := range callers {
		group.Go(func() {
			for i := 0; !over.Load() || i < 2; i++ {
				if !n.fan(ctx, t, fmt.Sprintf("m%d-%d", caller, i), caller+i) {
					return
				}
				ended.Add(1)
				instances[caller]++
			}
		})
	}
	disturb(&ended)
	over.Store(true)
	group.Wait()
	require.False(t, t.Failed())
	s := open(t, direct)
	// A start that was repeated may come when its instance has ended: somebody has to take it, also
	// where the answer to whoever has claimed it was lost.
	require.Eventually(t, func() bool {
		left, err := s.Number(t.Context(), `SELECT count(*) FROM S.messages`)
		return err == nil && left == 0
	}, hangs, 10*time.Millisecond, "something was left behind")
	for _, rt := range n.runtimes {
		require.NoError(t, rt.Shutdown(ctx, hangs))
	}
	for caller, count := range instances {
		for i := range count {
			ranOnce(t, s, fmt.Sprintf("m%d-%d", caller, i))
		}
	}
	depths, err := s.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, provider.Depths{}, depths, "something was left behind")
	t.Log("instances:", ended.Load())
	n.hear(t)
	for _, e := range n.engines {
		require.NoError(t, e.Close(ctx))
	}
}

// hear checks that every store still hears what the others commit. What is told while a listening
// connection is lost is made up for when there is a new one.
func (n *nodes) hear(t *testing.T) {
	t.Helper()
	next := n.stores[0].Now().Add(24 * time.Hour)
	for at, s := range n.stores {
		heard := ear(t, s)
		from := n.stores[(at+1)%len(n.stores)]
		submit(t, from, start("quiet"), nil)
		for isLost := true; isLost; {
			next = next.Add(-time.Hour)
			due := next.UnixMilli()
			submit(t, from, provider.Message{Kind: provider.TimerDue, Instance: "quiet", DueMs: due}, nil)
			await(t, heard, "a timer", func(c provider.Change) bool {
				isLost = c.All && s.IsListening()
				// Of several timers the earliest is told, and that may be an older one.
				return c.All || !c.NextDue.IsZero() && c.NextDue.UnixMilli() <= due
			})
		}
	}
}

// fan runs one instance to its end. It runs on a goroutine of its own.
func (n *nodes) fan(ctx context.Context, t *testing.T, id string, number int) bool {
	t.Helper()
	starter, waiter := n.clients[number%len(n.clients)], n.clients[(number+1)%len(n.clients)]
	var status engine.Status
	for _, call := range []func() error{
		func() error {
			return starter.Start(ctx, engine.StartRequest{Instance: id, Name: "fan", Input: "null"})
		},
		func() error {
			_, err := starter.Enqueue(ctx, id, "inbox", strconv.Itoa(number))
			return err
		},
		func() (err error) {
			status, err = waiter.Wait(ctx, id, hangs)
			return err
		},
	} {
		if !insisted(ctx, t, call) {
			return false
		}
	}
	if want := fmt.Sprintf(`[0,1,2,3,4,%d]`, number); status.Output != want {
		t.Errorf("%s: %s instead of %s: %v", id, status.Output, want, status.Error)
		return false
	}
	return true
}

// insisted repeats a call until it succeeds; only failures that may pass are allowed.
func insisted(ctx context.Context, t *testing.T, call func() error) bool {
	t.Helper()
	for {
		err := call()
		if err == nil {
			return true
		}
		if !provider.IsRetryable(err) {
			t.Errorf("%v", err)
			return false
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Errorf("%v, after %v", ctx.Err(), err)
			return false
		}
	}
}

// ranOnce checks that an instance has ended and that nothing of it was answered twice.
func ranOnce(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	events, err := s.History(t.Context(), id, 0)
	require.NoError(t, err)
	answered := map[uint64]bool{}
	for at, e := range events {
		require.Equal(t, uint64(at)+1, e.ID, id)
		require.False(t, e.Source != 0 && answered[e.Source], "%s: answered twice", id)
		answered[e.Source] = true
	}
	require.NotEmpty(t, events, id)
	require.True(t, events[len(events)-1].IsTerminal(), id)
}
