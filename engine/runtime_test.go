package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// rig is an engine on a memory store with one runtime.
type rig struct {
	t      *testing.T
	store  provider.Provider
	e      *engine.Engine
	rt     *engine.Runtime
	host   *enginetest.Host
	client *engine.Client
}

const patience = 20 * time.Second

func start(t *testing.T, h *enginetest.Host, o engine.RuntimeOptions) *rig {
	t.Helper()
	return rigOn(t, memory.New(memory.Options{}), h, o)
}

// rigOn is start on a store of the test's own.
func rigOn(t *testing.T, store provider.Provider, h *enginetest.Host, o engine.RuntimeOptions) *rig {
	t.Helper()
	e := engine.New(store, engine.Options{Version: "0.1.0"})
	rt, err := e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	return &rig{t: t, store: store, e: e, rt: rt, host: h, client: e.Client()}
}

func (r *rig) start(instance, name, input string) {
	r.t.Helper()
	require.NoError(r.t, r.client.Start(r.t.Context(), engine.StartRequest{Instance: instance, Name: name, Input: input}))
}

func (r *rig) wait(instance string) engine.Status {
	r.t.Helper()
	status, err := r.client.Wait(r.t.Context(), instance, patience)
	require.NoError(r.t, err, "instance %s", instance)
	return status
}

func (r *rig) kinds() []string {
	r.t.Helper()
	events, err := r.client.History(r.t.Context(), "a", 0)
	require.NoError(r.t, err)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind().String())
	}
	return kinds
}

func upper(_ context.Context, c engine.ActivityCall) (any, error) {
	var in string
	if err := json.Unmarshal([]byte(c.Input), &in); err != nil {
		return nil, err
	}
	return "<" + in + ">", nil
}

// modes runs a test with residents that stay, and with residents that are evicted at random.
func modes(t *testing.T, f func(t *testing.T, o engine.RuntimeOptions)) {
	t.Helper()
	for _, evict := range []bool{false, true} {
		t.Run(fmt.Sprintf("evict=%v", evict), func(t *testing.T) {
			t.Parallel()
			f(t, engine.RuntimeOptions{EvictAfterTurn: evict})
		})
	}
}

func TestAChainOfActivitiesGivesItsLastResult(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Register("wrap", upper)
		h.Orchestration("chain", func(c *enginetest.Code, input string) (any, error) {
			for range 20 {
				out, err := c.Call("wrap", input)
				if err != nil {
					return nil, err
				}
				input = out
			}
			return json.RawMessage(input), nil
		})
		r := start(t, h, o)
		r.start("a", "chain", `"x"`)
		status := r.wait("a")
		require.Equal(t, "Completed", status.State, status.Error)
		require.Len(t, r.kinds(), 42)
		if !o.EvictAfterTurn {
			require.Equal(t, 1, h.Opens, "the generator was made again although it was resident")
		}
	})
}

func TestAFanOutCollectsEveryResult(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Register("wrap", upper)
		h.Orchestration("wide", func(c *enginetest.Code, _ string) (any, error) {
			var tokens []uint64
			for i := range 200 {
				tokens = append(tokens, c.Schedule(replay.Action{
					Kind: replay.Activity, Name: "wrap", Input: strconv.Quote(strconv.Itoa(i)),
				}))
			}
			n := 0
			for _, token := range tokens {
				if _, d := c.Await(token); d.OK {
					n++
				}
			}
			return n, nil
		})
		r := start(t, h, o)
		r.start("a", "wide", "null")
		require.Equal(t, "200", r.wait("a").Output)
	})
}

func TestATimerLosesAgainstAnEventAndIsDeleted(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("race", func(c *enginetest.Code, _ string) (any, error) {
			c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new("waiting")})
			i, d := c.Race(
				c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}),
				c.Schedule(replay.Action{Kind: replay.Timer, DelayMs: 3_600_000}),
			)
			return fmt.Sprintf("%d %s", i, d.Value), nil
		})
		r := start(t, h, o)
		r.start("a", "race", "null")
		_, err := r.client.WaitStatus(t.Context(), "a", 0, patience)
		require.NoError(t, err)
		require.NoError(t, errOf(r.client.Raise(t.Context(), "a", "go", `{"x":1}`)))
		require.Equal(t, `"0 {\"x\":1}"`, r.wait("a").Output)
		depths, err := r.client.Depths(t.Context())
		require.NoError(t, err)
		require.Equal(t, provider.Depths{}, depths)
	})
}

func TestTimersFireInOrder(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("sleep", func(c *enginetest.Code, _ string) (any, error) {
			c.Sleep(0)
			c.Sleep(20)
			c.Sleep(10)
			return "awake", nil
		})
		r := start(t, h, o)
		r.start("a", "sleep", "null")
		require.Equal(t, `"awake"`, r.wait("a").Output)
	})
}

func TestAChildAnswersItsParentAlsoAfterContinuingAsNew(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("child", func(c *enginetest.Code, input string) (any, error) {
			n, err := strconv.Atoi(input)
			if err != nil {
				return nil, err
			}
			if n < 5 {
				c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: strconv.Itoa(n + 1)})
			}
			return fmt.Sprintf("child in execution %d", c.Execution), nil
		})
		h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
			_, d := c.Await(c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "child", Input: "0"}))
			return json.RawMessage(d.Value), nil
		})
		r := start(t, h, o)
		r.start("p", "parent", "null")
		require.Equal(t, `"child in execution 6"`, r.wait("p").Output)
		executions, err := r.client.Executions(t.Context(), "p::sub::2")
		require.NoError(t, err)
		require.Len(t, executions, 6)
	})
}

func TestACancelledParentCancelsItsChild(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("forever", func(c *enginetest.Code, _ string) (any, error) {
			c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new("here")})
			c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "never"}))
			return nil, nil
		})
		h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
			c.Await(c.Schedule(replay.Action{
				Kind: replay.SubOrchestration, Name: "forever", Instance: new("kid"), Input: "null",
			}))
			return nil, nil
		})
		r := start(t, h, o)
		r.start("p", "parent", "null")
		_, err := r.client.WaitStatus(t.Context(), "kid", 0, patience)
		require.NoError(t, err)
		require.NoError(t, errOf(r.client.Cancel(t.Context(), "p", "enough")))
		require.Equal(t, "canceled: enough", r.wait("p").Error)
		require.Equal(t, "canceled: parent canceled", r.wait("kid").Error)
	})
}

func TestARunningActivityIsToldThatItsResultIsNotWanted(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	var stopped atomic.Bool
	h.Register("endless", func(ctx context.Context, _ engine.ActivityCall) (any, error) {
		<-ctx.Done()
		stopped.Store(true)
		return "too late", nil
	})
	h.Orchestration("race", func(c *enginetest.Code, _ string) (any, error) {
		i, _ := c.Race(
			c.Schedule(replay.Action{Kind: replay.Activity, Name: "endless", Input: "null"}),
			c.Schedule(replay.Action{Kind: replay.Timer, DelayMs: 20}),
		)
		return i, nil
	})
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "race", "null")
	require.Equal(t, "1", r.wait("a").Output)
	require.NoError(t, r.rt.Shutdown(t.Context(), patience))
	require.True(t, stopped.Load())
	require.NotContains(t, r.kinds(), "ActivityCompleted")
}

func TestManyInstancesAtOnceAllComplete(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Register("wrap", upper)
		h.Orchestration("one", func(c *enginetest.Code, input string) (any, error) {
			out, err := c.Call("wrap", input)
			return json.RawMessage(out), err
		})
		r := start(t, h, o)
		for i := range 700 {
			r.start(fmt.Sprint("i", i), "one", strconv.Quote(strconv.Itoa(i)))
		}
		for i := range 700 {
			require.Equal(t, fmt.Sprintf("%q", fmt.Sprintf("<%d>", i)), unescape(r.wait(fmt.Sprint("i", i)).Output))
		}
	})
}

func unescape(s string) string {
	var v string
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	return strconv.Quote(v)
}

func TestAnInstanceGoesOnInANewRuntime(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Register("wrap", upper)
	h.Orchestration("two", func(c *enginetest.Code, input string) (any, error) {
		out, err := c.Call("wrap", input)
		if err != nil {
			return nil, err
		}
		c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: &out})
		_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return []json.RawMessage{json.RawMessage(out), json.RawMessage(d.Value)}, nil
	})
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "two", `"x"`)
	_, err := r.client.WaitStatus(t.Context(), "a", 0, patience)
	require.NoError(t, err)
	require.NoError(t, r.rt.Shutdown(t.Context(), time.Second))
	require.Zero(t, h.Living())
	_, err = r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, errOf(r.client.Raise(t.Context(), "a", "go", "7")))
	status := r.wait("a")
	require.Equal(t, "Completed", status.State, status.Error)
	require.JSONEq(t, `["<x>", 7]`, status.Output)
}

func TestChangedCodeFailsTheInstanceWithBothSides(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Register("wrap", upper)
	wait := func(c *enginetest.Code) {
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
	}
	h.Orchestration("two", func(c *enginetest.Code, input string) (any, error) {
		out, err := c.Call("wrap", input)
		c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: &out})
		wait(c)
		return nil, err
	})
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "two", `"x"`)
	_, err := r.client.WaitStatus(t.Context(), "a", 0, patience)
	require.NoError(t, err)
	require.NoError(t, r.rt.Shutdown(t.Context(), time.Second))
	h.Orchestration("two", func(c *enginetest.Code, _ string) (any, error) {
		c.Sleep(1)
		wait(c)
		return nil, nil
	})
	_, err = r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, errOf(r.client.Raise(t.Context(), "a", "go", "7")))
	status := r.wait("a")
	require.Equal(t, "Failed", status.State)
	require.Contains(t, status.Error, "nondeterministic: schedule mismatch: action=timer vs event=activity 'wrap'")
}

func TestSystemCallsAreRecordedInsideTheTurn(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("calls", func(c *enginetest.Code, _ string) (any, error) {
			_, guid := c.Await(c.Schedule(replay.Action{Kind: replay.Syscall, Name: replay.NewGUID}))
			_, now := c.Await(c.Schedule(replay.Action{Kind: replay.Syscall, Name: replay.UTCNow}))
			c.Sleep(1)
			return []json.RawMessage{json.RawMessage(guid.Value), json.RawMessage(now.Value)}, nil
		})
		r := start(t, h, o)
		r.start("a", "calls", "null")
		status := r.wait("a")
		require.Equal(t, "Completed", status.State, status.Error)
		require.Equal(t, []string{
			"OrchestrationStarted", "ActivityScheduled", "ActivityCompleted", "ActivityScheduled", "ActivityCompleted",
			"TimerCreated", "TimerFired", "OrchestrationCompleted",
		}, r.kinds())
	})
}

func TestUnreadQueueMessagesReachTheSuccessorInOrder(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, o engine.RuntimeOptions) {
		t.Helper()
		h := enginetest.NewHost()
		h.Orchestration("drain", func(c *enginetest.Code, input string) (any, error) {
			var seen []json.RawMessage
			if err := json.Unmarshal([]byte(input), &seen); err != nil {
				return nil, err
			}
			for range 2 {
				_, d := c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "q"}))
				seen = append(seen, json.RawMessage(d.Value))
			}
			if len(seen) < 250 {
				text, err := json.Marshal(seen)
				if err != nil {
					return nil, err
				}
				c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: string(text)})
			}
			return seen, nil
		})
		r := start(t, h, o)
		r.start("a", "drain", "[]")
		want := make([]int, 250)
		for i := range want {
			want[i] = i
			require.NoError(t, errOf(r.client.Enqueue(t.Context(), "a", "q", strconv.Itoa(i))))
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		require.JSONEq(t, string(text), r.wait("a").Output)
	})
}
