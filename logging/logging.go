// Package logging says where the lines of the engine and the traces of user code go: to the sink of the
// process, or to logger objects that runtimes bring. It knows levels, filters and formats, and neither
// engine nor border.
package logging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Targets that filters select by.
const (
	// TargetOrchestration is that of traces of orchestrations.
	TargetOrchestration = "duroxide::orchestration"
	// TargetActivity is that of traces of activities.
	TargetActivity = "duroxide::activity"
	targetDefault  = "duroxide::runtime"
	// TargetKey is the attribute in which a logger names the target of a record.
	TargetKey = "target"
)

// levelOff is above every level.
const levelOff = slog.Level(math.MaxInt32)

// levelTrace is below every level that is used.
const levelTrace = slog.Level(-8)

// Options configures where lines go. JavaScript reads the environment and passes what it found: Go
// sees only the environment of the moment in which the process started.
type Options struct {
	// Path of a file to append to; nil means standard error.
	Path *string `json:"path"`
	// Filter is the text of RUST_LOG or DUROXIDE_LOG, or nil where neither is set.
	Filter *string `json:"filter"`
	// Level applies to traces where Filter is nil; "" means info. Everything else shows warnings,
	// and no more than traces do.
	Level string `json:"level"`
	// Logger asks for records instead of lines: they go to the logger object of the runtime. The same
	// object has the same number, zero means none.
	Logger uint32 `json:"logger"`
	// Format is json, pretty or compact.
	Format string `json:"format"`
	// Colors asks for terminal colours: set only where the sink is a terminal.
	Colors         bool   `json:"colors"`
	ServiceName    string `json:"serviceName"`
	ServiceVersion string `json:"serviceVersion"`
}

// sink is where log lines go. The process has one, which is never changed once installed; a runtime
// may bring a logger object, which is one more.
type sink struct {
	descriptor descriptor
	filter     filter
	format     func(*sink, line) []byte
	colors     bool
	service    service
	installed  bool
	// object takes records where they go to a logger object.
	object Object
}

// current is the sink in use. Until one is installed, warnings go to standard error.
var current = func() *atomic.Pointer[sink] {
	var p atomic.Pointer[sink]
	p.Store(&sink{
		descriptor: syscall.Stderr, filter: chooseFilter(nil, "warn"), format: (*sink).compactLine,
	})
	return &p
}()

// Logger writes to the sink of the process.
var Logger = slog.New(handler{})

var installing sync.Mutex

// ErrInstalled is the reason for refusing a second sink. The text is part of the contract.
//
//nolint:staticcheck // the text is part of the contract
var ErrInstalled = errors.New(
	"Failed to init tracing: a global default trace dispatcher has already been set")

// Install installs the sink of the process, once per process. The file is opened first, so that a file that
// cannot be opened is reported even if there is a sink.
func Install(o Options) error {
	s := &sink{
		descriptor: syscall.Stderr, colors: o.Colors, installed: true, format: (*sink).compactLine,
		service: service{o.ServiceName, o.ServiceVersion},
	}
	if o.Format == "json" {
		s.format = (*sink).jsonLine
	}
	s.filter = chooseFilter(o.Filter, o.Level)
	if o.Path != nil {
		descriptor, err := syscall.Open(
			*o.Path, syscall.O_WRONLY|syscall.O_APPEND|syscall.O_CREAT|syscall.O_CLOEXEC, 0o644)
		if err != nil {
			return fmt.Errorf("Failed to open log file '%s': %w", *o.Path, err) //nolint:staticcheck // the text is part of the contract
		}
		s.descriptor = descriptor
	}
	installing.Lock()
	defer installing.Unlock()
	if current.Load().installed {
		if o.Path != nil {
			_ = syscall.Close(s.descriptor) // nothing was written to it
		}
		return ErrInstalled
	}
	current.Store(s)
	return nil
}

// line is one log record.
type line struct {
	time       time.Time
	level      slog.Level
	target     string
	message    string
	attributes []slog.Attr
	// service names whom the line is from; where it is empty, whoever installed the sink.
	service service
}

// service is the name and the version of a service; "" for none.
type service [2]string

func (s *sink) enabled(target string, level slog.Level) bool {
	return level >= s.filter.levelOf(target)
}

// write formats a line and writes it in one call.
func (s *sink) write(l line) {
	if s.object != nil {
		s.object.Write(l.level, l.target, l.message, s.objectFields(l))
		return
	}
	if l.time.IsZero() {
		l.time = time.Now()
	}
	writeAll(s.descriptor, s.format(s, l))
}

// ToStderr writes to standard error, whatever sink there is.
func ToStderr(b []byte) { writeAll(syscall.Stderr, b) }

// writeAll writes with the bare system call: os.File would end the process with SIGPIPE where the
// other end of a pipe is closed. What cannot be written is lost; logging has no other way out.
func writeAll(to descriptor, b []byte) {
	const patience, pause = 50, time.Millisecond
	for waits := 0; len(b) > 0; {
		n, err := syscall.Write(to, b)
		switch {
		case n > 0:
			b = b[n:]
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN) && waits < patience:
			// Node makes some of its standard streams non-blocking.
			waits++
			time.Sleep(pause)
		default:
			return
		}
	}
}

// Destination is where the records of something go: of a runtime, or of a store.
type Destination interface {
	sinks() []*sink
	// from names the service whose records they are.
	from() service
}

// handler is a slog.Handler on a destination, or on whatever sink is current.
type handler struct {
	to         Destination // nil for the current sink
	target     string
	attributes []slog.Attr
}

func (h handler) sinks() []*sink {
	if h.to == nil {
		return []*sink{current.Load()}
	}
	return h.to.sinks()
}

// Enabled implements slog.Handler. The target is not known yet.
func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	for _, s := range h.sinks() {
		if level >= s.filter.lowest {
			return true
		}
	}
	return false
}

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	l := line{time: r.Time, level: r.Level, target: h.target, message: r.Message}
	l.attributes = append(make([]slog.Attr, 0, len(h.attributes)+r.NumAttrs()), h.attributes...)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == TargetKey {
			l.target = a.Value.String()
		} else {
			l.attributes = append(l.attributes, a)
		}
		return true
	})
	if l.target == "" {
		l.target = targetDefault
	}
	if h.to != nil {
		l.service = h.to.from()
	}
	writeOnce(h.sinks(), l)
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	next := handler{to: h.to, target: h.target}
	next.attributes = append(next.attributes, h.attributes...)
	for _, a := range attributes {
		if a.Key == TargetKey {
			next.target = a.Value.String()
		} else {
			next.attributes = append(next.attributes, a)
		}
	}
	return next
}

// WithGroup implements slog.Handler. The lines are flat.
func (h handler) WithGroup(string) slog.Handler { return h }
