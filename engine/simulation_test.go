package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// unreliable fails calls at random: before they have an effect, and after.
type unreliable struct {
	provider.Provider
	mu     sync.Mutex
	random *rand.Rand
	off    bool
}

var errTransient = errors.New("the store has a moment of weakness")

func (u *unreliable) chance(n int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.off && u.random.IntN(n) == 0
}

func (u *unreliable) heal() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.off = true
}

func transient(op string) error { return &provider.Error{Op: op, Retryable: true, Err: errTransient} }

func (u *unreliable) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	if u.chance(10) {
		return provider.Committed{}, transient("commit")
	}
	done, err := u.Provider.Commit(ctx, c)
	if err == nil && u.chance(15) {
		return provider.Committed{}, transient("commit")
	}
	return done, err
}

func (u *unreliable) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	if u.chance(5) {
		return provider.Claimed{}, transient("claim")
	}
	return u.Provider.Claim(ctx, r)
}

func (u *unreliable) Complete(ctx context.Context, c provider.Completions) ([]provider.Submitted, error) {
	if u.chance(5) {
		return nil, transient("complete")
	}
	return u.Provider.Complete(ctx, c)
}

func (u *unreliable) Load(ctx context.Context, instance string, execution uint64) (provider.Record, error) {
	if u.chance(5) {
		return provider.Record{}, transient("load")
	}
	return u.Provider.Load(ctx, instance, execution)
}

// mixHost runs an orchestration that uses everything.
func mixHost() *enginetest.Host {
	h := enginetest.NewHost()
	h.Register("wrap", upper)
	h.Orchestration("leaf", func(c *enginetest.Code, input string) (any, error) {
		out, err := c.Call("wrap", input)
		return json.RawMessage(out), err
	})
	h.Orchestration("mix", func(c *enginetest.Code, input string) (any, error) {
		if c.Execution == 1 {
			c.Do(replay.Action{Kind: replay.SetValue, Name: "n", Value: new("1")})
			c.Do(replay.Action{
				Kind: replay.StartOrchestration, Name: "leaf", Instance: new(c.Instance + "-detached"), Input: `"d"`,
			})
			c.Sleep(1)
			c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: input})
		}
		var tokens []uint64
		for i := range 5 {
			tokens = append(tokens, c.Schedule(replay.Action{
				Kind: replay.Activity, Name: "wrap", Input: strconv.Quote(strconv.Itoa(i)),
			}))
		}
		tokens = append(tokens, c.Schedule(replay.Action{Kind: replay.SubOrchestration, Name: "leaf", Input: `"kid"`}))
		results := []json.RawMessage{json.RawMessage(strconv.Quote(c.Values["n"]))}
		for _, token := range tokens {
			_, d := c.Await(token)
			if !d.OK {
				return nil, errors.New(d.Value)
			}
			results = append(results, json.RawMessage(d.Value))
		}
		c.Race(
			c.Schedule(replay.Action{Kind: replay.Timer, DelayMs: 1}),
			c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "never"}),
			c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "never"}),
		)
		_, d := c.Await(c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "inbox"}))
		c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new("nearly")})
		return append(results, json.RawMessage(d.Value)), nil
	})
	return h
}

// verify checks what must hold of every history, whatever happened on the way.
func verify(t *testing.T, store provider.Provider, instance string) {
	t.Helper()
	executions, err := store.Executions(t.Context(), instance)
	require.NoError(t, err)
	for _, execution := range executions {
		events, err := store.History(t.Context(), instance, execution)
		require.NoError(t, err)
		last, terminals := uint64(0), 0
		answered := map[uint64]bool{}
		for _, e := range events {
			require.Greater(t, e.ID, last, "%s/%d: event ids must rise", instance, execution)
			last = e.ID
			if e.IsTerminal() {
				terminals++
			}
			if e.Source != 0 && e.Kind() != history.KindActivityCancelRequested {
				require.False(t, answered[e.Source], "%s/%d: event %d was answered twice", instance, execution, e.Source)
				answered[e.Source] = true
			}
		}
		require.Equal(t, 1, terminals, "%s/%d: terminal events", instance, execution)
		require.True(t, events[len(events)-1].IsTerminal(), "%s/%d: the terminal event is the last", instance, execution)
	}
}

func TestManyRuntimesOnAnUnreliableStoreReachEveryResultOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	inner := memory.New(memory.Options{})
	store := &unreliable{Provider: inner, random: rand.New(rand.NewPCG(seed, 8))}
	e := engine.New(store, engine.Options{Version: "0.1.0"})
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	h := mixHost()
	options := engine.RuntimeOptions{EvictAfterTurn: seed%2 == 1, OrchestratorLockTimeout: 300 * time.Millisecond}
	var runtimes []*engine.Runtime
	boot := func() {
		rt, err := e.StartRuntime(t.Context(), options, h.Registry(), h)
		require.NoError(t, err)
		runtimes = append(runtimes, rt)
	}
	boot()
	boot()
	client := e.Client()
	const instances = 30
	for i := range instances {
		id := fmt.Sprint("m", i)
		require.NoError(t, client.Start(t.Context(), engine.StartRequest{Instance: id, Name: "mix", Input: "null"}))
		require.NoError(t, client.Enqueue(t.Context(), id, "inbox", strconv.Itoa(i)))
		if random.IntN(4) == 0 {
			i := random.IntN(len(runtimes))
			require.NoError(t, runtimes[i].Shutdown(t.Context(), 0))
			runtimes = append(runtimes[:i], runtimes[i+1:]...)
			boot()
		}
	}
	for i := range instances {
		id := fmt.Sprint("m", i)
		status, err := client.Wait(t.Context(), id, 60*time.Second)
		require.NoError(t, err, id)
		require.JSONEq(t, fmt.Sprintf(`["1","<0>","<1>","<2>","<3>","<4>","<kid>",%d]`, i), status.Output, status.Error)
		_, err = client.Wait(t.Context(), id+"-detached", 60*time.Second)
		require.NoError(t, err)
	}
	store.heal()
	for i := range instances {
		verify(t, inner, fmt.Sprint("m", i))
	}
	for _, rt := range runtimes {
		require.NoError(t, rt.Shutdown(t.Context(), patience))
	}
	depths, err := inner.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, provider.Depths{}, depths, "something was left behind")
}
