package main

import (
	"encoding/binary"
	"sync"

	"duroxide/engine"
)

// queue holds the records that wait for one host, in order.
//
//   - Q1 wake is called under the mutex, and close takes it: after close, nobody is inside wake.
//   - Q2 armed means that the host was woken and has not yet found the queue empty. It is cleared
//     only under the mutex, by a take that found nothing: no record can be missed.
//   - Q3 The host owes an exchange as long as armed is set; pulse knows.
type queue struct {
	wake  func()
	pulse *engine.Pulse

	mu      sync.Mutex
	records []queued
	head    int
	armed   bool
	closed  bool
	words   words
	// refused are the runtimes whose calls were taken back, and after how many signs of life: they
	// get no further calls until the next one.
	refused map[uint32]uint64
}

// queued is a record that waits to be fetched. call is what it asks for, if somebody waits for that.
type queued struct {
	record packed
	call   *call
}

// call is one run or one activity that was asked for.
type call struct {
	runtime uint32
	token   uint64
	isRun   bool
	// unwanted reports whether an activity was cancelled on its way here; nil for runs.
	unwanted func() bool
	answer   chan reply
	// Guarded by queue.mu:
	fetched bool
	word    int
	// takenBack keeps the record from being fetched.
	takenBack bool
}

// mostTaken bounds the records of one frame.
const mostTaken = 64

// push appends a record and wakes the host if it sleeps. A record that asks for user code is refused
// while those of its runtime are taken back, or if it was cancelled before it came here.
func (q *queue) push(record packed, c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return engine.ErrHostGone
	}
	if c != nil && (q.refuses(c.runtime) || c.unwanted != nil && c.unwanted()) {
		return engine.ErrTakenBack
	}
	q.records = append(q.records, queued{record, c})
	if !q.armed {
		q.armed = true
		q.pulse.Owe()
		q.wake()
	}
	return nil
}

func (q *queue) refuses(runtime uint32) bool {
	signs, found := q.refused[runtime]
	if found && signs != q.pulse.Signs() {
		delete(q.refused, runtime)
		return false
	}
	return found
}

// take writes a frame of at most the given number of records and gives its length: zero if nothing
// waits, or the negated capacity that the first record needs.
func (q *queue) take(frame []byte, most int) int64 {
	var taken [mostTaken]packed
	n, need := q.detach(&taken, len(frame)-frameHeader, min(most, mostTaken))
	if n == 0 {
		return -need
	}
	binary.LittleEndian.PutUint32(frame, count32(n))
	binary.LittleEndian.PutUint32(frame[4:], 0)
	at := frameHeader
	for i := range taken[:n] {
		at += taken[i].copyTo(frame[at:])
	}
	return int64(at)
}

// detach takes records that fit into the room. If not even the first does, it gives the capacity
// that it needs; copying happens outside the mutex.
func (q *queue) detach(taken *[mostTaken]packed, room, most int) (n int, need int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n < most && q.head < len(q.records) {
		next := &q.records[q.head]
		if next.call == nil || !next.call.takenBack {
			if next.record.size > room {
				break
			}
			room -= next.record.size
			taken[n] = q.hand(next)
			n++
		}
		*next = queued{}
		q.head++
	}
	q.compact()
	if n == 0 && len(q.records) > 0 {
		return 0, int64(frameHeader + q.records[q.head].record.size)
	}
	if n == 0 {
		q.armed = false
		q.pulse.Rest()
	}
	return n, 0
}

// hand gives a record that is fetched its word, if it asks for user code.
func (q *queue) hand(next *queued) packed {
	if c := next.call; c != nil {
		c.fetched, c.word = true, q.words.hand(c.token)
		binary.LittleEndian.PutUint32(next.record.bytes[wordAt:], count32(c.word))
	}
	return next.record
}

// takeBack ends a call that has not begun, with ErrTakenBack, or a run that has ended unheard, with
// ErrUnheard. The error is nil where the code goes on. The caller holds q.mu.
func (q *queue) takeBack(c *call) error {
	switch {
	case !c.fetched:
		c.takenBack = true
		return engine.ErrTakenBack
	case q.words.takeBack(c.word, c.token):
		return engine.ErrTakenBack
	case c.isRun && c.word != noWord && !q.words.holds(c.token):
		return engine.ErrUnheard
	default:
		return nil
	}
}

// compact gives the room of taken records back once they are the larger part.
func (q *queue) compact() {
	switch {
	case q.head == len(q.records):
		q.records, q.head = q.records[:0], 0
	case q.head > 1024 && q.head*2 > len(q.records):
		n := copy(q.records, q.records[q.head:])
		clear(q.records[n:])
		q.records, q.head = q.records[:n], 0
	}
}

// close drops everything. When it returns, wake is not called any more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.pulse.End()
	q.records, q.head, q.words = nil, 0, words{}
}
