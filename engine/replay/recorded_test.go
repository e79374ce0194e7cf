package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// ev makes an event of a history that a test writes.
func ev(id uint64, data history.Data) history.Event { return history.Event{ID: id, Data: data} }

// re makes an event that answers another.
func re(id, source uint64, data history.Data) history.Event {
	return history.Event{ID: id, Source: source, Data: data}
}

var started = ev(1, history.OrchestrationStarted{Name: "code", Version: "1.0.0", Input: "null"})

func TestEveryAnswerReachesTheCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask    func(*context) *handle
		answer replay.Arrival
		want   string
	}{
		"activity done":   {func(c *context) *handle { return c.activity("a", "1") }, done(2, "7"), "7"},
		"activity failed": {func(c *context) *handle { return c.activity("a", "1") }, failed(2, "boom"), "failed: boom"},
		"timer fired":     {func(c *context) *handle { return c.timer(5) }, fired(2), "null"},
		"event raised":    {func(c *context) *handle { return c.event("go") }, raised("go", ""), ""},
		"message queued":  {func(c *context) *handle { return c.dequeue("q") }, queued("q", "\x00☂"), "\x00☂"},
		"child done":      {func(c *context) *handle { return c.child("c", "1") }, childDone(2, "7"), "7"},
		"child cancelled": {
			func(c *context) *handle { return c.child("c", "1") },
			replay.Arrival{Kind: replay.ChildDone, Execution: 1, Source: 2, Failure: &history.Failure{
				Category: history.Application, Kind: history.CancelledKind, Reason: "why",
			}},
			"failed: canceled: why",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(code *context) (string, error) {
				got := code.all(c.ask(code))
				code.must(code.activity("next", "1"))
				return got[0], nil
			}
			for _, crash := range []bool{false, true} {
				s := start(t, run)
				if crash {
					s.crash()
				}
				s.take(c.answer)
				require.Len(t, s.last.Activities, 1)
				if crash {
					s.crash()
				}
				s.take(done(s.last.Activities[0].Event, "1"))
				require.Equal(t, c.want, s.output())
			}
		})
	}
}

func TestFailuresBringTheirDetails(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.all(c.activity("a", "1"))
		c.block()
		return "", nil
	})
	a := failed(2, "boom")
	a.Failure.Details = `{"name":"TypeError"}`
	d, ok := s.x.Peek(a, s.now)
	require.True(t, ok)
	require.Equal(t, replay.Delivery{
		Token: 1, Value: "boom", Details: `{"kind":"application","thrown":{"name":"TypeError"}}`, TimeMs: s.now,
	}, d)
	s.take(a)
	x, deliveries, err := replay.Load(s.committed, params)
	require.NoError(t, err)
	require.Equal(t, []replay.Delivery{d}, deliveries)
	require.Equal(t, uint64(3), x.LastEvent())
}

func TestOpenWorkWaitsWithoutAskingAnythingNew(t *testing.T) {
	t.Parallel()
	for _, ask := range []func(*context) *handle{
		func(c *context) *handle { return c.activity("a", "1") },
		func(c *context) *handle { return c.timer(1) },
		func(c *context) *handle { return c.event("e") },
		func(c *context) *handle { return c.dequeue("q") },
		func(c *context) *handle { return c.child("c", "1") },
	} {
		s := start(t, func(c *context) (string, error) { return c.must(ask(c)), nil })
		s.crash()
		require.Equal(t, 1, s.x.Open())
		require.False(t, s.x.Dirty())
	}
}

func TestIdenticalActivitiesGetTheirOwnResults(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		first, second := c.activity("a", "1"), c.activity("a", "1")
		return strings.Join(c.all(first, second), ","), nil
	})
	s.take(done(3, "second"))
	s.crash()
	s.take(done(2, "first"))
	require.Equal(t, "first,second", s.output())
}

func TestALaterAnswerIsNotHeldUpByAnEarlierAction(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.activity("unawaited", "1")
		return c.must(c.activity("b", "1")), nil
	})
	s.crash()
	s.take(done(3, "b"))
	require.Equal(t, "b", s.output())
}

func TestManyStepsAreReplayed(t *testing.T) {
	t.Parallel()
	const steps = 200
	s := start(t, func(c *context) (string, error) {
		for range steps {
			c.must(c.activity("a", "1"))
			c.must(c.timer(1))
		}
		return "1", nil
	})
	s.quick = true
	for i := range uint64(steps) {
		if i%50 == 0 {
			s.crash()
		}
		s.take(done(4*i+2, "1"))
		s.take(fired(4*i + 4))
	}
	require.Equal(t, "1", s.output())
	require.Len(t, s.committed, 4*steps+2)
}

func TestChildIDsComeFromTheHistory(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		h := c.child("c", "1")
		c.must(c.timer(1))
		c.drop(h)
		c.block()
		return "", nil
	})
	require.NoError(t, s.adopt(started,
		ev(2, history.SubOrchestrationScheduled{Name: "c", Instance: "sub::old-scheme", Input: "1"}),
		ev(3, history.TimerCreated{FireAtMs: 5}),
	))
	require.Empty(t, s.last.Events)
	s.take(fired(3))
	require.Equal(t, []replay.ChildCancel{
		{Instance: "i::sub::old-scheme", Event: 2, Reason: history.ReasonParentDroppedChild},
	}, s.last.CancelChildren)
}

func TestRecordedTimesGovern(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) { return c.must(c.timer(1)), nil })
	s.now = 50_000
	s.crash()
	require.Equal(t, []replay.NewTimer{{Event: 2, FireAtMs: 1001}}, s.x.OpenTimers(1))
}

func TestCodeThatReturnsEarlyLeavesTheRestUnread(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.activity("a", "1"))
		c.must(c.activity("b", "1"))
		return "long", nil
	})
	s.take(done(2, "1"))
	require.NoError(t, s.upgrade(func(*context) (string, error) { return "short", nil }))
	require.Equal(t, "short", s.output())
	require.Equal(t, []string{
		"OrchestrationStarted", "ActivityScheduled", "ActivityCompleted(2)", "ActivityScheduled",
		"ActivityCancelRequested(4)", "OrchestrationCompleted",
	}, kinds(s.committed))
	require.Equal(t, []uint64{4}, s.last.CancelActivities)
}

func TestAHistoryWithATerminalEventHasEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string][]history.Event{
		"completed": {ev(2, history.OrchestrationCompleted{Output: "1"})},
		"failed":    {ev(2, history.OrchestrationFailed{})},
		"continued": {ev(2, history.OrchestrationContinuedAsNew{Input: "1"})},
		"twice": {
			ev(2, history.OrchestrationCompleted{Output: "1"}), ev(3, history.OrchestrationFailed{}),
		},
		"with rows after it": {
			ev(2, history.ActivityScheduled{Name: "a"}),
			ev(3, history.OrchestrationCompleted{Output: "1"}),
			re(4, 2, history.ActivityCancelRequested{Reason: "r"}),
			ev(5, history.OrchestrationCancelRequested{Reason: "late"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, _, err := replay.Load(append([]history.Event{started}, end...), params)
			require.NoError(t, err)
			require.True(t, x.Ended())
			require.Zero(t, x.Open())
		})
	}
}

func TestStoredStateIsRestored(t *testing.T) {
	t.Parallel()
	parent := &history.Parent{Instance: "p", Execution: 3, Event: 4}
	status := "warm"
	p := params
	p.Parent, p.CustomStatus = parent, &status
	p.Carried = []history.Carried{{Name: "q", Data: "m"}}
	s := startWith(t, func(c *context) (string, error) { return c.must(c.event("e")), nil }, p)
	x, _, err := replay.Load(s.committed, replay.Params{Instance: "i", Execution: 1, Engine: "0.1.0", Life: params.Life})
	require.NoError(t, err)
	require.Equal(t, p, x.Params())
	require.Equal(t, p.Carried, x.Unread())
}
