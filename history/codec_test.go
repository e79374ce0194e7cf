package history_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/history"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kindsOfFirstFormats is how many samples there are of kinds that came with the formats 1 and 2.
const kindsOfFirstFormats = 36

// samples holds every kind, with and without its optional fields, the newest kinds last.
func samples() []history.Data {
	text, empty := "text", ""
	failure := history.Failure{
		Category: history.Poison, Kind: history.PoisonActivityKind, Message: "<m> & ü\x00",
		Reason: "r", Operation: "o", Retryable: true, Details: `{"name":"E"}`, Attempts: 3,
		MaxAttempts: 10, Instance: "i", Execution: 2, ActivityName: "a", ActivityID: 1 << 63,
	}
	return []history.Data{
		history.OrchestrationStarted{
			Name: "O", Version: "1.0.0", Input: "{}", CustomStatus: &text,
			Parent:  &history.Parent{Instance: "p", Execution: 3, Event: 300, Life: history.Life{1, 0xff}},
			Carried: []history.Carried{{Name: "q", Data: "1"}, {Name: "", Data: ""}},
			Rules:   1, StrictValues: true, Headers: `{"a":"b"}`,
		},
		history.OrchestrationStarted{Carried: []history.Carried{}, CustomStatus: &empty},
		history.OrchestrationStarted{},
		history.OrchestrationCompleted{Output: "1"},
		history.OrchestrationFailed{Failure: failure},
		history.OrchestrationFailed{},
		history.OrchestrationContinuedAsNew{Input: "2"},
		history.OrchestrationCancelRequested{Reason: "why"},
		history.OrchestrationChained{Name: "O", Instance: "i", Input: "3", Version: &text, Number: 300},
		history.OrchestrationChained{Version: &empty},
		history.OrchestrationChained{},
		history.ActivityScheduled{Name: "A", Input: "4", Session: &text, Tag: &empty},
		history.ActivityScheduled{Name: "A", Session: &empty, Tag: &text},
		history.ActivityScheduled{},
		history.ActivityCompleted{Result: "5"},
		history.ActivityFailed{Failure: failure},
		history.ActivityCancelRequested{Reason: history.ReasonDropped},
		history.TimerCreated{FireAtMs: 1 << 62},
		history.TimerFired{FireAtMs: -1 << 63},
		history.ExternalSubscribed{Name: "e"},
		history.ExternalEvent{Name: "e", Data: "not \xff utf-8"},
		history.ExternalSubscribedCancelled{Reason: "r"},
		history.QueueSubscribed{Name: "q"},
		history.QueueEventDelivered{Name: "q", Data: strings.Repeat("x", 300)},
		history.QueueSubscriptionCancelled{Reason: "r"},
		history.SubOrchestrationScheduled{
			Name: "C", Instance: "sub::2", Input: "6", Version: &empty, Number: 7,
		},
		history.SubOrchestrationScheduled{},
		history.SubOrchestrationCompleted{Result: "7"},
		history.SubOrchestrationFailed{Failure: failure},
		history.SubOrchestrationCancelRequested{Reason: "r"},
		history.CustomStatusUpdated{Status: &text},
		history.CustomStatusUpdated{Status: &empty},
		history.CustomStatusUpdated{},
		history.KeyValueSet{Key: "k", Value: "v", UpdatedAtMs: 12},
		history.KeyValueCleared{Key: "k"},
		history.KeyValuesCleared{},
		history.OrchestrationTerminateRequested{Reason: "why"},
		history.MessageSent{Instance: "i", What: history.SentMessage, Name: "q", Data: "1", Key: &text},
		history.MessageSent{},
		history.PromiseMade{},
		history.PromiseResolved{Value: "1"},
		history.PromiseRejected{Failure: failure},
		history.PatchDecided{Name: "p", Applied: true},
		history.PatchDecided{},
		history.OrchestrationRetried{
			Reason: "why", By: "who", Failure: failure,
			Undone: []history.Undone{{Event: 300, Of: history.KindActivityFailed}, {Event: 301, Of: history.KindOrchestrationFailed}},
		},
		history.OrchestrationRetried{Failure: failure},
		history.OrchestrationCancelling{Reason: "why", UntilMs: 12},
		history.CleanupFailed{Failure: failure},
		history.OrchestrationRewound{Reason: "why", By: "who", To: 300, Undone: []history.Undone{{Event: 301, Of: history.KindTimerFired}}, Starts: 4},
		history.OrchestrationRewound{},
		history.InlineActivityScheduled{Name: "step"},
		history.QueueEventWithdrawn{Name: "q", Request: "r"},
		history.OrchestrationRewound{To: 2, Over: 3},
		history.OrchestrationForked{Reason: "why", By: "who", From: "i", Execution: 2, To: 300, Input: true},
		history.OrchestrationForked{From: "i", Execution: 1, To: 1, Version: true},
	}
}

func turn() []history.Event {
	var events []history.Event
	for i, data := range samples() {
		id := uint64(i + 1)
		events = append(events, history.Event{
			ID: id * 2, Source: id, TimeMs: 1_700_000_000_000 + int64(i*i), Engine: "1.2.3", Data: data,
		})
	}
	return events
}

func TestEveryKindComesBackUnchanged(t *testing.T) {
	t.Parallel()
	seen := map[history.Kind]bool{}
	retried := history.ActivityScheduled{Name: "A", Input: "4", Policy: "{}"}
	for _, data := range append(samples(), retried) {
		seen[data.Kind()] = true
		want := []history.Event{{ID: 5, Source: 4, TimeMs: 9, Engine: "0.1.0", Data: data}}
		got, err := history.DecodeRow(history.EncodeRow(want))
		require.NoError(t, err, "%v", data.Kind())
		require.Equal(t, want, got, "%v", data.Kind())
	}
	for kind := range history.Kind(128) {
		require.Equal(t, kind.String() != "Unknown", seen[kind], "kind %d has a sample", kind)
	}
}

func TestOddHeadersComeBackUnchanged(t *testing.T) {
	t.Parallel()
	data := history.KeyValuesCleared{}
	want := []history.Event{
		{ID: 3, TimeMs: 10, Engine: "1.0.0", Data: data},
		{ID: 2, TimeMs: -10, Engine: "0.9.0", Data: data},
		{ID: 1<<64 - 1, Source: 1<<64 - 1, TimeMs: 1<<63 - 1, Engine: "", Data: data},
		{ID: 0, TimeMs: -1 << 63, Engine: "1.0.0", Data: data},
	}
	got, err := history.DecodeRow(history.EncodeRow(want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestAnEmptyTurnHasARow(t *testing.T) {
	t.Parallel()
	got, err := history.DecodeRow(history.EncodeRow(nil))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestStoredRowsStayReadable(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "row_v4.hex")
	row := history.EncodeRow(turn())
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(dump(row)), 0o600))
	}
	stored := golden(t, path)
	got, err := history.DecodeRow(stored)
	require.NoError(t, err)
	require.Equal(t, turn(), got)
	require.Equal(t, stored, row, "the writer still writes the same bytes")
}

// An activity with a policy is of a kind of its own: the bytes of one without stay as they were.
func TestAPolicyIsStoredBehindTheActivity(t *testing.T) {
	t.Parallel()
	plain := history.ActivityScheduled{Name: "A", Input: "4", Tag: new("t")}
	with := plain
	with.Policy = `{"maxAttempts":3}`
	row := func(d history.Data) []byte {
		return history.EncodeRow([]history.Event{{ID: 2, TimeMs: 6, Engine: "1.0.0", Data: d}})
	}
	got, err := history.DecodeRow(row(with))
	require.NoError(t, err)
	require.Equal(t, with, got[0].Data)
	require.Equal(t, history.KindActivityWithPolicy, got[0].Kind())
	want := append(bytes.Replace(row(plain), []byte{10}, []byte{14}, 1), 17)
	require.Equal(t, append(want, with.Policy...), row(with))
	require.Equal(t, history.KindActivityScheduled, plain.Kind())
}

// Format 1 knew neither lives nor the numbers of starts, format 2 no rules, format 3 no headers.
func TestStoredRowsOfOlderFormatsStayReadable(t *testing.T) {
	t.Parallel()
	for format, file := range map[int]string{1: "row_v1.hex", 2: "row_v2.hex", 3: "row_v3.hex"} {
		got, err := history.DecodeRow(golden(t, filepath.Join("testdata", file)))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(got), kindsOfFirstFormats)
		want := turn()[:len(got)] // the kinds that there were
		for i, e := range want {
			want[i].Data = asIn(format, e.Data)
		}
		require.Equal(t, want, got, file)
	}
}

// asIn gives what an event was before a later format.
func asIn(format int, data history.Data) history.Data {
	switch d := data.(type) {
	case history.OrchestrationStarted:
		d.Headers = ""
		if format < 3 {
			d.Rules, d.StrictValues = 0, false
		}
		if format < 2 && d.Parent != nil {
			parent := *d.Parent
			parent.Life = history.Life{}
			d.Parent = &parent
		}
		return d
	case history.OrchestrationChained:
		if format < 2 {
			d.Number = 0
		}
		return d
	case history.SubOrchestrationScheduled:
		if format < 2 {
			d.Number = 0
		}
		return d
	default:
		return data
	}
}

func TestWhatHasNoHeadersStaysReadableForReleasesThatKnowNone(t *testing.T) {
	t.Parallel()
	started := history.OrchestrationStarted{Name: "O"}
	require.EqualValues(t, 3, history.EncodeRow([]history.Event{{ID: 1, Data: started}})[0])
	started.Headers = `{"a":"b"}`
	require.EqualValues(t, 4, history.EncodeRow([]history.Event{{ID: 1, Data: started}})[0])
}

func TestRulesOfANewerReleaseAreRefused(t *testing.T) {
	t.Parallel()
	row := history.EncodeRow([]history.Event{
		{ID: 1, Engine: "9.0.0", Data: history.OrchestrationStarted{Rules: history.NewestRules + 1}},
	})
	_, err := history.DecodeRow(row)
	require.ErrorIs(t, err, history.ErrFormat)
	require.ErrorIs(t, err, history.ErrNewer)
	require.EqualError(t, err, fmt.Sprintf(
		"decode history row: unreadable stored format: written by a newer release: rules %d", history.NewestRules+1))
}

func golden(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	stored, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	require.NoError(t, err)
	return stored
}

func dump(row []byte) string {
	var b strings.Builder
	for len(row) > 0 {
		n := min(len(row), 48)
		b.WriteString(hex.EncodeToString(row[:n]) + "\n")
		row = row[n:]
	}
	return b.String()
}

func TestDamagedRowsAreRefused(t *testing.T) {
	t.Parallel()
	row := history.EncodeRow(turn())
	for n := range row {
		_, err := history.DecodeRow(row[:n])
		require.ErrorIs(t, err, history.ErrFormat, "cut to %d bytes", n)
	}
	huge := "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	for name, damaged := range map[string]string{
		"bytes left over":   string(row) + "\x00",
		"other format":      "\x05" + string(row[1:]),
		"huge event count":  "\x01" + huge,
		"huge text":         "\x01\x01" + huge + "padding",
		"oversized number":  "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"unknown kind":      "\x01\x01\x00\x00\x7f\x01\x00\x00",
		"failure missing":   "\x01\x01\x00\x00\x03\x01\x00\x00\x00",
		"failure not JSON":  "\x01\x01\x00\x00\x03\x01\x00\x00\x02{",
		"flag out of range": "\x01\x01\x00\x00\x01\x01\x00\x00\x00\x00\x00\x02\x00\x00",
		"huge carried list": "\x01\x01\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x01" + huge + "\x00",
	} {
		_, err := history.DecodeRow([]byte(damaged))
		require.ErrorIs(t, err, history.ErrFormat, name)
	}
}

func TestRandomTurnsComeBackUnchanged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	data := samples()
	for range 500 {
		events := make([]history.Event, 1+random.IntN(12))
		for i := range events {
			events[i] = history.Event{
				ID: random.Uint64(), Source: random.Uint64() >> random.IntN(64),
				TimeMs: int64(random.Uint64()), Engine: []string{"1.0.0", "0.1.31"}[random.IntN(2)],
				Data: data[random.IntN(len(data))],
			}
		}
		got, err := history.DecodeRow(history.EncodeRow(events))
		require.NoError(t, err)
		require.Equal(t, events, got)
	}
}

// What a newer release has written is not damage: it is left for whoever knows it.
func TestWhatIsNewerIsToldFromDamage(t *testing.T) {
	t.Parallel()
	row := string(history.EncodeRow(turn()))
	for _, newer := range []string{"\x05" + row[1:], "\x1f" + row[1:], "\x01\x01\x00\x00\x7f\x01\x00\x00"} {
		_, err := history.DecodeRow([]byte(newer))
		require.ErrorIs(t, err, history.ErrNewer)
		require.ErrorIs(t, err, history.ErrFormat)
	}
	for _, damaged := range []string{"\x00" + row[1:], "\x20" + row[1:], "\xff" + row[1:], row[:9]} {
		_, err := history.DecodeRow([]byte(damaged))
		require.NotErrorIs(t, err, history.ErrNewer)
		require.ErrorIs(t, err, history.ErrFormat)
	}
}

func FuzzDecodeRow(f *testing.F) {
	f.Add(history.EncodeRow(turn()))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, row []byte) {
		events, err := history.DecodeRow(row)
		if err != nil {
			require.ErrorIs(t, err, history.ErrFormat)
			return
		}
		again, err := history.DecodeRow(history.EncodeRow(events))
		require.NoError(t, err)
		require.Equal(t, events, again)
	})
}

func TestRowsTakeNoMoreMemoryThanTheyHaveBytes(t *testing.T) {
	t.Parallel()
	for _, data := range samples() {
		row := history.EncodeRow([]history.Event{
			{ID: 1, TimeMs: 1 << 40, Engine: "0.1.0", Data: data},
			{ID: 300, Source: 1 << 62, TimeMs: -5, Engine: "0.1.1", Data: data},
		})
		require.Equal(t, len(row), cap(row), "%T", data)
	}
}
