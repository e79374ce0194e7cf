package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/provider/faulty"
)

func (s *still) runtimes() []engine.RuntimeInfo {
	s.t.Helper()
	all, err := s.client.Runtimes(s.t.Context())
	require.NoError(s.t, err)
	return all
}

func TestARuntimeSaysWhatItServesAtItsStartAndAtItsEnd(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Register("act", func(context.Context, engine.ActivityCall) (any, error) { return 1, nil })
	s := startStill(t, h, engine.RuntimeOptions{ServiceVersion: "7", WorkerNodeID: "me"})
	s.eventually(func() bool { return len(s.runtimes()) == 1 }, "it is not there")
	info := s.runtimes()[0]
	require.Equal(t, []string{"act"}, info.Activities)
	require.Equal(t, map[string][]string{"now": {"1.0.0"}}, info.Orchestrations)
	require.Equal(t, "7", info.ServiceVersion)
	require.Equal(t, "me", info.SessionOwner)
	require.NotZero(t, info.PID)
	require.NoError(t, s.rt.Shutdown(t.Context(), 0))
	require.Empty(t, s.runtimes())
}

func TestAnIdleRuntimeWritesNothingOfItself(t *testing.T) {
	t.Parallel()
	s := startStill(t, enginetest.NewHost(), engine.RuntimeOptions{})
	s.eventually(func() bool { return len(s.runtimes()) == 1 }, "it is not there")
	for range 30 {
		s.clock.Advance(time.Minute)
		s.look()
	}
	require.Equal(t, 1, s.faulty.Calls(faulty.Join))
}

func TestARuntimeThatIsAtWorkSaysHowBusyItIs(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	begun, over := make(chan struct{}), make(chan struct{})
	h.Register("slow", func(context.Context, engine.ActivityCall) (any, error) {
		close(begun)
		<-over
		return 1, nil
	})
	h.Orchestration("caller", calls("slow"))
	s := startStill(t, h, engine.RuntimeOptions{})
	s.start("a", "caller", "null")
	<-begun
	renewed := s.faulty.Calls(faulty.Renew)
	s.eventually(func() bool {
		s.clock.Advance(time.Second)
		return s.faulty.Calls(faulty.Renew) > renewed
	}, "it does not renew")
	s.eventually(func() bool {
		present, err := s.store.Runtimes(t.Context())
		require.NoError(t, err)
		return len(present) == 1 && len(present[0].Load) > 0
	}, "it says nothing")
	require.Equal(t, 1, s.runtimes()[0].Load.Activities)
	close(over)
	s.ends("a")
}
