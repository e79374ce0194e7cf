package replay_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// This file drives every kind of action, arrival and ending all the way: it is applied, its events are
// encoded, loaded and compared with the code, and what is open is cancelled or ended. A kind that is
// declared and is not here fails.

// ask is what a kind of action looks like, and what may answer it.
type ask struct {
	actions []replay.Action
	answers []replay.Arrival
	// placeless means that it has no place among the steps: code may not ask for it, or ask later.
	placeless bool
}

func asks() map[replay.ActionKind][]ask {
	text, failure := "text", &history.Failure{Category: history.Application, Message: "no"}
	one := func(a replay.Action, answers ...replay.Arrival) ask {
		return ask{actions: []replay.Action{a}, answers: answers}
	}
	waiting := replay.Action{Kind: replay.WaitEvent, Token: 1, Name: "e"}
	return map[replay.ActionKind][]ask{
		replay.Activity: {one(
			replay.Action{Kind: replay.Activity, Token: 1, Name: "a", Input: "1", Session: &text, Tag: &text},
			replay.Arrival{Kind: replay.ActivityDone, Data: "2"},
			replay.Arrival{Kind: replay.ActivityDone, Failure: failure},
		), one(
			replay.Action{Kind: replay.Activity, Token: 1, Name: "a", Input: "1", Value: &text},
			replay.Arrival{Kind: replay.ActivityDone, Data: "2"},
		)},
		replay.Inline: {one(
			replay.Action{Kind: replay.Inline, Token: 1, Name: "a"},
			replay.Arrival{Kind: replay.ActivityDone, Data: "2"},
			replay.Arrival{Kind: replay.ActivityDone, Failure: failure},
		)},
		replay.Timer: {one(
			replay.Action{Kind: replay.Timer, Token: 1, DelayMs: 5}, replay.Arrival{Kind: replay.TimerFired, FireAtMs: 1005},
		)},
		replay.WaitEvent: {one(waiting, replay.Arrival{Kind: replay.EventRaised, Name: "e", Data: "1"})},
		replay.Dequeue: {one(
			replay.Action{Kind: replay.Dequeue, Token: 1, Name: "q"},
			replay.Arrival{Kind: replay.QueueEvent, Name: "q", Data: "1"},
		)},
		replay.SubOrchestration: {one(
			replay.Action{Kind: replay.SubOrchestration, Token: 1, Name: "c", Input: "1", Version: &text},
			replay.Arrival{Kind: replay.ChildDone, Data: "2"},
			replay.Arrival{Kind: replay.ChildDone, Failure: failure},
		)},
		replay.StartOrchestration: {one(
			replay.Action{Kind: replay.StartOrchestration, Name: "d", Instance: &text, Input: "1"},
		)},
		replay.ContinueAsNew:   {one(replay.Action{Kind: replay.ContinueAsNew, Input: "1"})},
		replay.CleanupFailed:   {one(replay.Action{Kind: replay.CleanupFailed, Input: "Error: no", Value: &text})},
		replay.SetCustomStatus: {one(replay.Action{Kind: replay.SetCustomStatus, Value: &text})},
		replay.SetValue:        {one(replay.Action{Kind: replay.SetValue, Name: "k", Value: &text})},
		replay.ClearValue:      {one(replay.Action{Kind: replay.ClearValue, Name: "k"})},
		replay.ClearValues:     {one(replay.Action{Kind: replay.ClearValues})},
		replay.Syscall: {
			one(replay.Action{Kind: replay.Syscall, Token: 1, Name: replay.NewGUID}),
			one(replay.Action{Kind: replay.Syscall, Token: 1, Name: replay.UTCNow}),
			one(replay.Action{Kind: replay.Syscall, Token: 1, Name: replay.GetValue, Instance: &text, Value: &text}),
			one(replay.Action{Kind: replay.Syscall, Token: 1, Name: replay.Decide, Value: &text}),
		},
		replay.Send: {
			one(replay.Action{Kind: replay.Send, Instance: &text, Value: new(history.SentMessage), Name: "q", Input: "1"}),
			one(replay.Action{Kind: replay.Send, Instance: &text, Value: new(history.SentSignal), Name: "e", Input: "1"}),
			one(replay.Action{Kind: replay.Send, Instance: &text, Value: new(history.SentCancellation), Input: "why"}),
		},
		replay.MakePromise: {one(
			replay.Action{Kind: replay.MakePromise, Token: 1},
			replay.Arrival{Kind: replay.PromiseSettled, Data: "2"},
			replay.Arrival{Kind: replay.PromiseSettled, Failure: failure},
		)},
		replay.Patch: {
			{actions: []replay.Action{{Kind: replay.Patch, Name: "p", Value: new("true")}}, placeless: true},
			{actions: []replay.Action{{Kind: replay.Patch, Name: "p", Value: new("false")}}, placeless: true},
		},
		replay.Drop: {{actions: []replay.Action{waiting, {Kind: replay.Drop, Token: 1}}}},
	}
}

func endings() []replay.Ending {
	return []replay.Ending{
		{Kind: replay.Completed, Output: "1"},
		{Kind: replay.Failed, Failure: &history.Failure{Category: history.Application, Kind: history.CancelledKind}},
		{Kind: replay.Continued, Successor: &replay.Successor{Input: "1"}},
	}
}

// way follows executions and takes note of what has been on it.
type way struct {
	*testing.T
	events   map[history.Kind]bool
	arrivals map[replay.ArrivalKind]bool
	endings  map[replay.EndKind]bool
}

// applied begins an execution whose first step asks for these actions.
func (w *way) applied(actions []replay.Action) *replay.Execution {
	w.Helper()
	x := replay.Start(params, 1000)
	successor, err := x.Apply(actions, 1000)
	require.NoError(w, err)
	if successor != nil {
		w.end(x, replay.Ending{Kind: replay.Continued, Successor: successor})
	}
	return x
}

func (w *way) end(x *replay.Execution, e replay.Ending) {
	w.endings[e.Kind] = true
	x.End(e, 1010)
}

// stored gives what the turn has added as it comes out of a store.
func (w *way) stored(x *replay.Execution) []history.Event {
	w.Helper()
	events := x.Take().Events
	got, err := history.DecodeRow(history.EncodeRow(events))
	require.NoError(w, err)
	require.Equal(w, events, got)
	for _, e := range got {
		w.events[e.Kind()] = true
	}
	return got
}

// loaded makes an execution again from its history, and compares it with the steps of its code.
func (w *way) loaded(events []history.Event, steps ...[]replay.Action) (*replay.Execution, []replay.Delivery) {
	w.Helper()
	x, deliveries, err := replay.Load(events, params)
	require.NoError(w, err)
	extra, err := x.Verify(steps, false)
	require.NoError(w, err)
	require.Empty(w, extra)
	return x, deliveries
}

// asked drives one action.
func (w *way) asked(a ask) {
	live := w.applied(a.actions)
	open := live.Open()
	call, isCall := live.NextCall()
	events := w.stored(live)
	if live.Ended() {
		again, _, err := replay.Load(events, params)
		require.NoError(w, err)
		require.True(w, again.Ended())
		return
	}
	again, _ := w.loaded(events, a.actions)
	require.Equal(w, open, again.Open())
	if !a.placeless {
		w.differs(events)
	}
	if isCall {
		want := live.Answer(call, `"1"`, 1001)
		_, deliveries := w.loaded(append(slices.Clip(events), w.stored(live)...), a.actions, nil)
		require.Equal(w, []replay.Delivery{want}, deliveries)
	}
	for _, answer := range a.answers {
		w.answered(a, events, answer)
	}
	if open > 0 {
		drop := []replay.Action{a.actions[0], {Kind: replay.Drop, Token: 1}}
		x, _ := w.loaded(w.stored(w.applied(drop)), drop)
		require.Zero(w, x.Open(), "it was dropped")
	}
	for _, e := range endings() {
		x, _ := w.loaded(events, a.actions)
		w.end(x, e)
		require.Zero(w, x.Open(), "nothing is open after the end")
		ended, _, err := replay.Load(append(slices.Clip(events), w.stored(x)...), params)
		require.NoError(w, err)
		require.True(w, ended.Ended())
	}
}

// differs requires that other code is not taken for this one.
func (w *way) differs(events []history.Event) {
	w.Helper()
	x, _, err := replay.Load(events, params)
	require.NoError(w, err)
	_, err = x.Verify([][]replay.Action{{{Kind: replay.WaitEvent, Token: 1, Name: "something else"}}}, false)
	require.ErrorAs(w, err, new(*replay.Divergence))
}

func (w *way) answered(a ask, events []history.Event, answer replay.Arrival) {
	w.Helper()
	w.arrivals[answer.Kind] = true
	answer.Execution, answer.Source = params.Execution, events[len(events)-1].ID
	if answer.Kind == replay.PromiseSettled {
		answer.Source = 1 // Those outside know its token.
	}
	x, _ := w.loaded(events, a.actions)
	want, ok, err := x.Accept(answer, 1001)
	require.NoError(w, err)
	require.True(w, ok)
	require.Zero(w, x.Open())
	_, deliveries := w.loaded(append(slices.Clip(events), w.stored(x)...), a.actions, nil)
	require.Equal(w, []replay.Delivery{want}, deliveries)
}

// cancelled drives what asks an execution to stop.
func (w *way) cancelled() {
	w.arrivals[replay.CancelRequested] = true
	x := w.applied(nil)
	_, ok, err := x.Accept(replay.Arrival{Kind: replay.CancelRequested, Data: "why"}, 1001)
	require.NoError(w, err)
	require.False(w, ok)
	again, _ := w.loaded(w.stored(x), nil)
	require.Equal(w, x.Stopped(), again.Stopped())
	require.Equal(w, "canceled: why", again.Stopped().Display())
	x = w.applied(nil)
	_, ok, err = x.Accept(replay.Arrival{Kind: replay.CancelRequested, Data: "why", Terminates: true}, 1001)
	require.NoError(w, err)
	require.False(w, ok)
	again, _ = w.loaded(w.stored(x), nil)
	require.Equal(w, x.Stopped(), again.Stopped())
	require.Equal(w, "terminated: why", again.Stopped().Display())
	x = w.applied(nil)
	told, ok, err := x.Accept(replay.Arrival{Kind: replay.CancelRequested, Data: "why", GraceMs: 9}, 1001)
	require.NoError(w, err)
	require.True(w, ok)
	again, deliveries := w.loaded(w.stored(x), nil, nil)
	require.Equal(w, []replay.Delivery{told}, deliveries)
	require.Equal(w, x.Cancelling(), again.Cancelling())
	require.Equal(w, &replay.Cancelling{Reason: "why", SinceMs: 1001, UntilMs: 1010}, again.Cancelling())
}

// withdrawn drives what takes an unread message of a request back.
func (w *way) withdrawn() {
	x := w.applied(nil)
	w.arrivals[replay.RequestWithdrawn] = true
	for _, a := range []replay.Arrival{
		{Kind: replay.QueueEvent, Name: "q", Data: "\x01{\"request\":\"r\"}\n1"},
		{Kind: replay.QueueEvent, Name: "q", Data: "2"},
		{Kind: replay.RequestWithdrawn, Name: "q", Data: "r"},
		{Kind: replay.RequestWithdrawn, Name: "q", Data: "r"},
	} {
		_, ok, err := x.Accept(a, 1001)
		require.NoError(w, err)
		require.False(w, ok)
	}
	left := []history.Carried{{Name: "q", Data: "2"}}
	require.Equal(w, left, x.Unread())
	again, _ := w.loaded(w.stored(x), nil)
	require.Equal(w, left, again.Unread())
	require.Equal(w, x.LastEvent(), again.LastEvent(), "the second one changes nothing")
}

// retried takes back an end.
func (w *way) retried() {
	w.Helper()
	actions := asks()[replay.Activity][0].actions
	x := w.applied(actions)
	w.end(x, replay.Ending{Kind: replay.Failed, Failure: &history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind, Message: "no",
	}})
	kept, err := replay.Retry(w.stored(x), history.OrchestrationRetried{Reason: "why"}, 1020, "1.0.0")
	require.NoError(w, err)
	got, err := history.DecodeRow(history.EncodeRow(kept))
	require.NoError(w, err)
	require.Equal(w, kept, got)
	w.events[kept[len(kept)-1].Kind()] = true
	again, _ := w.loaded(kept, actions)
	require.Equal(w, 1, again.Open())
	require.Equal(w, kept[len(kept)-1].ID, again.LastEvent())
	require.Len(w, again.OpenWork(kept).Activities, 1)
	kept, undone, err := replay.Rewind(kept, nil, history.OrchestrationRewound{To: 1}, true, 1030, "1.0.0")
	require.NoError(w, err)
	require.Len(w, undone, 2)
	got, err = history.DecodeRow(history.EncodeRow(kept))
	require.NoError(w, err)
	require.Equal(w, kept, got)
	w.events[kept[len(kept)-1].Kind()] = true
	over, _, err := replay.Rewind(kept, kept, history.OrchestrationRewound{To: 1, Over: 2}, true, 1040, "1.0.0")
	require.NoError(w, err)
	w.events[over[len(over)-1].Kind()] = true
	input := "2"
	forked, err := replay.Fork(kept, history.OrchestrationForked{From: "i", Execution: 1, To: 1}, &input, nil, 1040, "1.0.0")
	require.NoError(w, err)
	w.events[forked[len(forked)-1].Kind()] = true
	x, _, err = replay.Load(forked, params)
	require.NoError(w, err)
	require.Equal(w, input, x.Params().Input)
	x, _, err = replay.Load(kept, params)
	require.NoError(w, err)
	extra, err := x.Verify([][]replay.Action{actions}, false)
	require.NoError(w, err)
	require.Equal(w, actions, extra)
}

func TestEveryKindGoesAllTheWay(t *testing.T) {
	t.Parallel()
	w := &way{t, map[history.Kind]bool{}, map[replay.ArrivalKind]bool{replay.Nothing: true}, map[replay.EndKind]bool{}}
	known := asks()
	for number, name := range numbered(t, "action.go", `(?m)^\t(\w+) (?:ActionKind)? *= (\d+)$`) {
		if kind := replay.ActionKind(number); kind == replay.TryAgain || kind == replay.GiveUp {
			continue // They answer what no history knows of: attempt_test.go.
		}
		samples := known[replay.ActionKind(number)]
		require.NotEmpty(t, samples, "asks() lacks %s", name)
		for _, a := range samples {
			w.asked(a)
		}
	}
	w.cancelled()
	w.withdrawn()
	w.retried()
	for kind := range history.Kind(128) {
		require.Equal(t, kind.String() != "Unknown", w.events[kind], "event %s was on the way", kind)
	}
	require.Len(t, w.arrivals, len(listed(t, "accept.go", "ArrivalKind")), "every kind of arrival was on the way")
	require.Len(t, w.endings, len(listed(t, "delta.go", "EndKind")), "every kind of ending was on the way")
}

func TestAnUnknownKindOfActionIsADivergence(t *testing.T) {
	t.Parallel()
	unknown := replay.Action{Kind: 200, Token: 1, Name: "n"}
	x := replay.Start(params, 1000)
	_, err := x.Apply([]replay.Action{unknown}, 1000)
	var d *replay.Divergence
	require.ErrorAs(t, err, &d)
	require.Contains(t, d.Error(), "unknown action kind 200")

	w := &way{T: t, events: map[history.Kind]bool{}}
	x, _, err = replay.Load(w.stored(w.applied(asks()[replay.Timer][0].actions)), params)
	require.NoError(t, err)
	_, err = x.Verify([][]replay.Action{{unknown}}, false)
	require.ErrorAs(t, err, &d)
	require.Contains(t, d.Error(), "action=action 200 vs event=timer")
}

// What is forgotten inside must not look like something else.
func TestAnUnknownKindOfArrivalIsAPanic(t *testing.T) {
	t.Parallel()
	unknown := replay.Arrival{Kind: 200}
	x := replay.Start(params, 1000)
	require.PanicsWithValue(t, "unknown arrival kind 200", func() { _, _, _ = x.Accept(unknown, 1000) })
	require.PanicsWithValue(t, "unknown arrival kind 200", func() { x.Peek(unknown, 1000) })
	require.PanicsWithValue(t, "unknown arrival kind 200", func() { x.PeekInput(unknown, 1000) })
}

// numbered finds constants with their numbers in a file of the package.
func numbered(t *testing.T, file, pattern string) map[uint64]string {
	t.Helper()
	found := map[uint64]string{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(source(t, file), -1) {
		number, err := strconv.ParseUint(match[2], 10, 8)
		require.NoError(t, err)
		found[number] = match[1]
	}
	require.NotEmpty(t, found)
	return found
}

// listed finds the constants of a block that counts.
func listed(t *testing.T, file, kind string) []string {
	t.Helper()
	block := regexp.MustCompile(`(?m)^const \(\n(?:\t//.*\n)*\t(\w+) ` + kind + ` = iota.*\n((?:\t.*\n)*)\)`).
		FindStringSubmatch(source(t, file))
	require.NotNil(t, block, "%s has a list of %s", file, kind)
	names := []string{block[1]}
	for _, match := range regexp.MustCompile(`(?m)^\t(\w+)$`).FindAllStringSubmatch(block[2], -1) {
		names = append(names, match[1])
	}
	return names
}

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
