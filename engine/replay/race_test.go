package replay_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

func TestTheFirstAnswerInHistoryWinsARace(t *testing.T) {
	t.Parallel()
	run := func(c *context) (string, error) {
		return strconv.Itoa(c.race(c.activity("a", "1"), c.timer(1), c.event("e"))), nil
	}
	for winner, order := range map[string][]replay.Arrival{
		"0": {done(2, "1"), fired(3), raised("e", "1")},
		"1": {fired(3), raised("e", "1"), done(2, "1")},
		"2": {raised("e", "1"), done(2, "1"), fired(3)},
	} {
		together := start(t, run)
		together.take(order...)
		require.Equal(t, winner, together.output())
		apart := start(t, run)
		apart.crash()
		apart.take(order[0])
		require.Equal(t, winner, apart.output())
	}
}

func TestALosingActivityIsCancelledInTheSameTurn(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.race(c.activity("a", "1"), c.timer(1))
		return c.must(c.activity("b", "1")), nil
	})
	s.crash()
	s.take(fired(3))
	require.Equal(t, []string{"TimerFired(3)", "ActivityCancelRequested(2)", "ActivityScheduled"}, kinds(s.last.Events))
	require.Equal(t, history.ReasonDropped, s.last.Events[1].Data.(history.ActivityCancelRequested).Reason)
	require.Equal(t, []uint64{2}, s.last.CancelActivities)
	s.crash()
	require.Empty(t, s.take(done(2, "late")).Events)
	s.take(done(6, "b"))
	require.Equal(t, "b", s.output())
	require.Empty(t, s.last.CancelActivities)
}

func TestALosingTimerLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.race(c.activity("a", "1"), c.timer(1))
		return c.must(c.activity("b", "1")), nil
	})
	s.crash()
	s.take(done(2, "1"))
	require.Equal(t, []string{"ActivityCompleted(2)", "ActivityScheduled"}, kinds(s.last.Events))
	require.Equal(t, []uint64{3}, s.last.DropTimers)
	s.crash()
	require.Empty(t, s.x.OpenTimers(1))
	require.Empty(t, s.take(fired(3)).Events)
}

func TestLosersAreCancelledByFamilyOnce(t *testing.T) {
	t.Parallel()
	chosen := "chosen"
	s := start(t, func(c *context) (string, error) {
		c.race(
			c.timer(1), c.activity("a", "1"), c.activity("b", "1"), c.child("c", "1"),
			c.ask(replay.Action{Kind: replay.SubOrchestration, Name: "c", Instance: &chosen}),
			c.event("e"), c.dequeue("q"),
		)
		return c.must(c.event("end")), nil
	})
	s.take(fired(2))
	require.Equal(t, []string{
		"TimerFired(2)", "ActivityCancelRequested(3)", "ActivityCancelRequested(4)",
		"SubOrchestrationCancelRequested(5)", "SubOrchestrationCancelRequested(6)",
		"ExternalSubscribedCancelled(7)", "QueueSubscriptionCancelled(8)", "ExternalSubscribed",
	}, kinds(s.last.Events))
	for _, e := range s.last.Events {
		if d, ok := e.Data.(history.SubOrchestrationCancelRequested); ok {
			require.Equal(t, history.ReasonDropped, d.Reason)
		}
	}
	require.Equal(t, []uint64{3, 4}, s.last.CancelActivities)
	require.Equal(t, []replay.ChildCancel{
		{Instance: "i::sub::5", Life: lifeOf(1), Event: 5, Reason: history.ReasonParentDroppedChild},
		{Instance: "chosen", Life: lifeOf(2), Event: 6, Reason: history.ReasonParentDroppedChild},
	}, s.last.CancelChildren)
	s.crash()
	s.take(raised("end", "1"))
	require.Empty(t, s.last.CancelActivities)
	require.Empty(t, s.last.CancelChildren)
}

func TestWhatIsScheduledAndDroppedInOneTurnNeverStarts(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.drop(c.activity("a", "1"))
		c.drop(c.timer(1))
		c.drop(c.child("c", "1"))
		c.drop(c.syscall(replay.NewGUID))
		return c.must(c.event("e")), nil
	})
	require.Empty(t, s.last.Activities)
	require.Empty(t, s.last.Timers)
	require.Empty(t, s.last.Children)
	require.Empty(t, s.last.CancelActivities)
	require.Empty(t, s.last.DropTimers)
	require.Empty(t, s.last.CancelChildren)
	require.Equal(t, 1, s.x.Open())
	s.crash()
	s.take(raised("e", "1"))
	require.Equal(t, "1", s.output())
}

func TestARecordedDropMustBeMadeAgain(t *testing.T) {
	t.Parallel()
	for family, ask := range map[string]func(*context) *handle{
		"activities":         func(c *context) *handle { return c.activity("a", "1") },
		"sub-orchestrations": func(c *context) *handle { return c.child("c", "1") },
		"external waits":     func(c *context) *handle { return c.event("e") },
		"persistent waits":   func(c *context) *handle { return c.dequeue("q") },
	} {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(c *context) (string, error) {
				c.race(ask(c), c.timer(1))
				c.activity("next", "1")
				return c.must(c.event("end")), nil
			})
			s.take(fired(3))
			d := divergence(t, s.upgrade(func(c *context) (string, error) {
				ask(c)
				c.must(c.timer(1))
				c.activity("next", "1")
				return c.must(c.event("end")), nil
			}))
			require.Contains(t, d.Reason, "cancellation mismatch ("+family+")")
		})
	}
}

func TestANewDropAtTheEndOfHistoryIsNewWork(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.activity("a", "1")
		c.race(c.activity("b", "1"), c.timer(1))
		return c.must(c.event("end")), nil
	})
	s.take(fired(4))
	require.NoError(t, s.upgrade(func(c *context) (string, error) {
		h := c.activity("a", "1")
		c.race(c.activity("b", "1"), c.timer(1))
		wait := c.event("end")
		c.drop(h)
		return c.must(wait), nil
	}))
	require.Equal(t, []string{"ActivityCancelRequested(2)"}, kinds(s.last.Events))
	require.Equal(t, []uint64{2}, s.last.CancelActivities)
}

func TestDroppingAnAnsweredHandleDoesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		a, b := c.activity("a", "1"), c.activity("b", "1")
		c.must(b)
		// A host that lost count may still say so: the engine knows better.
		c.emit(replay.Action{Kind: replay.Drop, Token: a.token})
		c.emit(replay.Action{Kind: replay.Drop, Token: 99})
		return c.must(c.event("e")), nil
	})
	s.take(done(2, "1"), done(3, "1"))
	require.Equal(t, []string{"ActivityCompleted(2)", "ActivityCompleted(3)", "ExternalSubscribed"}, kinds(s.last.Events))
}

func TestADropBeforeContinueAsNewIsRecordedOnce(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.race(c.activity("a", "1"), c.child("c", "1"), c.timer(1))
		c.activity("b", "1")
		c.continueAsNew("2")
		return "", nil
	})
	s.take(fired(4))
	require.Equal(t, []string{
		"TimerFired(4)", "ActivityCancelRequested(2)", "SubOrchestrationCancelRequested(3)",
		"ActivityScheduled", "ActivityCancelRequested(8)", "OrchestrationContinuedAsNew",
	}, kinds(s.last.Events))
	require.Equal(t, []uint64{2}, s.last.CancelActivities)
	require.Empty(t, s.last.Activities)
	require.Len(t, s.last.CancelChildren, 1)
}

func TestAJoinWaitsForAllInAnyOrder(t *testing.T) {
	t.Parallel()
	const width = 1024
	s := start(t, func(c *context) (string, error) {
		var all []*handle
		for i := range width {
			all = append(all, c.activity("a", strconv.Itoa(i)))
		}
		return strings.Join(c.all(all...), ","), nil
	})
	s.quick = true
	var answers []replay.Arrival
	for i := range uint64(width) {
		answers = append(answers, done(i+2, strconv.FormatUint(i, 10)))
	}
	slices.Reverse(answers)
	s.take(answers[:width/2]...)
	s.crash()
	answers[width-1] = failed(2, "boom")
	s.take(answers[width/2:]...)
	require.True(t, strings.HasPrefix(s.output(), "failed: boom,1,2,"))
	require.True(t, strings.HasSuffix(s.output(), ",1022,1023"))
}

func TestTheTerminalEventIsTheLast(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]replay.Arrival{
		"cancelled": cancelled("why"), "diverged": done(99, "1"), "returned": raised("end", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(c *context) (string, error) {
				c.activity("a", "1")
				c.timer(1)
				c.dequeue("q")
				return c.must(c.event("end")), nil
			})
			s.take(message)
			require.True(t, s.committed[len(s.committed)-1].IsTerminal())
			require.Zero(t, s.x.Open())
			require.Equal(t, []uint64{2}, s.last.CancelActivities)
			require.Equal(t, []uint64{3}, s.last.DropTimers)
		})
	}
}

func TestSystemCallsAreAnsweredInTheirTurn(t *testing.T) {
	t.Parallel()
	other, key := "other", "k"
	s := start(t, func(c *context) (string, error) {
		guid := c.must(c.syscall(replay.NewGUID))
		c.must(c.activity("a", guid))
		read := c.ask(replay.Action{Kind: replay.Syscall, Name: replay.GetValue, Instance: &other, Value: &key})
		return c.must(read) + c.must(c.syscall(replay.UTCNow)), nil
	})
	require.Equal(t, []string{
		"OrchestrationStarted", "ActivityScheduled", "ActivityCompleted(2)", "ActivityScheduled",
	}, kinds(s.committed))
	require.Equal(t, history.SyscallNewGUID, s.committed[1].Data.(history.ActivityScheduled).Name)
	require.Len(t, s.last.Activities, 1)
	s.crash()
	s.take(done(4, "1"))
	require.Equal(t, `"getKvValue-6""utcNow-8"`, s.output())
	require.JSONEq(t, `{"instance_id":"other","key":"k"}`, s.committed[5].Data.(history.ActivityScheduled).Input)
}

func TestRacingSystemCallsAnswerInTheirOrder(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		winner := c.race(c.timer(1), c.syscall(replay.NewGUID), c.syscall(replay.UTCNow))
		c.must(c.activity("a", "1"))
		return strconv.Itoa(winner), nil
	})
	s.crash()
	s.take(done(6, "1"))
	require.Equal(t, "1", s.output())
}
