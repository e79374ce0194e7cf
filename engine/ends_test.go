package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

// quick tries again soon.
func quick() engine.RuntimeOptions {
	return engine.RuntimeOptions{
		MaxAttempts: 2, UnregisteredBackoff: time.Millisecond, UnregisteredBackoffMax: time.Millisecond,
	}
}

func TestACancelRequestBeforeTheFirstTurnOutranksTheRun(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	r := start(t, h, engine.RuntimeOptions{})
	require.NoError(t, r.rt.Shutdown(t.Context(), time.Second))
	r.start("a", "one", "null")
	require.NoError(t, errOf(r.client.Cancel(t.Context(), "a", "early")))
	_, err := r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.Equal(t, "canceled: early", r.wait("a").Error)
}

func TestStartingAnIdTwiceRunsItOnce(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(_ *enginetest.Code, input string) (any, error) { return input, nil })
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "one", "1")
	require.Equal(t, `"1"`, r.wait("a").Output)
	r.start("a", "one", "2")
	r.start("b", "one", "3")
	r.wait("b")
	require.Equal(t, `"1"`, r.wait("a").Output)
	executions, err := r.client.Executions(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, executions, 1)
}

func TestAChildWhoseIdIsTakenFailsAtOnce(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("wait", func(c *enginetest.Code, _ string) (any, error) {
		c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new("here")})
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return nil, nil
	})
	h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{
			Kind: replay.SubOrchestration, Name: "wait", Instance: new("taken"), Input: "null",
		}))
		return d.Value, nil
	})
	r := start(t, h, engine.RuntimeOptions{})
	r.start("taken", "wait", "null")
	_, err := r.client.WaitStatus(t.Context(), "taken", 0, patience)
	require.NoError(t, err)
	r.start("p", "parent", "null")
	require.Equal(t, `"sub-orchestration instance id 'taken' already exists"`, r.wait("p").Output)
	require.NoError(t, errOf(r.client.Raise(t.Context(), "taken", "go", "null")))
	require.Equal(t, "Completed", r.wait("taken").State)
	r.start("q", "parent", "null")
	require.Equal(t, `"sub-orchestration instance id 'taken' already exists and is terminal"`, r.wait("q").Output)
}

func TestADetachedStartSurvivesTheEndOfItsStarter(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	detach := func(c *enginetest.Code, id string) {
		c.Do(replay.Action{Kind: replay.StartOrchestration, Name: "one", Instance: &id, Input: "null"})
	}
	h.Orchestration("again", func(c *enginetest.Code, input string) (any, error) {
		if input == "0" {
			detach(c, "from-continued")
			c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: "1"})
		}
		detach(c, "from-failed")
		return nil, errors.New("on purpose")
	})
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "again", "0")
	require.Equal(t, "on purpose", r.wait("a").Error)
	require.Equal(t, "1", r.wait("from-continued").Output)
	require.Equal(t, "1", r.wait("from-failed").Output)
}

func TestASignalForNobodyBlocksNobody(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return 1, nil })
	r := start(t, h, engine.RuntimeOptions{})
	require.NoError(t, errOf(r.client.Raise(t.Context(), "ghost", "x", "null")))
	require.NoError(t, errOf(r.client.Cancel(t.Context(), "ghost", "")))
	r.start("a", "one", "null")
	require.Equal(t, "1", r.wait("a").Output)
}

func TestARestartedRuntimeFinishesWhatAnAbortedOneHadBegun(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	begun := make(chan struct{}, 2)
	h.Register("slow", func(ctx context.Context, c engine.ActivityCall) (any, error) {
		begun <- struct{}{}
		if len(begun) == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return c.Attempt, nil
	})
	h.Orchestration("one", func(c *enginetest.Code, _ string) (any, error) { return c.Call("slow", "null") })
	r := start(t, h, engine.RuntimeOptions{})
	r.start("a", "one", "null")
	require.Eventually(t, func() bool { return len(begun) == 1 }, patience, time.Millisecond)
	require.NoError(t, r.rt.Shutdown(t.Context(), 0))
	_, err := r.e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	require.Equal(t, `"1"`, r.wait("a").Output, "the aborted attempt was counted")
}

func TestTwoRuntimesShareTheWork(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Register("wrap", upper)
	h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		var tokens []uint64
		for range 20 {
			tokens = append(tokens, c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "kid", Input: `"x"`}))
		}
		for _, token := range tokens {
			if _, d := c.Await(token); !d.OK {
				return nil, errors.New(d.Value)
			}
		}
		return "all", nil
	})
	h.Orchestration("kid", func(c *enginetest.Code, input string) (any, error) { return c.Call("wrap", input) })
	r := start(t, h, engine.RuntimeOptions{})
	_, err := r.e.StartRuntime(t.Context(), engine.RuntimeOptions{EvictAfterTurn: true}, h.Registry(), h)
	require.NoError(t, err)
	for i := range 10 {
		r.start(fmt.Sprint("p", i), "parent", "null")
	}
	for i := range 10 {
		require.Equal(t, `"all"`, r.wait(fmt.Sprint("p", i)).Output)
	}
	depths, err := r.client.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, provider.Depths{}, depths)
}

func TestAnInstanceThatDyingProcessesHadMerelyClaimedIsNotPoisoned(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	store := memory.New(memory.Options{Clock: clock})
	e := engine.New(store, engine.Options{Version: "0.1.0"})
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	client := e.Client()
	require.NoError(t, client.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "one", Input: "null"}))
	for i := range 20 {
		claimed, err := store.Claim(t.Context(), provider.ClaimRequest{
			Turns: &provider.Holder{Node: fmt.Sprint("dead ", i), TTL: time.Second}, MaxTurns: 1,
		})
		require.NoError(t, err)
		require.Len(t, claimed.Instances, 1)
		mu.Lock()
		now = now.Add(2 * time.Second)
		mu.Unlock()
	}
	h := enginetest.NewHost()
	h.Orchestration("one", func(*enginetest.Code, string) (any, error) { return "fine", nil })
	_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{}, h.Registry(), h)
	require.NoError(t, err)
	status, err := client.Wait(t.Context(), "a", patience)
	require.NoError(t, err)
	require.Equal(t, `"fine"`, status.Output, status.Error)
}

// unreadable is a store whose histories cannot be read for some time.
type unreadable struct {
	provider.Provider
	left atomic.Int64
	fail func() error
}

func (u *unreadable) Load(ctx context.Context, instance string, execution uint64) (provider.Record, error) {
	if u.left.Add(-1) >= 0 {
		if err := u.fail(); err != nil {
			return provider.Record{}, err
		}
	}
	return u.Provider.Load(ctx, instance, execution)
}

func TestWhatANewerReleaseWroteAndWhatIsOurFaultIsNoOutcome(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"a history of a newer release": func() error {
			return &provider.Error{Op: "load", Message: "newer", Err: provider.ErrNewer}
		},
		"a panic of our own": func() error { panic("forgotten") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := enginetest.NewHost()
			h.Orchestration("waiter", func(c *enginetest.Code, _ string) (any, error) {
				_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
				return d.Value, nil
			})
			store := &unreadable{Provider: memory.New(memory.Options{}), fail: fail}
			r := rigOn(t, store, h, quick())
			r.start("a", "waiter", "null")
			require.Eventually(t, func() bool {
				events, err := r.client.History(t.Context(), "a", 0)
				return err == nil && len(events) == 2
			}, patience, time.Millisecond, "it waits")
			require.NoError(t, r.rt.Shutdown(t.Context(), patience))
			store.left.Store(5) // more than there are attempts
			_, err := r.client.Raise(t.Context(), "a", "go", `"went"`)
			require.NoError(t, err)
			_, err = r.e.StartRuntime(t.Context(), quick(), h.Registry(), h)
			require.NoError(t, err)
			require.Equal(t, engine.StateCompleted, r.wait("a").State)
			require.Negative(t, store.left.Load(), "it was read after all")
		})
	}
}
