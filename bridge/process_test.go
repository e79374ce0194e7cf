package main

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// farEnd is the host's side of the pipes of a process.
type farEnd struct {
	t       *testing.T
	frames  net.Conn
	calls   net.Conn
	orderly chan bool
	served  *host
}

func serveFarEnd(t *testing.T) *farEnd {
	t.Helper()
	ourFrames, frames := net.Pipe()
	ourCalls, calls := net.Pipe()
	f := &farEnd{t: t, frames: frames, calls: calls, orderly: make(chan bool, 1)}
	opened := make(chan *host, 1)
	start(func() {
		orderly, err := servePipes(ourFrames, ourFrames, 1<<32, func(h *host) {
			opened <- h
			start(func() { _ = serveCalls(h, ourCalls, ourCalls) }, nil)
		})
		if err != nil {
			t.Errorf("serve: %v", err)
		}
		f.orderly <- orderly
	}, nil)
	f.served = <-opened
	t.Cleanup(func() {
		_ = frames.Close()
		_ = calls.Close()
		f.served.close()
		abandoning.Wait()
	})
	return f
}

// send writes a frame of one record after its length.
func (f *farEnd) send(record []byte) {
	f.t.Helper()
	packet := make([]byte, lengthField32+frameHeader, lengthField32+frameHeader+len(record))
	binary.LittleEndian.PutUint32(packet, uint32(frameHeader+len(record)))
	binary.LittleEndian.PutUint32(packet[lengthField32:], 1)
	_, err := f.frames.Write(append(packet, record...))
	require.NoError(f.t, err)
}

// receive reads a frame, asks for the next one, and gives the last record.
func (f *farEnd) receive() *record {
	f.t.Helper()
	_, found := f.read()
	f.ask()
	return found
}

func (f *farEnd) ask() {
	f.t.Helper()
	_, err := f.frames.Write(binary.LittleEndian.AppendUint32(nil, asksForMore))
	require.NoError(f.t, err)
}

// read reads a frame, and gives the number of its records and the last one.
func (f *farEnd) read() (count int, last *record) {
	f.t.Helper()
	var length [lengthField32]byte
	_, err := io.ReadFull(f.frames, length[:])
	require.NoError(f.t, err)
	frame := make([]byte, binary.LittleEndian.Uint32(length[:]))
	_, err = io.ReadFull(f.frames, frame)
	require.NoError(f.t, err)
	require.NoError(f.t, eachRecord(frame, func(r *record) {
		copied := *r
		count, last = count+1, &copied
	}))
	return count, last
}

func echoRequest(t *testing.T, operation uint64, payload string) []byte {
	t.Helper()
	record, err := encodeRecord(kindRequest, 0, operation, nil,
		[]text{some("debug.echo"), some(`{"text":"x"}`), some(payload)})
	require.NoError(t, err)
	return record
}

func TestFramesTravelThroughPipes(t *testing.T) {
	t.Parallel()
	f := serveFarEnd(t)
	for _, payload := range []string{"", "short", strings.Repeat("é", 3<<20)} {
		f.send(echoRequest(t, 7, payload))
		answer := f.receive()
		require.Equal(t, uint64(7), answer.token)
		require.Equal(t, kindSettle, answer.kind)
		require.Contains(t, answer.text(), `"x"`)
		require.Equal(t, payload, answer.text())
	}
}

func TestAHostIsSentLittleUntilItAsksForMoreAndIsLateUntilThen(t *testing.T) {
	t.Parallel()
	f := serveFarEnd(t)
	const records = 3 * mostSent
	f.send(echoRequest(t, 1, "first"))
	_, last := f.read()
	require.Equal(t, uint64(1), last.token)
	for n := range records { // Nobody asks yet, so they all wait.
		record, err := packRecord(kindSettle, 0, uint64(n+2), nil, []text{some(""), some("")})
		require.NoError(t, err)
		require.NoError(t, f.served.queue.push(record, nil))
	}
	require.Eventually(t, f.served.queue.pulse.IsLate, 20*time.Second, time.Millisecond)
	for got := 0; got < records; {
		f.ask()
		count, last := f.read()
		require.LessOrEqual(t, count, mostSent)
		got += count
		require.Equal(t, uint64(got+1), last.token)
	}
	f.ask() // It finds nothing, so that nothing is owed.
	require.Eventually(t, func() bool {
		f.served.queue.mu.Lock()
		defer f.served.queue.mu.Unlock()
		return !f.served.queue.armed && !f.served.queue.pulse.IsLate()
	}, 20*time.Second, time.Millisecond)
}

func TestAPipeThatEndsIsNotAnOrderlyEnd(t *testing.T) {
	t.Parallel()
	f := serveFarEnd(t)
	require.NoError(t, f.frames.Close())
	require.False(t, <-f.orderly)
}

func TestALengthOfZeroIsAnOrderlyEnd(t *testing.T) {
	t.Parallel()
	f := serveFarEnd(t)
	_, err := f.frames.Write(make([]byte, lengthField32))
	require.NoError(t, err)
	require.True(t, <-f.orderly)
	require.Nil(t, hosts.find(f.served.id))
}

func TestSynchronousCallsTravelThroughPipes(t *testing.T) {
	t.Parallel()
	f := serveFarEnd(t)
	rememberFault(strings.Repeat("long ", answerRoom))
	ask := func(operation uint32, wantsText bool) (int64, string) {
		header := make([]byte, callHeader)
		binary.LittleEndian.PutUint32(header[4:], operation)
		if wantsText {
			header[24] = 1
		}
		_, err := f.calls.Write(header)
		require.NoError(t, err)
		answer := make([]byte, answerHeader)
		_, err = io.ReadFull(f.calls, answer)
		require.NoError(t, err)
		words := make([]byte, binary.LittleEndian.Uint32(answer[8:]))
		_, err = io.ReadFull(f.calls, words)
		require.NoError(t, err)
		return int64(binary.LittleEndian.Uint64(answer)), string(words)
	}
	result, words := ask(callFault, true)
	require.Len(t, words, int(result))
	require.True(t, strings.HasPrefix(words, "long long "))
	result, words = ask(callIsCancelled, false)
	require.Equal(t, resultGone, result)
	require.Empty(t, words)
}
