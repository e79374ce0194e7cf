package engine

import (
	"sync"

	"duroxide/provider"
)

// interest watches the store while somebody here wants to know of changes: a runtime, or a client
// that waits. Stores look around for what others commit only while they are watched, so a store that
// is merely open costs nothing.
type interest struct {
	store   provider.Provider
	changed func(provider.Change)

	mu    sync.Mutex
	count int
	stop  func()
}

// add takes part. Everything that changes after it returns is told, until the function is called,
// once.
func (i *interest) add() (done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.count == 0 {
		i.stop = i.store.Watch(i.changed)
	}
	i.count++
	return i.done
}

func (i *interest) done() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count--
	if i.count == 0 {
		i.stop()
	}
}
