package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"duroxide/engine"
)

// runtimeLog is where the records of one runtime go, and nobody else's: to its logger object, or to
// the sink of the process under the name of its service.
type runtimeLog struct {
	own     *sink // nil for the sink of the process, whichever it is then
	service service
}

func (l *runtimeLog) sink() *sink {
	if l.own != nil {
		return l.own
	}
	return current.Load()
}

func (l *runtimeLog) sinks() []*sink { return []*sink{l.sink()} }

func (l *runtimeLog) from() service { return l.service }

// newRuntimeLog makes the log of a runtime that is about to start. The sink of the process is made
// on the way, if there is none yet: the first one stays.
func (h *host) newRuntimeLog(ctx context.Context, runtime uint32, o *logOptions) *runtimeLog {
	if o == nil {
		return &runtimeLog{}
	}
	l := &runtimeLog{service: service{o.ServiceName, o.ServiceVersion}}
	if o.Logger == 0 {
		_ = installSink(ctx, *o) // a later sink is not an error here
		return l
	}
	l.own = &sink{
		filter: chooseFilter(o.Filter, o.Level), installed: true,
		object: &logObject{host: h, runtime: runtime, number: o.Logger, service: l.service},
	}
	return l
}

// storeLog is where the records of a store go that belong to no runtime: to the logs of the runtimes
// on it, each logger object and the sink of the process once; to the sink of the process where no
// runtime is.
type storeLog struct {
	mu   sync.Mutex
	logs []*runtimeLog
	// cached is the list while it is not just the sink of the process.
	cached atomic.Pointer[[]*sink]
}

func (l *storeLog) sinks() []*sink {
	if cached := l.cached.Load(); cached != nil {
		return *cached
	}
	return []*sink{current.Load()}
}

func (l *storeLog) from() service { return service{} }

// add has the log of one more runtime take part; the function takes it away again.
func (l *storeLog) add(log *runtimeLog) (remove func()) {
	l.change(func(logs []*runtimeLog) []*runtimeLog { return append(logs, log) })
	return sync.OnceFunc(func() {
		l.change(func(logs []*runtimeLog) []*runtimeLog {
			return slices.DeleteFunc(logs, func(other *runtimeLog) bool { return other == log })
		})
	})
}

func (l *storeLog) change(change func([]*runtimeLog) []*runtimeLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs = change(l.logs)
	if !slices.ContainsFunc(l.logs, func(log *runtimeLog) bool { return log.own != nil }) {
		l.cached.Store(nil)
		return
	}
	var sinks []*sink
	for _, log := range l.logs {
		if s := log.sink(); !slices.Contains(sinks, s) {
			sinks = append(sinks, s)
		}
	}
	l.cached.Store(&sinks)
}

// writeOnce writes a line to each sink that shows it. Sinks of the same logger object are one.
func writeOnce(sinks []*sink, l line) {
	for i, s := range sinks {
		if s.enabled(l.target, l.level) && !shown(sinks[:i], s, l) {
			s.write(l)
		}
	}
}

// shown reports whether one of the sinks before has handed the line to the same logger object.
func shown(before []*sink, s *sink, l line) bool {
	return s.object != nil && slices.ContainsFunc(before, func(other *sink) bool {
		return other.object != nil && other.object.host == s.object.host &&
			other.object.number == s.object.number && other.enabled(l.target, l.level)
	})
}

// startedRuntime is a runtime and what must be undone after its shutdown.
type startedRuntime struct {
	*engine.Runtime
	detachLog func()
}

// loggerTo gives a log to a destination.
func loggerTo(to destination) *slog.Logger { return slog.New(logHandler{to: to}) }
