package replay_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/engine/replay"
	"duroxide/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sim is an engine around one execution: it takes messages in turns, commits, and can forget
// everything but the committed history.
type sim struct {
	t      testing.TB
	run    code
	params replay.Params
	now    int64

	x *replay.Execution
	g *generator

	// committed is the stored history, last the delta of the last turn.
	committed []history.Event
	last      replay.Delta
	ending    *replay.Ending
	// quick turns off the check of every turn by a replay.
	quick bool
}

var params = replay.Params{
	Instance: "i", Life: history.Life{1}, Execution: 1, Name: "code", Version: "1.0.0", Input: "null", Engine: "0.1.0",
}

// start runs the first turn.
func start(tb testing.TB, run code) *sim {
	tb.Helper()
	return startWith(tb, run, params)
}

func startWith(tb testing.TB, run code, p replay.Params) *sim {
	tb.Helper()
	s := &sim{t: tb, run: run, params: p, now: 1000}
	tb.Cleanup(s.forget)
	s.begin()
	s.commit()
	return s
}

func (s *sim) begin() {
	s.x = replay.Start(s.params, s.now)
	s.g = newGenerator(s.run, s.params.Input)
	s.step(s.g.run(true, nil), 0)
	s.serve()
}

func (s *sim) ended() bool { return s.ending != nil }

// take runs one turn with the messages, and commits it.
func (s *sim) take(arrivals ...replay.Arrival) replay.Delta {
	s.t.Helper()
	s.consume(arrivals)
	s.commit()
	return s.last
}

// consume takes the messages one by one. Completions that stand side by side go to the code in one
// run.
func (s *sim) consume(arrivals []replay.Arrival) {
	s.t.Helper()
	for len(arrivals) > 0 && !s.ended() {
		now := s.now
		var ready []replay.Delivery
		for _, a := range arrivals {
			d, ok := s.x.Peek(a, now)
			if !ok {
				break
			}
			ready = append(ready, d)
		}
		if len(ready) == 0 {
			s.single(arrivals[0])
			arrivals = arrivals[1:]
			continue
		}
		answer := s.g.run(false, ready)
		for i := range answer.Steps {
			if _, ok := s.accept(arrivals[i], now); ok && !s.ended() {
				s.step(answer, i)
				s.serve()
			}
		}
		arrivals = arrivals[len(answer.Steps):]
	}
}

func (s *sim) single(a replay.Arrival) {
	s.t.Helper()
	if d, ok := s.accept(a, s.now); ok && !s.ended() {
		s.step(s.g.run(false, []replay.Delivery{d}), 0)
		s.serve()
	}
}

func (s *sim) accept(a replay.Arrival, now int64) (replay.Delivery, bool) {
	s.t.Helper()
	if s.ended() {
		return replay.Delivery{}, false
	}
	peeked, awaited := s.x.PeekInput(a, now)
	d, ok, err := s.x.Accept(a, now)
	if awaited {
		require.NoError(s.t, err)
		require.True(s.t, ok, "%v: nobody waits for what was awaited", a)
		require.Equal(s.t, d, peeked)
	} else if a.Kind == replay.EventRaised || a.Kind == replay.QueueEvent {
		require.False(s.t, ok, "%v: somebody waits for what was not awaited", a)
	}
	if s.failed(err) {
		return d, false
	}
	if f := s.x.Stopped(); f != nil {
		s.end(replay.Ending{Kind: replay.Failed, Failure: f})
		return d, false
	}
	return d, ok
}

// step takes one step of an answer.
func (s *sim) step(answer replay.Answer, i int) {
	s.t.Helper()
	successor, err := s.x.Apply(answer.Steps[i], s.now)
	s.now++ // Whoever takes the time of a step from anywhere else is seen.
	switch {
	case s.failed(err):
	case successor != nil:
		s.end(replay.Ending{Kind: replay.Continued, Successor: successor})
	case !answer.Done || i < len(answer.Steps)-1:
	case answer.OK:
		s.end(replay.Ending{Kind: replay.Completed, Output: answer.Output})
	default:
		s.end(replay.Ending{Kind: replay.Failed, Failure: &history.Failure{
			Category: history.Application, Kind: history.OrchestrationFailedKind, Message: answer.Message,
		}})
	}
}

// serve answers what can be answered inside the turn.
func (s *sim) serve() {
	for !s.ended() {
		d, ok := s.x.NextReady()
		if !ok {
			call, more := s.x.NextCall()
			if !more {
				return
			}
			d = s.x.Answer(call, strconv.Quote(fmt.Sprintf("%s-%d", call.Name, s.x.LastEvent())), s.now)
		}
		s.step(s.g.run(false, []replay.Delivery{d}), 0)
	}
}

// failed ends the execution for a limit or a divergence. Other errors fail the test.
func (s *sim) failed(err error) bool {
	s.t.Helper()
	if err == nil {
		return false
	}
	var limit *replay.LimitError
	var divergence *replay.Divergence
	var f history.Failure
	switch {
	case errors.As(err, &limit):
		f = limit.Failure
	case errors.As(err, &divergence):
		f = divergence.Failure()
	default:
		require.NoError(s.t, err)
	}
	s.end(replay.Ending{Kind: replay.Failed, Failure: &f})
	return true
}

func (s *sim) end(e replay.Ending) {
	s.x.End(e, s.now)
	s.ending = &e
}

// commit stores the turn, and checks that a replay of the history gives the living state.
func (s *sim) commit() {
	s.t.Helper()
	s.last = s.x.Take()
	for _, e := range s.last.Events {
		last := uint64(0)
		if n := len(s.committed); n > 0 {
			last = s.committed[n-1].ID
		}
		require.Equal(s.t, last+1, e.ID)
		s.committed = append(s.committed, e)
	}
	s.now += 10
	if !s.quick && !s.ended() {
		s.checkReplay()
	}
}

// replayed loads the committed history and runs the code over it.
func (s *sim) replayed(run code) (*replay.Execution, *generator, []replay.Action, error) {
	x, deliveries, err := replay.Load(s.committed, replay.Params{
		Instance: s.params.Instance, Life: s.params.Life, Execution: s.params.Execution,
		Keys: s.params.Keys, Engine: s.params.Engine, StrictReplay: s.params.StrictReplay,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	g := newGenerator(run, x.Params().Input)
	answer := g.run(true, deliveries)
	steps := answer.Steps
	for !answer.Done && len(answer.Steps) > 0 && len(steps)-1 < len(deliveries) {
		answer = g.run(false, deliveries[len(steps)-1:])
		steps = append(steps, answer.Steps...)
	}
	extra, err := x.Verify(steps, answer.Done)
	if err != nil {
		g.stop()
		return nil, nil, nil, err
	}
	return x, g, extra, nil
}

// state is what tells two executions apart.
type state struct {
	Last    uint64
	Open    int
	Unread  []history.Carried
	Timers  []replay.NewTimer
	Stopped *history.Failure
	Started int64
	Seen    []string
	Times   []int64
	Tokens  uint64
	Waiting []uint64
}

func stateOf(x *replay.Execution, g *generator) state {
	s := state{
		Last: x.LastEvent(), Open: x.Open(), Unread: x.Unread(), Timers: x.OpenTimers(x.LastMs()),
		Stopped: x.Stopped(), Started: x.StartedMs(), Seen: g.c.seen, Times: g.c.times,
		Tokens: g.c.tokens,
	}
	for token := range g.c.open {
		s.Waiting = append(s.Waiting, token)
	}
	slices.Sort(s.Waiting)
	slices.SortFunc(s.Timers, func(a, b replay.NewTimer) int { return int(a.Event) - int(b.Event) })
	return s
}

func (s *sim) checkReplay() {
	s.t.Helper()
	x, g, extra, err := s.replayed(s.run)
	require.NoError(s.t, err, "replay of %v", kinds(s.committed))
	defer g.stop()
	require.Empty(s.t, extra, "replay of %v", kinds(s.committed))
	_, ready := x.NextReady()
	require.False(s.t, ready, "replay of %v", kinds(s.committed))
	_, call := x.NextCall()
	require.False(s.t, call, "replay of %v", kinds(s.committed))
	require.Equal(s.t, stateOf(s.x, s.g), stateOf(x, g), "replay of %v", kinds(s.committed))
	require.False(s.t, x.Dirty())
}

// crash forgets everything but the history, and makes the execution again.
func (s *sim) crash() {
	s.t.Helper()
	if s.ended() {
		return
	}
	s.forget()
	if len(s.committed) == 0 {
		s.begin()
		return
	}
	x, g, extra, err := s.replayed(s.run)
	require.NoError(s.t, err, "replay of %v", kinds(s.committed))
	require.Empty(s.t, extra)
	s.x, s.g = x, g
}

// upgrade replays the history with other code, as a deployment does, and commits its new work.
func (s *sim) upgrade(run code) error {
	s.forget()
	s.run = run
	x, g, extra, err := s.replayed(run)
	if err != nil {
		return err
	}
	s.x, s.g = x, g
	answer := g.ending(replay.Answer{Steps: [][]replay.Action{extra}})
	s.step(answer, 0)
	s.serve()
	s.commit()
	return nil
}

// adopt replays a history that the test wrote, and commits the code's new work.
func (s *sim) adopt(events ...history.Event) error {
	s.forget()
	s.committed, s.ending = events, nil
	return s.upgrade(s.run)
}

func (s *sim) forget() {
	if s.g != nil {
		s.g.stop()
	}
}

// Messages.

func done(event uint64, result string) replay.Arrival {
	return replay.Arrival{Kind: replay.ActivityDone, Execution: 1, Source: event, Data: result}
}

func failed(event uint64, message string) replay.Arrival {
	return replay.Arrival{Kind: replay.ActivityDone, Execution: 1, Source: event, Failure: &history.Failure{
		Category: history.Application, Kind: history.ActivityFailedKind, Message: message,
	}}
}

func fired(event uint64) replay.Arrival {
	return replay.Arrival{Kind: replay.TimerFired, Execution: 1, Source: event, FireAtMs: 5}
}

func childDone(event uint64, result string) replay.Arrival {
	return replay.Arrival{Kind: replay.ChildDone, Execution: 1, Source: event, Data: result}
}

func raised(name, data string) replay.Arrival {
	return replay.Arrival{Kind: replay.EventRaised, Name: name, Data: data}
}

func queued(name, data string) replay.Arrival {
	return replay.Arrival{Kind: replay.QueueEvent, Name: name, Data: data}
}

func cancelled(reason string) replay.Arrival {
	return replay.Arrival{Kind: replay.CancelRequested, Data: reason}
}

// kinds gives the history as short text: kind, and the source in brackets.
func kinds(events []history.Event) []string {
	var all []string
	for _, e := range events {
		text := e.Kind().String()
		if e.Source != 0 {
			text += fmt.Sprintf("(%d)", e.Source)
		}
		all = append(all, text)
	}
	return all
}

// output gives the result of completed code, and fails the test for every other end.
func (s *sim) output() string {
	s.t.Helper()
	require.NotNil(s.t, s.ending, "still running: %v", kinds(s.committed))
	require.Equal(s.t, replay.Completed, s.ending.Kind, "%+v", s.ending.Failure)
	return s.ending.Output
}

// failure gives the failure of an ended execution.
func (s *sim) failure() history.Failure {
	s.t.Helper()
	require.NotNil(s.t, s.ending, "still running: %v", kinds(s.committed))
	require.Equal(s.t, replay.Failed, s.ending.Kind)
	return *s.ending.Failure
}

// lifeOf gives the life of the instance that a tested one has started as the given number.
func lifeOf(number uint64) history.Life { return params.Life.Started(number) }
