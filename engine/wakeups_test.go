package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
)

// still is a rig whose time stands still unless the test moves it: no safety poll ever comes, so
// whatever happens was told of.
type still struct {
	*rig
	clock  *enginetest.Clock
	faulty *faulty.Provider
}

func startStill(t *testing.T, h *enginetest.Host, o engine.RuntimeOptions) *still {
	t.Helper()
	clock := enginetest.NewClock()
	return stillOn(t, h, o, clock, faulty.Wrap(memory.New(memory.Options{Clock: clock.Now})))
}

// stillOn is startStill on a store of the test's own, which has the clock.
func stillOn(
	t *testing.T, h *enginetest.Host, o engine.RuntimeOptions, clock *enginetest.Clock, store *faulty.Provider,
) *still {
	t.Helper()
	h.Orchestration("now", func(*enginetest.Code, string) (any, error) { return 1, nil })
	e := engine.New(store, engine.Options{Version: "0.1.0", Clock: clock})
	rt, err := e.StartRuntime(t.Context(), o, h.Registry(), h)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	over := make(chan struct{})
	go func() {
		defer close(over)
		clock.Pump(ctx)
	}()
	t.Cleanup(func() {
		require.NoError(t, e.Close(context.Background()))
		stop()
		<-over
	})
	return &still{
		rig:   &rig{t: t, store: store, e: e, rt: rt, host: h, client: e.Client()},
		clock: clock, faulty: store,
	}
}

// ends waits until an instance has ended, by the time of the machine.
func (s *still) ends(instance string) engine.Status {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	status, err := s.client.Wait(ctx, instance, 1000*time.Hour)
	require.NoError(s.t, err, "%s was not told of", instance)
	require.Equal(s.t, "Completed", status.State, status.Error)
	return status
}

// submit stores messages without claiming anything, as another process does.
func (s *still) submit(messages ...provider.Message) {
	s.t.Helper()
	_, err := s.store.Submit(s.t.Context(), provider.Submission{Messages: messages})
	require.NoError(s.t, err)
}

// idle waits until the runtime has looked for work at its start and waits: the poller and upkeep.
func (s *still) idle() {
	s.t.Helper()
	s.eventually(func() bool { return s.faulty.Calls(faulty.Claim) > 0 }, "nobody looks for work")
	require.NoError(s.t, s.clock.AwaitTimers(s.t.Context(), 2))
}

func (s *still) eventually(condition func() bool, text string) {
	s.t.Helper()
	require.Eventually(s.t, condition, patience, time.Millisecond, text)
}

// look has the runtime look for work once more, and waits until it has.
func (s *still) look() {
	s.t.Helper()
	id := fmt.Sprint("look", s.faulty.Calls(faulty.Claim))
	s.submit(startOf(id, "now"))
	s.ends(id)
}

func startOf(instance, name string) provider.Message {
	return provider.Message{Instance: instance, Kind: provider.StartInstance, Name: name, Input: "null"}
}

func TestADueTimeThatIsToldDuringAClaimIsKept(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	s := startStill(t, h, engine.RuntimeOptions{})
	delayed := func(instance string, by time.Duration) provider.Message {
		m := startOf(instance, "now")
		m.DueMs = s.clock.Now().Add(by).UnixMilli()
		return m
	}
	s.idle()
	s.submit(delayed("first", 300*time.Millisecond))
	held, release := s.faulty.Hold(faulty.Claim)
	s.clock.Advance(300 * time.Millisecond)
	<-held
	s.submit(delayed("second", 200*time.Millisecond))
	release()
	s.ends("first")
	s.clock.Advance(200 * time.Millisecond)
	s.ends("second")
}

func TestADueTimeOutlastsAClaimThatFails(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	s := startStill(t, h, engine.RuntimeOptions{})
	s.idle()
	m := startOf("a", "now")
	m.DueMs = s.clock.Now().Add(4 * time.Second).UnixMilli()
	s.submit(m)
	s.faulty.Fail(faulty.Claim, 1, faulty.Retryable(faulty.Claim))
	looks := s.faulty.Calls(faulty.Claim)
	s.submit(startOf("b", "now"))
	s.eventually(func() bool { return s.faulty.Calls(faulty.Claim) > looks }, "nobody has looked")
	require.NoError(t, s.clock.AwaitTimers(t.Context(), 2))
	s.clock.Advance(time.Second) // the pause after the fault
	s.ends("b")
	s.clock.Advance(3 * time.Second)
	s.ends("a")
}

func TestAMessageFindsItsInstanceWhileTheClaimIsOnItsWay(t *testing.T) {
	t.Parallel()
	type handOver struct {
		target string
		// before makes things ready; claim makes the call that claims the target.
		before, claim func(s *still)
	}
	running, free := make(chan struct{}), make(chan struct{})
	for op, c := range map[faulty.Op]handOver{
		faulty.Claim:  {target: "a", claim: func(s *still) { s.submit(startOf("a", "event")) }},
		faulty.Submit: {target: "a", claim: func(s *still) { s.start("a", "event", "null") }},
		faulty.Commit: {target: "kid", claim: func(s *still) { s.start("p", "parent", "null") }},
		faulty.Complete: {
			target: "a",
			before: func(s *still) {
				s.start("a", "activity", "null")
				<-running
				s.clock.Advance(2 * time.Second)
				s.eventually(func() bool { return s.faulty.Calls(faulty.Abandon) > 0 }, "a was not evicted")
			},
			claim: func(*still) { close(free) },
		},
	} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			h := enginetest.NewHost()
			h.Register("blocked", func(context.Context, engine.ActivityCall) (any, error) {
				close(running)
				<-free
				return 1, nil
			})
			event := func(c *enginetest.Code, _ string) (any, error) {
				_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
				return json.RawMessage(d.Value), nil
			}
			h.Orchestration("event", event)
			h.Orchestration("activity", func(c *enginetest.Code, input string) (any, error) {
				if _, err := c.Call("blocked", "null"); err != nil {
					return nil, err
				}
				return event(c, input)
			})
			h.Orchestration("parent", func(c *enginetest.Code, _ string) (any, error) {
				c.Await(c.Schedule(replay.Action{
					Kind: replay.SubOrchestration, Name: "event", Instance: new("kid"), Input: "null",
				}))
				return nil, nil
			})
			s := startStill(t, h, engine.RuntimeOptions{ResidentIdle: time.Second})
			s.idle()
			if c.before != nil {
				c.before(s)
			}
			held, release := s.faulty.Hold(op)
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.claim(s)
			}()
			<-held
			require.NoError(t, errOf(s.client.Raise(t.Context(), c.target, "go", "1")))
			if op != faulty.Claim {
				s.look()
			}
			release()
			<-done
			require.Equal(t, "1", s.ends(c.target).Output)
		})
	}
}

func TestAMessageOfAnotherProcessFindsItsInstanceToo(t *testing.T) {
	t.Parallel()
	h := enginetest.NewHost()
	h.Orchestration("event", func(c *enginetest.Code, _ string) (any, error) {
		_, d := c.Await(c.Schedule(replay.Action{Kind: replay.WaitEvent, Name: "go"}))
		return json.RawMessage(d.Value), nil
	})
	s := startStill(t, h, engine.RuntimeOptions{})
	s.idle()
	held, release := s.faulty.Hold(faulty.Submit)
	started := inBackground(func() (struct{}, error) {
		return struct{}{}, s.client.Start(t.Context(), engine.StartRequest{Instance: "a", Name: "event", Input: "null"})
	})
	<-held
	s.submit(provider.Message{Instance: "a", Kind: provider.EventRaised, Name: "go", Data: "1"})
	s.look()
	release()
	require.NoError(t, (<-started).err)
	require.Equal(t, "1", s.ends("a").Output)
}

func TestWhoFindsNoRoomLooksAgain(t *testing.T) {
	t.Parallel()
	s := startStill(t, enginetest.NewHost(), engine.RuntimeOptions{})
	s.idle()
	looks := s.faulty.Calls(faulty.Claim)
	s.rt.Full() // By now there is room, and whoever made it asked before this.
	s.eventually(func() bool { return s.faulty.Calls(faulty.Claim) > looks }, "nobody has looked")
}
