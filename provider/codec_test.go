package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/history"
	"duroxide/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fullMessage() provider.Message {
	text := ""
	return provider.Message{
		Kind: provider.ContinueInstance, Execution: 7, Source: 9, Name: "n", Version: &text,
		Input: "in\x00put", Data: "data", CustomStatus: &text,
		Failure: &history.Failure{Category: history.Application, Message: "m"},
		Parent:  &history.Parent{Instance: "p", Execution: 1, Event: 1 << 60},
		Carried: []history.Carried{{Name: "q", Data: "1"}, {}},
	}
}

func TestAMessageComesBackWithEveryField(t *testing.T) {
	t.Parallel()
	bare := provider.Message{Kind: provider.CancelInstance}
	atOnce := provider.Message{Kind: provider.CancelInstance, Data: "why", Stop: provider.AtOnce}
	inTime := provider.Message{Kind: provider.CancelInstance, Data: "why", Stop: provider.InTime, GraceMs: 1 << 40}
	for _, want := range []provider.Message{fullMessage(), bare, atOnce, inTime} {
		got, err := provider.DecodeMessage(provider.EncodeMessage(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestMessageBytesLeaveOutTheColumns(t *testing.T) {
	t.Parallel()
	m := fullMessage()
	plain := provider.EncodeMessage(m)
	m.ID, m.Instance, m.DueMs, m.Attempts = 1, "i", 2, 3
	require.Equal(t, plain, provider.EncodeMessage(m))
}

func TestATaskComesBackWithoutItsColumns(t *testing.T) {
	t.Parallel()
	tag := "gpu"
	task := provider.Task{
		ID: 1, Instance: "i", Execution: 2, Event: 3, Session: &tag, Tag: &tag,
		Name: "a", Input: "in", Orchestration: "o", Version: "1.0.0",
	}
	got, err := provider.DecodeTask(provider.EncodeTask(task))
	require.NoError(t, err)
	require.Equal(t, provider.Task{Name: "a", Input: "in", Orchestration: "o", Version: "1.0.0"}, got)
}

func TestDamagedBytesAreCorrupt(t *testing.T) {
	t.Parallel()
	message := provider.EncodeMessage(fullMessage())
	task := provider.EncodeTask(provider.Task{Name: "a", Input: "in"})
	for n := range message {
		_, err := provider.DecodeMessage(message[:n])
		require.ErrorIs(t, err, provider.ErrCorrupt)
	}
	for n := range task {
		_, err := provider.DecodeTask(task[:n])
		require.ErrorIs(t, err, provider.ErrCorrupt)
	}
	_, err := provider.DecodeMessage(append(message, 0))
	require.ErrorIs(t, err, history.ErrFormat)
	_, err = provider.DecodeTask(append(task, 0))
	require.ErrorIs(t, err, provider.ErrCorrupt)
	unknown := provider.EncodeMessage(provider.Message{Kind: 99})
	_, err = provider.DecodeMessage(unknown)
	require.ErrorIs(t, err, provider.ErrNewer)
	require.NotErrorIs(t, err, provider.ErrCorrupt)
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add(provider.EncodeMessage(fullMessage()))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := provider.DecodeMessage(data)
		if err != nil {
			require.ErrorIs(t, err, history.ErrFormat)
			return
		}
		again, err := provider.DecodeMessage(provider.EncodeMessage(m))
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
