package logging

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// timeFormat is UTC with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// serviceKeys name the service in records that have room for it.
var serviceKeys = [...]string{"service_name", "service_version"}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARN"
	case level >= slog.LevelInfo:
		return "INFO"
	case level >= slog.LevelDebug:
		return "DEBUG"
	default:
		return "TRACE"
	}
}

// compactLine gives "time LEVEL target: message field=value …".
func (s *sink) compactLine(l line) []byte {
	var b strings.Builder
	name := levelName(l.level)
	s.paint(&b, "2", l.time.UTC().Format(timeFormat))
	b.WriteByte(' ')
	s.paint(&b, levelColor(name), strings.Repeat(" ", 5-len(name))+name)
	b.WriteByte(' ')
	s.paint(&b, "2", l.target+":")
	b.WriteByte(' ')
	b.WriteString(escapeControls(l.message))
	for _, a := range l.attributes {
		b.WriteByte(' ')
		s.paint(&b, "3", a.Key)
		b.WriteByte('=')
		b.WriteString(fieldText(a.Value.Resolve().String()))
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

func (s *sink) paint(b *strings.Builder, color, text string) {
	if !s.colors {
		b.WriteString(text)
		return
	}
	b.WriteString("\x1b[" + color + "m" + text + "\x1b[0m")
}

func levelColor(name string) string {
	switch name {
	case "ERROR":
		return "31"
	case "WARN":
		return "33"
	case "INFO":
		return "32"
	case "DEBUG":
		return "34"
	default:
		return "35"
	}
}

// escapeControls keeps a record on one line and terminals unharmed.
func escapeControls(text string) string {
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// fieldText quotes values that could be mistaken for something else.
func fieldText(text string) string {
	odd := func(r rune) bool { return r == '"' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if text == "" || strings.IndexFunc(text, odd) >= 0 {
		return strconv.Quote(text)
	}
	return text
}

// jsonLine gives one JSON object. All values of fields are strings.
func (s *sink) jsonLine(l line) []byte {
	var b strings.Builder
	b.WriteString(`{"timestamp":"` + l.time.UTC().Format(timeFormat) + `","level":"`)
	b.WriteString(levelName(l.level))
	b.WriteString(`","fields":{"message":`)
	b.WriteString(jsonText(l.message))
	for _, a := range l.attributes {
		b.WriteString("," + jsonText(a.Key) + ":" + jsonText(a.Value.Resolve().String()))
	}
	b.WriteString(`},"target":` + jsonText(l.target))
	from := l.service
	if from == (service{}) {
		from = s.service
	}
	for i, key := range serviceKeys {
		if from[i] != "" {
			b.WriteString(`,"` + key + `":` + jsonText(from[i]))
		}
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

func jsonText(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(b)
}
