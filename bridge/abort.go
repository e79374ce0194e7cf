package main

import (
	"context"
	"sync"
)

var abortRequests = map[string]handler{"abort": with(serveAbort)}

// waits are the requests that may take long, so that the host may give them up.
var waits = map[string]bool{"client.wait": true, "client.waitStatus": true, "client.waitValue": true}

// operations are the requests of a host that can be given up, by their numbers.
type operations struct {
	mu      sync.Mutex
	cancels map[uint64]context.CancelFunc
}

// abortable gives the context of a request, and what to call at its end. It is called in the order of the
// records, so that a request is known before its abort is looked at.
func (h *host) abortable(operation uint64, name string) (ctx context.Context, done func()) {
	if !waits[name] {
		return h.ctx, func() {}
	}
	ctx, cancel := context.WithCancel(h.ctx)
	o := &h.operations
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cancels == nil {
		o.cancels = map[uint64]context.CancelFunc{}
	}
	o.cancels[operation] = cancel
	return ctx, func() {
		cancel()
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.cancels, operation)
	}
}

type abortArguments struct {
	Operation uint64 `json:"operation"`
}

// serveAbort gives a request up: it fails with CANCELLED. One that is done is left alone.
func serveAbort(_ context.Context, h *host, a abortArguments, _ string) (result, error) {
	o := &h.operations
	o.mu.Lock()
	defer o.mu.Unlock()
	if cancel, ok := o.cancels[a.Operation]; ok {
		cancel()
	}
	return result{value: empty{}}, nil
}
