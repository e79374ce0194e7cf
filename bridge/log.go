package main

import (
	"log/slog"

	"duroxide/engine"
	"duroxide/logging"
)

// logObject is a logger object of JavaScript, as one runtime brought it.
type logObject struct {
	host    *host
	runtime uint32
	// number is the same for all runtimes of the host that brought the same object.
	number uint32
}

// Write implements logging.Object. What an ended host does not take is lost, as nobody is left to read
// it.
func (o *logObject) Write(level slog.Level, target, message, fields string) {
	record, err := encodeLog(o.runtime, levelNumber(level), target, message, fields)
	if err == nil {
		_ = o.host.queue.push(record, nil)
	}
}

// Is implements logging.Object.
func (o *logObject) Is(other logging.Object) bool {
	object, ok := other.(*logObject)
	return ok && object.host == o.host && object.number == o.number
}

// newRuntimeLog makes the log of a runtime that is about to start.
func (h *host) newRuntimeLog(runtime uint32, o *logging.Options) *logging.Log {
	switch {
	case o == nil:
		return &logging.Log{}
	case o.Logger == 0:
		return logging.New(*o, nil)
	default:
		return logging.New(*o, &logObject{host: h, runtime: runtime, number: o.Logger})
	}
}

// startedRuntime is a runtime and what must be undone after its shutdown.
type startedRuntime struct {
	*engine.Runtime
	detachLog func()
}

// levelNumber gives the number of a level on the border: that of the list of traceLevels, and 4 for
// what lies below debug.
func levelNumber(level slog.Level) uint32 {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 2
	case level >= slog.LevelInfo:
		return 1
	case level >= slog.LevelDebug:
		return 0
	default:
		return 4
	}
}
