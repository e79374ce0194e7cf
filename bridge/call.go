package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"math"
	"slices"

	"duroxide/logging"
)

// Synchronous operations. They touch memory only, apart from writing log lines.
const (
	callTrace       uint32 = 1
	callIsCancelled uint32 = 2
	callMetrics     uint32 = 3
	callLog         uint32 = 4
	callFault       uint32 = 5
	callTraced      uint32 = 6
	callHeartbeat   uint32 = 7
)

// syncCall is one synchronous call; see duroxide.h.
type syncCall struct {
	operation uint32
	token     uint64
	number    uint64
	text      string
	result    []byte
}

// call serves a synchronous call of the host.
func (h *host) call(c syncCall) int64 {
	switch c.operation {
	case callTrace:
		return h.trace(c.token, c.number, c.text, nil)
	case callTraced:
		return h.traced(c.token, c.number, c.text)
	case callIsCancelled:
		return h.isCancelled(c.token)
	case callHeartbeat:
		return h.heartbeat(c.token, c.text)
	case callMetrics:
		return h.metrics(uint32(c.token), c.result) //nolint:gosec // runtime numbers are small
	case callLog:
		return answerText(c.result, configureLog(c.text))
	case callFault:
		return answerText(c.result, emptyIfNil(lastFault.Load()))
	default:
		return resultFault
	}
}

// traceLevels are the levels of traces, by number.
var traceLevels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

// trace logs a message of user code. number is four times the step plus the level. What a replayed
// step says was said before.
func (h *host) trace(token, number uint64, message string, fields map[string]any) int64 {
	i := invocations.find(h, token)
	if i == nil {
		return resultGone
	}
	level := traceLevels[number%4]
	if number/4 < i.replaySteps || !i.log.Shows(i.target(), level) {
		return 0
	}
	i.log.Write(level, i.target(), message, withFields(i.attributes(), fields))
	return 1
}

// traced is trace with fields of the caller.
func (h *host) traced(token, number uint64, text string) int64 {
	var said struct {
		Message string         `json:"message"`
		Fields  map[string]any `json:"fields"`
	}
	if json.Unmarshal([]byte(text), &said) != nil {
		return resultFault
	}
	return h.trace(token, number, said.Message, said.Fields)
}

// withFields adds the fields of the caller, by name. Those that say what a trace is about stay ours.
func withFields(attributes []slog.Attr, fields map[string]any) []slog.Attr {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.ContainsFunc(attributes, func(a slog.Attr) bool { return a.Key == name }) {
			continue
		}
		value := fields[name]
		if number, ok := value.(float64); ok && number == math.Trunc(number) && math.Abs(number) < 1<<53 {
			value = int64(number)
		}
		attributes = append(attributes, slog.Any(name, value))
	}
	return attributes
}

func (h *host) isCancelled(token uint64) int64 {
	i := invocations.find(h, token)
	switch {
	case i == nil:
		return resultGone
	case i.cancelled.Load():
		return 1
	default:
		return 0
	}
}

// heartbeat takes what an activity says of itself.
func (h *host) heartbeat(token uint64, details string) int64 {
	i := invocations.find(h, token)
	if i == nil || i.activity == nil {
		return resultGone
	}
	i.activity.Say(details)
	return 1
}

func (h *host) metrics(runtime uint32, answer []byte) int64 {
	r, ok := h.runtime(runtime)
	if !ok {
		return resultGone
	}
	return answerText(answer, encodeJSON(r.Metrics()))
}

// configureLog installs the log sink of the process; the answer is "" or why it was not.
func configureLog(text string) string {
	var o logging.Options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return "log options: " + err.Error()
	}
	if err := logging.Install(o); err != nil {
		return err.Error()
	}
	return ""
}
