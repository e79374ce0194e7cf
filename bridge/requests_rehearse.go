package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"duroxide/engine"
	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/logging"
	"duroxide/provider"
)

var rehearseRequests = map[string]handler{
	"client.export":   withClient(serveExport),
	"client.import":   withClient(serveImport),
	"client.rehearse": with(serveRehearse),
	"replay":          with(serveReplay),
}

// exportedExecution is the first line of an exported execution. A line for each event follows.
type exportedExecution struct {
	Execution uint64 `json:"execution"`
	// Life is who lives at the id, in hexadecimal digits, because tokens that code makes tell it; empty: unknown.
	Life   string `json:"life,omitempty"`
	Status string `json:"status"`
	// Values are those at the beginning, by key; null: they are not known any more.
	Values *[]exportedValue `json:"values"`
	Events int              `json:"events"`
}

type exportedValue struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	UpdatedAtMs int64  `json:"updatedAtMs"`
}

// exportedEvent is an event for people, and in Row as it is stored, for whoever replays it.
type exportedEvent struct {
	EventID       uint64          `json:"eventId"`
	Kind          string          `json:"kind"`
	TimestampMs   int64           `json:"timestampMs"`
	SourceEventID uint64          `json:"sourceEventId,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"`
	Row           []byte          `json:"row"`
}

type exportArguments struct {
	storeArguments
	Instance  string `json:"instance"`
	Execution uint64 `json:"execution"`
	// Values are those that the execution before has left, or null where that is not stored any more.
	Values *[]exportedValue `json:"values"`
	// Life is for an import: that of the instance that the execution is added to, or empty for a new one.
	Life string `json:"life"`
}

type exportResult struct {
	// Values are those that the execution has left.
	Values *[]exportedValue `json:"values"`
}

// serveExport gives the lines of one execution. Stores know the values at the beginning of a running
// one only.
func serveExport(ctx context.Context, c *engine.Client, a exportArguments, _ string) (result, error) {
	instance, err := c.Instance(ctx, a.Instance)
	if err != nil {
		return result{}, err
	}
	info, err := c.Execution(ctx, a.Instance, a.Execution)
	if err != nil {
		return result{}, err
	}
	record, err := c.Record(ctx, a.Instance, a.Execution)
	if err != nil {
		return result{}, err
	}
	values := a.Values
	if info.Status == provider.Running {
		values = exportValues(record.Values)
	}
	text, err := exportText(exportedExecution{
		Execution: a.Execution, Life: instance.Life.String(), Status: info.Status.String(), Values: values,
		Events: len(record.Events),
	}, record.Events)
	if values != nil {
		record.Values = importValues(values)
		values = exportValues(engine.LiveValues(record))
	}
	return result{value: exportResult{values}, payload: &text}, err
}

func exportValues(values map[string]provider.Value) *[]exportedValue {
	all := []exportedValue{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		v := values[key]
		all = append(all, exportedValue{Key: key, Value: v.Data, UpdatedAtMs: v.UpdatedAtMs})
	}
	return &all
}

func importValues(all *[]exportedValue) map[string]provider.Value {
	values := map[string]provider.Value{}
	if all != nil {
		for _, v := range *all {
			values[v.Key] = provider.Value{Data: v.Value, UpdatedAtMs: v.UpdatedAtMs}
		}
	}
	return values
}

func exportText(first exportedExecution, events []history.Event) (string, error) {
	var out strings.Builder
	lines := json.NewEncoder(&out)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(first); err != nil {
		return "", err
	}
	for _, e := range events {
		line := exportedEvent{
			EventID: e.ID, Kind: e.Kind().String(), TimestampMs: e.TimeMs, SourceEventID: e.Source,
			Row: history.EncodeRow([]history.Event{e}),
		}
		if data, ok := e.JSON(); ok {
			line.Data = json.RawMessage(data)
		}
		if err := lines.Encode(line); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// importText reads what exportText has written.
func importText(text string) (r engine.Rehearsal, err error) {
	lines := json.NewDecoder(bytes.NewReader([]byte(text)))
	var first exportedExecution
	if err := lines.Decode(&first); err != nil || first.Execution == 0 {
		return r, notExported("it does not begin with an execution")
	}
	life, ok := history.ParseLife(first.Life)
	if !ok {
		return r, notExported("its life is not 32 hexadecimal digits")
	}
	r = engine.Rehearsal{Execution: first.Execution, Life: life}
	r.Record.Values = importValues(first.Values)
	for lines.More() {
		var line exportedEvent
		if err := lines.Decode(&line); err != nil {
			return r, notExported(err.Error())
		}
		events, err := history.DecodeRow(line.Row)
		if err != nil {
			return r, notExported(fmt.Sprintf("event %d: %v", line.EventID, err))
		}
		if len(events) != 1 || events[0].ID != line.EventID {
			return r, notExported(fmt.Sprintf("event %d is not what its row holds", line.EventID))
		}
		r.Record.Events = append(r.Record.Events, events[0])
	}
	if len(r.Record.Events) != first.Events {
		return r, notExported(fmt.Sprintf("it has %d events instead of %d", len(r.Record.Events), first.Events))
	}
	return r, nil
}

func notExported(why string) error {
	return &engine.InputError{Message: "not an exported history: " + why}
}

// serveImport takes the lines of one execution. Its Values are those that the next execution begins with, or null.
func serveImport(ctx context.Context, c *engine.Client, a exportArguments, text string) (result, error) {
	life, ok := history.ParseLife(a.Life)
	if !ok {
		return result{}, notExported("its life is none")
	}
	r, err := importText(text)
	if err == nil {
		i := engine.ImportedExecution{Execution: r.Execution, Record: r.Record, Was: r.Life, Life: life}
		if a.Values != nil {
			i.Next = importValues(a.Values)
		}
		life, err = c.Import(ctx, a.Instance, i)
	}
	if err != nil {
		c.Unimport(ctx, a.Instance, life)
	}
	return result{value: lifeValue{Life: life.String()}}, err
}

type replayArguments struct {
	// Runtime is a number whose handlers run the code.
	Runtime  uint32 `json:"runtime"`
	Instance string `json:"instance"`
	Strict   bool   `json:"strict"`
}

type replayResult struct {
	Divergence *divergenceValue `json:"divergence"`
	// Differences are what only a strict replay refuses.
	Differences []divergenceValue `json:"differences"`
}

// divergenceValue says where code and history do not fit together.
type divergenceValue struct {
	ExecutionID   uint64 `json:"executionId"`
	Orchestration string `json:"orchestrationName"`
	Version       string `json:"orchestrationVersion"`
	EventID       uint64 `json:"eventId"`
	Step          int    `json:"step"`
	Asked         string `json:"asked"`
	Recorded      string `json:"recorded"`
	Location      string `json:"location"`
	Message       string `json:"message"`
}

// serveReplay leads the code of a host through an exported execution.
func serveReplay(ctx context.Context, h *host, a replayArguments, text string) (result, error) {
	r, err := importText(text)
	if err != nil {
		return result{}, err
	}
	r.Instance, r.Strict = a.Instance, a.Strict
	differences, err := engine.Rehearse(ctx, &runtimeHost{h, a.Runtime, &logging.Log{}}, r)
	d, ok := errors.AsType[*replay.Divergence](err)
	if err != nil && !ok {
		return result{}, err
	}
	return result{value: replayed(r.Execution, differences, d)}, nil
}

func replayed(execution uint64, differences []*replay.Divergence, d *replay.Divergence) replayResult {
	r := replayResult{Differences: []divergenceValue{}}
	if d != nil {
		r.Divergence = new(divergenceOf(execution, d))
	}
	for _, d := range differences {
		r.Differences = append(r.Differences, divergenceOf(execution, d))
	}
	return r
}

func divergenceOf(execution uint64, d *replay.Divergence) divergenceValue {
	return divergenceValue{
		ExecutionID: execution, Orchestration: d.Name, Version: d.Version, EventID: d.EventID,
		Step: d.Step, Asked: d.Asked, Recorded: d.Recorded, Location: d.Location, Message: d.Error(),
	}
}

type rehearseArguments struct {
	storeArguments
	// Runtime is a number whose handlers run the code.
	Runtime  uint32 `json:"runtime"`
	Instance string `json:"instance"`
}

type rehearseResult struct {
	Status        string `json:"status"`
	Execution     uint64 `json:"executionId"`
	Orchestration string `json:"orchestrationName"`
	// Version is null where the instance has not begun.
	Version *string `json:"orchestrationVersion"`
	replayResult
}

// serveRehearse leads the code of a host through what is stored of an instance.
func serveRehearse(ctx context.Context, h *host, a rehearseArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{}, err
	}
	found, err := s.client.Rehearse(ctx, &runtimeHost{h, a.Runtime, &logging.Log{}}, a.Instance)
	r := rehearseResult{
		Status: found.Info.Status.String(), Execution: found.Info.Execution, Orchestration: found.Info.Name,
		Version:      textOrNil(found.Info.Version),
		replayResult: replayed(found.Info.Execution, found.Differences, found.Divergence),
	}
	return result{value: r}, err
}
