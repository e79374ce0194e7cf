package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
	"duroxide/provider"
	"duroxide/provider/memory"
)

// pair is one store with two nodes, whose clock the test moves. A is there from the beginning; B
// is started by a test when it wants one, so that everything before that is A's.
type pair struct {
	t     *testing.T
	clock *enginetest.Clock
	log   lines
	store *watched
	e     *engine.Engine
	o     engine.RuntimeOptions
	rt    *engine.Runtime // of A
	a, b  *enginetest.Host
	*engine.Client
}

// lines keeps log records.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
	// changed is closed and replaced with each record.
	changed chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.out.Write(b)
}

// await gives the first record with a message.
func (l *lines) await(t *testing.T, message string) map[string]any {
	t.Helper()
	for {
		l.mu.Lock()
		text, changed := l.out.String(), l.changed
		l.mu.Unlock()
		for line := range strings.SplitSeq(text, "\n") {
			var record map[string]any
			if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == message {
				return record
			}
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			require.FailNow(t, "no record: "+message, text)
		}
	}
}

// watched tells a test what was given back, and holds up a claim that has taken something.
type watched struct {
	provider.Provider
	abandoned chan int
	largest   atomic.Int64
	// holdUp, if set, is asked once a claim is committed, before the engine knows of it.
	holdUp atomic.Pointer[func(provider.Claimed)]
}

func (w *watched) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	claimed, err := w.Provider.Claim(ctx, r)
	if f := w.holdUp.Load(); f != nil && len(claimed.Instances)+len(claimed.Tasks) > 0 {
		(*f)(claimed)
	}
	return claimed, err
}

func (w *watched) Abandon(ctx context.Context, a provider.Abandonment) (provider.Abandoned, error) {
	result, err := w.Provider.Abandon(ctx, a)
	n := len(a.Instances) + len(a.Tasks)
	w.largest.Store(max(w.largest.Load(), int64(n)))
	w.abandoned <- n
	return result, err
}

const hostTimeout = 2 * time.Second

func newPair(t *testing.T, o engine.RuntimeOptions, register func(h *enginetest.Host, name string)) *pair {
	t.Helper()
	p := &pair{t: t, clock: enginetest.NewClock(), o: o}
	p.log.changed = make(chan struct{})
	p.store = &watched{
		Provider:  memory.New(memory.Options{Clock: p.clock.Now}),
		abandoned: make(chan int, 10_000),
	}
	p.e = engine.New(p.store, engine.Options{
		Clock: p.clock, Version: "0.1.0", Log: slog.New(slog.NewJSONHandler(&p.log, nil)),
	})
	p.Client = p.e.Client()
	t.Cleanup(func() { require.NoError(t, p.e.Close(context.Background())) })
	for name, h := range map[string]**enginetest.Host{"A": &p.a, "B": &p.b} {
		*h = enginetest.NewHost()
		(*h).UseClock(p.clock)
		register(*h, name)
	}
	t.Cleanup(func() {
		p.a.Unblock()
		p.b.Unblock()
	})
	p.rt = p.boot(p.a)
	return p
}

func (p *pair) boot(h *enginetest.Host) *engine.Runtime {
	p.t.Helper()
	rt, err := p.e.StartRuntime(p.t.Context(), p.o, h.Registry(), h)
	require.NoError(p.t, err)
	return rt
}

func (p *pair) start(instance, name string) {
	p.t.Helper()
	require.NoError(p.t, p.Start(p.t.Context(), engine.StartRequest{Instance: instance, Name: name, Input: "null"}))
}

func (p *pair) output(instance string) string {
	p.t.Helper()
	status, err := p.Wait(p.t.Context(), instance, patience)
	require.NoError(p.t, err)
	require.Equal(p.t, "Completed", status.State, status.Error)
	return status.Output
}

// gone returns when claims were given back, n at least.
func (p *pair) gone(n int) {
	p.t.Helper()
	for n > 0 {
		select {
		case back := <-p.store.abandoned:
			n -= back
		case <-p.t.Context().Done():
			require.FailNow(p.t, "nothing was given back")
		}
	}
}

// hasty is the code of most tests: two activities that tell where they ran, and one that waits for
// an event in between.
func hasty(h *enginetest.Host, name string) {
	h.Register("where", func(context.Context, engine.ActivityCall) (any, error) { return name, nil })
	h.Orchestration("quick", func(c *enginetest.Code, _ string) (any, error) {
		first, err := c.Call("where", "null")
		if err != nil {
			return nil, err
		}
		second, err := c.Call("where", "null")
		return []string{first, second}, err
	})
	h.Orchestration("events", func(c *enginetest.Code, _ string) (any, error) {
		var got []json.RawMessage
		for range 3 {
			c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new(strconv.Itoa(len(got)))})
			_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
			got = append(got, json.RawMessage(d.Value))
		}
		return got, nil
	})
}

func TestWhatABlockedThreadHasNotBegunIsDoneElsewhere(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Block()
	const n = 300
	for i := range n {
		p.start(fmt.Sprint("q", i), "quick")
	}
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 64))
	p.boot(p.b)
	p.clock.Advance(hostTimeout)
	for i := range n {
		require.JSONEq(t, `["\"B\"","\"B\""]`, p.output(fmt.Sprint("q", i)))
	}
	require.Zero(t, p.a.Runs)
	require.LessOrEqual(t, p.store.largest.Load(), int64(256), "claims are given back in bounded groups")
	p.a.Unblock()
	p.log.await(t, "The JavaScript thread answers again")
}

func TestNothingIsClaimedForALateThread(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Block()
	p.start("first", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.clock.Advance(100 * time.Millisecond)
	p.boot(p.b)
	for i := range 40 {
		p.start(fmt.Sprint("q", i), "quick")
	}
	for i := range 40 {
		require.JSONEq(t, `["\"B\"","\"B\""]`, p.output(fmt.Sprint("q", i)))
	}
	status, err := p.Status(t.Context(), "first")
	require.NoError(t, err)
	require.Equal(t, "Running", status.State, "what was claimed before has its time")
	p.a.Unblock()
	require.NotEmpty(t, p.output("first"))
}

func TestAThreadThatAnswersInTimeGivesNothingBack(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Block()
	p.start("first", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.boot(p.b)
	p.clock.Advance(hostTimeout - time.Millisecond)
	p.a.Unblock()
	require.JSONEq(t, `["\"A\"","\"A\""]`, p.output("first"))
	p.clock.Advance(time.Minute)
	require.Empty(t, p.store.abandoned)
	require.Zero(t, p.b.Runs)
}

// silent has A's thread blocked and everything given back that was not begun.
func (p *pair) silent() {
	p.t.Helper()
	p.a.Block()
	p.start("probe", "quick")
	require.NoError(p.t, p.a.AwaitWaiting(p.t.Context(), 1))
	p.clock.Advance(hostTimeout)
}

// awaitStatus waits for a custom status of the instance "a".
func (p *pair) awaitStatus(status string) {
	p.t.Helper()
	seen := uint64(0)
	for {
		s, err := p.WaitStatus(p.t.Context(), "a", seen, patience)
		require.NoError(p.t, err)
		if s.CustomStatus != nil && *s.CustomStatus == status {
			return
		}
		seen = s.CustomStatusVersion
	}
}

func TestAResidentThatNobodyMovedGoesOnWithoutReplay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, late, out bool
	}{
		"its message came before the thread was late": {before: true},
		"its message came while the thread was late":  {late: true},
		"its message came when the thread was out":    {out: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, engine.RuntimeOptions{}, hasty)
			p.start("a", "events")
			p.awaitStatus("0")
			raise := func(when bool) {
				if when {
					require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "1")))
				}
			}
			p.a.Block()
			raise(c.before)
			p.start("probe", "quick")
			if c.before {
				require.NoError(t, p.a.AwaitWaiting(t.Context(), 2))
			} else {
				require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
			}
			p.clock.Advance(100 * time.Millisecond)
			raise(c.late)
			p.clock.Advance(hostTimeout)
			p.gone(2)
			raise(c.out)
			p.a.Unblock()
			p.awaitStatus("1")
			require.NotEmpty(t, p.output("probe"))
			require.Equal(t, 2, p.a.Opens, "the generator was made again although nobody had moved the instance")
		})
	}
}

func TestAResidentThatWasMovedMeanwhileIsReplayed(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.start("a", "events")
	p.awaitStatus("0")
	p.silent()
	p.gone(2)
	b := p.boot(p.b)
	require.NotEmpty(t, p.output("probe"))
	require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "1")))
	p.awaitStatus("1")
	require.NoError(t, b.Shutdown(t.Context(), patience))
	p.a.Unblock()
	require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "2")))
	require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "3")))
	require.JSONEq(t, `[1,2,3]`, p.output("a"))
	require.Equal(t, 2, p.a.Opens, "of a before and after")
}

func TestAnIdleInstanceOfABlockedThreadIsServedElsewhereAtOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.start("a", "events")
	p.awaitStatus("0")
	p.silent()
	p.boot(p.b)
	require.NotEmpty(t, p.output("probe"))
	for i := range 3 {
		require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", strconv.Itoa(i))))
	}
	require.JSONEq(t, `[0,1,2]`, p.output("a"), "without the clock having moved")
}

func TestWhatCameWhileTheThreadWasLateIsClaimedWhenItAnswers(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Block()
	p.a.Pulse().Owe()
	p.clock.Advance(100 * time.Millisecond)
	require.True(t, p.a.Pulse().IsLate())
	p.start("a", "quick")
	p.a.Unblock()
	require.NotEmpty(t, p.output("a"), "without the clock having moved")
}

// delayed holds a claim up until the thread of A is out, and gives its end.
func (p *pair) delayed() (arrived <-chan struct{}, release func()) {
	taken, gate := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() {
		close(taken)
		<-gate
	})
	hold := func(provider.Claimed) { first() }
	p.store.holdUp.Store(&hold)
	return taken, func() {
		p.store.holdUp.Store(nil)
		close(gate)
	}
}

func TestAnInstanceThatWasBeingClaimedGoesBack(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	arrived, release := p.delayed()
	_, err := p.store.Submit(t.Context(), provider.Submission{Messages: []provider.Message{{
		Instance: "a", Kind: provider.StartInstance, Name: "quick", Input: "null",
	}}})
	require.NoError(t, err)
	<-arrived
	p.silent()
	p.gone(1)
	release()
	p.gone(1)
	p.boot(p.b)
	require.JSONEq(t, `["\"B\"","\"B\""]`, p.output("a"))
}

func TestATaskThatWasBeingClaimedGoesBack(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{OrchestrationConcurrency: new(0)}, hasty)
	p.o = engine.RuntimeOptions{WorkerConcurrency: new(0)}
	p.boot(p.b)
	arrived, release := p.delayed()
	p.start("a", "quick")
	<-arrived
	p.a.Block()
	p.a.Pulse().Owe()
	p.clock.Advance(hostTimeout)
	p.log.await(t, "The JavaScript thread is blocked; what it has not begun is left to other processes")
	release()
	p.gone(1)
	p.o = engine.RuntimeOptions{OrchestrationConcurrency: new(0)}
	p.boot(p.b)
	require.JSONEq(t, `["\"B\"","\"B\""]`, p.output("a"))
}

// holder has an activity that holds the thread until the test lets go of it.
type holder struct {
	begun, release chan struct{}
	runs           atomic.Int32
}

func newHolder() *holder {
	return &holder{begun: make(chan struct{}), release: make(chan struct{})}
}

func (x *holder) register(h *enginetest.Host, name string) {
	hasty(h, name)
	h.Register("hold", func(_ context.Context, c engine.ActivityCall) (any, error) {
		x.runs.Add(1)
		h.Block(engine.Running{Invocation: c.Invocation, Activity: c.Activity, ID: c.ID})
		close(x.begun)
		<-x.release
		h.Unblock()
		return name, nil
	})
	h.Orchestration("held", func(c *enginetest.Code, _ string) (any, error) {
		out, err := c.Call("hold", "null")
		return json.RawMessage(out), err
	})
}

func TestAnActivityThatHoldsItsThreadRunsOnceAndKeepsItsLease(t *testing.T) {
	t.Parallel()
	x := newHolder()
	p := newPair(t, engine.RuntimeOptions{WorkerLockTimeout: 6 * time.Second}, x.register)
	p.start("h", "held")
	<-x.begun
	p.start("first", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.boot(p.b)
	p.clock.Advance(hostTimeout)
	require.JSONEq(t, `["\"B\"","\"B\""]`, p.output("first"))
	for range 40 { // more than three leases
		// Both nodes wait for their next poll and their next renewal, and A for its deadline.
		require.NoError(t, p.clock.AwaitTimers(t.Context(), 5))
		p.clock.Advance(500 * time.Millisecond)
	}
	close(x.release)
	require.JSONEq(t, `"A"`, p.output("h"))
	require.Equal(t, int32(1), x.runs.Load())
}

func TestTheWarningNamesWhatHoldsTheThread(t *testing.T) {
	t.Parallel()
	x := newHolder()
	p := newPair(t, engine.RuntimeOptions{}, x.register)
	p.start("h", "held")
	<-x.begun
	p.start("innocent", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.clock.Advance(hostTimeout)
	record := p.log.await(t, "The JavaScript thread is blocked; what it has not begun is left to other processes")
	require.Equal(t, "WARN", record["level"])
	require.Equal(t, "h", record["instance_id"])
	require.Equal(t, `activity "hold"`, record["blocked_by"])
	require.Equal(t, "hold", record["activity_name"])
	require.InDelta(t, hostTimeout.Milliseconds(), record["after_ms"], 0)
	require.NotContains(t, p.log.out.String(), "innocent")
	close(x.release)
	require.NotEmpty(t, p.output("innocent"))
}

func TestAResultThatABlockedThreadHandedOverIsKept(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	p := newPair(t, engine.RuntimeOptions{}, func(h *enginetest.Host, name string) {
		h.Register("last", func(context.Context, engine.ActivityCall) (any, error) {
			runs.Add(1)
			h.Block() // by code that comes after it
			return name, nil
		})
		h.Orchestration("a", func(c *enginetest.Code, _ string) (any, error) {
			out, err := c.Call("last", "null")
			return json.RawMessage(out), err
		})
	})
	p.start("a", "a")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.boot(p.b)
	p.clock.Advance(hostTimeout)
	require.JSONEq(t, `"A"`, p.output("a"))
	require.Equal(t, int32(1), runs.Load(), "it ran again although its result was known")
}

func TestARunWhoseAnswerStaysWithTheThreadIsRepeatedElsewhere(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Withhold()
	p.start("a", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.boot(p.b)
	p.clock.Advance(hostTimeout)
	require.JSONEq(t, `["\"B\"","\"B\""]`, p.output("a"))
	require.Equal(t, 1, p.a.Runs)
}

func TestATurnThatWasAheadIsRepeatedFromItsHistory(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.start("a", "events")
	p.awaitStatus("0")
	p.a.Withhold()
	require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "1")))
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.clock.Advance(hostTimeout)
	p.gone(1)
	p.a.Unblock()
	for i := range 2 {
		require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", strconv.Itoa(i+2))))
	}
	require.JSONEq(t, `[1,2,3]`, p.output("a"))
	require.Equal(t, 2, p.a.Opens)
}

func TestAStepThatDoesNotReturnIsReported(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{OrchestrationDeadline: 30 * time.Second}, hasty)
	p.a.Block(engine.Running{Invocation: engine.Invocation{Instance: "loop", Execution: 1, Name: "endless"}})
	p.start("innocent", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	p.clock.Advance(hostTimeout)
	p.gone(1)
	require.NotContains(t, p.log.out.String(), "has not returned")
	p.clock.Advance(28 * time.Second)
	record := p.log.await(t, "Orchestration code has not returned from a step; it may never do so")
	require.Equal(t, "ERROR", record["level"])
	require.Equal(t, "loop", record["instance_id"])
}

func TestAShutdownDoesNotWaitForWhatABlockedThreadWillNotBegin(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, hasty)
	p.a.Block()
	p.start("a", "quick")
	require.NoError(t, p.a.AwaitWaiting(t.Context(), 1))
	over := make(chan error, 1)
	go func() { over <- p.rt.Shutdown(t.Context(), time.Hour) }()
	p.clock.Advance(hostTimeout)
	require.NoError(t, <-over)
	p.boot(p.b)
	require.NotEmpty(t, p.output("a"))
}

func TestTheSessionsOfABlockedThreadMoveOn(t *testing.T) {
	t.Parallel()
	p := newPair(t, engine.RuntimeOptions{}, func(h *enginetest.Host, name string) {
		hasty(h, name)
		h.Orchestration("sticky", func(c *enginetest.Code, _ string) (any, error) {
			var ran []string
			for i := range 2 {
				_, d := c.Await(c.Schedule(replay.Action{
					Kind: replay.Activity, Name: "where", Input: "null", Session: new("s"),
				}))
				ran = append(ran, d.Value)
				if i == 0 {
					c.Do(replay.Action{Kind: replay.SetCustomStatus, Value: new("first")})
					c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
				}
			}
			return ran, nil
		})
	})
	p.start("a", "sticky")
	p.awaitStatus("first")
	p.silent()
	p.boot(p.b)
	require.NotEmpty(t, p.output("probe"))
	require.NoError(t, errOf(p.Raise(t.Context(), "a", "go", "null")))
	require.JSONEq(t, `["\"A\"","\"B\""]`, p.output("a"))
}
