package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"duroxide/engine"
)

// logObject is a logger object of JavaScript, given as an option of one runtime. Records reach it in
// the order in which they were written.
type logObject struct {
	host    *host
	runtime uint32
	// service holds the name and the version of the service; "" for none.
	service [2]string
}

// write hands a line over. What an ended host does not take is lost, as nobody is left to read it.
func (o *logObject) write(l line) {
	fields := make(map[string]any, len(l.attributes)+2)
	for i, key := range serviceKeys {
		if o.service[i] != "" {
			fields[key] = o.service[i]
		}
	}
	for _, a := range l.attributes {
		fields[a.Key] = fieldValue(a.Value.Resolve())
	}
	text, err := json.Marshal(fields)
	if err != nil {
		text = []byte("{}")
	}
	record, err := encodeLog(o.runtime, levelNumber(l.level), l.target, l.message, string(text))
	if err == nil {
		_ = o.host.queue.push(record)
	}
}

// fieldValue keeps what JSON has a form for; anything else becomes text.
func fieldValue(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		return v.Any()
	default:
		return v.String()
	}
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

// storeSinks are where the records of one store's engine go: to the logger objects of the runtimes
// on it, and to the sink of the process if a runtime has none or no runtime is there. Records of an
// engine are not told apart by runtime.
type storeSinks struct {
	mu sync.Mutex
	// plain counts the runtimes without an object.
	plain   int
	objects []*sink
	// cached is the list while it is not just the sink of the process.
	cached atomic.Pointer[[]*sink]
}

// list gives the sinks to write to. It may be called on nil.
func (l *storeSinks) list() []*sink {
	if l != nil {
		if cached := l.cached.Load(); cached != nil {
			return *cached
		}
	}
	return []*sink{current.Load()}
}

// add counts one more runtime, with its own sink or nil; the function takes it away again.
func (l *storeSinks) add(own *sink) (remove func()) {
	l.change(own, 1)
	return sync.OnceFunc(func() { l.change(own, -1) })
}

func (l *storeSinks) change(own *sink, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case own == nil:
		l.plain += by
	case by > 0:
		l.objects = append(slices.Clone(l.objects), own)
	default:
		l.objects = slices.DeleteFunc(slices.Clone(l.objects), func(s *sink) bool { return s == own })
	}
	if len(l.objects) == 0 {
		l.cached.Store(nil)
		return
	}
	sinks := slices.Clone(l.objects)
	if l.plain > 0 {
		sinks = append(sinks, current.Load())
	}
	l.cached.Store(&sinks)
}

// startedRuntime is a runtime and what must be undone after its shutdown.
type startedRuntime struct {
	*engine.Runtime
	detachLog func()
}

// attachLog prepares the log of a runtime that is about to start: its own object, or the sink of the
// process, of which the first one stays.
func (h *host) attachLog(
	ctx context.Context, sinks *storeSinks, runtime uint32, o *logOptions,
) (detach func()) {
	if o == nil || !o.Object {
		if o != nil {
			_ = installSink(ctx, *o) // a later sink is not an error here
		}
		return sinks.add(nil)
	}
	own := &sink{
		filter: chooseFilter(o.Filter, o.Level), installed: true,
		object: &logObject{
			host: h, runtime: runtime, service: [2]string{o.ServiceName, o.ServiceVersion},
		},
	}
	h.mu.Lock()
	h.loggers[runtime] = own
	h.mu.Unlock()
	remove := sinks.add(own)
	return func() {
		remove()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.loggers, runtime)
	}
}

// sinkOf gives the sink of a runtime.
func (h *host) sinkOf(runtime uint32) *sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	if own := h.loggers[runtime]; own != nil {
		return own
	}
	return current.Load()
}
