package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/history"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// outlast lets the time pass until an instance has failed, and requires that it took an hour at least.
func (s *still) outlast(instance string) engine.Status {
	s.t.Helper()
	began, deadline := s.clock.Now(), time.Now().Add(patience)
	for {
		status, err := s.client.Status(s.t.Context(), instance)
		require.NoError(s.t, err)
		if status.State == engine.StateFailed {
			require.GreaterOrEqual(s.t, s.clock.Now().Sub(began), time.Hour)
			return status
		}
		require.Equal(s.t, engine.StateRunning, status.State)
		require.Less(s.t, time.Now(), deadline, "it never fails")
		s.clock.Advance(5 * time.Second)
		time.Sleep(time.Millisecond) //nolint:forbidigo // so that whoever was told may run
	}
}

func TestAMessageThatCannotBeReadFailsItsInstanceAfterAnHour(t *testing.T) {
	t.Parallel()
	f := startHousehold(t, unhurried())
	_, err := f.client.Raise(t.Context(), "kid", "go", `"went"`)
	require.NoError(t, err)
	f.memory.CorruptMessages("kid")
	f.run(unhurried())
	kid := f.outlast("kid")
	require.Equal(t, history.Infrastructure, kid.Failure.Category)
	require.Contains(t, kid.Error, "infrastructure:read_message: a stored message cannot be read")
	require.Equal(t, kid.Error, f.fails("parent").Error)
	depths, err := f.client.Depths(t.Context())
	require.NoError(t, err)
	require.Zero(t, depths.Messages, "the message is gone with it")
}

func TestAStartThatCannotBeReadFailsItsInstanceAfterAnHour(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	clock := enginetest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	s := stillOn(t, h, unhurried(), clock, faulty.Wrap(store))
	require.NoError(t, s.rt.Shutdown(t.Context(), patience))
	s.start("a", "one", "null")
	store.CorruptMessages("a")
	_, err := s.client.Raise(t.Context(), "a", "go", "null") // which cannot be taken without the start
	require.NoError(t, err)
	_, err = s.e.StartRuntime(t.Context(), unhurried(), h.Registry(), h)
	require.NoError(t, err)
	require.Contains(t, s.outlast("a").Error, "infrastructure:read_message: a stored message cannot be read")
	events, err := s.client.History(t.Context(), "a", 0)
	require.NoError(t, err)
	require.Len(t, events, 2, "it began and failed")
	require.Equal(t, "one", events[0].Data.(history.OrchestrationStarted).Name)
}

func TestATaskThatCannotBeReadFailsItsActivityAfterAnHour(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(c *enginetest.Code, _ string) (any, error) { return c.Call("work", "null") })
	clock := enginetest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	o, none := unhurried(), 0
	o.WorkerConcurrency = &none
	s := stillOn(t, h, o, clock, faulty.Wrap(store))
	s.start("a", "one", "null")
	s.eventually(func() bool {
		depths, err := s.client.Depths(t.Context())
		return err == nil && depths.Tasks == 1
	}, "no task waits")
	store.CorruptTasks("a")
	h.Register("work", func(context.Context, engine.ActivityCall) (any, error) { return 1, nil })
	_, err := s.e.StartRuntime(t.Context(), unhurried(), h.Registry(), h)
	require.NoError(t, err)
	require.Contains(t, s.outlast("a").Error, "infrastructure:read_task: a stored task cannot be read")
}
