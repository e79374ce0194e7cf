package engine

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/Masterminds/semver/v3"
	"github.com/google/uuid"

	"duroxide/history"
	"duroxide/provider"
)

// Options configures an Engine.
type Options struct {
	// Log takes the records of what belongs to no runtime, and of runtimes without a log of their own;
	// nil discards them.
	Log *slog.Logger
	// Clock is where waiting takes its time from; nil means the machine's.
	Clock Clock
	// Version is the semantic version that is written into histories; "" means 0.0.0.
	Version string
	// Test, if not nil, is the clock of the store: a test moves it.
	Test *TestClock
}

// Engine is one opened store with the clients and runtimes of this process on it. It is safe for
// concurrent use.
type Engine struct {
	store    provider.Provider
	clock    Clock
	test     *TestClock // nil outside of tests
	log      log
	version  string
	changes  *waiters
	watch    interest
	pool     *Pool
	gone     gone
	defaults defaults
	suspect  chan struct{} // has an entry while a suspect runs

	mu       sync.Mutex
	runtimes []*Runtime // that take work
	ending   []*Runtime // that are shutting down: the store stays open until they have given back
	turn     int        // round robin over runtimes
	closed   bool

	closing  sync.Once
	isClosed chan struct{} // closed when closing is over; then closeErr is set
	closeErr error
}

// New makes an engine on an opened store. Close must be called; it closes the store too.
func New(store provider.Provider, o Options) *Engine {
	e := &Engine{
		store: store, clock: o.Clock, test: o.Test, log: newLog(o.Log), version: o.Version, pool: NewPool(),
	}
	e.isClosed, e.suspect = make(chan struct{}), make(chan struct{}, 1)
	if e.clock == nil {
		e.clock = RealClock{}
	}
	if e.version == "" {
		e.version = "0.0.0"
	}
	e.changes = newWaiters(e.clock)
	e.watch.store, e.watch.changed = store, e.changed
	return e
}

// Client gives a client of the store. It needs no closing.
func (e *Engine) Client() *Client { return &Client{e: e} }

// Close shuts the runtimes down without grace, those included whose shutdown is under way, and
// closes the store when they have given their work back. It may be called several times. If ctx ends
// first, closing goes on without the caller.
func (e *Engine) Close(ctx context.Context) error {
	e.closing.Do(func() { //nolint:contextcheck // closing outlives the call that asked for it
		go func() {
			defer close(e.isClosed)
			defer e.log.recovered("close")
			e.closeErr = e.close(context.Background())
		}()
	})
	select {
	case <-e.isClosed:
		return e.closeErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	var wg sync.WaitGroup
	for _, rt := range e.working() {
		wg.Go(func() { _ = rt.Shutdown(ctx, 0) }) // It fails with its context only.
	}
	wg.Wait()
	e.changes.close()
	return e.store.Close(ctx)
}

// changed is called by the store after commits. It must not call the store.
func (e *Engine) changed(c provider.Change) {
	e.changes.changed(c)
	if c.Deleted {
		e.dropDeleted()
	}
	if !c.Work && c.NextDue.IsZero() {
		return
	}
	for _, rt := range e.started() {
		switch {
		case !c.Work:
		case c.TasksOnly && rt.workers.room() == 0:
			rt.poller.full(taskRoom) // until a slot is free
		default:
			rt.poller.wake()
		}
		if !c.NextDue.IsZero() {
			rt.poller.wakeAt(c.NextDue)
		}
	}
}

// started lists the runtimes that take work.
func (e *Engine) started() []*Runtime {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.runtimes)
}

// working lists the runtimes that may have work in hand, those that are shutting down included.
func (e *Engine) working() []*Runtime {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Concat(e.runtimes, e.ending)
}

// leaving takes a runtime off those that get work.
func (e *Engine) leaving(rt *Runtime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runtimes = without(e.runtimes, rt)
	e.ending = append(e.ending, rt)
}

// left forgets a runtime that has given everything back.
func (e *Engine) left(rt *Runtime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = without(e.ending, rt)
}

func without(runtimes []*Runtime, rt *Runtime) []*Runtime {
	return slices.DeleteFunc(runtimes, func(other *Runtime) bool { return other == rt })
}

// submit stores messages. Where a runtime of this process has room, it claims the targets in the
// same commit and begins at once.
func (e *Engine) submit(ctx context.Context, msgs []provider.Message) ([]provider.Submitted, error) {
	rt := e.choose(msgs)
	s := provider.Submission{Messages: msgs}
	if rt != nil {
		defer rt.guests.Done()
		s.Claim = rt.claimant()
		defer rt.claiming()()
	}
	results, err := e.store.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	e.route(rt, msgs, results)
	return results, nil
}

// choose gives a runtime that has room for one more instance and the code for what is started, or nil.
// The caller is a guest of the runtime, which does not end before it has left.
func (e *Engine) choose(msgs []provider.Message) *Runtime {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.runtimes {
		rt := e.runtimes[(e.turn+i)%len(e.runtimes)]
		if rt.hasCodeFor(msgs) && rt.hasRoom() {
			e.turn += i + 1
			rt.guests.Add(1)
			return rt
		}
	}
	return nil
}

// route hands stored messages to whoever holds their target: claims go to the runtime that asked
// for them, messages for held instances to the runtime of this process that holds them. What is
// held elsewhere is announced by the store.
func (e *Engine) route(claimer *Runtime, msgs []provider.Message, results []provider.Submitted) {
	for i, m := range msgs {
		result := results[i]
		if m, ok := stored(m, result); ok {
			e.routeStored(claimer, m, result)
		}
	}
}

// stored gives the message that a store has kept, if it is for somebody now: the given one, or what stands
// for a refused start.
func stored(m provider.Message, result provider.Submitted) (provider.Message, bool) {
	switch {
	case result.Err != nil:
		return m, false
	case result.Fate == provider.Refused:
		m = *m.Refusal.For(result.Existing)
	case result.Fate != provider.Stored || m.IsKept(), m.Stop == provider.TimedOut: // It is for later.
		return m, false
	default:
	}
	m.ID, m.DueMs = result.ID, result.DueMs
	return m, true
}

// routeStored hands one message over. A lease that nobody here knows belongs to another process, or its
// claim is still on its way to one of the runtimes.
func (e *Engine) routeStored(claimer *Runtime, m provider.Message, result provider.Submitted) {
	if result.Claim != nil {
		claimer.adopt(*result.Claim)
		return
	}
	if result.Held == 0 {
		return
	}
	runtimes := e.started()
	for _, rt := range runtimes {
		if rt.leases.knows(result.Held) {
			rt.route(m, result.Life)
			return
		}
	}
	for _, rt := range runtimes {
		rt.missed(m.Instance)
	}
}

// newLife names a new inhabitant of an instance id.
func newLife() history.Life { return history.Life(uuid.New()) }

var lastToken atomic.Uint64

// newToken gives a number that is unique in the process and never reused.
func newToken() uint64 { return lastToken.Add(1) }

// level gives the highest format level that this engine reads: levels are numbered by the first version
// that reads them.
func (e *Engine) level() uint64 {
	v, err := semver.NewVersion(e.version)
	if err != nil {
		return 0
	}
	return provider.PackVersion(v.Major(), v.Minor(), v.Patch())
}
