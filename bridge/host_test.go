package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/replay"
	"duroxide/logging"
)

// script plays the JavaScript side of a host: it polls when it is woken and answers what it finds. It
// has no words, so that whatever it fetches has begun.
type script struct {
	host   *host
	woken  chan struct{}
	answer func(r *record) []byte
	frame  []byte
	done   chan struct{}
	stop   chan struct{}
}

func newScript(t *testing.T, answer func(r *record) []byte) *script {
	t.Helper()
	s := &script{
		woken: make(chan struct{}, 1), answer: answer, frame: make([]byte, 1<<16),
		done: make(chan struct{}), stop: make(chan struct{}),
	}
	s.host = openHost(func() { s.woken <- struct{}{} }, nil)
	go s.poll()
	t.Cleanup(func() {
		close(s.stop)
		<-s.done
		s.host.close()
	})
	return s
}

func (s *script) poll() {
	defer close(s.done)
	for {
		select {
		case <-s.stop:
			return
		case <-s.woken:
		}
		for n := s.host.exchange(nil, s.frame, 32); n != 0; n = s.host.exchange(nil, s.frame, 32) {
			if n < 0 {
				s.frame = make([]byte, -n)
				continue
			}
			_ = eachRecord(s.frame[:n], func(r *record) {
				if b := s.answer(r); b != nil {
					s.host.exchange(frameOf(b), nil, 0)
				}
			})
		}
	}
}

func returned(token uint64, output string) []byte {
	b, err := encodeRecord(kindRunAnswer, 0, token, []uint32{outcomeReturned, 0}, []text{some(output)})
	if err != nil {
		panic(err)
	}
	return b
}

func did(token uint64, value string) []byte {
	b, err := encodeRecord(kindActivityAnswer, flagOK, token, []uint32{7}, []text{some(value)})
	if err != nil {
		panic(err)
	}
	return b
}

func TestARunBlocksUntilItsOwnAnswer(t *testing.T) {
	t.Parallel()
	s := newScript(t, func(r *record) []byte {
		if r.kind != kindRun {
			return nil
		}
		return returned(r.token, "done")
	})
	h := &runtimeHost{s.host, 1, &logging.Log{}}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			answer, err := h.Run(t.Context(), engine.RunRequest{
				Invocation: engine.Invocation{Token: debugTokens.take()}, Resident: 1,
				Deliveries: []replay.Delivery{{Token: 1, OK: true, Value: strings.Repeat("x", 10_000)}},
			})
			require.NoError(t, err)
			require.Equal(t, "done", answer.Output)
		})
	}
	wg.Wait()
	require.Empty(t, s.host.calls)
}

func TestAWaiterFailsWhenItsHostEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	s := newScript(t, func(*record) []byte {
		close(asked)
		return nil
	})
	token := debugTokens.take()
	result := make(chan error, 1)
	go func() {
		_, err := (&runtimeHost{s.host, 1, &logging.Log{}}).Run(context.Background(),
			engine.RunRequest{Invocation: engine.Invocation{Token: token}, Resident: 1})
		result <- err
	}()
	<-asked
	require.Equal(t, 1, s.host.close())
	require.ErrorIs(t, <-result, engine.ErrHostGone)
	require.Equal(t, 0, s.host.close(), "closing twice")
	require.Nil(t, hosts.find(s.host.id))
	require.Nil(t, invocations.find(s.host, token))

	_, err := (&runtimeHost{s.host, 1, &logging.Log{}}).Run(t.Context(),
		engine.RunRequest{Invocation: engine.Invocation{Token: token}, Resident: 1})
	require.ErrorIs(t, err, engine.ErrHostGone)
}

func TestALateAnswerIsDropped(t *testing.T) {
	t.Parallel()
	asked := make(chan uint64, 1)
	s := newScript(t, func(r *record) []byte {
		asked <- r.token
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := (&runtimeHost{s.host, 1, &logging.Log{}}).Activity(ctx, engine.ActivityCall{
			Invocation: engine.Invocation{Token: debugTokens.take()},
		})
		result <- err
	}()
	token := <-asked
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	require.NotNil(t, invocations.find(s.host, token), "the function still runs")
	require.Zero(t, s.host.exchange(frameOf(did(token, "late")), nil, 0))
	require.Nil(t, invocations.find(s.host, token))
	require.Zero(t, s.host.exchange(frameOf(did(token, "later"), did(1<<50, "unknown")), nil, 0))
}

func TestCancellationIsSeenByCodeThatAsksAndByCodeThatListens(t *testing.T) {
	t.Parallel()
	asked, told := make(chan uint64, 1), make(chan string, 1)
	s := newScript(t, func(r *record) []byte {
		if r.kind == kindCancel {
			told <- r.text()
			return did(r.token, "ended")
		}
		asked <- r.token
		return nil
	})
	h := &runtimeHost{s.host, 1, &logging.Log{}}
	result := make(chan error, 1)
	go func() {
		_, err := h.Activity(t.Context(), engine.ActivityCall{
			Invocation: engine.Invocation{Token: debugTokens.take()},
		})
		result <- err
	}()
	token := <-asked
	require.Zero(t, s.host.isCancelled(token))
	other := openHost(func() {}, nil)
	t.Cleanup(func() { other.close() })
	require.Equal(t, resultGone, other.isCancelled(token), "a stranger's token")
	h.CancelActivity(token, "why")
	require.Equal(t, "why", <-told)
	require.NoError(t, <-result)
	require.Equal(t, resultGone, s.host.isCancelled(token), "it has ended")
}

func TestRecordsArriveInOrderAndWakeOnce(t *testing.T) {
	t.Parallel()
	wakes := 0
	q := queue{wake: func() { wakes++ }, pulse: engine.NewPulse(engine.RealClock{})}
	for i := range 5000 {
		b, err := encodeRecord(9, 0, uint64(i), nil, nil)
		require.NoError(t, err)
		require.NoError(t, q.push(packed{bytes: b, size: len(b)}, nil))
	}
	require.Equal(t, 1, wakes)
	frame := make([]byte, 1<<12)
	next := uint64(0)
	for n := q.take(frame, 32); n > 0; n = q.take(frame, 32) {
		for _, r := range readAll(t, frame[:n]) {
			require.Equal(t, next, r.token)
			next++
		}
	}
	require.Equal(t, uint64(5000), next)
	require.NoError(t, q.push(packed{bytes: make([]byte, recordHeader), size: recordHeader}, nil))
	require.Equal(t, 2, wakes, "an empty take arms the wake again")
	q.close()
	require.ErrorIs(t, q.push(packed{}, nil), engine.ErrHostGone)
	require.Equal(t, 2, wakes)
}

func TestARecordThatDoesNotFitNamesTheCapacityItNeeds(t *testing.T) {
	t.Parallel()
	q := queue{wake: func() {}, pulse: engine.NewPulse(engine.RealClock{})}
	b, err := encodeRecord(1, 0, 1, nil, []text{some(strings.Repeat("x", 1000))})
	require.NoError(t, err)
	require.NoError(t, q.push(packed{bytes: b, size: len(b)}, nil))
	need := q.take(make([]byte, 64), 32)
	require.Equal(t, -int64(frameHeader+len(b)), need)
	require.Equal(t, need, q.take(make([]byte, -need-1), 32), "one byte below")
	require.Equal(t, -need, q.take(make([]byte, -need), 32), "exactly")
}

func request1(t *testing.T, name, arguments string, payload *string) []byte {
	t.Helper()
	b, err := encodeRecord(kindRequest, 0, 1, nil,
		[]text{some(name), some(arguments), optional(payload)})
	require.NoError(t, err)
	return frameOf(b)
}

// settled sends one request and gives its settlement: code and text of a failure, or the payload.
func settled(t *testing.T, name, arguments string, payload *string) (code, value string) {
	t.Helper()
	type settlement struct{ code, value string }
	got := make(chan settlement, 1)
	s := newScript(t, func(r *record) []byte {
		if r.flags&flagOK != 0 {
			r.text()
			got <- settlement{"", emptyIfNil(r.optionalText())}
		} else {
			got <- settlement{r.text(), r.text()}
		}
		return nil
	})
	require.Zero(t, s.host.exchange(request1(t, name, arguments, payload), nil, 0))
	select {
	case r := <-got:
		return r.code, r.value
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no settlement of "+name)
		return "", ""
	}
}

func TestEveryRequestIsSettledOnce(t *testing.T) {
	t.Parallel()
	payload := "payload\x00"
	code, value := settled(t, "debug.echo", `{"text":""}`, &payload)
	require.Equal(t, []string{"", payload}, []string{code, value})

	code, value = settled(t, "no.such", `{}`, nil)
	require.Equal(t, []string{"UNKNOWN_REQUEST", `"no.such": unknown request`}, []string{code, value})

	code, value = settled(t, "client.status", `{"store":1,"inst":"x"}`, nil)
	require.Equal(t, "INVALID_INPUT", code)
	require.Contains(t, value, "inst")

	code, _ = settled(t, "client.status", `{"store":99,"instance":"x"}`, nil)
	require.Equal(t, "CLOSED", code)
}

func TestAPanicInAGoroutineBecomesAnErrorWithItsStack(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	start(func() { panic("boom") }, func(err error) { failed <- err })
	coded := codeError(<-failed)
	require.Equal(t, "INTERNAL", coded.code)
	require.Equal(t, "panic in the engine: boom", coded.message)
	require.Contains(t, coded.details, "goroutine")
}

func TestAPanicInAnExportBecomesAFault(t *testing.T) {
	t.Parallel()
	var nothing *store
	require.Equal(t, resultFault, guard(func() int64 {
		nothing.engine = nil
		return 0
	}))
	require.NotNil(t, lastFault.Load())
}

func TestABrokenFrameIsAFault(t *testing.T) {
	t.Parallel()
	h := openHost(func() {}, nil)
	t.Cleanup(func() { h.close() })
	require.Equal(t, resultFault, h.exchange([]byte{1, 2, 3}, nil, 0))
}
