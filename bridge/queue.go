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
type queue struct {
	wake func()

	mu      sync.Mutex
	records [][]byte
	head    int
	armed   bool
	closed  bool
}

// mostTaken bounds the records of one frame.
const mostTaken = 256

// push appends a record and wakes the host if it sleeps.
func (q *queue) push(record []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return engine.ErrHostGone
	}
	q.records = append(q.records, record)
	if !q.armed {
		q.armed = true
		q.wake()
	}
	return nil
}

// take writes a frame of at most the given number of records and gives its length: zero if nothing
// waits, or the negated capacity that the first record needs.
func (q *queue) take(frame []byte, most int) int64 {
	var taken [mostTaken][]byte
	n, need := q.detach(&taken, len(frame)-frameHeader, min(most, mostTaken))
	if n == 0 {
		return -need
	}
	binary.LittleEndian.PutUint32(frame, count32(n))
	binary.LittleEndian.PutUint32(frame[4:], 0)
	at := frameHeader
	for _, record := range taken[:n] {
		at += copy(frame[at:], record)
	}
	return int64(at)
}

// detach takes records that fit into the room. If not even the first does, it gives the capacity
// that it needs; copying happens outside the mutex.
func (q *queue) detach(taken *[mostTaken][]byte, room, most int) (n int, need int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n < most && q.head < len(q.records) {
		record := q.records[q.head]
		if len(record) > room {
			break
		}
		room -= len(record)
		taken[n] = record
		n++
		q.records[q.head] = nil
		q.head++
	}
	q.compact()
	if n == 0 && len(q.records) > 0 {
		return 0, int64(frameHeader + len(q.records[q.head]))
	}
	if n == 0 {
		q.armed = false
	}
	return n, 0
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
	q.records, q.head = nil, 0
}
