package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
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

// Two nodes on one schema, whose connections are cut all the time. Clients repeat what failed and
// may be repeated; engines need no help.
func TestNoInstanceFailsWhileConnectionsAreCut(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	p, through := newProxy(t, direct)
	schema := pgtest.Schema(t, direct)
	var clients []*engine.Client
	var engines []*engine.Engine
	for range 2 {
		s, err := postgres.Open(t.Context(), postgres.Options{URL: through, Schema: schema, MaxConns: 4})
		require.NoError(t, err)
		e := engine.New(s, engine.Options{Version: "0.1.0"})
		h := fanHost()
		_, err = e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
		require.NoError(t, err)
		engines, clients = append(engines, e), append(clients, e.Client())
	}
	p.cutting.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const instances = 40
	for i := range instances {
		id, c := fmt.Sprint("m", i), clients[i%2]
		insist(ctx, t, func() error {
			return c.Start(ctx, engine.StartRequest{Instance: id, Name: "fan", Input: "null"})
		})
		insist(ctx, t, func() error { return c.Enqueue(ctx, id, "inbox", strconv.Itoa(i)) })
	}
	for i := range instances {
		id, c := fmt.Sprint("m", i), clients[(i+1)%2]
		var status engine.Status
		insist(ctx, t, func() (err error) {
			status, err = c.Wait(ctx, id, 2*time.Minute)
			return err
		})
		require.JSONEq(t, fmt.Sprintf(`[0,1,2,3,4,%d]`, i), status.Output, status.Error)
	}
	p.cutting.Store(false)
	require.Positive(t, p.cuts.Load())
	for _, e := range engines {
		require.NoError(t, e.Close(context.WithoutCancel(ctx)))
	}
	s := open(t, postgres.Options{URL: direct, Schema: schema})
	for i := range instances {
		events, err := s.History(ctx, fmt.Sprint("m", i), 0)
		require.NoError(t, err)
		answered := map[uint64]bool{}
		for _, e := range events {
			require.False(t, e.Source != 0 && answered[e.Source], "m%d: answered twice", i)
			answered[e.Source] = true
		}
		require.True(t, events[len(events)-1].IsTerminal())
	}
	depths, err := s.Depths(ctx)
	require.NoError(t, err)
	require.Equal(t, provider.Depths{}, depths, "something was left behind")
}
