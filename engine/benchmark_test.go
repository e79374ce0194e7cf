package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/memory"
	"duroxide/provider/sqlite"
)

// benchHost runs no-op activities: what is left is the engine and its store.
func benchHost() *enginetest.Host {
	h := enginetest.NewHost()
	h.Register("noop", func(_ context.Context, c engine.ActivityCall) (any, error) {
		return json.RawMessage(c.Input), nil
	})
	h.Orchestration("one", func(c *enginetest.Code, input string) (any, error) { return c.Call("noop", input) })
	h.Orchestration("chain", func(c *enginetest.Code, input string) (any, error) {
		n, err := strconv.Atoi(input)
		for range n {
			if _, err := c.Call("noop", "1"); err != nil {
				return nil, err
			}
		}
		return n, err
	})
	h.Orchestration("generations", func(c *enginetest.Code, input string) (any, error) {
		n, err := strconv.Atoi(input)
		if n > 0 {
			c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: strconv.Itoa(n - 1)})
		}
		return n, err
	})
	return h
}

func benchStores(b *testing.B, f func(b *testing.B, c *engine.Client)) {
	b.Helper()
	stores := map[string]func(b *testing.B) provider.Provider{
		"memory": func(*testing.B) provider.Provider { return memory.New(memory.Options{}) },
		"sqlite-full": func(b *testing.B) provider.Provider {
			b.Helper()
			store, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "bench.db")})
			require.NoError(b, err)
			return store
		},
	}
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			e := engine.New(open(b), engine.Options{Version: "0.1.0"})
			h := benchHost()
			_, err := e.StartRuntime(b.Context(), engine.RuntimeOptions{}, h.Registry(), h)
			require.NoError(b, err)
			f(b, e.Client())
			b.StopTimer()
			require.NoError(b, e.Close(context.Background()))
		})
	}
}

func run(b *testing.B, c *engine.Client, id, name, input string) {
	b.Helper()
	require.NoError(b, c.Start(b.Context(), engine.StartRequest{Instance: id, Name: name, Input: input}))
	status, err := c.Wait(b.Context(), id, time.Minute)
	require.NoError(b, err)
	require.Equal(b, "Completed", status.State, status.Error)
}

func BenchmarkStartToResult(b *testing.B) {
	benchStores(b, func(b *testing.B, c *engine.Client) {
		b.Helper()
		n := 0
		for b.Loop() {
			n++
			run(b, c, fmt.Sprint("i", n), "one", "1")
		}
	})
}

func BenchmarkChainStep(b *testing.B) {
	benchStores(b, func(b *testing.B, c *engine.Client) {
		b.Helper()
		run(b, c, "chain", "chain", strconv.Itoa(b.N))
	})
}

func BenchmarkGeneration(b *testing.B) {
	benchStores(b, func(b *testing.B, c *engine.Client) {
		b.Helper()
		run(b, c, "generations", "generations", strconv.Itoa(b.N))
	})
}

func BenchmarkManyAtOnce(b *testing.B) {
	benchStores(b, func(b *testing.B, c *engine.Client) {
		b.Helper()
		done := make(chan error)
		for i := range b.N {
			go func() {
				id := fmt.Sprint("m", i)
				if err := c.Start(b.Context(), engine.StartRequest{Instance: id, Name: "one", Input: "1"}); err != nil {
					done <- err
					return
				}
				_, err := c.Wait(b.Context(), id, time.Minute)
				done <- err
			}()
		}
		for range b.N {
			require.NoError(b, <-done)
		}
	})
}
