package replay_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

func TestCodeThatSchedulesNothingEndsInItsFirstTurn(t *testing.T) {
	t.Parallel()
	s := start(t, func(*context) (string, error) { return `"done"`, nil })
	require.Equal(t, `"done"`, s.output())
	require.Equal(t, []string{"OrchestrationStarted", "OrchestrationCompleted"}, kinds(s.committed))

	s = start(t, func(*context) (string, error) { return "", errors.New("boom") })
	require.Equal(t, "boom", s.failure().Display())
	require.Equal(t, history.OrchestrationFailedKind, s.failure().Kind)
	require.Equal(t, []string{"OrchestrationStarted", "OrchestrationFailed"}, kinds(s.committed))
}

func TestEveryActionIsRecordedAndDispatched(t *testing.T) {
	t.Parallel()
	tag, session, id, version := "gpu", "s-1", "chosen", "2.0.0"
	later, earlier := "7000", "-7"
	for name, c := range map[string]struct {
		action replay.Action
		event  history.Data
		delta  func(replay.Delta) any
		want   any
	}{
		"an activity": {
			replay.Action{Kind: replay.Activity, Name: "a", Input: "1"},
			history.ActivityScheduled{Name: "a", Input: "1"},
			func(d replay.Delta) any { return d.Activities },
			[]replay.NewActivity{{Event: 2, Name: "a", Input: "1"}},
		},
		"a routed activity": {
			replay.Action{Kind: replay.Activity, Name: "a", Input: "", Session: &session, Tag: &tag},
			history.ActivityScheduled{Name: "a", Session: &session, Tag: &tag},
			func(d replay.Delta) any { return d.Activities },
			[]replay.NewActivity{{Event: 2, Name: "a", Session: &session, Tag: &tag}},
		},
		"a timer": {
			replay.Action{Kind: replay.Timer, DelayMs: 500},
			history.TimerCreated{FireAtMs: 1500},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 1500}},
		},
		"a timer without delay": {
			replay.Action{Kind: replay.Timer},
			history.TimerCreated{FireAtMs: 1000},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 1000}},
		},
		"a timer of a moment": {
			replay.Action{Kind: replay.Timer, Value: &later},
			history.TimerCreated{FireAtMs: 7000},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 7000}},
		},
		"a timer of a moment that is over": {
			replay.Action{Kind: replay.Timer, Value: &earlier},
			history.TimerCreated{FireAtMs: 1000},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 1000}},
		},
		"a timer of no moment at all": {
			replay.Action{Kind: replay.Timer, Value: &tag},
			history.TimerCreated{FireAtMs: 1000},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 1000}},
		},
		"a timer beyond all time": {
			replay.Action{Kind: replay.Timer, DelayMs: 1<<64 - 1},
			history.TimerCreated{FireAtMs: 1<<63 - 1},
			func(d replay.Delta) any { return d.Timers },
			[]replay.NewTimer{{Event: 2, FireAtMs: 1<<63 - 1}},
		},
		"a wait": {
			replay.Action{Kind: replay.WaitEvent, Name: "go\x00 ☂"},
			history.ExternalSubscribed{Name: "go\x00 ☂"},
			nil, nil,
		},
		"a dequeue": {
			replay.Action{Kind: replay.Dequeue, Name: "q"}, history.QueueSubscribed{Name: "q"}, nil, nil,
		},
		"a child": {
			replay.Action{Kind: replay.SubOrchestration, Name: "c", Input: "1"},
			history.SubOrchestrationScheduled{Name: "c", Instance: "sub::2", Input: "1", Number: 1},
			func(d replay.Delta) any { return d.Children },
			[]replay.NewInstance{{Event: 2, Instance: "i::sub::2", Life: lifeOf(1), Name: "c", Input: "1"}},
		},
		"a child with a chosen id": {
			replay.Action{Kind: replay.SubOrchestration, Name: "c", Instance: &id, Version: &version},
			history.SubOrchestrationScheduled{Name: "c", Instance: "chosen", Version: &version, Number: 1},
			func(d replay.Delta) any { return d.Children },
			[]replay.NewInstance{{Event: 2, Instance: "chosen", Life: lifeOf(1), Name: "c", Version: &version}},
		},
		"a detached start": {
			replay.Action{Kind: replay.StartOrchestration, Name: "c", Instance: &id, Input: "1"},
			history.OrchestrationChained{Name: "c", Instance: "chosen", Input: "1", Number: 1},
			func(d replay.Delta) any { return d.Detached },
			[]replay.NewInstance{{Instance: "chosen", Life: lifeOf(1), Name: "c", Input: "1"}},
		},
		"a start of a schedule": {
			replay.Action{Kind: replay.StartOrchestration, Name: "c", Instance: &id, Input: "1", Value: &later},
			history.OrchestrationChained{Name: "c", Instance: "chosen", Input: "1", Number: 1},
			func(d replay.Delta) any { return d.Detached },
			[]replay.NewInstance{{Instance: "chosen", Life: lifeOf(1), Name: "c", Input: "1", Schedule: &later}},
		},
		"a custom status": {
			replay.Action{Kind: replay.SetCustomStatus, Value: &id},
			history.CustomStatusUpdated{Status: &id},
			func(d replay.Delta) any { return d.CustomStatus },
			&replay.CustomStatusChange{Status: &id},
		},
		"a reset of the custom status": {
			replay.Action{Kind: replay.SetCustomStatus},
			history.CustomStatusUpdated{},
			func(d replay.Delta) any { return d.CustomStatus },
			&replay.CustomStatusChange{},
		},
		"a value": {
			replay.Action{Kind: replay.SetValue, Name: "k", Value: &id},
			history.KeyValueSet{Key: "k", Value: id, UpdatedAtMs: 1000},
			func(d replay.Delta) any { return d.Values },
			[]replay.ValueChange{{Key: "k", Value: &id, UpdatedAtMs: 1000}},
		},
		"a cleared key": {
			replay.Action{Kind: replay.ClearValue, Name: "k"},
			history.KeyValueCleared{Key: "k"},
			func(d replay.Delta) any { return d.Values },
			[]replay.ValueChange{{Key: "k", UpdatedAtMs: 1000}},
		},
		"all keys cleared": {
			replay.Action{Kind: replay.ClearValues},
			history.KeyValuesCleared{},
			func(d replay.Delta) any { return d.Values },
			[]replay.ValueChange{{All: true, UpdatedAtMs: 1000}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(code *context) (string, error) {
				if hasToken(c.action.Kind) {
					code.ask(c.action)
				} else {
					code.emit(c.action)
				}
				code.block()
				return "", nil
			})
			require.False(t, s.ended())
			require.Len(t, s.committed, 2)
			require.Equal(t, c.event, s.committed[1].Data)
			require.Equal(t, uint64(2), s.committed[1].ID)
			if c.delta != nil {
				require.Equal(t, c.want, c.delta(s.last))
			}
		})
	}
}

func hasToken(k replay.ActionKind) bool {
	switch k {
	case replay.Activity, replay.Timer, replay.WaitEvent, replay.Dequeue, replay.SubOrchestration,
		replay.Syscall:
		return true
	default:
		return false
	}
}

func TestUnawaitedWorkIsRecordedAndDropped(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.activity("a", "1")
		c.timer(5)
		c.child("c", "1")
		c.event("e")
		c.dequeue("q")
		c.detach("d", "other", "1")
		return "1", nil
	})
	require.Equal(t, "1", s.output())
	require.Equal(t, []string{
		"OrchestrationStarted", "ActivityScheduled", "TimerCreated", "SubOrchestrationScheduled",
		"ExternalSubscribed", "QueueSubscribed", "OrchestrationChained",
		"ActivityCancelRequested(2)", "SubOrchestrationCancelRequested(4)",
		"ExternalSubscribedCancelled(5)", "QueueSubscriptionCancelled(6)", "OrchestrationCompleted",
	}, kinds(s.committed))
	require.Empty(t, s.last.Activities)
	require.Empty(t, s.last.Timers)
	require.Empty(t, s.last.Children)
	require.Empty(t, s.last.CancelActivities)
	require.Empty(t, s.last.CancelChildren)
	require.Len(t, s.last.Detached, 1)
}

func TestContinueAsNewEndsTheExecution(t *testing.T) {
	t.Parallel()
	version := "2.0.0"
	for name, run := range map[string]code{
		"alone": func(c *context) (string, error) {
			c.emit(replay.Action{Kind: replay.ContinueAsNew, Input: "7", Version: &version})
			c.block()
			return "", nil
		},
		"not awaited": func(c *context) (string, error) {
			c.emit(replay.Action{Kind: replay.ContinueAsNew, Input: "7", Version: &version})
			return "ignored", nil
		},
		"twice, the first counts": func(c *context) (string, error) {
			c.emit(replay.Action{Kind: replay.ContinueAsNew, Input: "7", Version: &version})
			c.activity("late", "1")
			c.emit(replay.Action{Kind: replay.ContinueAsNew, Input: "8"})
			return "", errors.New("ignored")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, run)
			require.Equal(t, replay.Continued, s.ending.Kind)
			require.Equal(t, &replay.Successor{Input: "7", Version: &version, Carried: []history.Carried{}},
				s.ending.Successor)
			require.Equal(t, []string{"OrchestrationStarted", "OrchestrationContinuedAsNew"}, kinds(s.committed))
		})
	}
}

func TestASuccessorInheritsTheCustomStatus(t *testing.T) {
	t.Parallel()
	warm := "warm"
	s := start(t, func(c *context) (string, error) {
		c.status("cold")
		c.status(warm)
		c.must(c.activity("a", "1"))
		c.continueAsNew("1")
		return "", nil
	})
	s.crash()
	s.take(done(4, "1"))
	require.Equal(t, &warm, s.ending.Successor.CustomStatus)

	p := params
	p.Execution, p.CustomStatus = 2, &warm
	next := startWith(t, func(c *context) (string, error) { c.continueAsNew("2"); return "", nil }, p)
	require.Equal(t, &warm, next.ending.Successor.CustomStatus)
	reset := startWith(t, func(c *context) (string, error) {
		c.emit(replay.Action{Kind: replay.SetCustomStatus})
		c.continueAsNew("2")
		return "", nil
	}, p)
	require.Nil(t, reset.ending.Successor.CustomStatus)
}

func TestChildrenOfLaterExecutionsHaveOtherIDs(t *testing.T) {
	t.Parallel()
	p := params
	p.Execution = 2
	s := startWith(t, func(c *context) (string, error) {
		c.all(c.child("c", "1"), c.child("c", "1"))
		return "", nil
	}, p)
	require.Equal(t, "i::sub::2_2", s.last.Children[0].Instance)
	require.Equal(t, "i::sub::2_3", s.last.Children[1].Instance)
}

func TestReservedIDsOfStartedInstancesFail(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"sub::1", "a::sub::2"} {
		s := start(t, func(c *context) (string, error) { c.detach("d", id, "1"); return "1", nil })
		require.Equal(t, history.PanickedKind, s.failure().Kind)
		require.Contains(t, s.failure().Message, id)
		require.Empty(t, s.last.Detached)
	}
	child := "sub::1"
	s := start(t, func(c *context) (string, error) {
		c.ask(replay.Action{Kind: replay.SubOrchestration, Name: "c", Instance: &child})
		return "1", nil
	})
	require.Contains(t, s.failure().Message, "'sub::1' starts with the reserved marker 'sub::'")
	require.Empty(t, s.last.Children)
}

func TestWhatBreaksALimitIsNotRecorded(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return strings.Repeat("é", n/2) }
	withTag := func(n int) code {
		return func(c *context) (string, error) {
			tag := text(n)
			c.ask(replay.Action{Kind: replay.Activity, Name: "a", Tag: &tag})
			return "1", nil
		}
	}
	setKeys := func(n int) code {
		return func(c *context) (string, error) {
			for i := range n {
				c.set(text(2*i), "v")
			}
			c.set("", "again")
			return "1", nil
		}
	}
	for name, c := range map[string]struct {
		fits, breaks code
		want         string
	}{
		"custom status": {
			func(c *context) (string, error) { c.status(text(262144)); return "1", nil },
			func(c *context) (string, error) { c.status(text(262146)); return "1", nil },
			"Custom status size (262146 bytes) exceeds limit (262144 bytes)",
		},
		"tag": {withTag(256), withTag(258), "Activity 'a' tag size (258 bytes) exceeds limit (256 bytes)"},
		"value": {
			func(c *context) (string, error) { c.set("k", text(65536)); return "1", nil },
			func(c *context) (string, error) { c.set("k", text(65538)); return "1", nil },
			"KV value for key 'k' (65538 bytes) exceeds limit (65536 bytes)",
		},
		"keys": {setKeys(150), setKeys(151), "KV key count (151) exceeds limit (150)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "1", start(t, c.fits).output())
			s := start(t, c.breaks)
			require.Equal(t, c.want, s.failure().Display())
			require.Equal(t, history.Application, s.failure().Category)
			require.Equal(t, history.OrchestrationFailedKind, s.failure().Kind)
		})
	}
}

func TestKeysOfEarlierTurnsAndExecutionsCount(t *testing.T) {
	t.Parallel()
	p := params
	for i := range 149 {
		p.Keys = append(p.Keys, strings.Repeat("k", i+1))
	}
	run := func(c *context) (string, error) {
		c.set("first", "1")
		c.must(c.activity("a", "1"))
		c.clear("k")
		c.set("second", "1")
		c.must(c.activity("a", "2"))
		c.set("third", "1")
		return "1", nil
	}
	s := startWith(t, run, p)
	s.take(done(3, "1"))
	s.crash()
	s.take(done(7, "1"))
	require.Equal(t, "KV key count (151) exceeds limit (150)", s.failure().Display())
}

func TestHistoriesWithGapsGoOnAboveTheHighestID(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.activity("a", "1"))
		c.must(c.activity("b", "2"))
		return "1", nil
	})
	require.NoError(t, s.adopt(
		history.Event{ID: 1, Data: history.OrchestrationStarted{Name: "code", Version: "1.0.0", Input: "null"}},
		history.Event{ID: 5, Data: history.ActivityScheduled{Name: "a", Input: "1"}},
		history.Event{ID: 9, Source: 5, Data: history.ActivityCompleted{Result: "1"}},
	))
	require.Equal(t, []replay.NewActivity{{Event: 10, Name: "b", Input: "2"}}, s.last.Activities)
}
