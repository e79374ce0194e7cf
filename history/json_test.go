package history_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
)

func TestEventsAreShownAsJSON(t *testing.T) {
	t.Parallel()
	boom := history.Failure{
		Category: history.Application, Kind: history.ActivityFailedKind, Message: "boom",
	}
	const boomJSON = `{"Application":{"kind":"ActivityFailed","message":"boom","retryable":false}}`
	for name, c := range map[string]struct {
		data history.Data
		want string
	}{
		"a start": {
			history.OrchestrationStarted{Name: "order", Version: "1.0.0", Input: `{"greeting":"hello"}`},
			`{"name":"order","version":"1.0.0","input":{"greeting":"hello"}}`,
		},
		"a start with all that an execution inherits": {
			history.OrchestrationStarted{
				Name: "order", Version: "1.0.0", Input: "1",
				Parent:       &history.Parent{Instance: "p", Execution: 2, Event: 3},
				Carried:      []history.Carried{{Name: "q", Data: `"m"`}},
				CustomStatus: new("warm"),
			},
			`{"name":"order","version":"1.0.0","input":1,` +
				`"parent":{"instance":"p","executionId":2,"eventId":3},` +
				`"carried":[{"name":"q","data":"m"}],"customStatus":"warm"}`,
		},
		"an output":        {history.OrchestrationCompleted{Output: `[1,2]`}, `[1,2]`},
		"a text as output": {history.OrchestrationCompleted{Output: `"done"`}, `"done"`},
		"a failure":        {history.OrchestrationFailed{Failure: boom}, boomJSON},
		"a successor":      {history.OrchestrationContinuedAsNew{Input: "7"}, `{"input":7}`},
		"a retry": {
			history.OrchestrationRetried{
				Reason: "why", By: "who", Failure: boom, Undone: []history.Undone{{Event: 7, Of: history.KindActivityFailed}},
			},
			`{"reason":"why","by":"who","failure":` + boomJSON + `,"undone":[{"eventId":7,"kind":"ActivityFailed"}]}`,
		},
		"a rewind": {
			history.OrchestrationRewound{By: "who", To: 6, Undone: []history.Undone{{Event: 7, Of: history.KindTimerFired}}},
			`{"by":"who","toEventId":6,"undone":[{"eventId":7,"kind":"TimerFired"}]}`,
		},
		"a cancel request":   {history.OrchestrationCancelRequested{Reason: "why"}, `{"reason":"why"}`},
		"a detached start":   {history.OrchestrationChained{Name: "n", Instance: "i", Input: "1"}, `{"name":"n","instance":"i","input":1}`},
		"a pinned start":     {history.OrchestrationChained{Name: "n", Instance: "i", Version: new("2.0.0")}, `{"name":"n","instance":"i","input":null,"version":"2.0.0"}`},
		"an activity":        {history.ActivityScheduled{Name: "a", Input: `"x"`}, `{"name":"a","input":"x"}`},
		"a routed activity":  {history.ActivityScheduled{Name: "a", Input: "1", Session: new("s"), Tag: new("t")}, `{"name":"a","input":1,"sessionId":"s","tag":"t"}`},
		"a retried activity": {history.ActivityScheduled{Name: "a", Input: "1", Policy: `{"maxAttempts":3}`}, `{"name":"a","input":1,"policy":{"maxAttempts":3}}`},
		"a built-in call":    {history.ActivityScheduled{Name: history.SyscallNewGUID}, `{"name":"__duroxide_syscall:new_guid","input":null}`},
		"a bare guid":        {history.ActivityCompleted{Result: "0e5c-11"}, `"0e5c-11"`},
		"a result":           {history.ActivityCompleted{Result: `{"ok":true}`}, `{"ok":true}`},
		"no result":          {history.ActivityCompleted{}, `null`},
		"an activity's end":  {history.ActivityFailed{Failure: boom}, boomJSON},
		"a dropped activity": {history.ActivityCancelRequested{Reason: history.ReasonDropped}, `{"reason":"dropped_future"}`},
		"a timer":            {history.TimerCreated{FireAtMs: 12}, `{"fireAtMs":12}`},
		"a fired timer":      {history.TimerFired{FireAtMs: 12}, `{"fireAtMs":12}`},
		"a wait":             {history.ExternalSubscribed{Name: "go"}, `{"name":"go"}`},
		"a signal":           {history.ExternalEvent{Name: "go", Data: "{}"}, `{"name":"go","data":{}}`},
		"a closed wait":      {history.ExternalSubscribedCancelled{Reason: "r"}, `{"reason":"r"}`},
		"a dequeue":          {history.QueueSubscribed{Name: "q"}, `{"name":"q"}`},
		"a queue message":    {history.QueueEventDelivered{Name: "q", Data: "not json"}, `{"name":"q","data":"not json"}`},
		"a closed dequeue":   {history.QueueSubscriptionCancelled{Reason: "orchestration_terminal"}, `{"reason":"orchestration_terminal"}`},
		"a child":            {history.SubOrchestrationScheduled{Name: "c", Instance: "sub::2", Input: "1"}, `{"name":"c","instance":"sub::2","input":1}`},
		"a child's output":   {history.SubOrchestrationCompleted{Result: "1"}, `1`},
		"a child's failure":  {history.SubOrchestrationFailed{Failure: boom}, boomJSON},
		"a grace":            {history.OrchestrationCancelling{Reason: "why", UntilMs: 5}, `{"reason":"why","untilMs":5}`},
		"a failed cleanup":   {history.CleanupFailed{Failure: boom}, boomJSON},
		"a termination":      {history.OrchestrationTerminateRequested{Reason: "why"}, `{"reason":"why"}`},
		"a dropped child":    {history.SubOrchestrationCancelRequested{Reason: "r"}, `{"reason":"r"}`},
		"a custom status":    {history.CustomStatusUpdated{Status: new(`{"a":1}`)}, `{"status":"{\"a\":1}"}`},
		"a reset status":     {history.CustomStatusUpdated{}, `{"status":null}`},
		"a value":            {history.KeyValueSet{Key: "k", Value: "<v>", UpdatedAtMs: 5}, `{"key":"k","value":"<v>","updatedAtMs":5}`},
		"a cleared key":      {history.KeyValueCleared{Key: "k"}, `{"key":"k"}`},
		"strange text":       {history.ActivityCompleted{Result: "\x00\" \u2028 \xff"}, `"\u0000\" \u2028 \ufffd"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := history.Event{ID: 1, Data: c.data}.JSON()
			require.True(t, ok)
			require.True(t, json.Valid([]byte(got)), got)
			require.JSONEq(t, c.want, got)
		})
	}
}

func TestClearingEveryKeyHasNoData(t *testing.T) {
	t.Parallel()
	_, ok := history.Event{ID: 1, Data: history.KeyValuesCleared{}}.JSON()
	require.False(t, ok)
}

func TestFailuresAreShownTaggedByCategory(t *testing.T) {
	t.Parallel()
	poison := history.Failure{
		Category: history.Poison, Attempts: 11, MaxAttempts: 10, Message: `{"m":1}`,
		Instance: "i", Execution: 2,
	}
	kind := func(k history.FailureKind, change func(*history.Failure)) history.Failure {
		f := poison
		f.Kind = k
		if change != nil {
			change(&f)
		}
		return f
	}
	for name, c := range map[string]struct {
		failure history.Failure
		want    string
	}{
		"thrown in code, with details": {
			history.Failure{
				Category: history.Application, Kind: history.OrchestrationFailedKind,
				Message: "m", Details: `{"name":"TypeError"}`,
			},
			`{"Application":{"kind":"OrchestrationFailed","message":"m","retryable":false,"details":{"name":"TypeError"}}}`,
		},
		"details that are no JSON are left out": {
			history.Failure{Category: history.Application, Kind: history.PanickedKind, Message: "m", Details: "{"},
			`{"Application":{"kind":"Panicked","message":"m","retryable":false}}`,
		},
		"cancelled": {
			history.Failure{Category: history.Application, Kind: history.CancelledKind, Reason: "why"},
			`{"Application":{"kind":{"Cancelled":{"reason":"why"}},"message":"","retryable":false}}`,
		},
		"terminated": {
			history.Failure{Category: history.Application, Kind: history.TerminatedKind, Reason: "why"},
			`{"Application":{"kind":{"Terminated":{"reason":"why"}},"message":"","retryable":false}}`,
		},
		"diverged": {
			history.Failure{Category: history.Configuration, Kind: history.NondeterminismKind, Message: "m"},
			`{"Configuration":{"kind":"Nondeterminism","resource":"","message":"m"}}`,
		},
		"storage": {
			history.Failure{Category: history.Infrastructure, Operation: "commit", Message: "m", Retryable: true},
			`{"Infrastructure":{"operation":"commit","message":"m","retryable":true}}`,
		},
		"poisoned orchestration": {
			kind(history.PoisonOrchestrationKind, nil),
			`{"Poison":{"attempt_count":11,"max_attempts":10,"message":"{\"m\":1}",
			  "message_type":{"Orchestration":{"instance":"i","execution_id":2}}}}`,
		},
		"poisoned activity": {
			kind(history.PoisonActivityKind, func(f *history.Failure) { f.ActivityName, f.ActivityID = "a", 5 }),
			`{"Poison":{"attempt_count":11,"max_attempts":10,"message":"{\"m\":1}",
			  "message_type":{"Activity":{"instance":"i","execution_id":2,"activity_name":"a","activity_id":5}}}}`,
		},
		"poisoned history": {
			kind(history.PoisonHistoryKind, func(f *history.Failure) { f.Message = "bad row" }),
			`{"Poison":{"attempt_count":11,"max_attempts":10,"message":"bad row",
			  "message_type":{"FailedDeserialization":{"instance":"i","execution_id":2,"error":"bad row"}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := history.Event{
				ID: 3, Source: 2, Data: history.OrchestrationFailed{Failure: c.failure},
			}.JSON()
			require.True(t, ok)
			require.JSONEq(t, c.want, got)
		})
	}
}
