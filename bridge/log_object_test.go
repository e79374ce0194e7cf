package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
)

// objectOf gives a host with a logger object of runtime 7, and what puts the records of a store there.
func objectOf(t *testing.T, sinks *storeSinks, level string) (h *host, detach func()) {
	t.Helper()
	h = openHost(func() {})
	t.Cleanup(func() { h.close() })
	detach = h.attachLog(t.Context(), sinks, 7,
		&logOptions{Object: true, Level: level, ServiceName: "shop"})
	return h, detach
}

// logged takes the log records that wait for a host: level, target, message and fields of each.
func logged(t *testing.T, h *host) (records [][4]string) {
	t.Helper()
	frame := make([]byte, 1<<16)
	n := h.exchange(nil, frame, 64)
	require.GreaterOrEqual(t, n, int64(0))
	require.NoError(t, eachRecord(frame[:n], func(r *record) {
		require.Equal(t, kindLog, r.kind)
		require.EqualValues(t, 7, r.int())
		level := [...]string{"debug", "info", "warn", "error", "trace"}[r.int()]
		records = append(records, [4]string{level, r.text(), r.text(), r.text()})
		require.NoError(t, r.err)
	}))
	return records
}

func TestALoggerObjectGetsTheRecordsOfItsStore(t *testing.T) {
	t.Parallel()
	sinks := &storeSinks{}
	h, detach := objectOf(t, sinks, "info")
	log := slog.New(logHandler{sinks: sinks}).With(slog.String(targetKey, "duroxide::runtime::x"))
	log.Info("routine")
	log.Warn("trouble", slog.Int("attempt", 3), slog.Any("error", engine.ErrHostGone), slog.Bool("ok", false))
	require.Equal(t, [][4]string{{
		"warn", "duroxide::runtime::x", "trouble",
		`{"attempt":3,"error":"the host of user code is gone","ok":false,"service_name":"shop"}`,
	}}, logged(t, h))
	detach()
	detach()
	log.Info("nobody listens")
	require.Empty(t, logged(t, h))
}

func TestStoresDoNotShareTheirLoggerObjects(t *testing.T) {
	t.Parallel()
	left, right := &storeSinks{}, &storeSinks{}
	a, _ := objectOf(t, left, "warn")
	b, _ := objectOf(t, right, "error")
	slog.New(logHandler{sinks: left}).Warn("left")
	slog.New(logHandler{sinks: right}).Warn("not shown")
	slog.New(logHandler{sinks: right}).Error("right")
	require.Len(t, logged(t, a), 1)
	require.Len(t, logged(t, b), 1)
}

func TestTracesOfARuntimeWithALoggerObjectGoThere(t *testing.T) {
	t.Parallel()
	h, _ := objectOf(t, &storeSinks{}, "debug")
	token := debugTokens.take()
	invocations.put(token, &invocation{host: h, runtime: 7, replaySteps: 1, of: engine.Invocation{
		Instance: "i", Execution: 2, Name: "order", Version: "1.0.0",
	}})
	t.Cleanup(func() { invocations.remove(token) })
	h.trace(token, 0*4+1, "replayed")
	h.trace(token, 1*4+0, "new")
	require.Equal(t, [][4]string{{
		"debug", targetOrchestration, "new",
		`{"execution_id":"2","instance_id":"i","orchestration_name":"order",` +
			`"orchestration_version":"1.0.0","service_name":"shop"}`,
	}}, logged(t, h))
}

func TestColoursAreUsedOnlyWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	require.NotContains(t, string((&sink{}).compactLine(sample)), "\x1b")
	require.Contains(t, string((&sink{colors: true}).compactLine(sample)), "\x1b[33m WARN\x1b[0m")
}
