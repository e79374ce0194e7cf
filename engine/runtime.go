package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"duroxide/provider"
)

// maxActive bounds the instances of one runtime that have work in memory at the same time. What
// comes beyond that waits in the store, where other nodes can take it.
const maxActive = 512

// runsPerSlot is the number of runs that one orchestration slot keeps under way. Code runs one step
// at a time on its thread anyway; more under way means that neither side waits for the other, and
// that many runs share one crossing.
const runsPerSlot = 32

// Runtime runs orchestrations and activities of one store on behalf of one host. It is used once:
// started by Engine.StartRuntime, ended by Shutdown. It is safe for concurrent use.
type Runtime struct {
	e        *Engine
	set      settings
	reg      *Registry
	host     Host
	node     string
	log      log
	counters *metrics
	used     usedCounts

	leases     *leaseSet // for instances
	taskLeases *leaseSet
	poller     *poller
	workers    *workers
	sessions   *sessions
	alive      *liveness
	returns    *returns
	turnSlots  chan struct{}
	unwatch    func()

	// ctx ends when the grace period is over; stop ends when shutdown begins.
	ctx    context.Context
	cancel context.CancelFunc
	stop   chan struct{}
	done   chan struct{}

	spawning sync.Mutex // guards over; it comes after every other lock
	over     bool
	wg       sync.WaitGroup
	guests   sync.WaitGroup // calls of clients that claim for this runtime

	hostGone atomic.Bool // the host of the code has ended, perhaps by what it ran
	strays   strays      // owned by upkeep
	doubt    atomic.Bool // a call to the store may have claimed what is not known here

	mu        sync.Mutex
	residents map[string]*resident
	arrivals  arrivals
	troubles  map[string]trouble // by instance
	active    int                // residents whose goroutine runs
	lastTurn  time.Time
	stopping  bool
}

// StartRuntime starts a runtime. The context limits the start only. Wrong options are an
// *InputError.
func (e *Engine) StartRuntime(ctx context.Context, o RuntimeOptions, reg *Registry, h Host) (*Runtime, error) {
	set, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	rt := e.newRuntime(set, reg, h)
	if o.Log != nil {
		rt.log = newLog(o.Log)
	}
	rt.unwatch = e.watch.add() // before the first look of the poller
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		rt.unwatch()
		rt.cancel()
		return nil, ErrShutdown
	}
	e.runtimes = append(e.runtimes, rt)
	e.mu.Unlock()
	store, storeVersion := e.store.Name()
	rt.log.runtimeStarted(rt.node, e.version, store, storeVersion, set)
	rt.spawn("poller", func() { rt.poller.run(rt.ctx) })
	rt.spawn("upkeep", func() { rt.upkeep(rt.ctx) })
	rt.spawn("liveness", func() { rt.alive.run(rt.ctx) })
	rt.poller.wake()
	return rt, ctx.Err()
}

func (e *Engine) newRuntime(set settings, reg *Registry, h Host) *Runtime {
	ctx, cancel := context.WithCancel(context.Background())
	node, serves := uuid.NewString(), reg.serves(e.level(), set.code)
	rt := &Runtime{
		e: e, set: set, reg: reg, host: h, node: node, log: e.log, counters: &metrics{},
		leases:     newLeaseSet(node, set.turnLease, e.clock.Now, serves),
		taskLeases: newLeaseSet(taskNode(node), set.taskLease, e.clock.Now, serves),
		turnSlots:  make(chan struct{}, max(set.orchestrationConcurrency, 1)*runsPerSlot),
		ctx:        ctx, cancel: cancel,
		stop: make(chan struct{}), done: make(chan struct{}),
		residents: map[string]*resident{},
		troubles:  map[string]trouble{},
	}
	rt.poller = newPoller(rt)
	rt.sessions = newSessions(rt)
	rt.alive = newLiveness(rt)
	rt.returns = &returns{rt: rt}
	rt.workers = newWorkers(rt)
	return rt
}

// Metrics gives the counters since the start.
func (rt *Runtime) Metrics() Snapshot { return rt.counters.snapshot() }

// ID returns the id of the start, by which Health names the runtime.
func (rt *Runtime) ID() string { return rt.node }

// Shutdown stops taking work, lets turns and activities in flight finish for the grace period,
// abandons the rest and gives everything back. It may be called several times at once: all calls
// return when it is done, and the shortest grace counts. The context limits the waiting only.
func (rt *Runtime) Shutdown(ctx context.Context, grace time.Duration) error {
	rt.mu.Lock()
	first := !rt.stopping
	rt.stopping = true
	rt.mu.Unlock()
	if first {
		close(rt.stop)
		rt.e.leaving(rt)
		go func() { //nolint:contextcheck // the end outlives the call that asked for it
			defer rt.log.recovered("shutdown")
			rt.finish()
		}()
	}
	keepOn := rt.e.clock.AfterFunc(grace, rt.cancel)
	select {
	case <-rt.done:
		keepOn()
		return nil
	case <-ctx.Done(): // The grace period ends without the caller.
		return ctx.Err()
	}
}

// finish waits for work in flight, or for the end of the grace period, and gives claims back. Until
// it has, the engine knows the runtime and does not close the store.
func (rt *Runtime) finish() {
	defer close(rt.done)
	defer rt.e.left(rt)
	defer rt.unwatch()
	rt.waitQuiet()
	clean := rt.ctx.Err() == nil
	rt.cancel()
	rt.spawning.Lock()
	rt.over = true
	rt.spawning.Unlock()
	rt.wg.Wait()
	rt.awaitGuests()
	rt.giveBack()
	rt.log.runtimeStopped(rt.node, clean)
}

// waitQuiet returns when nothing is in flight, or when the grace period is over.
func (rt *Runtime) waitQuiet() {
	for {
		changed := rt.poller.quietSignal()
		rt.mu.Lock()
		active := rt.active
		rt.mu.Unlock()
		if active == 0 && rt.workers.idle() {
			return
		}
		select {
		case <-changed:
		case <-rt.ctx.Done():
			return
		}
	}
}

// giveBackTime bounds how long a shutdown waits for claims under way, and how long it tries to give
// claims back; leases end by themselves.
const giveBackTime = 5 * time.Second

// awaitGuests waits for calls of clients that may still claim something for this runtime.
func (rt *Runtime) awaitGuests() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		rt.guests.Wait()
	}()
	late := make(chan struct{})
	stop := rt.e.clock.AfterFunc(giveBackTime, func() { close(late) })
	defer stop()
	select {
	case <-done:
	case <-late:
	}
}

// giveBack releases all claims and drops all generators, so that other runtimes can go on at once.
func (rt *Runtime) giveBack() {
	rt.mu.Lock()
	for _, r := range rt.residents {
		rt.leaveInline(r)
		rt.unload(r)
		r.dropTimers()
	}
	rt.residents = map[string]*resident{}
	rt.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTime)
	defer cancel()
	if err := rt.insist(ctx, "abandon", func() error { return rt.abandonHeld(ctx) }); err != nil {
		rt.storeFailed("abandon", err, 0)
	}
	rt.sessions.release(ctx)
	if err := rt.e.store.Leave(ctx, rt.node); err != nil {
		rt.storeFailed("leave", err, 0) // Others see that it has ended.
	}
}

// isOver reports whether an error only means that the runtime or its host ends.
func (rt *Runtime) isOver(err error) bool {
	if errors.Is(err, ErrHostGone) {
		rt.hostGone.Store(true)
		return true
	}
	return rt.ctx.Err() != nil
}

// abandonHeld gives back everything that this node has claimed, known here or not.
func (rt *Runtime) abandonHeld(ctx context.Context) error {
	held, err := rt.held(ctx)
	if err != nil || len(held.Instances)+len(held.Tasks) == 0 {
		return err
	}
	// What an environment had in hand when it ended may be what has ended it.
	mark := rt.hostGone.Load()
	var a provider.Abandonment
	for _, token := range held.Instances {
		a.Instances = append(a.Instances, provider.AbandonedInstance{Token: token, IgnoreAttempt: true, Mark: mark})
	}
	for _, token := range held.Tasks {
		a.Tasks = append(a.Tasks, provider.AbandonedTask{Token: token, IgnoreAttempt: true, Mark: mark})
	}
	_, err = rt.e.store.Abandon(ctx, a)
	return err
}

// upkeep renews leases, evicts residents and looks after sessions until the runtime ends.
func (rt *Runtime) upkeep(ctx context.Context) {
	o, p := newOverdue(rt), newPresence(rt)
	o.announce(ctx)
	p.upkeep(ctx)
	for rt.doze(ctx, rt.renewEvery()) {
		rt.renew(ctx)
		p.upkeep(ctx)
		o.upkeep(ctx)
		rt.findStrays(ctx)
		rt.sessions.upkeep(ctx)
		rt.evictIdle(ctx)
	}
}

// doze is pause for who has nothing to do until then.
func (rt *Runtime) doze(ctx context.Context, d time.Duration) bool {
	defer rt.e.test.rest()()
	return rt.pause(ctx, d)
}

// pause waits, and reports whether the runtime goes on.
func (rt *Runtime) pause(ctx context.Context, d time.Duration) bool {
	over := make(chan struct{})
	stop := rt.e.clock.AfterFunc(d, func() { close(over) })
	defer stop()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

// hasRoom reports whether one more instance can be claimed.
func (rt *Runtime) hasRoom() bool { return rt.room() > 0 }

// claimant gives the holder for a call that stores messages and may claim their targets; nil where there
// is no room for any.
func (rt *Runtime) claimant() *provider.Holder {
	room := rt.room()
	if room == 0 {
		return nil
	}
	h := rt.leases.holder()
	h.Most = room
	return h
}

// hasRoomFor reports whether there is room of one of these kinds.
func (rt *Runtime) hasRoomFor(what room) bool {
	return what&turnRoom != 0 && rt.hasRoom() ||
		what&taskRoom != 0 && rt.workers.room() > 0
}

func (rt *Runtime) room() int {
	if rt.set.orchestrationConcurrency == 0 || rt.isLate() {
		return 0
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.stopping {
		return 0
	}
	return max(maxActive-rt.active-int(rt.workers.backlog.Load()), 0)
}

func (rt *Runtime) isStopping() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.stopping
}

// needsTurnLease reports whether residents are at work or were a short while ago.
func (rt *Runtime) needsTurnLease() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.active > 0 || rt.e.clock.Now().Sub(rt.lastTurn) < rt.set.turnLease ||
		!rt.workers.idle()
}

// spawn starts a goroutine of the runtime, or reports false where the runtime is over.
func (rt *Runtime) spawn(name string, f func()) bool {
	rt.spawning.Lock()
	defer rt.spawning.Unlock()
	if rt.over {
		return false
	}
	rt.wg.Add(1)
	rt.e.test.work()
	rt.e.pool.Go(func() {
		defer rt.wg.Done()
		defer rt.e.test.end()
		defer rt.log.recovered(name)
		ended := false
		defer func() {
			if !ended { // a panic: what it had in hand is known to nobody
				rt.doubt.Store(true)
			}
		}()
		f()
		ended = true
	})
	return true
}

func (rt *Runtime) storeFailed(op string, err error, retryIn time.Duration) {
	rt.doubt.Store(true)
	rt.counters.providerFailed()
	rt.log.storeFailed(op, err, retryIn)
}
