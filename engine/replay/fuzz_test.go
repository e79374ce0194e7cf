package replay_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// tape gives the bytes of a fuzz input one by one, then zeros.
type tape struct {
	bytes []byte
	at    int
}

func (t *tape) next(n int) int {
	if t.at >= len(t.bytes) {
		return 0
	}
	t.at++
	return int(t.bytes[t.at-1]) % n
}

func (t *tape) over() bool { return t.at >= len(t.bytes) }

// script is code made of bytes: each byte is a call, with names and choices from the bytes after
// it. What the code reads changes what it does next, so a wrong order shows.
func script(program []byte) code {
	return func(c *context) (string, error) {
		p := &player{c: c, tape: tape{bytes: program}}
		for !p.over() {
			p.play(p.next(16))
		}
		if len(c.seen)%7 == 6 {
			return "", errors.New("unlucky")
		}
		return fmt.Sprintf("%q", fmt.Sprint(c.seen)), nil
	}
}

type player struct {
	tape
	c    *context
	held []*handle
}

var queueNames = []string{"q", "p"}

// play makes one call.
func (p *player) play(op int) {
	switch op {
	case 0:
		p.choose()
	case 1:
		p.c.must(p.ask())
	case 2, 3:
		p.held = append(p.held, p.ask())
	case 4:
		p.race()
	case 5:
		p.c.all(p.take(1 + p.next(3))...)
	case 6:
		for _, h := range p.take(1) {
			p.c.drop(h)
		}
	case 7:
		p.c.status(strconv.Itoa(len(p.c.seen)))
	case 8:
		p.c.set(queueNames[p.next(2)], strconv.Itoa(len(p.c.seen)))
	case 9:
		p.c.clear(queueNames[p.next(2)])
	case 10:
		p.c.detach("d", fmt.Sprint("other", len(p.c.seen)), "1")
	case 11:
		p.c.emit(replay.Action{Kind: replay.ClearValues})
		p.c.emit(replay.Action{
			Kind: replay.Send, Instance: new("other"), Value: new(history.SentMessage), Name: "q", Input: strconv.Itoa(len(p.c.seen)),
		})
	case 12:
		p.c.must(p.c.dequeue(queueNames[p.next(2)]))
	case 13:
		if p.next(8) == 7 {
			p.c.continueAsNew(strconv.Itoa(len(p.c.seen)))
		}
	default:
		p.c.await(p.ask()) //nolint:errcheck // A failure is seen like a result.
	}
}

// choose skips calls by what was read last.
func (p *player) choose() {
	if n := len(p.c.seen); n > 0 && len(p.c.seen[n-1])%2 == 0 {
		p.next(1)
	}
}

func (p *player) ask() *handle {
	switch p.next(8) {
	case 0, 1:
		return p.c.activity("a", strconv.Itoa(len(p.c.seen)))
	case 2:
		return p.c.timer(uint64(p.next(9)))
	case 3:
		return p.c.event("s")
	case 4:
		return p.c.child("c", "1")
	case 5:
		return p.c.syscall([]string{replay.NewGUID, replay.UTCNow}[p.next(2)])
	default:
		return p.c.dequeue(queueNames[p.next(2)])
	}
}

func (p *player) race() {
	handles := p.take(p.next(2))
	for range 1 + p.next(3) {
		handles = append(handles, p.ask())
	}
	p.c.race(handles...)
}

// take gives the oldest held handles that still are of interest.
func (p *player) take(n int) []*handle {
	p.held = slices.DeleteFunc(p.held, func(h *handle) bool { return !h.done && p.c.open[h.token] == nil })
	n = min(n, len(p.held))
	taken := slices.Clone(p.held[:n])
	p.held = p.held[n:]
	return taken
}

// world makes up messages for an execution: answers to what it asked for, in any order and
// sometimes twice, and signals, queue messages and cancel requests that nobody asked for.
type world struct {
	tape
	numbers int
}

func (w *world) message(s *sim) replay.Arrival {
	w.numbers++
	data := strconv.Itoa(w.numbers)
	switch op := w.next(16); op {
	case 0, 1, 2:
		return queued(queueNames[op%2], data)
	case 3, 4:
		return raised("s", data)
	case 5:
		if w.next(16) == 15 {
			return cancelled("why")
		}
		return queued("q", data)
	default:
		return w.answer(s, data)
	}
}

// answer picks a schedule among all, those without an answer first.
func (w *world) answer(s *sim, data string) replay.Arrival {
	var all []history.Event
	answered := map[uint64]bool{}
	for _, e := range s.committed {
		answered[e.Source] = true
	}
	for _, e := range s.committed {
		switch d := e.Data.(type) {
		case history.TimerCreated, history.SubOrchestrationScheduled:
			all = append(all, e)
		case history.ActivityScheduled:
			if d.Name == "a" {
				all = append(all, e)
			}
		}
	}
	open := slices.DeleteFunc(slices.Clone(all), func(e history.Event) bool { return answered[e.ID] })
	if w.next(8) > 0 {
		all = open
	}
	if len(all) == 0 {
		return queued("p", data)
	}
	e := all[w.next(len(all))]
	switch e.Data.(type) {
	case history.TimerCreated:
		return fired(e.ID)
	case history.SubOrchestrationScheduled:
		return childDone(e.ID, data)
	}
	if w.next(4) == 3 {
		return failed(e.ID, data)
	}
	return done(e.ID, data)
}

// FuzzReplay runs random code with random messages in random turns. However often the process
// crashes, between turns or inside one before its commit, and however the messages are grouped
// into turns, the history and the outcome are the same.
func FuzzReplay(f *testing.F) {
	f.Add([]byte{1, 0, 12, 0, 4, 0, 1, 2, 3, 7}, []byte{6, 1, 0, 6, 1, 2, 9, 9})
	f.Add([]byte{2, 6, 2, 6, 6, 12, 0, 4, 1, 0, 6, 2, 13, 7}, []byte{0, 0, 1, 2, 0, 6, 2, 1, 0})
	f.Add([]byte{4, 1, 2, 3, 6, 0, 4, 1, 2, 2, 5, 3}, []byte{3, 3, 6, 1, 1, 6, 1, 0, 0, 5, 15})
	f.Add([]byte{15, 5, 0, 15, 5, 1, 4, 0, 2, 5, 0, 5, 1, 12, 1}, []byte{1, 1, 6, 2, 6, 2})
	f.Add([]byte{3, 4, 3, 0, 6, 8, 0, 9, 0, 10, 11, 5, 2, 1, 3}, []byte{7, 1, 0, 7, 1, 0, 3, 4})
	f.Add([]byte{12, 0, 12, 0, 12, 0, 4, 1, 2, 6, 0, 2, 1, 4, 0}, []byte{0, 2, 0, 2, 0, 2, 7, 1, 0})
	f.Fuzz(playFuzz)
}

func playFuzz(t *testing.T, program, messages []byte) {
	t.Helper()
	if len(program) > 200 || len(messages) > 200 {
		t.Skip("long inputs show nothing that short ones do not")
	}
	run := script(program)
	w := &world{tape: tape{bytes: messages}}
	steady := start(t, run)
	crashed := start(t, run)
	grouped := start(t, run)
	crashed.quick, grouped.quick = true, true
	var group []replay.Arrival
	for !w.over() && !steady.ended() {
		m := w.message(steady)
		before := len(steady.committed)
		steady.take(m)
		playCrash(crashed, w.next(3), m)
		group = append(group, m)
		if w.next(3) == 0 || steady.ended() {
			grouped.take(group...)
			group = nil
			require.Equal(t, kinds(steady.committed), kinds(grouped.committed))
		}
		require.Equal(t, kinds(steady.committed[before:]), kinds(crashed.committed[before:]))
	}
	grouped.take(group...)
	checkEnd(t, steady)
	for _, other := range []*sim{crashed, grouped} {
		require.Equal(t, steady.ending, other.ending)
		require.Equal(t, steady.g.c.seen, other.g.c.seen)
		require.Equal(t, datas(steady.committed), datas(other.committed))
	}
}

// playCrash takes a message on an execution that crashes before it, inside it, or not.
func playCrash(s *sim, when int, m replay.Arrival) {
	switch when {
	case 0:
		s.crash()
	case 1:
		if !s.ended() {
			// The turn is run but never committed.
			s.consume([]replay.Arrival{m})
			s.ending = nil
			s.crash()
		}
	default:
	}
	s.take(m)
}

// checkEnd asserts the invariants of a history.
func checkEnd(t *testing.T, s *sim) {
	t.Helper()
	terminal := 0
	closed := map[uint64]int{}
	for i, e := range s.committed {
		require.Equal(t, uint64(i+1), e.ID)
		require.Less(t, e.Source, e.ID)
		if e.IsTerminal() {
			terminal++
			require.Equal(t, len(s.committed)-1, i, "the terminal event is the last")
		}
		if e.Source != 0 {
			closed[e.Source]++
			require.Equal(t, 1, closed[e.Source], "event %d is closed twice", e.Source)
		}
	}
	if s.ended() {
		require.Equal(t, 1, terminal)
		require.Zero(t, s.x.Open())
		return
	}
	require.Zero(t, terminal)
	checkModel(t, s)
}

// datas gives the history without its times, which depend on how messages are grouped into turns.
func datas(events []history.Event) []any {
	var all []any
	for _, e := range events {
		switch d := e.Data.(type) {
		case history.TimerCreated:
			all = append(all, history.TimerCreated{})
		case history.SubOrchestrationScheduled:
			d.Number = 0 // older releases have none
			all = append(all, d)
		case history.OrchestrationChained:
			d.Number = 0
			all = append(all, d)
		case history.KeyValueSet:
			d.UpdatedAtMs = 0
			all = append(all, d)
		default:
			all = append(all, d)
		}
	}
	return all
}

func TestRandomCodeIsReplayable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(600) {
		random := rand.New(rand.NewPCG(seed, 1))
		program, messages := make([]byte, 5+random.IntN(40)), make([]byte, 10+random.IntN(80))
		for _, bytes := range [][]byte{program, messages} {
			for i := range bytes {
				bytes[i] = byte(random.IntN(256))
			}
		}
		playFuzz(t, program, messages)
	}
}
