package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// gate is a host whose activities come as far as a test wants before they begin.
type gate struct {
	*enginetest.Host
	// open, if not nil, holds up activities that are on their way to the thread; else that is blocked.
	open chan struct{}
}

func (g *gate) Activity(ctx context.Context, c engine.ActivityCall) (engine.ActivityResult, error) {
	if g.open != nil {
		<-g.open
	} else {
		g.Block()
	}
	return g.Host.Activity(ctx, c)
}

func TestNoActivityBeginsAfterTheDeletionOfItsInstance(t *testing.T) {
	t.Parallel()
	for name, onItsWay := range map[string]bool{
		"on its way to the thread":         true,
		"in the queue of a blocked thread": false,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &attempts{run: func(context.Context, int) (any, error) { return "done", nil }}
			g := &gate{}
			host := func(h *enginetest.Host) engine.Host {
				g.Host = h
				if onItsWay {
					g.open = make(chan struct{})
				}
				return g
			}
			inBubble(t, setup{act: a.activity, host: host}, func(t *testing.T, b *bubble) {
				t.Helper()
				b.start("a", "one", "null")
				synctest.Wait()
				_, err := b.client.Delete(t.Context(), "a", true)
				require.NoError(t, err)
				if onItsWay {
					close(g.open)
				}
				g.Unblock()
				synctest.Wait()
				require.Empty(t, a.began)
				b.stop()
			})
		})
	}
}

// lateLoader is a store to which something happens between a claim and the reading of the history.
type lateLoader struct {
	provider.Provider
	before func()
}

func (s *lateLoader) Load(ctx context.Context, instance string, execution uint64) (provider.Record, error) {
	if s.before != nil {
		s.before()
	}
	return s.Provider.Load(ctx, instance, execution)
}

func TestADeletionBetweenClaimAndLoadIsNoDamage(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("waits", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return "went", nil
	})
	clock := enginetest.NewClock()
	store := &lateLoader{Provider: memory.New(memory.Options{Clock: clock.Now})}
	s := stillOn(t, h, unhurried(), clock, faulty.Wrap(store))
	s.start("a", "waits", "null")
	s.waitsFor("a", engine.WaitsForEvent, "")
	require.NoError(t, s.rt.Shutdown(t.Context(), patience))
	over := make(chan struct{})
	store.before = func() {
		store.before = nil
		_, err := s.client.Delete(context.WithoutCancel(t.Context()), "a", true)
		require.NoError(t, err)
		close(over)
	}
	_, err := s.client.Raise(t.Context(), "a", "go", "null")
	require.NoError(t, err)

	var out bytes.Buffer
	o := unhurried()
	o.Log = slog.New(slog.NewJSONHandler(&out, nil))
	rt, err := s.e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	<-over
	s.start("a", "now", "null")
	s.ends("a")
	require.NoError(t, rt.Shutdown(t.Context(), patience))
	require.NotContains(t, out.String(), "corrupt")
}
