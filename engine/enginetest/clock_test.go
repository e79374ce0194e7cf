package enginetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/engine"
	"duroxide/engine/enginetest"
)

var _ engine.Clock = (*enginetest.Clock)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTimersFireInDueOrderAtTheirMoment(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	begin := c.Now()
	var fired []time.Duration
	note := func() { fired = append(fired, c.Now().Sub(begin)) }
	c.AfterFunc(3*time.Second, note)
	c.AfterFunc(time.Second, func() {
		note()
		c.AfterFunc(time.Second, note)
	})
	c.AfterFunc(time.Minute, note)
	c.Advance(10 * time.Second)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, fired)
	require.Equal(t, 10*time.Second, c.Now().Sub(begin))
	require.Equal(t, 1, c.Pending())
}

func TestTimersWithoutDelayFireAtTheNextAdvance(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	calls := 0
	c.AfterFunc(-time.Second, func() { calls++ })
	require.Zero(t, calls)
	c.Advance(0)
	require.Equal(t, 1, calls)
}

func TestAStoppedTimerDoesNotFire(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	stop := c.AfterFunc(time.Second, func() { t.Error("a stopped timer fired") })
	require.True(t, stop())
	require.False(t, stop())
	c.Advance(time.Minute)
	require.Zero(t, c.Pending())
}

func TestAwaitTimersWaitsForThem(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	done := make(chan error, 1)
	go func() { done <- c.AwaitTimers(t.Context(), 2) }()
	c.AfterFunc(time.Second, func() {})
	c.AfterFunc(time.Second, func() {})
	require.NoError(t, <-done)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.AwaitTimers(ctx, 3), context.Canceled)
}

func TestPumpCallsWhatHasNoDelay(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	begin := c.Now()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.Pump(ctx)
	}()
	called := make(chan struct{})
	c.AfterFunc(time.Second, func() { t.Error("the time has passed") })
	c.AfterFunc(0, func() { c.AfterFunc(0, func() { close(called) }) })
	<-called
	cancel()
	<-over
	require.Equal(t, begin, c.Now())
}
