package replay_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// Saved histories are added with each release and never edited: what an engine has written once,
// every later engine must replay. The flag writes files that are missing and leaves the others.
var save = flag.Bool("save", false, "write missing saved histories")

const release = "0.1.0"

// saved is a program whose histories are kept: code, and the turns that lead it to its end.
type saved struct {
	run    code
	params replay.Params
	turns  [][]replay.Arrival
}

// savedEvent is one line of a saved history.
type savedEvent struct {
	ID     uint64          `json:"id"`
	Source uint64          `json:"source,omitempty"`
	Kind   string          `json:"kind"`
	Data   json.RawMessage `json:"data"`
}

func savedPrograms() map[string]saved {
	second := params
	second.Execution = 2
	second.Parent = &history.Parent{Instance: "p", Execution: 1, Event: 7}
	second.Carried = []history.Carried{{Name: "inbox", Data: `"carried"`}}
	return map[string]saved{
		"sequence": {
			func(c *context) (string, error) {
				id := c.must(c.syscall(replay.NewGUID))
				c.must(c.activity("charge", id))
				c.must(c.timer(60_000))
				c.all(c.activity("ship", `{"express":true}`))
				return c.must(c.child("notify", "1")), nil
			},
			params,
			[][]replay.Arrival{{done(4, "1")}, {fired(6)}, {failed(8, "boom")}, {childDone(10, `"ok"`)}},
		},
		"race": {
			func(c *context) (string, error) {
				for range 2 {
					c.race(c.activity("a", "1"), c.child("c", "1"), c.event("e"), c.dequeue("q"), c.timer(9))
				}
				return c.must(c.event("e")), nil
			},
			params,
			[][]replay.Arrival{{fired(6), queued("q", "1")}, {raised("e", `"end"`)}},
		},
		"queues": {
			func(c *context) (string, error) {
				held := c.dequeue("inbox")
				c.must(c.timer(1))
				read := []string{c.must(c.dequeue("inbox")), c.must(c.dequeue("inbox")), c.must(held)}
				c.must(c.event("go"))
				c.continueAsNew(strings.Join(read, ","))
				return "", nil
			},
			second,
			[][]replay.Arrival{
				{queued("inbox", "1"), queued("outbox", "unread")},
				{raised("go", "early"), queued("inbox", "2"), fired(4)},
				{queued("inbox", "3")},
				{raised("go", "")},
			},
		},
		"state": {
			func(c *context) (string, error) {
				c.status("begun")
				c.set("k", "v")
				c.detach("audit", "audit-1", "1")
				c.must(c.activity("a", "1"))
				c.clear("k")
				c.emit(replay.Action{Kind: replay.ClearValues})
				c.emit(replay.Action{Kind: replay.SetCustomStatus})
				return c.must(c.event("never")), nil
			},
			params,
			[][]replay.Arrival{{done(5, "1")}, {cancelled("enough")}},
		},
	}
}

func TestSavedHistoriesAreReplayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.json"))
	require.NoError(t, err)
	if !*save {
		require.NotEmpty(t, files)
	}
	programs := savedPrograms()
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			program, ok := programs[strings.TrimSuffix(filepath.Base(file), ".json")]
			require.True(t, ok, "a saved history without its code")
			replaySaved(t, program, readSaved(t, file))
		})
	}
}

// replaySaved replays the history up to each of its events. Every prefix that ends with a whole
// step must fit the code, and what the code asks for beyond it must be what the history has next.
func replaySaved(t *testing.T, program saved, events []history.Event) {
	t.Helper()
	for n := 1 + len(program.params.Carried); n < len(events) && !ending(events[n-1]); n++ {
		s := &sim{t: t, run: program.run, params: program.params, quick: true, committed: events[:n]}
		x, g, extra, err := s.replayed(program.run)
		require.NoError(t, err, "the first %d events", n)
		g.stop()
		again := before(x, extra, events[n:])
		require.NotNil(t, again, "the first %d events", n)
	}
	last := events[len(events)-1]
	x, _, err := replay.Load(events, program.params)
	require.NoError(t, err)
	require.Equal(t, last.IsTerminal(), x.Ended())
}

// ending reports whether an event stands in the turn that ends an execution only.
func ending(e history.Event) bool {
	switch d := e.Data.(type) {
	case history.OrchestrationCancelRequested, history.OrchestrationTerminateRequested:
		return true
	case history.ActivityCancelRequested:
		return d.Reason != history.ReasonDropped
	case history.SubOrchestrationCancelRequested:
		return d.Reason != history.ReasonDropped
	case history.ExternalSubscribedCancelled:
		return d.Reason != history.ReasonDropped
	case history.QueueSubscriptionCancelled:
		return d.Reason != history.ReasonDropped
	default:
		return false
	}
}

// before applies what code asked for beyond a prefix and compares it with what follows there.
func before(x *replay.Execution, extra []replay.Action, rest []history.Event) []string {
	if _, err := x.Apply(extra, 0); err != nil {
		return nil
	}
	asked := kinds(x.Take().Events)
	next := kinds(rest)
	if len(asked) > len(next) || !equal(asked, next[:len(asked)]) {
		return nil
	}
	return append([]string{}, asked...)
}

func equal(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

func TestSavedProgramsStillWriteTheirHistories(t *testing.T) {
	t.Parallel()
	for name, program := range savedPrograms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, program.run, program.params)
			for _, turn := range program.turns {
				for i := range turn {
					turn[i].Execution = program.params.Execution
				}
				s.take(turn...)
				s.crash()
			}
			require.True(t, s.ended(), "still running: %v", kinds(s.committed))
			file := filepath.Join("testdata", release, name+".json")
			if *save {
				writeSaved(t, file, s.committed)
			}
			require.Equal(t, datas(readSaved(t, file)), datas(s.committed))
		})
	}
}

// savedKinds gives an empty value of every kind by its name.
func savedKinds() map[string]func(json.RawMessage) (history.Data, error) {
	kinds := map[string]func(json.RawMessage) (history.Data, error){}
	register[history.OrchestrationStarted](kinds)
	register[history.OrchestrationCompleted](kinds)
	register[history.OrchestrationFailed](kinds)
	register[history.OrchestrationContinuedAsNew](kinds)
	register[history.OrchestrationCancelRequested](kinds)
	register[history.OrchestrationTerminateRequested](kinds)
	register[history.OrchestrationCancelling](kinds)
	register[history.CleanupFailed](kinds)
	register[history.OrchestrationChained](kinds)
	register[history.ActivityScheduled](kinds)
	register[history.ActivityCompleted](kinds)
	register[history.ActivityFailed](kinds)
	register[history.ActivityCancelRequested](kinds)
	register[history.TimerCreated](kinds)
	register[history.TimerFired](kinds)
	register[history.ExternalSubscribed](kinds)
	register[history.ExternalEvent](kinds)
	register[history.ExternalSubscribedCancelled](kinds)
	register[history.QueueSubscribed](kinds)
	register[history.QueueEventDelivered](kinds)
	register[history.QueueSubscriptionCancelled](kinds)
	register[history.SubOrchestrationScheduled](kinds)
	register[history.SubOrchestrationCompleted](kinds)
	register[history.SubOrchestrationFailed](kinds)
	register[history.SubOrchestrationCancelRequested](kinds)
	register[history.CustomStatusUpdated](kinds)
	register[history.KeyValueSet](kinds)
	register[history.KeyValueCleared](kinds)
	register[history.KeyValuesCleared](kinds)
	register[history.OrchestrationRetried](kinds)
	register[history.OrchestrationRewound](kinds)
	register[history.OrchestrationForked](kinds)
	return kinds
}

func register[D history.Data](kinds map[string]func(json.RawMessage) (history.Data, error)) {
	var zero D
	kinds[zero.Kind().String()] = func(text json.RawMessage) (history.Data, error) {
		var d D
		err := json.Unmarshal(text, &d)
		return d, err
	}
}

func readSaved(t *testing.T, file string) []history.Event {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var events []history.Event
	kinds := savedKinds()
	for line := range bytes.Lines(text) {
		var e savedEvent
		require.NoError(t, json.Unmarshal(line, &e))
		decode, ok := kinds[e.Kind]
		require.True(t, ok, e.Kind)
		data, err := decode(e.Data)
		require.NoError(t, err)
		events = append(events, history.Event{ID: e.ID, Source: e.Source, Engine: release, Data: data})
	}
	return events
}

func writeSaved(t *testing.T, file string, events []history.Event) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		return
	}
	var text bytes.Buffer
	for _, e := range events {
		data, err := json.Marshal(e.Data)
		require.NoError(t, err)
		line, err := json.Marshal(savedEvent{ID: e.ID, Source: e.Source, Kind: e.Kind().String(), Data: data})
		require.NoError(t, err)
		text.Write(append(line, '\n'))
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
	require.NoError(t, os.WriteFile(file, text.Bytes(), 0o600))
}
