package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// damaged is a store in which something stored of "kid" is not as it should be. It tells what is given back.
type damaged struct {
	provider.Provider
	load   func() error
	commit func(provider.Commit) error
	tries  chan provider.AbandonedInstance
}

func (d *damaged) Load(ctx context.Context, instance string, execution uint64) (provider.Record, error) {
	if instance == "kid" && d.load != nil {
		if err := d.load(); err != nil {
			return provider.Record{}, err
		}
	}
	return d.Provider.Load(ctx, instance, execution)
}

func (d *damaged) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	if d.commit != nil {
		if err := d.commit(c); err != nil {
			return provider.Committed{}, err
		}
	}
	return d.Provider.Commit(ctx, c)
}

func (d *damaged) Abandon(ctx context.Context, a provider.Abandonment) (provider.Abandoned, error) {
	result, err := d.Provider.Abandon(ctx, a)
	for _, i := range a.Instances {
		d.tries <- i
	}
	return result, err
}

// unhurried are options of tests whose time passes in leaps: nothing is lost because of that.
func unhurried() engine.RuntimeOptions {
	return engine.RuntimeOptions{
		OrchestratorLockTimeout: 1000 * time.Hour, WorkerLockTimeout: 1000 * time.Hour,
		SessionIdleTimeout: 2000 * time.Hour,
	}
}

// household is a parent that waits for a kid, which waits for an event, on a store that is about to be damaged.
type household struct {
	*still
	damaged *damaged
	memory  *memory.Provider
}

func startHousehold(t *testing.T, o engine.RuntimeOptions) *household {
	t.Helper()
	h, id := enginetest.NewHost(), "kid"
	h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{
			Kind: replay.SubOrchestration, Name: "kid", Instance: &id, Input: "null",
		}))
		if !d.OK {
			return nil, errors.New(d.Value)
		}
		return d.Value, nil
	})
	h.Orchestration("kid", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return d.Value, nil
	})
	clock := enginetest.NewClock()
	f := &household{memory: memory.New(memory.Options{Clock: clock.Now})}
	f.damaged = &damaged{Provider: f.memory, tries: make(chan provider.AbandonedInstance, 1000)}
	o.EvictEveryTurn = true
	f.still = stillOn(t, h, o, clock, faulty.Wrap(f.damaged))
	f.start("parent", "parent", "null")
	f.waitsFor("kid", engine.WaitsForEvent, "")
	require.NoError(t, f.rt.Shutdown(t.Context(), patience))
	for len(f.damaged.tries) > 0 {
		<-f.damaged.tries
	}
	return f
}

// resume starts a runtime that meets the damage, with a first message for the kid.
func (f *household) resume(o engine.RuntimeOptions) {
	f.t.Helper()
	_, err := f.client.Raise(f.t.Context(), "kid", "go", `"went"`)
	require.NoError(f.t, err)
	f.run(o)
}

func (f *household) run(o engine.RuntimeOptions) {
	f.t.Helper()
	o.EvictEveryTurn = true
	_, err := f.e.StartRuntime(f.t.Context(), o, f.host.Registry(), f.host)
	require.NoError(f.t, err)
}

// try waits until the kid was tried and given back, and lets its pause pass. It is false where the kid has
// ended instead.
func (f *household) try() (pause time.Duration, ok bool) {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case tried := <-f.damaged.tries:
			f.clock.Advance(tried.Delay)
			return tried.Delay, true
		case <-time.After(10 * time.Millisecond):
			if f.state("kid") != engine.StateRunning {
				return 0, false
			}
			f.clock.Advance(time.Second) // what waits inside of the runtime, or comes by the safety poll
		case <-deadline:
			f.t.Fatal("the kid is not tried")
		}
	}
}

func (f *household) state(instance string) string {
	f.t.Helper()
	status, err := f.client.Status(f.t.Context(), instance)
	require.NoError(f.t, err)
	return status.State
}

// fails waits until an instance has failed.
func (f *household) fails(instance string) engine.Status {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	status, err := f.client.Wait(ctx, instance, 1000*time.Hour)
	require.NoError(f.t, err)
	require.Equal(f.t, engine.StateFailed, status.State)
	return status
}

func TestAHistoryThatCannotBeReadIsTriedForAnHourAndThenEndsAndItsParentIsTold(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 10} { // An option about other attempts makes it no shorter.
		o := unhurried()
		o.MaxAttempts = attempts
		f := startHousehold(t, o)
		f.memory.CorruptHistory("kid")
		f.resume(o)
		tried, tries := time.Duration(0), 0
		for {
			pause, ok := f.try()
			if !ok {
				break
			}
			require.Less(t, tries, 20)
			tried, tries = tried+pause, tries+1
		}
		require.GreaterOrEqual(t, tried, time.Hour)
		require.Less(t, tried, 4*time.Hour)
		kid := f.fails("kid")
		require.Equal(t, history.Poison, kid.Failure.Category)
		require.Equal(t, history.PoisonHistoryKind, kid.Failure.Kind)
		require.Equal(t, tries, kid.Failure.Attempts)
		require.Contains(t, kid.Error, "the history of execution 1 is damaged")
		require.Equal(t, kid.Error, f.fails("parent").Error)
	}
}

func TestAHistoryThatIsRepairedInTimeGoesOn(t *testing.T) {
	t.Parallel()
	f := startHousehold(t, unhurried())
	var healed atomic.Bool
	f.damaged.load = func() error {
		if healed.Load() {
			return nil
		}
		return &provider.Error{Op: "load", Message: "damaged", Err: provider.ErrCorrupt}
	}
	f.resume(unhurried())
	for range 8 {
		_, ok := f.try()
		require.True(t, ok)
	}
	healed.Store(true)
	for ok := true; ok; {
		_, ok = f.try()
	}
	require.Contains(t, f.ends("parent").Output, "went")
}

func TestAnInstanceThatCannotBeReadCanBeCancelled(t *testing.T) {
	t.Parallel()
	f := startHousehold(t, unhurried())
	f.memory.CorruptHistory("kid")
	f.resume(unhurried())
	for range 5 {
		_, ok := f.try()
		require.True(t, ok)
	}
	_, err := f.client.Wait(t.Context(), "kid", 0)
	require.ErrorIs(t, err, engine.ErrTimeout)
	require.ErrorContains(t, err, "its last turn was given back: load: the history of execution 1 is damaged")
	_, err = f.client.Cancel(t.Context(), "kid", "enough")
	require.NoError(t, err)
	require.Equal(t, "canceled: enough", f.fails("kid").Error)
	require.Equal(t, "canceled: enough", f.fails("parent").Error)
}

func TestAnInstanceWhoseRowsDisagreeDoesNotSpinAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	f := startHousehold(t, unhurried())
	f.damaged.commit = func(c provider.Commit) error { // There is an event 3 of the kid already.
		if _, ofParent := c.Events[0].Data.(history.SubOrchestrationFailed); ofParent || c.Events[0].ID > 3 {
			return nil
		}
		return &provider.Error{Op: "commit", Message: "event 3", Err: provider.ErrDuplicateEvent}
	}
	before := f.faulty.Calls(faulty.Commit)
	f.resume(unhurried())
	for waited := time.Duration(0); waited < 30*time.Minute; {
		pause, ok := f.try()
		require.True(t, ok)
		waited += pause
	}
	require.Less(t, f.faulty.Calls(faulty.Commit)-before, 20)
	_, err := f.client.Cancel(t.Context(), "kid", "enough")
	require.NoError(t, err)
	require.Equal(t, "canceled: enough", f.fails("kid").Error)
	require.Equal(t, "canceled: enough", f.fails("parent").Error)
}

func TestATurnThatTheStoreRefusesForGoodFailsWithTheCause(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		h := enginetest.NewHost()
		h.Register("echo", upper)
		h.Orchestration("one", func(c *enginetest.Code, _ string) (any, error) {
			if _, err := c.Call("echo", `"x"`); err != nil {
				return nil, err
			}
			return 1, nil
		})
		store := faulty.Wrap(memory.New(memory.Options{}))
		refusing := &damaged{Provider: store, tries: make(chan provider.AbandonedInstance, 1000)}
		refusing.commit = func(c provider.Commit) error {
			if c.Outcome != nil && c.Outcome.Status == provider.Failed || (c.Started == nil) == first {
				return nil
			}
			return errForGood
		}
		r := rigOn(t, refusing, h, quick())
		r.start("a", "one", "null")
		status := r.wait("a")
		require.Equal(t, history.Infrastructure, status.Failure.Category)
		require.Equal(t, "infrastructure:complete: the store does not take a turn of the instance: refused for good",
			status.Error)
		require.LessOrEqual(t, len(refusing.tries), 2, "an outcome in memory, and then two attempts, of which one ends")
	}
}
