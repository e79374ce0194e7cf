package main

import (
	"encoding/json"
	"log/slog"
)

// logObject is a logger object of JavaScript, as one runtime brought it. Records reach it in
// the order in which they were written.
type logObject struct {
	host    *host
	runtime uint32
	// number is the same for all runtimes of the host that brought the same object.
	number  uint32
	service service
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
		_ = o.host.queue.push(record, nil)
	}
}

// fieldValue keeps what JSON has a form for; anything else becomes text.
func fieldValue(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		return v.Any()
	case slog.KindAny, slog.KindDuration, slog.KindString, slog.KindTime, slog.KindGroup, slog.KindLogValuer:
		return v.String()
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
