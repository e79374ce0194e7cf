package main

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"duroxide/engine"
	"duroxide/logging"
)

var goroutines = engine.NewPool()

// start runs a function in a goroutine of its own. It is the only place in this package that does:
// an unrecovered panic would end the Node process. failed, if not nil, gets the panic as an error.
func start(body func(), failed func(error)) {
	goroutines.Go(func() {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			err := &panicError{value: fmt.Sprint(p), stack: string(debug.Stack())}
			logging.Logger.Error("panic in a goroutine", slog.String("error", err.value),
				slog.String("stack", err.stack))
			if failed != nil {
				failed(err)
			}
		}()
		body()
	})
}

// panicError is a recovered panic.
type panicError struct {
	value string
	stack string
}

// Error gives the panic's value.
func (e *panicError) Error() string { return "panic in the engine: " + e.value }

// lastFault is the text of the last fault of an exported function, for the error that the
// JavaScript side makes of resultFault.
var lastFault atomic.Pointer[string]

func rememberFault(text string) {
	lastFault.Store(&text)
	logging.Logger.Error("fault at the border", slog.String("error", text))
}

// tokenCounter gives numbers that are unique in the process.
type tokenCounter struct {
	mu   sync.Mutex
	next uint64
}

func (c *tokenCounter) take() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.next
}
