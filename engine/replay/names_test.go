package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

func named(bytes int) string { return strings.Repeat("é", bytes/2) + strings.Repeat("x", bytes%2) }

// givers ask for something under a name, an id, a key or a version.
var givers = map[string]struct {
	most int
	ask  func(text string) replay.Action
	says string
}{
	"activity": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Activity, Token: 1, Name: s}
	}, "name"},
	"session": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Activity, Token: 1, Name: "a", Session: &s}
	}, "sessionId"},
	"event": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.WaitEvent, Token: 1, Name: s}
	}, "name"},
	"queue": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Dequeue, Token: 1, Name: s}
	}, "queueName"},
	"child": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.SubOrchestration, Token: 1, Name: s}
	}, "name"},
	"id of a child": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.SubOrchestration, Token: 1, Name: "c", Instance: &s}
	}, "instanceId"},
	"version of a child": {history.MaxVersionBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.SubOrchestration, Token: 1, Name: "c", Version: &s}
	}, "version"},
	"detached start": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.StartOrchestration, Name: s, Instance: new("d")}
	}, "name"},
	"id of a detached start": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.StartOrchestration, Name: "d", Instance: &s}
	}, "instanceId"},
	"key": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.SetValue, Name: s, Value: new("v")}
	}, "KV key"},
	"queue of a message": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Send, Name: s, Instance: new("d"), Value: new(history.SentMessage)}
	}, "name"},
	"id of whom a message is for": {history.MaxIDBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Send, Name: "q", Instance: &s, Value: new(history.SentMessage)}
	}, "instanceId"},
	"key of a message": {history.MaxNameBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.Send, Name: "q", Instance: new("d"), Value: new(history.SentMessage), Tag: &s}
	}, "idempotencyKey"},
	"version of a continuation": {history.MaxVersionBytes, func(s string) replay.Action {
		return replay.Action{Kind: replay.ContinueAsNew, Version: &s}
	}, "version"},
}

func TestNamesHaveALimit(t *testing.T) {
	t.Parallel()
	for what, g := range givers {
		x := replay.Start(replay.Params{Instance: "i", Execution: 1, Name: "o"}, 1000)
		_, err := x.Apply([]replay.Action{g.ask(named(g.most + 1))}, 1000)
		var limit *replay.LimitError
		require.ErrorAs(t, err, &limit, what)
		require.Contains(t, limit.Failure.Message, g.says+" size (")
		require.Contains(t, limit.Failure.Message, "exceeds limit (")
		_, err = x.Apply([]replay.Action{g.ask(named(g.most))}, 1000)
		require.NoError(t, err, what)
	}
}

func TestAnOldKeyCanBeReadAndCleared(t *testing.T) {
	t.Parallel()
	x := replay.Start(replay.Params{Instance: "i", Execution: 1, Name: "o"}, 1000)
	key, id := named(5000), named(5000)
	_, err := x.Apply([]replay.Action{
		{Kind: replay.ClearValue, Name: key},
		{Kind: replay.Syscall, Token: 1, Name: replay.GetValue, Instance: &id, Value: &key},
	}, 1000)
	require.NoError(t, err)
}

// An execution whose history holds a longer name began before there was a limit, and goes on.
func TestAnExecutionKeepsTheRulesOfItsStart(t *testing.T) {
	t.Parallel()
	long, longVersion := named(history.MaxNameBytes+1), named(history.MaxVersionBytes+1)
	recorded := map[string]history.Data{
		"activity":                  history.ActivityScheduled{Name: long},
		"session":                   history.ActivityScheduled{Name: "a", Session: &long},
		"event":                     history.ExternalSubscribed{Name: long},
		"queue":                     history.QueueSubscribed{Name: long},
		"child":                     history.SubOrchestrationScheduled{Name: long, Instance: "sub::2"},
		"id of a child":             history.SubOrchestrationScheduled{Name: "c", Instance: long},
		"version of a child":        history.SubOrchestrationScheduled{Name: "c", Instance: "sub::2", Version: &longVersion},
		"detached start":            history.OrchestrationChained{Name: long, Instance: "d"},
		"id of a detached start":    history.OrchestrationChained{Name: "d", Instance: long},
		"key":                       history.KeyValueSet{Key: long, Value: "v"},
		"version of a continuation": nil, // it ends its execution
		// There was none before there was a limit.
		"queue of a message":          nil,
		"id of whom a message is for": nil,
		"key of a message":            nil,
	}
	load := func(instance string, more ...history.Data) *replay.Execution {
		events := []history.Event{{ID: 1, Data: history.OrchestrationStarted{Name: "o"}}}
		for n, data := range more {
			events = append(events, history.Event{ID: uint64(n) + 2, Data: data})
		}
		x, _, err := replay.Load(events, replay.Params{Instance: instance, Execution: 1})
		require.NoError(t, err)
		return x
	}
	for what, g := range givers {
		data, ok := recorded[what]
		require.True(t, ok, what)
		if data == nil {
			continue
		}
		require.True(t, load("i", data).LongNames(), what)
		x := replay.Start(replay.Params{Instance: named(history.MaxIDBytes + 1), Execution: 1, Name: "o"}, 1000)
		require.True(t, x.LongNames())
		_, err := x.Apply([]replay.Action{g.ask(named(g.most + 1))}, 1000)
		require.NoError(t, err, what)
	}
	require.False(t, load("i", history.ActivityScheduled{Name: named(history.MaxNameBytes), Input: long}).LongNames())
	require.False(t, load(named(history.MaxIDBytes), history.ExternalEvent{Name: long, Data: long},
		history.KeyValueCleared{Key: long}).LongNames(), "what others gave decides nothing")
	require.True(t, load(named(history.MaxIDBytes+1)).LongNames())
}
