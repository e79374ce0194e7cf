package engine

import (
	"sync"
	"time"

	"duroxide/provider"
)

// waiters wakes those who wait for an instance. Nobody polls because of them: they are told of
// changes by the store's one watch.
type waiters struct {
	clock Clock
	// closed ends every wait.
	closed    chan struct{}
	closeOnce sync.Once

	mu sync.Mutex
	// Guarded by mu.
	byInstance map[string]map[*waiter]struct{}
}

// waiter is one wait. Wake holds at most one signal: a wake-up says "look again", not what to see.
type waiter struct {
	instance string
	wake     chan struct{}
}

func newWaiters(clock Clock) *waiters {
	return &waiters{
		clock:      clock,
		closed:     make(chan struct{}),
		byInstance: make(map[string]map[*waiter]struct{}),
	}
}

// add registers a waiter. Every change that is reported after it returns wakes the waiter.
func (ws *waiters) add(instance string) *waiter {
	w := &waiter{instance: instance, wake: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	group := ws.byInstance[instance]
	if group == nil {
		group = make(map[*waiter]struct{})
		ws.byInstance[instance] = group
	}
	group[w] = struct{}{}
	return w
}

func (ws *waiters) remove(w *waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	group := ws.byInstance[w.instance]
	delete(group, w)
	if len(group) == 0 {
		delete(ws.byInstance, w.instance)
	}
}

// changed wakes the waiters of the changed instances. It does not block.
func (ws *waiters) changed(change provider.Change) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if change.All {
		for _, group := range ws.byInstance {
			wakeAll(group)
		}
		return
	}
	for _, instance := range change.Instances {
		wakeAll(ws.byInstance[instance])
	}
}

// close ends all waits, now and later, with ErrShutdown.
func (ws *waiters) close() {
	ws.closeOnce.Do(func() { close(ws.closed) })
}

// after gives a channel that is closed when d has passed, and a function that prevents it.
func (ws *waiters) after(d time.Duration) (passed <-chan struct{}, stop func() bool) {
	ch := make(chan struct{})
	return ch, ws.clock.AfterFunc(d, func() { close(ch) })
}

func wakeAll(group map[*waiter]struct{}) {
	for w := range group {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
