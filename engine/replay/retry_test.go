package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// past makes a history of events, numbered from 1; sources are those of answers.
func past(sources map[uint64]uint64, all ...history.Data) []history.Event {
	events := []history.Event{{ID: 1, TimeMs: 1000, Data: history.OrchestrationStarted{Name: "O", Version: "1.0.0"}}}
	for n, data := range all {
		id := uint64(n + 2)
		events = append(events, history.Event{ID: id, Source: sources[id], TimeMs: 1000 + int64(id), Data: data})
	}
	return events
}

func TestARetryTakesBackTheFailureThatLedToTheEnd(t *testing.T) {
	t.Parallel()
	own := history.Failure{Category: history.Application, Kind: history.OrchestrationFailedKind, Message: "no"}
	of := func(k history.FailureKind, c history.Category) history.OrchestrationFailed {
		return history.OrchestrationFailed{Failure: history.Failure{Category: c, Kind: k}}
	}
	ended := history.OrchestrationFailed{Failure: own}
	a, b := history.ActivityScheduled{Name: "a"}, history.ActivityScheduled{Name: "b"}
	bad, good := history.ActivityFailed{Failure: own}, history.ActivityCompleted{Result: "1"}
	dropped := history.ActivityCancelRequested{Reason: history.ReasonDropped}
	atEnd := history.ActivityCancelRequested{Reason: history.ReasonTerminalFailed}
	for name, c := range map[string]struct {
		sources map[uint64]uint64
		events  []history.Data
		undone  []uint64
		refused []uint64
	}{
		"the last activity":                 {map[uint64]uint64{3: 2}, []history.Data{a, bad, ended}, []uint64{3, 4}, nil},
		"its own throw":                     {map[uint64]uint64{3: 2}, []history.Data{a, good, ended}, []uint64{4}, nil},
		"nothing but the start":             {nil, []history.Data{ended}, []uint64{2}, nil},
		"what came beside stays":            {map[uint64]uint64{4: 2, 5: 3}, []history.Data{a, b, bad, good, ended}, []uint64{4, 6}, nil},
		"two at once":                       {map[uint64]uint64{4: 2, 5: 3}, []history.Data{a, b, bad, bad, ended}, []uint64{4, 5, 6}, nil},
		"what the end cancelled":            {map[uint64]uint64{4: 2, 5: 3}, []history.Data{a, b, bad, atEnd, ended}, []uint64{4, 5, 6}, nil},
		"an attempt that was made good":     {map[uint64]uint64{3: 2, 5: 4}, []history.Data{a, bad, a, good, ended}, []uint64{6}, nil},
		"the last attempt":                  {map[uint64]uint64{3: 2, 5: 4}, []history.Data{a, bad, a, bad, ended}, []uint64{5, 6}, nil},
		"a catch that went on":              {map[uint64]uint64{3: 2, 5: 4}, []history.Data{a, bad, b, good, ended}, nil, []uint64{4}},
		"a status set in a catch":           {map[uint64]uint64{3: 2}, []history.Data{a, bad, history.CustomStatusUpdated{}, ended}, nil, []uint64{4}},
		"a losing branch":                   {map[uint64]uint64{4: 2, 5: 3}, []history.Data{a, b, bad, dropped, ended}, nil, []uint64{5}},
		"a divergence takes back no answer": {map[uint64]uint64{3: 2}, []history.Data{a, bad, of(history.NondeterminismKind, history.Configuration)}, []uint64{4}, nil},
		"a cancellation": {
			map[uint64]uint64{4: 2},
			[]history.Data{a, history.OrchestrationCancelRequested{}, atEnd, of(history.CancelledKind, history.Application)},
			[]uint64{3, 4, 5},
			nil,
		},
		"a cancellation that code has answered": {
			map[uint64]uint64{4: 3},
			[]history.Data{history.OrchestrationCancelRequested{}, a, good, of(history.CancelledKind, history.Application)},
			nil,
			[]uint64{3},
		},
		"a cancellation that left code time, which it did not use": {
			map[uint64]uint64{4: 2},
			[]history.Data{a, history.OrchestrationCancelling{Reason: "why"}, atEnd, of(history.CancelledKind, history.Application)},
			[]uint64{3, 4, 5},
			nil,
		},
		"a clean-up that has failed": {
			map[uint64]uint64{3: 2}, []history.Data{a, bad, history.CleanupFailed{Failure: own}, ended}, nil, []uint64{4},
		},
		"a termination": {
			nil,
			[]history.Data{a, history.OrchestrationTerminateRequested{}, of(history.TerminatedKind, history.Application)},
			[]uint64{3, 4},
			nil,
		},
		"poison":              {nil, []history.Data{a, of(history.PoisonOrchestrationKind, history.Poison)}, []uint64{3}, nil},
		"what a retry left":   {map[uint64]uint64{4: 2}, []history.Data{a, history.OrchestrationRetried{Failure: own}, bad, ended}, []uint64{4, 5}, nil},
		"a signal that came":  {map[uint64]uint64{3: 2}, []history.Data{a, bad, history.ExternalEvent{Name: "e"}, ended}, []uint64{3, 5}, nil},
		"a child that failed": {map[uint64]uint64{3: 2}, []history.Data{history.SubOrchestrationScheduled{Name: "c"}, history.SubOrchestrationFailed{Failure: own}, ended}, []uint64{3, 4}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := past(c.sources, c.events...)
			kept, err := replay.Retry(events, history.OrchestrationRetried{By: "me"}, 500, "1.0.0")
			if c.refused != nil {
				var undo *replay.WouldUndoError
				require.ErrorAs(t, err, &undo)
				require.Equal(t, c.refused, ids(undo.Events))
				return
			}
			require.NoError(t, err)
			note := kept[len(kept)-1]
			last := events[len(events)-1]
			require.Equal(t, last.ID+1, note.ID)
			require.Equal(t, last.TimeMs, note.TimeMs, "no event is older than the one before")
			retried, ok := note.Data.(history.OrchestrationRetried)
			require.True(t, ok)
			require.Equal(t, *last.Failure(), retried.Failure)
			var undone []uint64
			for _, u := range retried.Undone {
				undone = append(undone, u.Event)
			}
			require.Equal(t, c.undone, undone)
			require.Len(t, kept, len(events)-len(undone)+1)
		})
	}
}

func ids(events []history.Event) []uint64 {
	var all []uint64
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

func TestOnlyAFailureIsRetried(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]history.Event{
		"is not there yet": nil,
		"runs":             past(nil, history.ActivityScheduled{Name: "a"}),
		"has completed":    past(nil, history.OrchestrationCompleted{}),
	} {
		_, err := replay.Retry(events, history.OrchestrationRetried{}, 0, "")
		var state *replay.NotEndedError
		require.ErrorAs(t, err, &state, name)
		require.Equal(t, name == "has completed", state.Completed)
	}
}
