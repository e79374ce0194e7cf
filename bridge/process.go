package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"

	"duroxide/logging"
)

// Where a library cannot be loaded, or shall not be, the same engine is a process of its own: built
// without cgo, it serves one host, whose frames come through one pipe and go through another, each
// after its length (u32, little endian). Synchronous calls have two pipes of their own, because their
// caller waits without reading anything else. docs/protocol.md has the layout.
//
// There is no memory that both sides see, so what was sent counts as begun. Therefore little is sent at a
// time, and the next frame only when the host asks for one, which is its sign of life too: what a blocked
// thread has not asked for can be given to others.

const (
	lengthField32 = 4
	// asksForMore stands in place of a length: the host has taken everything that was sent.
	asksForMore = math.MaxUint32
	// mostSent bounds the records of one frame; the first one after a rest has one record.
	mostSent = 16
	// callHeader is what precedes the text of a synchronous call: its length, the operation, the
	// token, the number, and whether the answer is a text.
	callHeader = 4 + 4 + 8 + 8 + 4
	// answerHeader is what precedes the text of its answer: the result and the length.
	answerHeader = 8 + 4
	// answerRoom is enough for most answers.
	answerRoom = 4096
)

// pipeHost is a host at the other end of pipes.
type pipeHost struct {
	host  *host
	woken chan struct{}
	// asked has an entry while the host waits for a frame.
	asked chan struct{}
	ended chan struct{}
}

// servePipes serves one host until its pipe ends. If the host has asked for an end, with a length of
// zero, it is closed and orderly is true. Otherwise its process or its environment has died in the middle
// of something, and all of this process must die with it, as it does where the engine is a library: what
// was in hand is found with a dead process, and counted. Numbers of stores begin above firstID, so that
// those of an engine that went before mean nothing.
func servePipes(in io.Reader, out io.Writer, firstID uint64, ready func(*host)) (orderly bool, err error) {
	p := &pipeHost{woken: make(chan struct{}, 1), asked: make(chan struct{}, 1), ended: make(chan struct{})}
	p.asked <- struct{}{} // For the first frame nobody has to ask.
	p.host = openHost(p.wake, nil)
	p.host.mu.Lock()
	p.host.lastID = firstID
	p.host.mu.Unlock()
	sent := make(chan struct{})
	start(func() {
		defer close(sent)
		p.send(out)
	}, nil)
	if ready != nil {
		ready(p.host)
	}
	orderly, err = p.receive(in)
	if orderly {
		p.host.close()
	}
	close(p.ended)
	if orderly {
		<-sent
	}
	return orderly, err
}

// wake tells the sender that records wait. It is called under the mutex of the queue.
func (p *pipeHost) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// send writes a frame whenever the host asks for one, until it ends, or nobody reads them.
func (p *pipeHost) send(out io.Writer) {
	packet := make([]byte, firstRoom)
	next, most := p.asked, 1
	for {
		select {
		case <-p.ended:
			return
		case <-next:
		}
		var sent bool
		var err error
		if packet, sent, err = p.sendOne(out, packet, most); err != nil {
			logging.Logger.Debug("the host does not read any more", slog.String("error", err.Error()))
			return
		}
		if sent {
			next, most = p.asked, min(2*most, mostSent)
		} else {
			next, most = p.woken, 1
		}
	}
}

// firstRoom is what packets have to begin with; one that has grown beyond mostRoom is not kept.
const (
	firstRoom = 64 << 10
	mostRoom  = 1 << 20
)

// sendOne writes a frame of what waits, if anything does, with the memory of a packet, and gives the memory
// for the next one. The queue wakes it for what comes after it was empty.
func (p *pipeHost) sendOne(out io.Writer, packet []byte, most int) (next []byte, sent bool, err error) {
	n := p.host.queue.take(packet[lengthField32:], most)
	for n < 0 {
		packet = make([]byte, lengthField32+max(-n, 2*int64(len(packet))))
		n = p.host.queue.take(packet[lengthField32:], most)
	}
	if n > 0 {
		binary.LittleEndian.PutUint32(packet, uint32(min(n, math.MaxUint32)))
		_, err = out.Write(packet[:lengthField32+n])
	}
	if len(packet) > mostRoom {
		packet = make([]byte, firstRoom)
	}
	return packet, n > 0, err
}

// more lets the sender write the next frame.
func (p *pipeHost) more() {
	select {
	case p.asked <- struct{}{}:
	default:
	}
}

// receive takes the frames of the host until it asks for an end, or its pipe ends.
func (p *pipeHost) receive(in io.Reader) (orderly bool, err error) {
	var packet []byte
	for {
		var length [lengthField32]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return false, endOfPipe(err)
		}
		n := int(binary.LittleEndian.Uint32(length[:]))
		p.host.queue.pulse.Sign()
		switch n {
		case 0:
			return true, nil
		case asksForMore:
			p.more()
			continue
		}
		if cap(packet) < n || cap(packet) > mostRoom {
			packet = make([]byte, n)
		}
		if _, err := io.ReadFull(in, packet[:n]); err != nil {
			return false, endOfPipe(err)
		}
		if err := eachRecord(packet[:n], p.host.accept); err != nil {
			return false, err
		}
	}
}

// endOfPipe tells a pipe that ended, however that came, from one that failed.
func endOfPipe(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("read from the host: %w", err)
}

// serveCalls serves synchronous calls of a host until their pipe ends.
func serveCalls(h *host, in io.Reader, out io.Writer) error {
	var header [callHeader]byte
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return endOfPipe(err)
		}
		words := make([]byte, binary.LittleEndian.Uint32(header[:]))
		if _, err := io.ReadFull(in, words); err != nil {
			return endOfPipe(err)
		}
		c := syncCall{
			operation: binary.LittleEndian.Uint32(header[4:]),
			token:     binary.LittleEndian.Uint64(header[8:]),
			number:    binary.LittleEndian.Uint64(header[16:]),
			text:      string(words),
		}
		if _, err := out.Write(answerCall(h, c, header[24] != 0)); err != nil {
			return fmt.Errorf("answer the host: %w", err)
		}
	}
}

// answerCall runs a synchronous call and gives the bytes of its answer.
func answerCall(h *host, c syncCall, wantsText bool) []byte {
	c.result = make([]byte, answerRoom)
	result := guard(func() int64 { return h.call(c) })
	if wantsText && result > int64(len(c.result)) {
		c.result = make([]byte, result)
		result = guard(func() int64 { return h.call(c) })
	}
	var words []byte
	if wantsText && result >= 0 && result <= int64(len(c.result)) {
		words = c.result[:result]
	}
	answer := make([]byte, answerHeader, answerHeader+len(words))
	binary.LittleEndian.PutUint64(answer, uint64(result))         //nolint:gosec // read as signed again
	binary.LittleEndian.PutUint32(answer[8:], uint32(len(words))) //nolint:gosec // a text of ours
	return append(answer, words...)
}
