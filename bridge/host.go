package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"duroxide/engine"
	"duroxide/engine/replay"
	"duroxide/logging"
)

// hosts lists the open hosts of the process.
var hosts = hostList{open: map[uint64]*host{}}

type hostList struct {
	mu   sync.RWMutex
	last uint64
	open map[uint64]*host
}

func (l *hostList) find(id uint64) *host {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.open[id]
}

func (l *hostList) remove(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// host is one Node environment: the main thread's or a worker's. What waits for it, and what was
// made on its behalf, ends with it.
type host struct {
	id    uint64
	queue queue
	// ctx ends with the host; requests run under it.
	ctx    context.Context
	cancel context.CancelFunc
	// operations are the requests that the host may give up.
	operations operations

	mu    sync.Mutex
	ended bool
	// calls are the invocations that wait for an answer, by token.
	calls    map[uint64]*call
	runtimes map[uint32]startedRuntime
	stores   map[uint64]*store
	lastID   uint64
}

// reply is the answer of user code; which field is set depends on what was asked.
type reply struct {
	run      replay.Answer
	activity engine.ActivityResult
	err      error
}

// openHost makes a host. wake is called when the first record waits; see queue. shared is the memory
// of the words, all zero, or nil.
func openHost(wake func(), shared []int32) *host {
	ctx, cancel := context.WithCancel(context.Background())
	h := &host{
		queue: queue{
			wake: wake, pulse: engine.NewPulse(engine.RealClock{}), words: words{memory: shared},
		},
		ctx:      ctx,
		cancel:   cancel,
		calls:    map[uint64]*call{},
		runtimes: map[uint32]startedRuntime{},
		stores:   map[uint64]*store{},
	}
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	hosts.last++
	h.id = hosts.last
	hosts.open[h.id] = h
	return h
}

// close ends the host and gives the number of invocations that were waiting for it. It does not
// wait for the engine, which lets the host's runtimes and stores go on its own time.
func (h *host) close() int {
	hosts.remove(h.id)
	h.queue.close()
	waiting, stores := h.end()
	h.cancel()
	invocations.removeHost(h)
	for _, s := range stores {
		abandoning.Add(1)
		start(func() {
			defer abandoning.Done()
			s.abandon()
		}, nil)
	}
	return waiting
}

// end empties the host's lists and gives what was in them; nothing the second time.
func (h *host) end() (waiting int, stores map[uint64]*store) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return 0, nil
	}
	waiting, stores = len(h.calls), h.stores
	h.ended = true
	h.stores = map[uint64]*store{}
	h.runtimes = map[uint32]startedRuntime{}
	return waiting, stores
}

// exchange takes what the host sends and hands out what waits for it; see duroxide.h.
func (h *host) exchange(out, in []byte, most int) int64 {
	h.queue.pulse.Sign()
	if err := eachRecord(out, h.accept); err != nil {
		rememberFault(err.Error())
		return resultFault
	}
	if most <= 0 {
		return 0
	}
	return h.queue.take(in, most)
}

// accept handles one record of the host. A record that is not well formed fails what it answers.
func (h *host) accept(r *record) {
	switch r.kind {
	case kindRunAnswer:
		answer, err := decodeRunAnswer(r)
		h.answer(r.token, reply{run: answer, err: err})
	case kindActivityAnswer:
		result, err := decodeActivityAnswer(r)
		invocations.remove(r.token)
		h.answer(r.token, reply{activity: result, err: err})
	case kindRequest:
		h.request(r)
	default:
		logging.Logger.Warn("unknown record from the host", slog.Int("kind", int(r.kind)))
	}
}

// answer hands a reply to the goroutine that waits for it. A late answer finds nobody, which is
// normal.
func (h *host) answer(token uint64, r reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.calls[token]; ok {
		delete(h.calls, token)
		c.answer <- r
	}
}

// ask appends the record of a call and blocks until it is answered.
func (h *host) ask(ctx context.Context, c *call, record packed) (reply, error) {
	c.answer = make(chan reply, 1)
	h.mu.Lock()
	if h.ended {
		h.mu.Unlock()
		return reply{}, engine.ErrHostGone
	}
	h.calls[c.token] = c
	h.mu.Unlock()
	defer h.forget(c.token)

	if err := h.queue.push(record, c); err != nil {
		return reply{}, err
	}
	select {
	case r := <-c.answer:
		return r, r.err
	case <-h.ctx.Done():
		return reply{}, engine.ErrHostGone
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

func (h *host) forget(token uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.calls, token)
}

// runtimeHost is the host as one runtime sees it: the number lets JavaScript find the runtime's
// functions, and what is said on its behalf goes to its log.
type runtimeHost struct {
	host    *host
	runtime uint32
	log     *logging.Log
}

var _ engine.Host = (*runtimeHost)(nil)

// Run implements engine.Host.
func (h *runtimeHost) Run(ctx context.Context, r engine.RunRequest) (replay.Answer, error) {
	record, err := encodeRun(h.runtime, &r)
	if err != nil {
		return replay.Answer{}, fmt.Errorf("run of %s: %w", r.Invocation.Instance, err)
	}
	token := r.Invocation.Token
	invocations.put(token, &invocation{
		host: h.host, log: h.log, of: r.Invocation, replaySteps: uint64(max(r.ReplaySteps, 0)),
	})
	defer invocations.remove(token)
	answer, err := h.host.ask(ctx, &call{runtime: h.runtime, token: token, isRun: true}, record)
	if err != nil {
		return replay.Answer{}, fmt.Errorf("run of %s: %w", r.Invocation.Instance, err)
	}
	return answer.run, nil
}

// Drop implements engine.Host.
func (h *runtimeHost) Drop(resident uint64) {
	record, err := encodeDrop(h.runtime, resident)
	h.post("drop a generator", record, err)
}

// Activity implements engine.Host.
func (h *runtimeHost) Activity(
	ctx context.Context, c engine.ActivityCall,
) (engine.ActivityResult, error) {
	record, err := encodeActivity(h.runtime, &c)
	if err != nil {
		return engine.ActivityResult{}, fmt.Errorf("activity %s: %w", c.Activity, err)
	}
	token := c.Invocation.Token
	known := c
	known.Input = "" // the entry may live long
	invocations.put(token, &invocation{
		host: h.host, log: h.log, of: c.Invocation, activity: &known,
	})
	answer, err := h.host.ask(ctx, &call{runtime: h.runtime, token: token, unwanted: c.IsUnwanted}, record)
	if errors.Is(err, engine.ErrHostGone) || errors.Is(err, engine.ErrTakenBack) {
		invocations.remove(token)
	}
	if ctx.Err() != nil {
		record, encodeErr := encodeCancel(h.runtime, token, flagAbandoned, "")
		h.post("abandon an activity", record, encodeErr)
	}
	if err != nil {
		return engine.ActivityResult{}, fmt.Errorf("activity %s: %w", c.Activity, err)
	}
	return answer.activity, nil
}

// CancelActivity implements engine.Host. The flag is for code that asks, the record for code that
// listens.
func (h *runtimeHost) CancelActivity(token uint64, reason string) {
	i := invocations.find(h.host, token)
	if i == nil || h.host.takeBack(token) {
		return
	}
	i.cancelled.Store(true)
	record, err := encodeCancel(h.runtime, token, 0, reason)
	h.post("cancel an activity", record, err)
}

// post appends a record that nobody waits for. A host that is gone needs it no more.
func (h *runtimeHost) post(what string, record packed, err error) {
	if err != nil {
		logging.To(h.log).Warn("cannot "+what, slog.String("error", err.Error()))
		return
	}
	_ = h.host.queue.push(record, nil) // the only error is a host that has ended
}
