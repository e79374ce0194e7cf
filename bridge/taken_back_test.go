package main

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/logging"
)

// thread plays a JavaScript thread that fetches and begins records only when the test wants it.
type thread struct {
	t     *testing.T
	host  *host
	h     *runtimeHost
	words []int32
	woken chan struct{}
	frame []byte
	clock *enginetest.Clock
}

func newThread(t *testing.T, count int) *thread {
	t.Helper()
	th := &thread{
		t: t, words: make([]int32, count), woken: make(chan struct{}, 1), frame: make([]byte, 1<<16),
		clock: enginetest.NewClock(),
	}
	th.host = openHost(func() { th.woken <- struct{}{} }, th.words)
	th.host.queue.pulse = engine.NewPulse(th.clock)
	th.h = &runtimeHost{th.host, 1, &logging.Log{}}
	t.Cleanup(func() { th.host.close() })
	return th
}

// outcome is what became of a call.
type outcome struct {
	output string
	err    error
}

func (th *thread) run() <-chan outcome {
	over := make(chan outcome, 1)
	go func() {
		a, err := th.h.Run(context.Background(), engine.RunRequest{
			Invocation: engine.Invocation{Token: debugTokens.take(), Instance: "i", Name: "orchestration"}, Resident: 1,
		})
		over <- outcome{a.Output, err}
	}()
	return over
}

func (th *thread) activity() <-chan outcome {
	over := make(chan outcome, 1)
	go func() {
		r, err := th.h.Activity(context.Background(), engine.ActivityCall{
			Invocation: engine.Invocation{Token: debugTokens.take(), Instance: "i", Name: "orchestration"},
			Activity:   "activity",
		})
		over <- outcome{r.Value, err}
	}()
	return over
}

// fetched is a record as the thread has it.
type fetched struct {
	token uint64
	word  uint32
}

// fetch gives the next record, which must ask for user code.
func (th *thread) fetch() (f fetched) {
	th.t.Helper()
	for {
		if size := th.host.exchange(nil, th.frame, 1); size > 0 {
			_ = eachRecord(th.frame[:size], func(r *record) {
				r.int()
				f = fetched{r.token, r.int()}
			})
			return f
		}
		<-th.woken
	}
}

// begin is what lib/words.js does.
func (th *thread) begin(f fetched) bool {
	mark := markOf(f.token)
	atomic.StoreInt32(&th.words[wordOfThread], mark|wordBegun)
	return f.word == noWord ||
		atomic.CompareAndSwapInt32(&th.words[f.word], mark|wordWaiting, mark|wordBegun)
}

func (th *thread) pause() { atomic.StoreInt32(&th.words[wordOfThread], 0) }

// late makes the thread one that has been silent for long.
func (th *thread) late() {
	th.t.Helper()
	th.clock.Advance(time.Second)
	require.True(th.t, th.host.queue.pulse.IsLate())
}

func TestWhatWasNotBegunIsTakenBackWhereverItIs(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	waits := []<-chan outcome{th.run()}
	first := th.fetch() // on the thread
	waits = append(waits, th.activity())
	second := th.fetch()
	waits = append(waits, th.run(), th.activity()) // in the queue
	require.Eventually(t, func() bool {
		th.host.queue.mu.Lock()
		defer th.host.queue.mu.Unlock()
		return len(th.host.queue.records) == 2
	}, 20*time.Second, time.Millisecond)
	th.late()
	th.h.TakeBack()
	for _, w := range waits {
		require.ErrorIs(t, (<-w).err, engine.ErrTakenBack)
	}
	require.ErrorIs(t, (<-th.run()).err, engine.ErrTakenBack, "until there is a sign of life")
	require.False(t, th.begin(first))
	require.False(t, th.begin(second))
	require.Zero(t, th.host.exchange(nil, th.frame, 32), "what was in the queue is never handed out")
	require.Empty(t, th.host.calls)

	over := th.run()
	f := th.fetch()
	require.True(t, th.begin(f), "the thread has given a sign of life")
	th.host.exchange(frameOf(returned(f.token, "done")), nil, 0)
	require.Equal(t, outcome{"done", nil}, <-over)
}

func TestWhatHasBegunIsNotTakenBack(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	activity := th.activity()
	a := th.fetch()
	require.True(t, th.begin(a))
	th.pause() // It waits for something.
	run := th.run()
	r := th.fetch()
	require.True(t, th.begin(r))
	th.late()
	th.h.TakeBack()
	th.host.exchange(frameOf(did(a.token, "done"), returned(r.token, "done")), nil, 0)
	require.Equal(t, outcome{"done", nil}, <-activity)
	require.Equal(t, outcome{"done", nil}, <-run)
}

func TestARunThatHasEndedUnheardIsGivenUp(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	run := th.run()
	r := th.fetch()
	require.True(t, th.begin(r))
	th.pause() // It has ended; its answer waits in the thread's frame.
	th.late()
	th.h.TakeBack()
	require.ErrorIs(t, (<-run).err, engine.ErrUnheard)
	th.host.exchange(frameOf(returned(r.token, "late")), nil, 0)
}

func TestACancelledActivityThatHasNotBegunNeverDoes(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	var unwanted atomic.Bool
	call := func() (token uint64, over <-chan error) {
		token = debugTokens.take()
		done := make(chan error, 1)
		go func() {
			_, err := th.h.Activity(context.Background(), engine.ActivityCall{
				Invocation: engine.Invocation{Token: token}, Activity: "activity", Unwanted: &unwanted,
			})
			done <- err
		}()
		return token, done
	}
	begun, overBegun := call()
	require.True(t, th.begin(th.fetch()))
	fetchedToken, overFetched := call()
	f := th.fetch()
	queued, overQueued := call()
	require.Eventually(t, func() bool {
		th.host.queue.mu.Lock()
		defer th.host.queue.mu.Unlock()
		return len(th.host.queue.records) == 1
	}, 20*time.Second, time.Millisecond)

	unwanted.Store(true)
	for _, token := range []uint64{begun, fetchedToken, queued} {
		th.h.CancelActivity(token, "why")
	}
	require.ErrorIs(t, <-overFetched, engine.ErrTakenBack)
	require.ErrorIs(t, <-overQueued, engine.ErrTakenBack)
	_, overLate := call()
	require.ErrorIs(t, <-overLate, engine.ErrTakenBack, "it was cancelled on its way to the queue")

	require.False(t, th.begin(f))
	size := th.host.exchange(nil, th.frame, 32)
	require.Positive(t, size)
	records := readAll(t, th.frame[:size])
	require.Len(t, records, 1, "what was taken back is not handed out")
	require.Equal(t, kindCancel, records[0].kind)
	require.Equal(t, begun, records[0].token)
	th.host.exchange(frameOf(did(begun, "done")), nil, 0)
	require.NoError(t, <-overBegun)
}

func TestOneOfBothDecidesWhetherARecordBegins(t *testing.T) {
	t.Parallel()
	th := newThread(t, 8)
	var begun, takenBack int
	for i := range 200 {
		over := th.activity()
		f := th.fetch()
		start, mine := make(chan struct{}), make(chan bool, 1)
		go func() {
			<-start
			mine <- th.begin(f)
		}()
		th.host.mu.Lock()
		c := th.host.calls[f.token]
		th.host.mu.Unlock()
		close(start)
		for range i % 4 {
			runtime.Gosched()
		}
		th.host.queue.mu.Lock()
		err := th.host.queue.takeBack(c)
		th.host.queue.mu.Unlock()
		if <-mine {
			begun++
			require.NoError(t, err, "both have it")
		} else {
			takenBack++
			require.ErrorIs(t, err, engine.ErrTakenBack, "nobody has it")
		}
		th.host.exchange(frameOf(did(f.token, "done")), nil, 0)
		<-over
	}
	t.Logf("begun %d, taken back %d", begun, takenBack)
}

func TestWordsAreUsedAgainWithoutBeingMistaken(t *testing.T) {
	t.Parallel()
	w := words{memory: make([]int32, 4)}
	first := w.hand(1)
	require.NotEqual(t, noWord, first)
	for token := uint64(2); token <= 3; token++ {
		require.NotEqual(t, noWord, w.hand(token))
	}
	require.Equal(t, noWord, w.hand(4), "all three wait")
	require.False(t, w.takeBack(noWord, 4), "a record without a word has begun")
	require.True(t, w.hasBegun(noWord, 4))

	require.False(t, w.hasBegun(first, 1))
	require.True(t, w.takeBack(first, 1))
	require.False(t, w.takeBack(first, 1))
	require.Equal(t, first, w.hand(5), "what was taken back waits no more")
	require.False(t, w.takeBack(first, 1), "the word is another record's")
	require.True(t, w.hasBegun(first, 1))
	require.False(t, w.hasBegun(first, 5))
	require.False(t, atomic.CompareAndSwapInt32(
		&w.memory[first], markOf(1)|wordWaiting, markOf(1)|wordBegun), "the host sees that too")

	var none words
	require.Equal(t, noWord, none.hand(1))
	require.False(t, none.holds(1))
}

func TestRunningIsWhatHoldsTheThread(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	names := func() (names []string, certain bool) {
		running, certain := th.h.Running()
		for _, r := range running {
			names = append(names, r.Activity+"/"+r.Invocation.Name)
		}
		return names, certain
	}
	activity := th.activity()
	a := th.fetch()
	run := th.run()
	r := th.fetch()
	running, certain := names()
	require.Empty(t, running, "nothing has begun")
	require.False(t, certain)

	require.True(t, th.begin(a))
	running, certain = names()
	require.Equal(t, []string{"activity/orchestration"}, running)
	require.True(t, certain)

	th.pause()
	running, certain = names()
	require.Equal(t, []string{"activity/orchestration"}, running)
	require.False(t, certain, "it may be something else")

	require.True(t, th.begin(r))
	running, certain = names()
	require.Equal(t, []string{"/orchestration"}, running)
	require.True(t, certain)

	th.pause()
	th.host.exchange(frameOf(did(a.token, "done"), returned(r.token, "done")), nil, 0)
	<-activity
	<-run
	running, _ = names()
	require.Empty(t, running)
}

func TestAHostThatHasEndedTouchesNoWords(t *testing.T) {
	t.Parallel()
	th := newThread(t, 64)
	over := th.activity()
	f := th.fetch()
	th.late()
	before := th.words[f.word]
	th.host.close()
	th.h.TakeBack()
	require.ErrorIs(t, (<-over).err, engine.ErrHostGone)
	require.Equal(t, before, th.words[f.word])
	running, certain := th.h.Running()
	require.Empty(t, running)
	require.False(t, certain)
}
