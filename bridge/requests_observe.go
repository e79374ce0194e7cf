package main

import (
	"context"
	"time"

	"duroxide/engine"
)

var observeRequests = map[string]handler{
	"client.describe":  withClient(serveDescribe),
	"client.health":    withClient(serveHealth),
	"client.summaries": withClient(serveSummaries),
	"client.count":     withClient(serveCount),
	"runtime.health":   with(serveRuntimeHealth),
	"runtime.measure":  with(serveMeasure),
}

// mostListed bounds the children that are named.
const mostListed = 100

type describeValue struct {
	instanceValue
	HistoryEvents int                 `json:"historyEvents"`
	HistoryBytes  int64               `json:"historyBytes"`
	Messages      int                 `json:"messages"`
	Keys          int                 `json:"keys"`
	ValueBytes    int64               `json:"valueBytes"`
	Children      []string            `json:"children"`
	ChildCount    int                 `json:"childCount"`
	WaitingFor    []engine.WaitingFor `json:"waitingFor"`
	More          bool                `json:"more"`
}

func serveDescribe(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	d, err := c.Describe(ctx, a.Instance)
	if err != nil {
		return result{}, err
	}
	info, payload, err := instanceOf(ctx, c, d.Info)
	return result{payload: payload, value: describeValue{
		instanceValue: info, HistoryEvents: d.Stats.Events, HistoryBytes: d.Stats.Bytes, Messages: d.Stats.Messages,
		Keys: d.Stats.Keys, ValueBytes: d.Stats.ValueBytes,
		Children: notNil(d.Children[:min(len(d.Children), mostListed)]), ChildCount: len(d.Children),
		WaitingFor: notNil(d.WaitingFor), More: d.More,
	}}, err
}

type healthValue struct {
	Runtimes  []runtimeValue       `json:"runtimes"`
	Waiting   []engine.WaitingWork `json:"waiting"`
	SizeBytes int64                `json:"sizeBytes"`
}

// runtimeValue is a runtime in the words of its options.
type runtimeValue struct {
	engine.RuntimeInfo
	Tags tagFilter `json:"tags"`
}

func serveHealth(ctx context.Context, c *engine.Client, _ storeArguments, _ string) (result, error) {
	h, err := c.Health(ctx)
	v := healthValue{Runtimes: []runtimeValue{}, Waiting: notNil(h.Waiting), SizeBytes: h.SizeBytes}
	for _, r := range h.Runtimes {
		tags := tagFilter{Tags: notNil(r.Tags.Tags)}
		for name, mode := range tagModes {
			if mode == r.Tags.Mode {
				tags.Mode = name
			}
		}
		v.Runtimes = append(v.Runtimes, runtimeValue{r, tags})
	}
	return result{value: v}, err
}

// storePatience is how long the store may take to answer before a runtime is not ready.
const storePatience = 5 * time.Second

func serveRuntimeHealth(ctx context.Context, h *host, a runtimeArguments, _ string) (result, error) {
	r, ok := h.runtime(a.Runtime)
	if !ok {
		return result{}, engine.ErrShutdown
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	load, err := r.Health(ctx)
	return result{value: load}, err
}

type runtimeArguments struct {
	Runtime uint32 `json:"runtime"`
}

type measureArguments struct {
	runtimeArguments
	// Text asks for the text form of Prometheus, as the payload.
	Text bool `json:"text"`
}

func serveMeasure(ctx context.Context, h *host, a measureArguments, _ string) (result, error) {
	r, ok := h.runtime(a.Runtime)
	if !ok {
		return result{}, engine.ErrShutdown
	}
	all, err := r.Measure(ctx)
	if err != nil || !a.Text {
		return result{value: notNil(all)}, err
	}
	return result{value: empty{}, payload: new(engine.Prometheus(all))}, nil
}
