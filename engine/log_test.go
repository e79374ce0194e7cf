package engine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/memory"
)

// recorded runs write with a log at debug level and gives the one record that came of it.
func recorded(t *testing.T, write func(engine.Records)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	write(engine.NewRecords(logger))
	var record map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &record), out.String())
	return record
}

var invocation = engine.Invocation{
	Token: 9, Instance: "i-1", Execution: 2, Name: "order", Version: "1.0.0",
}

func TestFailuresAreLoggedAtTheLevelOfTheirCategory(t *testing.T) {
	t.Parallel()
	for category, level := range map[history.Category]string{
		history.Application:    "WARN",
		history.Configuration:  "ERROR",
		history.Infrastructure: "ERROR",
		history.Poison:         "ERROR",
	} {
		t.Run(string(category), func(t *testing.T) {
			t.Parallel()
			f := history.Failure{Category: category, Message: "boom"}
			record := recorded(t, func(r engine.Records) { r.OrchestrationFailed(invocation, 7, f) })
			require.Equal(t, level, record["level"])
			require.Equal(t, "duroxide::runtime", record["target"])
			require.Equal(t, "i-1", record["instance_id"])
			require.InDelta(t, 2, record["execution_id"], 0)
			require.Equal(t, "order", record["orchestration_name"])
			require.Equal(t, "1.0.0", record["orchestration_version"])
			require.InDelta(t, 7, record["history_events"], 0)
			require.Equal(t, string(category), record["error_type"])
			require.Equal(t, f.Display(), record["error"])
		})
	}
}

func TestAFailedActivityIsLoggedWithItsIdentity(t *testing.T) {
	t.Parallel()
	call := engine.ActivityCall{
		Invocation: invocation, Activity: "charge", ID: 5, WorkerID: "w", Tag: new("gpu"), Attempt: 3,
	}
	record := recorded(t, func(r engine.Records) {
		r.ActivityFailed(call, history.Failure{Category: history.Application, Message: "boom"})
	})
	require.Equal(t, "WARN", record["level"])
	require.Equal(t, "charge", record["activity_name"])
	require.InDelta(t, 5, record["activity_id"], 0)
	require.Equal(t, "gpu", record["activity_tag"])
	require.Equal(t, "w", record["worker_id"])
	require.InDelta(t, 3, record["attempt_count"], 0)
	require.InDelta(t, 1000, record["duration_ms"], 0)
}

func TestWorkWithoutCodeIsLoggedWithItsName(t *testing.T) {
	t.Parallel()
	record := recorded(t, func(r engine.Records) {
		r.Unserved(provider.Unserved{Lane: provider.TurnLane("order", "", 0), Instance: "i"}, time.Minute)
	})
	require.Equal(t, "WARN", record["level"])
	require.Equal(t, "i", record["instance_id"])
	require.Equal(t, "order", record["name"])
	require.Equal(t, "latest", record["version"])
	require.InDelta(t, 60, record["waiting_secs"], 0)

	record = recorded(t, func(r engine.Records) {
		r.Unserved(provider.Unserved{Lane: provider.TurnLane("order", "2.0.0", 0), Instance: "i"}, 0)
	})
	require.Equal(t, "2.0.0", record["version"])
}

func TestTheStartIsLoggedWithTheService(t *testing.T) {
	t.Parallel()
	record := recorded(t, func(r engine.Records) {
		require.NoError(t, r.RuntimeStarted(engine.RuntimeOptions{ServiceName: "shop", ServiceVersion: "7"}))
	})
	require.Equal(t, "INFO", record["level"])
	require.Equal(t, "shop", record["service_name"])
	require.Equal(t, "7", record["service_version"])
	require.Equal(t, "1.2.3", record["engine_version"])
}

func TestWithoutALoggerNothingIsWritten(t *testing.T) {
	t.Parallel()
	require.NotPanics(t, func() {
		engine.NewRecords(nil).OrchestrationFailed(invocation, 1, history.Failure{})
	})
}

func TestARuntimeWritesToItsOwnLog(t *testing.T) {
	t.Parallel()
	var mine, theirs bytes.Buffer
	logTo := func(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
	h := enginetest.NewHost()
	h.Orchestration("fails", func(*enginetest.Code, string) (any, error) { return nil, errors.New("on purpose") })
	e := engine.New(memory.New(memory.Options{}), engine.Options{Log: logTo(&theirs)})
	_, err := e.StartRuntime(t.Context(), engine.RuntimeOptions{Log: logTo(&mine)}, h.Registry(), h)
	require.NoError(t, err)
	require.NoError(t, e.Client().Start(t.Context(), engine.StartRequest{Instance: "a", Name: "fails", Input: "null"}))
	_, err = e.Client().Wait(t.Context(), "a", patience)
	require.NoError(t, err)
	require.NoError(t, e.Close(t.Context()))
	for _, text := range []string{"runtime stopped", "instance_id=a"} {
		require.Contains(t, mine.String(), text)
	}
	require.Empty(t, theirs.String())
}
