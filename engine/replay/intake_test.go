package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// mixed asks for one of everything and then blocks for ever.
func mixed(c *context) (string, error) {
	c.activity("a", "1") // 2
	c.timer(1)           // 3
	c.child("c", "1")    // 4
	c.event("e")         // 5
	c.dequeue("q")       // 6
	c.block()
	for {
		c.block()
	}
}

func TestEachMessageBecomesItsEvent(t *testing.T) {
	t.Parallel()
	boom := history.Failure{Category: history.Application, Kind: history.ActivityFailedKind, Message: "boom"}
	childFailed := replay.Arrival{Kind: replay.ChildDone, Execution: 1, Source: 4, Failure: &boom}
	for name, c := range map[string]struct {
		message replay.Arrival
		source  uint64
		want    history.Data
	}{
		"activity done":   {done(2, "7"), 2, history.ActivityCompleted{Result: "7"}},
		"activity failed": {failed(2, "boom"), 2, history.ActivityFailed{Failure: boom}},
		"timer fired":     {fired(3), 3, history.TimerFired{FireAtMs: 5}},
		"child done":      {childDone(4, "7"), 4, history.SubOrchestrationCompleted{Result: "7"}},
		"child failed":    {childFailed, 4, history.SubOrchestrationFailed{Failure: boom}},
		"event raised":    {raised("e", "1"), 0, history.ExternalEvent{Name: "e", Data: "1"}},
		"nobody waits":    {raised("x", "1"), 0, history.ExternalEvent{Name: "x", Data: "1"}},
		"message queued":  {queued("q", "1"), 0, history.QueueEventDelivered{Name: "q", Data: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, mixed)
			s.take(c.message)
			require.Len(t, s.last.Events, 1)
			require.Equal(t, c.want, s.last.Events[0].Data)
			require.Equal(t, c.source, s.last.Events[0].Source)
			require.Equal(t, "0.1.0", s.last.Events[0].Engine)
		})
	}
}

func TestAScheduleIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	boom := &history.Failure{Category: history.Application, Message: "boom"}
	childFailed := replay.Arrival{Kind: replay.ChildDone, Execution: 1, Source: 4, Failure: boom}
	for name, pair := range map[string][2]replay.Arrival{
		"activity twice":                {done(2, "1"), done(2, "2")},
		"activity failed twice":         {failed(2, "1"), failed(2, "2")},
		"activity failed after success": {done(2, "1"), failed(2, "2")},
		"activity done after failure":   {failed(2, "1"), done(2, "2")},
		"timer twice":                   {fired(3), fired(3)},
		"child twice":                   {childDone(4, "1"), childDone(4, "2")},
		"child failed after success":    {childDone(4, "1"), childFailed},
		"child done after failure":      {childFailed, childDone(4, "1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			together := start(t, mixed)
			together.take(pair[0], pair[1])
			apart := start(t, mixed)
			apart.take(pair[0])
			apart.crash()
			require.Empty(t, apart.take(pair[1]).Events)
			require.Equal(t, kinds(apart.committed), kinds(together.committed))
			require.Len(t, together.committed, 7)
		})
	}
}

func TestAnswersToOtherExecutionsAreDropped(t *testing.T) {
	t.Parallel()
	p := params
	p.Execution = 2
	for _, execution := range []uint64{0, 1, 3} {
		s := startWith(t, mixed, p)
		for _, a := range []replay.Arrival{done(2, "1"), fired(3), childDone(4, "1"), done(99, "1")} {
			a.Execution = execution
			_, ok := s.x.Peek(a, s.now)
			require.False(t, ok)
			require.Empty(t, s.take(a).Events)
		}
		require.False(t, s.ended())
	}
}

func TestSignalsAreNeverTakenForDuplicates(t *testing.T) {
	t.Parallel()
	s := start(t, mixed)
	s.take(raised("x", "1"), raised("x", "1"))
	s.take(raised("x", "1"), queued("x", "1"), queued("x", "1"))
	require.Len(t, s.committed, 6+5)
	require.Equal(t, []history.Carried{{Name: "x", Data: "1"}, {Name: "x", Data: "1"}}, s.x.Unread())
}

func TestTheFirstCancelRequestCounts(t *testing.T) {
	t.Parallel()
	s := start(t, mixed)
	s.take(cancelled("first"), cancelled("second"))
	require.Equal(t, "canceled: first", s.failure().Display())
	require.Equal(t, []string{
		"OrchestrationCancelRequested", "ActivityCancelRequested(2)", "SubOrchestrationCancelRequested(4)",
		"ExternalSubscribedCancelled(5)", "QueueSubscriptionCancelled(6)", "OrchestrationFailed",
	}, kinds(s.committed[6:]))
	require.Equal(t, []uint64{2}, s.last.CancelActivities)
	require.Equal(t, []uint64{3}, s.last.DropTimers)
	require.Equal(t, []replay.ChildCancel{
		{Instance: "i::sub::4", Life: lifeOf(1), Event: 4, Reason: "parent canceled"},
	}, s.last.CancelChildren)
}

func TestARecordedCancelRequestIsNotRecordedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, mixed)
	_, _, err := s.x.Accept(cancelled("first"), 1)
	require.NoError(t, err)
	s.committed = append(s.committed, s.x.Take().Events...)
	x, _, err := replay.Load(s.committed, params)
	require.NoError(t, err)
	require.Equal(t, "first", x.Stopped().Reason)
	_, ok, err := x.Accept(cancelled("second"), 1)
	require.NoError(t, err)
	require.False(t, ok)
	require.False(t, x.Dirty())
	require.Equal(t, "first", x.Stopped().Reason)
}

func TestAnswersToWhatWasNeverAskedDiverge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message replay.Arrival
		want    string
	}{
		"unknown activity":          {done(99, "1"), "no matching schedule for completion id=99"},
		"unknown timer":             {fired(99), "no matching schedule for timer id=99"},
		"unknown child":             {childDone(99, "1"), "no matching schedule for suborchestration id=99"},
		"an activity for a timer":   {done(3, "1"), "completion kind mismatch for id=3, expected 'timer', got 'activity'"},
		"an activity for a child":   {done(4, "1"), "completion kind mismatch for id=4, expected 'suborchestration', got 'activity'"},
		"a timer for an activity":   {fired(2), "completion kind mismatch for id=2, expected 'activity', got 'timer'"},
		"a timer for a child":       {fired(4), "completion kind mismatch for id=4, expected 'suborchestration', got 'timer'"},
		"a child for an activity":   {childDone(2, "1"), "completion kind mismatch for id=2, expected 'activity', got 'suborchestration'"},
		"a child for a timer":       {childDone(3, "1"), "completion kind mismatch for id=3, expected 'timer', got 'suborchestration'"},
		"an activity for a wait":    {done(5, "1"), "completion kind mismatch for id=5"},
		"an activity for a dequeue": {done(6, "1"), "completion kind mismatch for id=6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, mixed)
			s.take(c.message)
			require.Equal(t, history.Configuration, s.failure().Category)
			require.Contains(t, s.failure().Display(), "nondeterministic: "+c.want)
			require.NotContains(t, kinds(s.committed), "ActivityCompleted(99)")
		})
	}
}
