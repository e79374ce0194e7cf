package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
	"duroxide/provider/sqlite"
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

func (u *unreliable) Submit(ctx context.Context, s provider.Submission) ([]provider.Submitted, error) {
	if u.chance(10) {
		return nil, transient("submit")
	}
	sent, err := u.Provider.Submit(ctx, s)
	if err == nil && u.chance(10) {
		return nil, transient("submit")
	}
	return sent, err
}

func (u *unreliable) Delete(ctx context.Context, d provider.Deletion) (provider.Deleted, error) {
	if u.chance(5) {
		return provider.Deleted{}, transient("delete")
	}
	deleted, err := u.Provider.Delete(ctx, d)
	if err == nil && u.chance(3) {
		return provider.Deleted{}, transient("delete")
	}
	return deleted, err
}

func (u *unreliable) Load(ctx context.Context, instance string, execution uint64) (provider.Record, error) {
	if u.chance(5) {
		return provider.Record{}, transient("load")
	}
	return u.Provider.Load(ctx, instance, execution)
}

// mixHost runs an orchestration that uses everything. Its input is a mark of its life, which everything
// must have that it gets back.
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
		var mark string
		if err := json.Unmarshal([]byte(input), &mark); err != nil {
			return nil, err
		}
		var tokens []uint64
		for i := range 5 {
			tokens = append(tokens, c.Schedule(replay.Action{
				Kind: replay.Activity, Name: "wrap", Input: strconv.Quote(mark + strconv.Itoa(i)),
			}))
		}
		tokens = append(tokens, c.Schedule(replay.Action{
			Kind: replay.SubOrchestration, Name: "leaf", Input: strconv.Quote(mark + "kid"),
		}))
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

// asked gives the number that an environment variable asks for: SIMULATION_ROUNDS is how many rounds of
// the simulation each store gets, SIMULATION_SEED the first of their seeds.
func asked(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	number, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "%s must be a number", variable)
	return number
}

// simulations runs rounds, each with a seed of its own. open gives the stores of a round: one for
// each engine, and all on the same data.
func simulations(t *testing.T, rounds uint64, open func(t *testing.T) []provider.Provider) {
	t.Helper()
	first := asked(t, "SIMULATION_SEED", 0)
	for round := range asked(t, "SIMULATION_ROUNDS", rounds) {
		seed := first + round
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed, open(t))
		})
	}
}

func TestManyRuntimesOnAnUnreliableStoreReachEveryResultOnce(t *testing.T) {
	t.Parallel()
	simulations(t, 6, func(*testing.T) []provider.Provider {
		return []provider.Provider{memory.New(memory.Options{})}
	})
}

func TestManyRuntimesOnOneUnreliableFileReachEveryResultOnce(t *testing.T) {
	t.Parallel()
	simulations(t, 1, func(t *testing.T) []provider.Provider {
		t.Helper()
		path := filepath.Join(t.TempDir(), "store.db")
		var stores []provider.Provider
		for range 2 {
			s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			require.NoError(t, err)
			stores = append(stores, s)
		}
		return stores
	})
}

func TestManyRuntimesOnOneUnreliableServerReachEveryResultOnce(t *testing.T) {
	t.Parallel()
	url := os.Getenv(pgtest.URLVariable)
	if url == "" {
		url = pgtest.Own(t).URL
	}
	simulations(t, 2, func(t *testing.T) []provider.Provider {
		t.Helper()
		o := postgres.Options{URL: url, Schema: pgtest.Schema(t, url), MaxConns: 4}
		var stores []provider.Provider
		for range 3 {
			s, err := postgres.Open(t.Context(), o)
			require.NoError(t, err)
			stores = append(stores, s)
		}
		return stores
	})
}

// world is a round of the simulation: engines, each with an unreliable store, and their runtimes.
type world struct {
	random  *rand.Rand
	options engine.RuntimeOptions
	stores  []*unreliable
	engines []*engine.Engine
	nodes   []node
}

// node is a runtime with a host, and so a thread, of its own.
type node struct {
	*engine.Runtime
	host *enginetest.Host
}

func newWorld(t *testing.T, seed uint64, stores []provider.Provider) *world {
	t.Helper()
	w := &world{random: rand.New(rand.NewPCG(seed, 7))}
	w.options = engine.RuntimeOptions{
		EvictAfterTurn: seed%2 == 1, OrchestratorLockTimeout: 300 * time.Millisecond,
		HostTimeout: 100 * time.Millisecond,
	}
	for n, inner := range stores {
		s := &unreliable{Provider: inner, random: rand.New(rand.NewPCG(seed, 8+uint64(n)))}
		e := engine.New(s, engine.Options{Version: "0.1.0"})
		t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
		w.stores, w.engines = append(w.stores, s), append(w.engines, e)
	}
	for n := range max(2, len(stores)) {
		w.boot(t, n)
	}
	return w
}

// engine takes the engines in turn.
func (w *world) engine(n int) *engine.Engine { return w.engines[n%len(w.engines)] }

func (w *world) boot(t *testing.T, n int) {
	t.Helper()
	h := mixHost()
	rt, err := w.engine(n).StartRuntime(t.Context(), w.options, h.Registry(), h)
	require.NoError(t, err)
	w.nodes = append(w.nodes, node{rt, h})
}

// replace ends a runtime without grace and starts another one, maybe on another engine.
func (w *world) replace(t *testing.T) {
	t.Helper()
	i := w.random.IntN(len(w.nodes))
	require.NoError(t, w.nodes[i].Shutdown(t.Context(), 0))
	w.nodes = append(w.nodes[:i], w.nodes[i+1:]...)
	w.boot(t, w.random.IntN(len(w.engines)))
}

// begin starts an instance and sends it what it waits for.
func (w *world) begin(t *testing.T, i int, mark string) {
	t.Helper()
	id, client := fmt.Sprint("m", i), w.engine(i).Client()
	require.NoError(t, client.Start(t.Context(), engine.StartRequest{
		Instance: id, Name: "mix", Input: strconv.Quote(mark),
	}))
	require.NoError(t, errOf(client.Enqueue(t.Context(), id, "inbox", strconv.Itoa(i))))
}

// disturb blocks the threads of some nodes, in one way or the other, and lets the others go on. The
// last node's always goes on.
func (w *world) disturb() {
	for i, n := range w.nodes {
		switch what := w.random.IntN(3); {
		case i == len(w.nodes)-1 || what == 0:
			n.host.Unblock()
		case what == 1:
			n.host.Block()
		default:
			n.host.Withhold()
		}
	}
}

func simulate(t *testing.T, seed uint64, stores []provider.Provider) {
	t.Helper()
	w := newWorld(t, seed, stores)
	const instances = 30
	for i := range instances {
		w.begin(t, i, "first")
		switch w.random.IntN(4) {
		case 0:
			w.replace(t)
		case 1:
			w.disturb()
		default:
		}
	}
	// A third of the ids live a second time.
	for i := 0; i < instances; i += 3 {
		require.NoError(t, errOf(w.engine(w.random.IntN(9)).Client().Delete(t.Context(), fmt.Sprint("m", i), true)))
		w.begin(t, i, "second")
	}
	for i := range instances {
		id, client := fmt.Sprint("m", i), w.engine(i+1).Client()
		status, err := client.Wait(t.Context(), id, 60*time.Second)
		require.NoError(t, err, id)
		mark := "first"
		if i%3 == 0 {
			mark = "second"
		}
		require.Empty(t, status.Error, id)
		require.JSONEq(t, fmt.Sprintf(
			`["1","<%[1]s0>","<%[1]s1>","<%[1]s2>","<%[1]s3>","<%[1]s4>","<%[1]skid>",%[2]d]`, mark, i), status.Output, id)
		_, err = client.Wait(t.Context(), id+"-detached", 60*time.Second)
		require.NoError(t, err)
	}
	for _, s := range w.stores {
		s.heal()
	}
	for _, n := range w.nodes {
		n.host.Unblock()
	}
	for i := range instances {
		verify(t, stores[0], fmt.Sprint("m", i))
	}
	// A message that was stored twice comes when its instance has ended, and is dropped a moment later.
	var depths provider.Depths
	require.Eventually(t, func() bool {
		var err error
		depths, err = stores[0].Depths(t.Context())
		require.NoError(t, err)
		return depths == provider.Depths{}
	}, patience, 10*time.Millisecond, "something was left behind: %+v", &depths)
	for _, n := range w.nodes {
		require.NoError(t, n.Shutdown(t.Context(), patience))
	}
}
