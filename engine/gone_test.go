package engine_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
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
