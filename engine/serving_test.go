package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/faulty"
)

// calls is an orchestration that calls an activity.
func calls(activity string) enginetest.Orchestration {
	return func(c *enginetest.Code, _ string) (any, error) { return c.Call(activity, "null") }
}

func TestAnActivityRunsWhereItsCodeIs(t *testing.T) {
	t.Parallel()
	old, fresh := enginetest.NewHost(), enginetest.NewHost()
	old.Orchestration("caller", calls("new"))
	fresh.Register("new", func(_ context.Context, c engine.ActivityCall) (any, error) { return c.Attempt, nil })
	r := start(t, old, engine.RuntimeOptions{})
	r.start("a", "caller", "null")
	_, err := r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, fresh.Registry(), fresh)
	require.NoError(t, err)
	require.Equal(t, `"1"`, r.wait("a").Output, "nobody has tried it before")
}

func TestAnOrchestrationRunsWhereItsCodeIs(t *testing.T) {
	t.Parallel()
	old, fresh := enginetest.NewHost(), enginetest.NewHost()
	fresh.Orchestration("child", func(*enginetest.Code, string) (any, error) { return 1, nil })
	old.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "child", Input: "null"}))
		return d.Value, nil
	})
	r := start(t, old, engine.RuntimeOptions{})
	r.start("early", "child", "null")
	r.start("a", "parent", "null")
	_, err := r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, fresh.Registry(), fresh)
	require.NoError(t, err)
	require.Equal(t, "Completed", r.wait("early").State)
	require.Equal(t, `"1"`, r.wait("a").Output)
	for n := range 20 { // Both runtimes have room, and one has the code.
		id := string(rune('b' + n))
		r.start(id, "child", "null")
		require.Equal(t, "Completed", r.wait(id).State)
	}
}

func TestAnInstanceGoesOnWhereTheVersionIsThatItContinuesAs(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		version := func(text string) *engine.Registry {
			reg := engine.NewRegistry()
			require.NoError(t, reg.AddOrchestration("moves", text))
			return reg
		}
		one, two := enginetest.NewHost(), enginetest.NewHost()
		one.Orchestration("moves", func(c *enginetest.Code, _ string) (any, error) {
			c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
			c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: "2", Version: new("2.0.0")})
			return nil, nil
		})
		two.Orchestration("moves", func(c *enginetest.Code, input string) (any, error) {
			c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
			return input, nil
		})
		r := start(t, enginetest.NewHost(), o)
		_, err := r.e.StartRuntime(t.Context(), o, version("1.0.0"), one)
		require.NoError(t, err)
		r.start("a", "moves", "1")
		require.NoError(t, errOf(r.client.Raise(t.Context(), "a", "go", "null")))
		_, err = r.e.StartRuntime(t.Context(), o, version("2.0.0"), two)
		require.NoError(t, err)
		for {
			require.NoError(t, errOf(r.client.Raise(t.Context(), "a", "go", "null")))
			if s, err := r.client.Wait(t.Context(), "a", 10*time.Millisecond); err == nil {
				require.Equal(t, `"2"`, s.Output)
				return
			}
		}
	})
}

func TestWhatHasNotBegunEndsWithoutItsCode(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		s := startStill(t, enginetest.NewHost(), o)
		for id, say := range map[string]func(string) (string, error){
			"cancelled":  func(id string) (string, error) { return s.client.Cancel(t.Context(), id, "typo") },
			"graceful":   func(id string) (string, error) { return s.client.CancelWithin(t.Context(), id, "typo", time.Hour) },
			"terminated": func(id string) (string, error) { return s.client.Terminate(t.Context(), id, "typo") },
		} {
			start := startOf(id, "nobody")
			s.submit(start)
			s.look()
			require.Equal(t, "Running", s.state(id))
			require.NoError(t, errOf(say(id)))
			status, err := s.client.Wait(t.Context(), id, 1000*time.Hour)
			require.NoError(t, err)
			require.Equal(t, "Failed", status.State)
			require.Contains(t, status.Error, "typo")
			// One that waits for its time does not wait for it any more.
			start.Instance, start.DueMs = id+" later", s.clock.Now().Add(time.Hour).UnixMilli()
			s.submit(start)
			s.look()
			require.NoError(t, errOf(say(start.Instance)))
			status, err = s.client.Wait(t.Context(), start.Instance, 1000*time.Hour)
			require.NoError(t, err)
			require.Equal(t, "Failed", status.State)
		}
	})
}

// logged collects what is logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

func TestWorkWithoutCodeIsWarnedOfWithGrowingPauses(t *testing.T) {
	t.Parallel()
	var out logged
	s := startStill(t, enginetest.NewHost(), engine.RuntimeOptions{
		Log: slog.New(slog.NewTextHandler(&out, nil)),
	})
	s.idle()
	s.submit(provider.Message{Kind: provider.StartInstance, Instance: "a", Name: "nobody", Input: "null"})
	for _, step := range []struct {
		passes time.Duration
		said   int
	}{{0, 0}, {4 * time.Second, 0}, {6 * time.Second, 1}, {9 * time.Minute, 1}, {time.Minute, 2}, {19 * time.Minute, 2}} {
		s.clock.Advance(step.passes)
		s.look()
		require.Equal(t, step.said, out.count("No such orchestration"), step)
	}
	require.Contains(t, out.buf.String(), "instance_id=a name=nobody version=latest")
	require.Equal(t, "Running", s.state("a"))
}

func (s *still) state(instance string) string {
	s.t.Helper()
	status, err := s.client.Status(s.t.Context(), instance)
	require.NoError(s.t, err)
	return status.State
}

func TestAnActivityThatNobodyEverHadFailsWhereItIsAwaited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout *time.Duration
		passes  time.Duration
		call    string
		fails   bool
	}{
		"a mistyped name fails":                {nil, 6 * time.Minute, "mistyped", true},
		"not before its time":                  {nil, 4 * time.Minute, "mistyped", false},
		"a name that was known waits for ever": {nil, 24 * time.Hour, "known", false},
		"unless the option is set":             {new(time.Minute), 2 * time.Minute, "known", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := enginetest.NewHost()
			h.Orchestration("caller", func(code *enginetest.Code, _ string) (any, error) {
				if _, err := code.Call(c.call, "null"); err != nil {
					return "caught: " + err.Error(), nil //nolint:nilerr // the code goes on
				}
				return "no error", nil
			})
			s := startStill(t, h, engine.RuntimeOptions{UnregisteredActivityTimeout: c.timeout})
			s.eventually(func() bool { return s.faulty.Calls(faulty.Announce) > 0 }, "nothing is announced")
			s.idle()
			require.NoError(t, s.store.Announce(t.Context(), []string{"known"}))
			s.start("a", "caller", "null")
			s.eventually(func() bool { return len(s.history("a")) == 2 }, "nothing is scheduled")
			s.clock.Advance(c.passes)
			if !c.fails {
				s.look()
				require.Equal(t, engine.StateRunning, s.state("a"))
				return
			}
			s.eventually(func() bool {
				s.clock.Advance(time.Second)
				return s.state("a") == engine.StateCompleted
			}, "it does not end")
			require.Contains(t, s.wait("a").Output, "caught: activity '"+c.call+"' is not registered")
		})
	}
}

func TestAnInstanceThatNobodyHasCodeForFailsOnlyWhereThatIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout, passes time.Duration
		fails           bool
	}{
		"it waits by default":  {0, 24 * time.Hour, false},
		"not before its time":  {time.Hour, 50 * time.Minute, false},
		"it fails in its time": {time.Hour, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStill(t, enginetest.NewHost(), engine.RuntimeOptions{UnregisteredOrchestrationTimeout: c.timeout})
			s.idle()
			s.submit(startOf("a", "mistyped"))
			s.clock.Advance(c.passes)
			if !c.fails {
				s.look()
				require.Equal(t, engine.StateRunning, s.state("a"))
				return
			}
			s.eventually(func() bool {
				s.clock.Advance(time.Second)
				return s.state("a") == engine.StateFailed
			}, "it does not end")
			require.Equal(t, "orchestration 'mistyped' version unknown is not registered: "+
				"no runtime has taken it within 1h0m0s", s.wait("a").Error)
		})
	}
}

func TestAnInstanceWhoseCodeIsGoneFailsAndItsParentIsTold(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{
			Kind: replay.SubOrchestration, Name: "gone", Instance: new("kid"), Input: "null",
		}))
		return d.Value, nil
	})
	s := startStill(t, h, engine.RuntimeOptions{UnregisteredOrchestrationTimeout: time.Hour})
	other := enginetest.NewHost()
	other.Orchestration("gone", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return nil, nil
	})
	rt, err := s.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, other.Registry(), other)
	require.NoError(t, err)
	s.start("p", "parent", "null")
	s.eventually(func() bool { return len(s.history("kid")) == 2 }, "the child does not begin")
	require.NoError(t, rt.Shutdown(t.Context(), patience))
	s.clock.Advance(3 * time.Hour)
	s.look()
	require.Equal(t, engine.StateRunning, s.state("kid"), "it waits for an event, not for its code")
	require.NoError(t, errOf(s.client.Raise(t.Context(), "kid", "go", "null")))
	s.eventually(func() bool {
		s.clock.Advance(time.Minute)
		return s.state("kid") == engine.StateFailed
	}, "it does not end")
	require.Contains(t, s.wait("kid").Error, "orchestration 'gone' version 1.0.0 is not registered")
	s.eventually(func() bool { return s.state("p") != engine.StateRunning }, "its parent is not told")
}

func TestWhatALivingRuntimeHasCodeForIsNotOverdue(t *testing.T) {
	t.Parallel()
	s := startStill(t, enginetest.NewHost(), engine.RuntimeOptions{
		UnregisteredOrchestrationTimeout: time.Hour, UnregisteredActivityTimeout: new(time.Hour),
	})
	busy := enginetest.NewHost()
	over := make(chan struct{})
	busy.Register("act", func(context.Context, engine.ActivityCall) (any, error) { <-over; return 1, nil })
	busy.Orchestration("caller", calls("act"))
	rt, err := s.e.StartRuntime(t.Context(), engine.RuntimeOptions{WorkerConcurrency: new(1)}, busy.Registry(), busy)
	require.NoError(t, err)
	s.start("a", "caller", "null")
	s.waitsFor("a", engine.WaitsForActivity, engine.AtWork)
	s.start("b", "caller", "null")
	s.waitsFor("b", engine.WaitsForActivity, engine.Queued)
	for range 8 {
		s.clock.Advance(time.Hour / 4)
		s.look()
	}
	require.Equal(t, engine.StateRunning, s.state("b"), "its worker lives")
	close(over)
	s.ends("a")
	s.ends("b")
	require.NoError(t, rt.Shutdown(t.Context(), patience))
	s.submit(startOf("c", "caller"))
	s.eventually(func() bool {
		s.clock.Advance(time.Minute)
		return s.state("c") == engine.StateFailed
	}, "nobody is left")
}

func (s *still) history(instance string) []history.Event {
	s.t.Helper()
	events, err := s.client.History(s.t.Context(), instance, 0)
	if err != nil {
		return nil
	}
	return events
}
