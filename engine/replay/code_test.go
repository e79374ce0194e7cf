package replay_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"duroxide/engine/replay"
)

// code is an orchestration written in Go. It may block on handles only.
type code func(c *context) (string, error)

// context is what a test's code calls. It keeps what the code saw, for comparison.
type context struct {
	yield   func(struct{}) bool
	actions []replay.Action
	tokens  uint64
	open    map[uint64]*handle
	input   string
	// seen lists what the code read, in order, and times the times of the steps.
	seen  []string
	times []int64
}

// handle is one action that will be answered.
type handle struct {
	c     *context
	token uint64
	done  bool
	ok    bool
	value string
}

// errAbandoned unwinds code whose generator is dropped.
var errAbandoned = errors.New("abandoned")

func (c *context) emit(a replay.Action) { c.actions = append(c.actions, a) }

func (c *context) ask(a replay.Action) *handle {
	c.tokens++
	a.Token = c.tokens
	h := &handle{c: c, token: a.Token}
	c.open[h.token] = h
	c.emit(a)
	return h
}

func (c *context) activity(name, input string) *handle {
	return c.ask(replay.Action{Kind: replay.Activity, Name: name, Input: input})
}

func (c *context) timer(delayMs uint64) *handle {
	return c.ask(replay.Action{Kind: replay.Timer, DelayMs: delayMs})
}

func (c *context) event(name string) *handle {
	return c.ask(replay.Action{Kind: replay.WaitEvent, Name: name})
}

func (c *context) dequeue(name string) *handle {
	return c.ask(replay.Action{Kind: replay.Dequeue, Name: name})
}

func (c *context) child(name, input string) *handle {
	return c.ask(replay.Action{Kind: replay.SubOrchestration, Name: name, Input: input})
}

func (c *context) syscall(name string) *handle {
	return c.ask(replay.Action{Kind: replay.Syscall, Name: name})
}

func (c *context) detach(name, instance, input string) {
	c.emit(replay.Action{Kind: replay.StartOrchestration, Name: name, Instance: &instance, Input: input})
}

func (c *context) status(text string) {
	c.emit(replay.Action{Kind: replay.SetCustomStatus, Value: &text})
}

func (c *context) set(key, value string) {
	c.emit(replay.Action{Kind: replay.SetValue, Name: key, Value: &value})
}

func (c *context) clear(key string) { c.emit(replay.Action{Kind: replay.ClearValue, Name: key}) }

// continueAsNew ends the execution; the code does not go on.
func (c *context) continueAsNew(input string) {
	c.emit(replay.Action{Kind: replay.ContinueAsNew, Input: input})
	c.block()
}

// drop says that a result is no longer wanted. An answered handle stays as it is.
func (c *context) drop(h *handle) {
	if h.done || c.open[h.token] == nil {
		return
	}
	delete(c.open, h.token)
	c.emit(replay.Action{Kind: replay.Drop, Token: h.token})
}

func (c *context) block() {
	if !c.yield(struct{}{}) {
		panic(errAbandoned)
	}
}

// await blocks until the handle is answered.
func (c *context) await(h *handle) (string, error) {
	for !h.done {
		c.block()
	}
	c.seen = append(c.seen, fmt.Sprintf("%d=%s", h.token, h.value))
	if !h.ok {
		return "", errors.New(h.value)
	}
	return h.value, nil
}

// must awaits a handle whose failure is the code's failure.
func (c *context) must(h *handle) string {
	value, err := c.await(h)
	if err != nil {
		panic(err)
	}
	return value
}

// race blocks until one handle is answered, drops the others and gives the winner's index.
func (c *context) race(handles ...*handle) int {
	answered := func(h *handle) bool { return h.done }
	for !slices.ContainsFunc(handles, answered) {
		c.block()
	}
	winner := slices.IndexFunc(handles, answered)
	for i, h := range handles {
		if i != winner {
			c.drop(h)
		}
	}
	c.seen = append(c.seen, fmt.Sprintf("won %d", winner))
	return winner
}

// all blocks until every handle is answered.
func (c *context) all(handles ...*handle) []string {
	var values []string
	for _, h := range handles {
		value, err := c.await(h)
		if err != nil {
			value = "failed: " + err.Error()
		}
		values = append(values, value)
	}
	return values
}

// generator is living code, advanced step by step.
type generator struct {
	c       *context
	next    func() (struct{}, bool)
	stop    func()
	done    bool
	output  string
	message string
	failed  bool
}

func newGenerator(run code, input string) *generator {
	g := &generator{c: &context{open: map[uint64]*handle{}, input: input}}
	g.next, g.stop = iter.Pull(func(yield func(struct{}) bool) {
		g.c.yield = yield
		defer g.caught()
		output, err := run(g.c)
		g.finish(output, err)
	})
	return g
}

func (g *generator) finish(output string, err error) {
	g.done = true
	g.output = output
	if err != nil {
		g.failed, g.message = true, err.Error()
	}
}

// caught turns what code threw into its outcome.
func (g *generator) caught() {
	switch v := recover().(type) {
	case nil:
	case error:
		if !errors.Is(v, errAbandoned) {
			g.finish("", v)
		}
	default:
		panic(v)
	}
}

// run is what a host does: one step for the start, and one for each delivery, until a step asks
// for something that may be answered before the next delivery.
func (g *generator) run(start bool, deliveries []replay.Delivery) replay.Answer {
	var answer replay.Answer
	if start && g.step(&answer, nil) {
		return g.ending(answer)
	}
	for i := range deliveries {
		if g.step(&answer, &deliveries[i]) {
			break
		}
	}
	return g.ending(answer)
}

// step advances the code; it reports whether the run must end.
func (g *generator) step(answer *replay.Answer, d *replay.Delivery) (over bool) {
	g.c.actions = nil
	if d == nil {
		g.next()
	} else if h := g.c.open[d.Token]; h != nil && !g.done {
		delete(g.c.open, d.Token)
		h.done, h.ok, h.value = true, d.OK, d.Value
		g.c.times = append(g.c.times, d.TimeMs)
		g.next()
	}
	answer.Steps = append(answer.Steps, g.c.actions)
	return g.done || slices.ContainsFunc(g.c.actions, func(a replay.Action) bool {
		return a.Kind == replay.Dequeue || a.Kind == replay.Syscall || a.Kind == replay.ContinueAsNew
	})
}

func (g *generator) ending(answer replay.Answer) replay.Answer {
	answer.Done, answer.OK = g.done, !g.failed
	answer.Output, answer.Message = g.output, g.message
	return answer
}
