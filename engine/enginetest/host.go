// Package enginetest helps tests of the engine: a host whose orchestrations are Go functions, and a
// clock that is moved by hand.
package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"time"

	"duroxide/engine"
	"duroxide/engine/replay"
)

// Orchestration is orchestration code in Go. It must be deterministic and may block only through
// its Code. What it returns is marshalled to JSON.
type Orchestration func(c *Code, input string) (any, error)

// Activity is an activity in Go.
type Activity func(ctx context.Context, call engine.ActivityCall) (any, error)

// Host runs orchestrations and activities that are Go functions. It is safe for concurrent use.
type Host struct {
	orchestrations map[string]Orchestration
	activities     map[string]Activity

	mu        sync.Mutex
	living    map[uint64]*Code
	running   map[uint64]context.CancelCauseFunc
	thread    thread
	Runs      int // calls of Run so far
	Opens     int // generators made so far
	Cancelled map[string]int
}

// NewHost gives a host without code.
func NewHost() *Host {
	return &Host{
		orchestrations: map[string]Orchestration{},
		activities:     map[string]Activity{},
		living:         map[uint64]*Code{},
		running:        map[uint64]context.CancelCauseFunc{},
		thread:         newThread(engine.RealClock{}),
		Cancelled:      map[string]int{},
	}
}

// Orchestration registers code under a name, for every version of it.
func (h *Host) Orchestration(name string, f Orchestration) { h.orchestrations[name] = f }

// Register registers an activity.
func (h *Host) Register(name string, f Activity) { h.activities[name] = f }

// Registry gives a registry with all code as version 1.0.0.
func (h *Host) Registry() *engine.Registry {
	reg := engine.NewRegistry()
	for name := range h.orchestrations {
		must(reg.AddOrchestration(name, "1.0.0"))
	}
	for name := range h.activities {
		must(reg.AddActivity(name))
	}
	return reg
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Living gives the number of generators that were made and not dropped.
func (h *Host) Living() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.living)
}

// Run implements engine.Host.
func (h *Host) Run(ctx context.Context, r engine.RunRequest) (replay.Answer, error) {
	if err := h.enter(ctx, nil); err != nil {
		return replay.Answer{}, err
	}
	answer, err := h.advance(r)
	if err == nil {
		err = h.send(ctx)
	}
	return answer, err
}

func (h *Host) advance(r engine.RunRequest) (replay.Answer, error) {
	h.mu.Lock()
	h.Runs++
	c := h.living[r.Resident]
	if r.Open != nil {
		h.Opens++
		f := h.orchestrations[r.Invocation.Name]
		c = newCode(r.Invocation, f, r.Open)
		h.living[r.Resident] = c
	}
	h.mu.Unlock()
	if c == nil {
		return replay.Answer{}, fmt.Errorf("no living generator %d", r.Resident)
	}
	return c.run(r), nil
}

// Drop implements engine.Host.
func (h *Host) Drop(resident uint64) {
	h.mu.Lock()
	c := h.living[resident]
	delete(h.living, resident)
	h.mu.Unlock()
	if c != nil {
		c.stop()
	}
}

// Activity implements engine.Host.
func (h *Host) Activity(parent context.Context, c engine.ActivityCall) (engine.ActivityResult, error) {
	if err := h.enter(parent, &c); err != nil {
		return engine.ActivityResult{}, err
	}
	ctx, cancel := context.WithCancelCause(parent)
	h.mu.Lock()
	h.running[c.Invocation.Token] = cancel
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.running, c.Invocation.Token)
		h.mu.Unlock()
		cancel(nil)
	}()
	began := time.Now()
	value, err := h.activities[c.Activity](ctx, c)
	took := time.Since(began)
	if parent.Err() != nil {
		return engine.ActivityResult{}, parent.Err()
	}
	if err != nil {
		return engine.ActivityResult{Message: err.Error(), Took: took}, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return engine.ActivityResult{Message: err.Error(), Took: took}, nil
	}
	return engine.ActivityResult{OK: true, Value: string(text), Took: took}, nil
}

// CancelActivity implements engine.Host: the activity's context ends, or it never begins.
func (h *Host) CancelActivity(token uint64, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.takeBackOne(token)
	if cancel := h.running[token]; cancel != nil {
		h.Cancelled[reason]++
		cancel(fmt.Errorf("cancelled: %s", reason))
	}
}

// Code is what an Orchestration calls.
type Code struct {
	Instance   string
	Execution  uint64
	CustomText *string
	Values     map[string]string

	actions []replay.Action
	tokens  uint64
	answers map[uint64]replay.Delivery
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	wanted  func() bool

	done    bool
	result  any
	failure error
	ended   bool // continued as new
}

type stopped struct{}

func newCode(inv engine.Invocation, f Orchestration, o *engine.Opening) *Code {
	c := &Code{
		Instance: inv.Instance, Execution: inv.Execution, CustomText: o.CustomStatus,
		Values: map[string]string{}, answers: map[uint64]replay.Delivery{},
	}
	for _, v := range o.Values {
		c.Values[v.Key] = v.Value
	}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(stopped); !ok {
					panic(v)
				}
			}
		}()
		c.yield = yield
		c.result, c.failure = f(c, o.Input)
		c.done = true
	})
	return c
}

// run takes one run: the start, if it is one, and the deliveries.
func (c *Code) run(r engine.RunRequest) replay.Answer {
	var answer replay.Answer
	step := func() bool {
		answer.Steps = append(answer.Steps, c.actions)
		stop := c.done || c.ended || len(answer.Steps) > r.ReplaySteps && needsAnswer(c.actions)
		c.actions = nil
		return !stop
	}
	going := true
	if r.Open != nil {
		c.next()
		going = step()
	}
	for _, d := range r.Deliveries {
		if !going {
			break
		}
		c.answers[d.Token] = d
		if c.wanted != nil && c.wanted() {
			c.next()
		}
		going = step()
	}
	if c.done {
		c.finish(&answer)
	}
	return answer
}

func needsAnswer(actions []replay.Action) bool {
	for _, a := range actions {
		if a.Kind == replay.Dequeue || a.Kind == replay.WaitEvent || a.Kind == replay.Syscall {
			return true
		}
	}
	return false
}

func (c *Code) finish(answer *replay.Answer) {
	answer.Done = true
	if c.failure != nil {
		answer.Message = c.failure.Error()
		return
	}
	text, err := json.Marshal(c.result)
	if err != nil {
		answer.Message = err.Error()
		return
	}
	answer.OK, answer.Output = true, string(text)
}

// Do emits an action that has no answer.
func (c *Code) Do(a replay.Action) {
	c.actions = append(c.actions, a)
	if a.Kind == replay.ContinueAsNew {
		c.ended = true
		c.block(func() bool { return false })
	}
}

// Schedule emits an action and gives its token.
func (c *Code) Schedule(a replay.Action) uint64 {
	c.tokens++
	a.Token = c.tokens
	c.actions = append(c.actions, a)
	return a.Token
}

// Await blocks until one of the tokens is answered; it gives its index and the answer. The first
// that was answered wins.
func (c *Code) Await(tokens ...uint64) (int, replay.Delivery) {
	find := func() int {
		for i, t := range tokens {
			if _, ok := c.answers[t]; ok {
				return i
			}
		}
		return -1
	}
	if find() < 0 {
		c.block(func() bool { return find() >= 0 })
	}
	i := find()
	return i, c.answers[tokens[i]]
}

// Race is Await that drops the losers.
func (c *Code) Race(tokens ...uint64) (int, replay.Delivery) {
	i, d := c.Await(tokens...)
	for j, t := range tokens {
		if j != i {
			c.actions = append(c.actions, replay.Action{Kind: replay.Drop, Token: t})
		}
	}
	return i, d
}

// Call schedules an activity and gives its result, or its failure's text as an error.
func (c *Code) Call(name, input string) (string, error) {
	_, d := c.Await(c.Schedule(replay.Action{Kind: replay.Activity, Name: name, Input: input}))
	if !d.OK {
		return "", fmt.Errorf("%s", d.Value)
	}
	return d.Value, nil
}

// Sleep waits for a timer.
func (c *Code) Sleep(ms uint64) {
	c.Await(c.Schedule(replay.Action{Kind: replay.Timer, DelayMs: ms}))
}

func (c *Code) block(wanted func() bool) {
	c.wanted = wanted
	if !c.yield(struct{}{}) {
		panic(stopped{})
	}
	c.wanted = nil
}
