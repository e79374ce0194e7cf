package replay_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// divergence gives the divergence of an error, and fails the test for every other one.
func divergence(t *testing.T, err error) *replay.Divergence {
	t.Helper()
	var d *replay.Divergence
	require.ErrorAs(t, err, &d)
	require.Equal(t, "i", d.Instance)
	require.Equal(t, uint64(1), d.Execution)
	f := d.Failure()
	require.Equal(t, history.Configuration, f.Category)
	require.Equal(t, history.NondeterminismKind, f.Kind)
	return d
}

func one(ask func(*context)) code {
	return func(c *context) (string, error) {
		ask(c)
		c.block()
		return "", nil
	}
}

func activityWith(name, input string, session, tag *string) code {
	return one(func(c *context) {
		c.ask(replay.Action{Kind: replay.Activity, Name: name, Input: input, Session: session, Tag: tag})
	})
}

func TestChangedCodeDiverges(t *testing.T) {
	t.Parallel()
	a, b := "a", "b"
	plain := activityWith("a", "1", nil, nil)
	for name, c := range map[string]struct {
		before, after code
		want          string
	}{
		"activity to timer":   {plain, one(func(c *context) { c.timer(1) }), "schedule mismatch: action=timer vs event=activity 'a' with input 1"},
		"timer to activity":   {one(func(c *context) { c.timer(1) }), plain, "schedule mismatch: action=activity 'a' with input 1 vs event=timer"},
		"activity's name":     {plain, activityWith("b", "1", nil, nil), "schedule mismatch: action=activity 'b' with input 1 vs event=activity 'a' with input 1"},
		"activity's input":    {plain, activityWith("a", "2", nil, nil), "schedule mismatch"},
		"session added":       {plain, activityWith("a", "1", &a, nil), "schedule mismatch"},
		"session changed":     {activityWith("a", "1", &a, nil), activityWith("a", "1", &b, nil), "schedule mismatch"},
		"session removed":     {activityWith("a", "1", &a, nil), plain, "schedule mismatch"},
		"tag added":           {plain, activityWith("a", "1", nil, &a), "schedule mismatch"},
		"tag changed":         {activityWith("a", "1", nil, &a), activityWith("a", "1", nil, &b), "schedule mismatch"},
		"tag removed":         {activityWith("a", "1", nil, &a), plain, "schedule mismatch"},
		"nothing asked":       {plain, one(func(*context) {}), "history schedule but no emitted action"},
		"wait's name":         {one(func(c *context) { c.event("a") }), one(func(c *context) { c.event("b") }), "schedule mismatch"},
		"wait to dequeue":     {one(func(c *context) { c.event("a") }), one(func(c *context) { c.dequeue("a") }), "schedule mismatch"},
		"queue's name":        {one(func(c *context) { c.dequeue("a") }), one(func(c *context) { c.dequeue("b") }), "schedule mismatch"},
		"child's name":        {one(func(c *context) { c.child("a", "1") }), one(func(c *context) { c.child("b", "1") }), "schedule mismatch"},
		"child's input":       {one(func(c *context) { c.child("a", "1") }), one(func(c *context) { c.child("a", "2") }), "schedule mismatch"},
		"detached name":       {one(func(c *context) { c.detach("a", "x", "1") }), one(func(c *context) { c.detach("b", "x", "1") }), "schedule mismatch"},
		"detached id":         {one(func(c *context) { c.detach("a", "x", "1") }), one(func(c *context) { c.detach("a", "y", "1") }), "schedule mismatch"},
		"detached input":      {one(func(c *context) { c.detach("a", "x", "1") }), one(func(c *context) { c.detach("a", "x", "2") }), "schedule mismatch"},
		"detached removed":    {one(func(c *context) { c.detach("a", "x", "1") }), one(func(*context) {}), "no emitted action"},
		"value's key":         {one(func(c *context) { c.set("a", "1") }), one(func(c *context) { c.set("b", "1") }), "kv set mismatch"},
		"value":               {one(func(c *context) { c.set("a", "1") }), one(func(c *context) { c.set("a", "2") }), "kv set mismatch"},
		"value removed":       {one(func(c *context) { c.set("a", "1") }), one(func(*context) {}), "no emitted action"},
		"value to activity":   {one(func(c *context) { c.set("a", "1") }), plain, "kv set mismatch"},
		"cleared key":         {one(func(c *context) { c.clear("a") }), one(func(c *context) { c.clear("b") }), "kv clear mismatch"},
		"status removed":      {one(func(c *context) { c.status("a") }), one(func(*context) {}), "no emitted action"},
		"status to activity":  {one(func(c *context) { c.status("a") }), plain, "custom status mismatch"},
		"another system call": {one(func(c *context) { c.syscall(replay.NewGUID) }), one(func(c *context) { c.syscall(replay.UTCNow) }), "schedule mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.before)
			d := divergence(t, s.upgrade(c.after))
			require.Contains(t, d.Reason, c.want)
			require.NotZero(t, d.EventID)
			require.Contains(t, d.Failure().Display(), "nondeterministic: ")
			_, sides, _ := strings.Cut(d.Reason, "action=")
			action, event, _ := strings.Cut(sides, " vs event=")
			require.True(t, sides == "" || action != event, "nobody sees what differs: %s", d.Reason)
		})
	}
}

func TestLongInputsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	long := "x" + strings.Repeat("é", 200)
	s := start(t, activityWith("a", long, nil, nil))
	d := divergence(t, s.upgrade(activityWith("a", "short", nil, nil)))
	require.True(t, utf8.ValidString(d.Reason), "%q", d.Reason)
	require.Contains(t, d.Reason, "é…")
}

func TestHarmlessChangesDoNotDiverge(t *testing.T) {
	t.Parallel()
	x, v := "x", "2.0.0"
	child := func(instance, version *string) code {
		return one(func(c *context) {
			c.ask(replay.Action{Kind: replay.SubOrchestration, Name: "c", Instance: instance, Version: version})
		})
	}
	for name, c := range map[string]struct{ before, after code }{
		"timer's length":  {one(func(c *context) { c.timer(1) }), one(func(c *context) { c.timer(99) })},
		"child's id":      {child(nil, nil), child(&x, nil)},
		"child's version": {child(nil, nil), child(nil, &v)},
		"status's value":  {one(func(c *context) { c.status("a") }), one(func(c *context) { c.status("b") })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.before)
			require.NoError(t, s.upgrade(c.after))
			require.Empty(t, s.last.Events)
		})
	}
}

func TestMoreWorkAtTheEndIsNewWork(t *testing.T) {
	t.Parallel()
	s := start(t, one(func(c *context) { c.activity("a", "1") }))
	require.NoError(t, s.upgrade(one(func(c *context) {
		c.activity("a", "1")
		c.activity("b", "2")
	})))
	require.Equal(t, []replay.NewActivity{{Event: 3, Name: "b", Input: "2"}}, s.last.Activities)
}

func TestWorkBetweenRecordedStepsDiverges(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.activity("a", "1"))
		return c.must(c.activity("b", "1")), nil
	})
	s.take(done(2, "1"))
	d := divergence(t, s.upgrade(func(c *context) (string, error) {
		h := c.activity("a", "1")
		c.activity("new", "1")
		c.must(h)
		return c.must(c.activity("b", "1")), nil
	}))
	require.Equal(t, []int{0, 1}, []int{d.Step, d.Action}, "the action to blame")
	require.Contains(t, d.Reason, "schedule mismatch: action=activity 'new'")
}

func TestADivergenceFailsTheInstanceWhenItsCodeIsSwapped(t *testing.T) {
	t.Parallel()
	s := start(t, activityWith("a", "1", nil, nil))
	err := s.upgrade(activityWith("b", "1", nil, nil))
	require.True(t, s.failed(err))
	require.Contains(t, s.failure().Display(), "must not change")
	require.Contains(t, s.failure().Display(), "instance i, execution 1, event 2")
}

func TestADivergenceShowsTheLocationIfItIsKnown(t *testing.T) {
	t.Parallel()
	d := &replay.Divergence{
		Instance: "i", Execution: 1, Name: "order", Version: "1.0.0", EventID: 2, Reason: "mismatch",
	}
	require.Equal(t, "mismatch (order 1.0.0, instance i, execution 1, event 2)", d.Error())
	d.Location = "/app/order.js:7:9"
	require.Equal(t, "mismatch (order 1.0.0, instance i, execution 1, event 2); "+
		"the action was asked for at /app/order.js:7:9", d.Error())
}

func TestBrokenHistoriesAreRefused(t *testing.T) {
	t.Parallel()
	scheduled := ev(2, history.ActivityScheduled{Name: "a"})
	timer := ev(2, history.TimerCreated{})
	child := ev(2, history.SubOrchestrationScheduled{Name: "c"})
	result := history.ActivityCompleted{Result: "1"}
	const closed = "completion without open schedule"
	for name, c := range map[string]struct {
		events []history.Event
		want   string
	}{
		"no events":                    {nil, "corrupted history: empty"},
		"another first event":          {[]history.Event{scheduled}, "corrupted history: first event must be OrchestrationStarted"},
		"an answer before its ask":     {[]history.Event{started, re(2, 3, result), ev(3, history.ActivityScheduled{})}, closed},
		"an activity answered twice":   {[]history.Event{started, scheduled, re(3, 2, result), re(4, 2, result)}, closed},
		"failed after done":            {[]history.Event{started, scheduled, re(3, 2, result), re(4, 2, history.ActivityFailed{})}, closed},
		"a timer fired twice":          {[]history.Event{started, timer, re(3, 2, history.TimerFired{}), re(4, 2, history.TimerFired{})}, closed},
		"a child done twice":           {[]history.Event{started, child, re(3, 2, history.SubOrchestrationCompleted{}), re(4, 2, history.SubOrchestrationCompleted{})}, closed},
		"a child failed after it":      {[]history.Event{started, child, re(3, 2, history.SubOrchestrationCompleted{}), re(4, 2, history.SubOrchestrationFailed{})}, closed},
		"an answer to nothing":         {[]history.Event{started, ev(2, result)}, closed},
		"an activity's end on a timer": {[]history.Event{started, timer, re(3, 2, result)}, "completion kind mismatch"},
		"a timer's end on an activity": {[]history.Event{started, scheduled, re(3, 2, history.TimerFired{})}, "completion kind mismatch"},
		"a child's end on an activity": {[]history.Event{started, scheduled, re(3, 2, history.SubOrchestrationCompleted{})}, "completion kind mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := replay.Load(c.events, params)
			require.Contains(t, divergence(t, err).Reason, c.want)
		})
	}
}

func TestADuplicateScheduleInAHistoryDiverges(t *testing.T) {
	t.Parallel()
	s := start(t, activityWith("a", "1", nil, nil))
	err := s.adopt(started,
		ev(2, history.ActivityScheduled{Name: "a", Input: "1"}),
		ev(3, history.ActivityScheduled{Name: "a", Input: "1"}),
	)
	require.Equal(t, "history schedule but no emitted action: action=none vs event=activity 'a' with input 1",
		divergence(t, err).Reason)
}

func TestCodeThatThrowsKeepsWhatItDid(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.activity("a", "1"))
		c.detach("d", "x", "1")
		panic(errors.New("boom"))
	})
	s.take(done(2, "1"))
	require.Equal(t, "boom", s.failure().Display())
	require.Len(t, s.last.Detached, 1)
	require.Equal(t, []string{"ActivityCompleted(2)", "OrchestrationChained", "OrchestrationFailed"},
		kinds(s.last.Events))
}

// A store, a language or a release may write the same value with other bytes.
func TestPayloadsAreComparedAsValues(t *testing.T) {
	t.Parallel()
	written := `{"a":1,"b":[{"c":"ü","d":null}]}`
	program := func(payload string) code {
		return func(c *context) (string, error) {
			c.set("k", payload)
			c.activity("a", payload)
			c.child("c", payload)
			c.detach("d", "other", payload)
			c.block()
			return "", nil
		}
	}
	for payload, fits := range map[string]bool{
		`{"b": [{"d":null,"c":"\u00fc"}], "a": 1}`: true,
		`{"a":1,"b":[{"c":"ü"}]}`:                  false,
		`{"a":1.0,"b":[{"c":"ü","d":null}]}`:       false,
		`{"a":1,"b":[{"c":"ü","d":null}]} 2`:       false,
	} {
		s := start(t, program(written))
		_, g, _, err := s.replayed(program(payload))
		if err == nil {
			g.stop()
		}
		require.Equal(t, fits, err == nil, "%s: %v", payload, err)
	}
}
