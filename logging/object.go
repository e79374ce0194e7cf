package logging

import (
	"encoding/json"
	"log/slog"
)

// Object is a logger object of the host, as one runtime brought it. Records reach it in the order in
// which they were written.
type Object interface {
	// Write hands a record over. fields is a JSON object.
	Write(level slog.Level, target, message, fields string)
	// Is reports whether the other one leads to the same object.
	Is(other Object) bool
}

// objectFields gives the fields of a line as a JSON object.
func (s *sink) objectFields(l line) string {
	fields := make(map[string]any, len(l.attributes)+2)
	for i, key := range serviceKeys {
		if s.service[i] != "" {
			fields[key] = s.service[i]
		}
	}
	for _, a := range l.attributes {
		fields[a.Key] = fieldValue(a.Value.Resolve())
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return "{}"
	}
	return string(text)
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
