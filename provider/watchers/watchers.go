// Package watchers keeps the functions that learn of a store's commits.
package watchers

import (
	"sync"
	"sync/atomic"

	"duroxide/provider"
)

// Watchers are functions to be called after commits. The zero value has none. It is safe for
// concurrent use.
type Watchers struct {
	count atomic.Int64

	mu    sync.Mutex // guards what follows
	next  int
	calls map[int]func(provider.Change)
}

// Any reports whether there are watchers, without waiting for anything.
func (w *Watchers) Any() bool { return w.count.Load() > 0 }

// Add adds a function. Stop takes it out again; more than one call of stop is harmless.
func (w *Watchers) Add(changed func(provider.Change)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		w.calls = map[int]func(provider.Change){}
	}
	id := w.next
	w.next++
	w.calls[id] = changed
	w.count.Add(1)
	return func() { w.remove(id) }
}

func (w *Watchers) remove(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.calls[id]; ok {
		delete(w.calls, id)
		w.count.Add(-1)
	}
}

// Call calls all functions, one after the other. They may add and stop watchers.
func (w *Watchers) Call(c provider.Change) {
	w.mu.Lock()
	calls := make([]func(provider.Change), 0, len(w.calls))
	for _, changed := range w.calls {
		calls = append(calls, changed)
	}
	w.mu.Unlock()
	for _, changed := range calls {
		changed(c)
	}
}
