package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// mortal is a store of a process that dies right after a commit: that has its effect, and nothing that
// comes later has any.
type mortal struct {
	provider.Provider
	left atomic.Int64 // commits until the death
	dead chan struct{}
	once sync.Once
}

var errDead = errors.New("the process is dead")

func newMortal(store provider.Provider, commits int64) *mortal {
	m := &mortal{Provider: store, dead: make(chan struct{})}
	m.left.Store(commits)
	return m
}

func (m *mortal) isDead() bool {
	select {
	case <-m.dead:
		return true
	default:
		return false
	}
}

func alive[T any](m *mortal, call func() (T, error)) (T, error) {
	var none T
	if m.isDead() {
		return none, errDead
	}
	return call()
}

func (m *mortal) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	return alive(m, func() (provider.Committed, error) {
		done, err := m.Provider.Commit(ctx, c)
		if err == nil && m.left.Add(-1) == 0 {
			m.once.Do(func() { close(m.dead) })
			return provider.Committed{}, errDead
		}
		return done, err
	})
}

func (m *mortal) Submit(ctx context.Context, s provider.Submission) ([]provider.Submitted, error) {
	return alive(m, func() ([]provider.Submitted, error) { return m.Provider.Submit(ctx, s) })
}

func (m *mortal) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	return alive(m, func() (provider.Claimed, error) { return m.Provider.Claim(ctx, r) })
}

func (m *mortal) Complete(ctx context.Context, c provider.Completions) ([]provider.Submitted, error) {
	return alive(m, func() ([]provider.Submitted, error) { return m.Provider.Complete(ctx, c) })
}

func (m *mortal) Abandon(ctx context.Context, a provider.Abandonment) (provider.Abandoned, error) {
	return alive(m, func() (provider.Abandoned, error) { return m.Provider.Abandon(ctx, a) })
}

func (m *mortal) Renew(ctx context.Context, r provider.Renewal) ([]provider.Token, error) {
	return alive(m, func() ([]provider.Token, error) { return m.Provider.Renew(ctx, r) })
}

func (m *mortal) Begin(ctx context.Context, t provider.Token, ids []uint64) error {
	_, err := alive(m, func() (any, error) { return nil, m.Provider.Begin(ctx, t, ids) })
	return err
}

// Close leaves the store to the next process.
func (m *mortal) Close(context.Context) error { return nil }

// wideSteps is more than two commits take.
const wideSteps = 2300

// partly is a host whose orchestration has one step of wideSteps actions, and what else an end may be.
func partly(open chan struct{}) *enginetest.Host {
	h := enginetest.NewHost()
	h.Register("work", func(_ context.Context, c engine.ActivityCall) (any, error) { return c.ID, nil })
	h.Register("wait", func(ctx context.Context, _ engine.ActivityCall) (any, error) {
		select {
		case <-open:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	schedule := func(c *enginetest.Code, name string) (tokens []uint64) {
		for n := range wideSteps {
			tokens = append(tokens, c.Schedule(replay.Action{
				Kind: replay.Activity, Name: name, Input: strconv.Itoa(n),
			}))
			if n%1000 == 500 {
				c.Schedule(replay.Action{Kind: replay.Dequeue, Name: "q"})
			}
		}
		return tokens
	}
	// all waits for everything that one step has scheduled.
	h.Orchestration("all", func(c *enginetest.Code, _ string) (any, error) {
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		answers := 0
		for _, token := range schedule(c, "work") {
			if _, d := c.Await(token); d.OK {
				answers++
			}
		}
		return answers, nil
	})
	// first ends, in one way or another, while everything is open.
	h.Orchestration("first", func(c *enginetest.Code, input string) (any, error) {
		if input == `"last"` {
			return "last", nil
		}
		schedule(c, "wait")
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		switch input {
		case `"fail"`:
			return nil, errors.New("on purpose")
		case `"continue"`:
			c.Do(replay.Action{Kind: replay.ContinueAsNew, Input: `"last"`})
		}
		return "done", nil
	})
	return h
}

// event tells of what must be the same however often the process has died.
func plot(events []history.Event) []string {
	var plot []string
	for _, e := range events {
		switch d := e.Data.(type) {
		case history.ActivityScheduled:
			plot = append(plot, fmt.Sprint(e.ID, " ", d.Name, " ", d.Input))
		case history.ActivityCompleted, history.ActivityFailed:
			// They come in any order.
		default:
			plot = append(plot, fmt.Sprint(e.Source, " ", e.Kind()))
		}
	}
	return plot
}

// lifetime is a store with an instance that several processes after another care for.
type lifetime struct {
	t     *testing.T
	clock *enginetest.Clock
	store provider.Provider
	open  chan struct{}
	o     engine.RuntimeOptions
}

func newLifetime(t *testing.T, o engine.RuntimeOptions) *lifetime {
	t.Helper()
	l := &lifetime{t: t, clock: enginetest.NewClock(), open: make(chan struct{}), o: o}
	l.store = memory.New(memory.Options{Clock: l.clock.Now})
	t.Cleanup(func() { close(l.open) })
	return l
}

// unending keeps a store open when an engine on it is closed.
type unending struct{ provider.Provider }

func (unending) Close(context.Context) error { return nil }

func (l *lifetime) engine(p provider.Provider, runs bool) (e *engine.Engine, stop func()) {
	l.t.Helper()
	e = engine.New(p, engine.Options{Clock: l.clock, Version: "0.1.0"})
	if runs {
		h := partly(l.open)
		_, err := e.StartRuntime(l.t.Context(), l.o, h.Registry(), h)
		require.NoError(l.t, err)
	}
	return e, func() {
		closed := inBackground(func() (any, error) { return nil, e.Close(context.Background()) })
		require.Eventually(l.t, func() bool {
			l.clock.Advance(time.Second) // A shutdown waits for its grace period, though that is none.
			select {
			case result := <-closed:
				require.NoError(l.t, result.err)
				return true
			default:
				return false
			}
		}, patience, time.Millisecond)
	}
}

// tell stores messages while nobody runs anything.
func (l *lifetime) tell(f func(c *engine.Client) error) {
	l.t.Helper()
	e, stop := l.engine(unending{l.store}, false)
	defer stop()
	require.NoError(l.t, f(e.Client()))
}

func (l *lifetime) start(name, input string) {
	l.t.Helper()
	l.tell(func(c *engine.Client) error {
		return c.Start(l.t.Context(), engine.StartRequest{Instance: "a", Name: name, Input: input})
	})
}

// until runs a healthy process until the instance is as it should be.
func (l *lifetime) until(reached func(s engine.Status, events int) bool) engine.Status {
	l.t.Helper()
	e, stop := l.engine(unending{l.store}, true)
	defer stop()
	var status engine.Status
	require.Eventually(l.t, func() bool {
		l.clock.Advance(time.Millisecond)
		var err error
		status, err = e.Client().Status(l.t.Context(), "a")
		require.NoError(l.t, err)
		stats, err := l.store.Stats(l.t.Context(), "a")
		require.NoError(l.t, err)
		return stats != nil && reached(status, stats.Events)
	}, patience, 5*time.Millisecond)
	return status
}

// die lets processes run of which each dies after so many commits, if there are as many.
func (l *lifetime) die(lives ...int64) {
	l.t.Helper()
	for _, commits := range lives {
		m := newMortal(l.store, commits)
		e, stop := l.engine(m, true)
		require.Eventually(l.t, func() bool {
			status, err := e.Client().Status(l.t.Context(), "a")
			require.NoError(l.t, err)
			return m.isDead() || status.IsTerminal()
		}, patience, time.Millisecond, "%v", lives)
		stop()
		l.clock.Advance(time.Minute) // Its leases are over.
	}
}

func (l *lifetime) plots() (all [][]string) {
	l.t.Helper()
	executions, err := l.store.Executions(l.t.Context(), "a")
	require.NoError(l.t, err)
	for _, n := range executions {
		events, err := l.store.History(l.t.Context(), "a", n)
		require.NoError(l.t, err)
		all = append(all, plot(events))
	}
	return all
}

func hasEnded(s engine.Status, _ int) bool { return s.IsTerminal() }

// deaths are after which commits the processes die. Each step and each end here takes three or four.
var deaths = [][]int64{nil, {1}, {2}, {3}, {1, 1}, {2, 1}, {1, 1, 1, 1}}

func TestAStepOfManyPartsSurvivesDeathBetweenAnyTwo(t *testing.T) {
	t.Parallel()
	var want [][]string
	for _, lives := range deaths {
		l := newLifetime(t, engine.RuntimeOptions{})
		l.start("all", "1")
		l.tell(func(c *engine.Client) error { return errOf(c.Raise(t.Context(), "a", "go", "1")) })
		l.die(lives...)
		status := l.until(hasEnded)
		require.Equal(t, engine.StateCompleted, status.State, "%v: %s", lives, status.Error)
		require.Equal(t, strconv.Itoa(wideSteps), status.Output, "%v", lives)
		got := l.plots()
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%v", lives)
	}
}

func TestAnEndOfManyPartsSurvivesDeathBetweenAnyTwo(t *testing.T) {
	t.Parallel()
	none := 0
	event := func(c *engine.Client) error { return errOf(c.Raise(t.Context(), "a", "go", "1")) }
	cancel := func(c *engine.Client) error { return errOf(c.Cancel(t.Context(), "a", "enough")) }
	for _, end := range []struct {
		input string
		tell  func(c *engine.Client) error
		want  engine.Status
	}{
		{`"complete"`, event, engine.Status{State: engine.StateCompleted, Output: `"done"`}},
		{`"fail"`, event, engine.Status{State: engine.StateFailed, Error: "on purpose"}},
		{`"complete"`, cancel, engine.Status{State: engine.StateFailed, Error: "canceled: enough"}},
		{`"continue"`, event, engine.Status{State: engine.StateCompleted, Output: `"last"`}},
	} {
		var want [][]string
		for _, lives := range deaths {
			l := newLifetime(t, engine.RuntimeOptions{WorkerConcurrency: &none})
			l.start("first", end.input)
			l.until(func(_ engine.Status, events int) bool { return events > wideSteps })
			l.tell(end.tell)
			l.die(lives...)
			ended := l.until(hasEnded)
			require.Equal(t, end.want.State == engine.StateFailed, ended.Failure != nil, "%v", lives)
			ended.Failure = nil
			require.Equal(t, end.want, ended, "%v", lives)
			got := l.plots()
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "%s %v", end.input, lives)
			depths, err := l.store.Depths(t.Context())
			require.NoError(t, err)
			require.Zero(t, depths.Tasks, "%s %v", end.input, lives)
			require.Zero(t, depths.Messages, "%s %v", end.input, lives)
		}
	}
}

// bounded is a host that remembers how much it was given at once.
type bounded struct {
	*enginetest.Host
	deliveries, bytes atomic.Int64
}

func (b *bounded) Run(ctx context.Context, r engine.RunRequest) (replay.Answer, error) {
	bytes := int64(0)
	for _, d := range r.Deliveries {
		bytes += int64(len(d.Value))
	}
	b.deliveries.Store(max(b.deliveries.Load(), int64(len(r.Deliveries))))
	b.bytes.Store(max(b.bytes.Load(), bytes))
	return b.Host.Run(ctx, r)
}

// big is an orchestration of many steps with large results, which then waits for an event.
func big(steps int) *bounded {
	h := enginetest.NewHost()
	h.Register("blob", func(context.Context, engine.ActivityCall) (any, error) {
		return strings.Repeat("x", 8<<10), nil
	})
	h.Orchestration("big", func(c *enginetest.Code, _ string) (any, error) {
		size := 0
		for range steps {
			result, err := c.Call("blob", "null")
			if err != nil {
				return nil, err
			}
			size += len(result)
		}
		c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return size, nil
	})
	return &bounded{Host: h}
}

func TestALargeHistoryIsLoadedInCallsOfABoundedSize(t *testing.T) {
	t.Parallel()
	const steps = 600
	l := newLifetime(t, engine.RuntimeOptions{})
	l.start("big", "1")
	for _, told := range []bool{false, true} {
		h := big(steps)
		e := engine.New(unending{l.store}, engine.Options{Clock: l.clock, Version: "0.1.0"})
		_, err := e.StartRuntime(t.Context(), l.o, h.Registry(), h)
		require.NoError(t, err)
		if told {
			require.NoError(t, errOf(e.Client().Raise(t.Context(), "a", "go", "1")))
		}
		require.Eventually(t, func() bool {
			l.clock.Advance(time.Millisecond)
			status, err := e.Client().Status(t.Context(), "a")
			require.NoError(t, err)
			events, err := l.store.History(t.Context(), "a", 0)
			require.NoError(t, err)
			return status.IsTerminal() || !told && len(events) == 2+2*steps
		}, patience, 5*time.Millisecond)
		require.NoError(t, e.Close(context.Background()))
		require.LessOrEqual(t, h.deliveries.Load(), int64(250))
		require.Less(t, h.bytes.Load(), int64(2<<20))
		require.Positive(t, h.bytes.Load())
	}
}
