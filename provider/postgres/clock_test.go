package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/provider/clock"
	"duroxide/provider/postgres"
)

// skewed is a clock that differs from that of the machine.
type skewed struct {
	engine.RealClock
	by time.Duration
}

func (c skewed) Now() time.Time { return time.Now().Add(c.by) }

func (c skewed) passed() time.Duration { return clock.Passed() + c.by }

// records keeps the log records whose message begins with one of some texts.
type records struct {
	slog.Handler
	prefixes []string

	mu    sync.Mutex
	found []string
}

func (c *records) Enabled(context.Context, slog.Level) bool { return true }

func (c *records) Handle(_ context.Context, r slog.Record) error {
	for _, prefix := range c.prefixes {
		if !strings.HasPrefix(r.Message, prefix) {
			continue
		}
		text := r.Message
		r.Attrs(func(a slog.Attr) bool {
			text += " " + a.String()
			return true
		})
		c.mu.Lock()
		c.found = append(c.found, text)
		c.mu.Unlock()
	}
	return nil
}

func (c *records) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c *records) WithGroup(string) slog.Handler { return c }

// Leases are shorter than the difference of the clocks: if either node took its own clock for that of
// the other, it would take over what the other holds, or lose what it holds itself. The run is long
// enough for leases to be renewed.
func TestNodesWhoseClocksDifferLeaveEachOthersWorkAlone(t *testing.T) {
	t.Parallel()
	const lease = 30 * time.Second
	o := fresh(t)
	n := &nodes{}
	losses := &records{prefixes: []string{"Lease lost", "Turn abandoned"}}
	for _, by := range []time.Duration{-time.Minute, time.Minute} {
		clock := skewed{by: by}
		o.Passed = clock.passed
		s, err := postgres.Open(t.Context(), o)
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		n.stores = append(n.stores, s)
		n.add(t, engine.RuntimeOptions{
			OrchestratorLockTimeout: lease, WorkerLockTimeout: lease,
		}, engine.New(s, engine.Options{Version: "0.1.0", Clock: clock, Log: slog.New(losses)}))
	}
	n.work(t, o, func(*atomic.Int64) { <-time.After(lease / 2) })
	require.Empty(t, losses.found)
	for _, rt := range n.runtimes {
		m := rt.Metrics()
		require.Zero(t, m.ProviderErrors)
		require.Positive(t, m.ActivitySuccess, "both nodes have worked")
	}
}
