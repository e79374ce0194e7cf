package main

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/logging"
)

// objectOf gives a host with the log of runtime 7, which brought a logger object.
func objectOf(t *testing.T, level string) (*host, *logging.Log) {
	t.Helper()
	h := openHost(func() {}, nil)
	t.Cleanup(func() { h.close() })
	own := h.newRuntimeLog(7, &logging.Options{Logger: 1, Level: level, ServiceName: "shop"})
	return h, own
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

func TestALoggerObjectGetsTheRecordsOfItsRuntimeOnly(t *testing.T) {
	t.Parallel()
	h, own := objectOf(t, "info")
	other, others := objectOf(t, "info")
	log := logging.To(own).With(slog.String(logging.TargetKey, "duroxide::runtime::x"))
	log.Info("routine")
	log.Warn("trouble", slog.Int("attempt", 3), slog.Any("error", engine.ErrHostGone), slog.Bool("ok", false))
	logging.To(others).Warn("of the other one")
	require.Equal(t, [][4]string{{
		"warn", "duroxide::runtime::x", "trouble",
		`{"attempt":3,"error":"the host of user code is gone","ok":false,"service_name":"shop"}`,
	}}, logged(t, h))
	require.Len(t, logged(t, other), 1)
}

func TestWhatIsSaidOfARuntimeGoesToItsLog(t *testing.T) {
	t.Parallel()
	h, own := objectOf(t, "info")
	(&runtimeHost{h, 7, own}).post("drop a generator", packed{}, errTooLarge)
	require.Len(t, logged(t, h), 1)
}

func TestLoggerObjectsOfRuntimesGetTheRecordsOfTheirStore(t *testing.T) {
	t.Parallel()
	store := &logging.Shared{}
	a, own := objectOf(t, "warn")
	b, others := objectOf(t, "error")
	detach := store.Add(own)
	store.Add(others)
	logging.To(store).Warn("a warning")
	logging.To(store).Error("an error")
	require.Len(t, logged(t, a), 2)
	require.Len(t, logged(t, b), 1)
	detach()
	detach()
	logging.To(store).Error("another one")
	require.Empty(t, logged(t, a))
	require.Len(t, logged(t, b), 1)
}

func TestARecordOfAStoreReachesALoggerObjectOnce(t *testing.T) {
	t.Parallel()
	store := &logging.Shared{}
	h, first := objectOf(t, "error")
	second := h.newRuntimeLog(7, &logging.Options{Logger: 1, Level: "warn"})
	third := h.newRuntimeLog(7, &logging.Options{Logger: 1, Level: "warn"})
	for _, log := range []*logging.Log{first, second, third} {
		store.Add(log)
	}
	logging.To(store).Warn("shown to the second")
	logging.To(store).Error("shown to the first")
	records := logged(t, h)
	require.Len(t, records, 2)
	require.Equal(t, "shown to the second", records[0][2])
	require.Equal(t, "shown to the first", records[1][2])
}

func TestTracesOfARuntimeWithALoggerObjectGoThere(t *testing.T) {
	t.Parallel()
	h, own := objectOf(t, "debug")
	token := debugTokens.take()
	invocations.put(token, &invocation{host: h, log: own, replaySteps: 1, of: engine.Invocation{
		Instance: "i", Execution: 2, Name: "order", Version: "1.0.0",
	}})
	t.Cleanup(func() { invocations.remove(token) })
	h.trace(token, 0*4+1, "replayed", nil)
	h.trace(token, 1*4+0, "new", nil)
	said := `{"message":"with fields","fields":{"order_id":7,"price":1.5,"paid":true,"instance_id":"forged"}}`
	require.EqualValues(t, 1, h.traced(token, 1*4+1, said))
	ours := `{"execution_id":2,"instance_id":"i","orchestration_name":"order","orchestration_version":"1.0.0",`
	require.Equal(t, [][4]string{
		{"debug", logging.TargetOrchestration, "new", ours + `"service_name":"shop"}`},
		{
			"info", logging.TargetOrchestration, "with fields",
			ours + `"order_id":7,"paid":true,"price":1.5,"service_name":"shop"}`,
		},
	}, logged(t, h))
}
