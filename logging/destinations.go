package logging

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// Log is where the records of one runtime go, and nobody else's: to its logger object, or to
// the sink of the process under the name of its service.
type Log struct {
	own     *sink // nil for the sink of the process, whichever it is then
	service service
}

func (l *Log) sink() *sink {
	if l.own != nil {
		return l.own
	}
	return current.Load()
}

func (l *Log) sinks() []*sink { return []*sink{l.sink()} }

func (l *Log) from() service { return l.service }

// New makes the log of a runtime that is about to start: to its logger object, or if that is nil to the
// sink of the process, which is made on the way if there is none yet: the first one stays.
func New(o Options, object Object) *Log {
	l := &Log{service: service{o.ServiceName, o.ServiceVersion}}
	if object == nil {
		_ = Install(o) // a later sink is not an error here
		return l
	}
	l.own = &sink{
		filter: chooseFilter(o.Filter, o.Level), installed: true, object: object, service: l.service,
	}
	return l
}

// Shows reports whether what a target says at a level is written.
func (l *Log) Shows(target string, level slog.Level) bool { return l.sink().enabled(target, level) }

// Write writes a line. The caller has asked Shows.
func (l *Log) Write(level slog.Level, target, message string, attributes []slog.Attr) {
	l.sink().write(line{
		level: level, target: target, message: message, attributes: attributes, service: l.service,
	})
}

// Shared is where the records of a store go that belong to no runtime: to the logs of the runtimes
// on it, each logger object and the sink of the process once; to the sink of the process where no
// runtime is.
type Shared struct {
	mu   sync.Mutex
	logs []*Log
	// cached is the list while it is not just the sink of the process.
	cached atomic.Pointer[[]*sink]
}

func (l *Shared) sinks() []*sink {
	if cached := l.cached.Load(); cached != nil {
		return *cached
	}
	return []*sink{current.Load()}
}

func (l *Shared) from() service { return service{} }

// Add has the log of one more runtime take part; the function takes it away again.
func (l *Shared) Add(log *Log) (remove func()) {
	l.change(func(logs []*Log) []*Log { return append(logs, log) })
	return sync.OnceFunc(func() {
		l.change(func(logs []*Log) []*Log {
			return slices.DeleteFunc(logs, func(other *Log) bool { return other == log })
		})
	})
}

func (l *Shared) change(change func([]*Log) []*Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs = change(l.logs)
	if !slices.ContainsFunc(l.logs, func(log *Log) bool { return log.own != nil }) {
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
		return other.object != nil && other.object.Is(s.object) && other.enabled(l.target, l.level)
	})
}

// To gives a log to a destination.
func To(to Destination) *slog.Logger { return slog.New(handler{to: to}) }
