package engine

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"duroxide/provider"
)

// MeasureKind is what a measure is: counters only grow, gauges are of the moment.
type MeasureKind string

// The kinds of measures.
const (
	CounterKind   MeasureKind = "counter"
	GaugeKind     MeasureKind = "gauge"
	HistogramKind MeasureKind = "histogram"
)

// Measure is one thing that a runtime tells of itself, or of its store. The JSON names are those that users see.
type Measure struct {
	// Name has dots between its words; its unit, s or By, is not in it.
	Name   string      `json:"name"`
	Kind   MeasureKind `json:"kind"`
	Unit   string      `json:"unit,omitempty"`
	Help   string      `json:"help"`
	Points []Point     `json:"points"`
}

// Point is the value of a measure for one set of labels.
type Point struct {
	Labels map[string]string `json:"labels"`
	// Value of a histogram is the sum of what was observed.
	Value float64 `json:"value"`
	// Count and Buckets are set for histograms: how many were observed, and how many at most as large as each of
	// Bounds.
	Count   uint64   `json:"count,omitempty"`
	Buckets []uint64 `json:"buckets,omitempty"`
}

// Bounds are the upper bounds of the buckets of histograms, in seconds.
var Bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

// measurePatience bounds how long a measurement waits for what only the store knows.
const measurePatience = 5 * time.Second

// mostNames bounds the names that are told apart: what is beyond is counted together.
const mostNames = 500

// otherName stands for the names beyond mostNames.
const otherName = "(other)"

// series is what was observed for one set of labels.
type series struct {
	count   uint64
	sum     float64
	buckets []uint64
}

// label names the series of an activity; outcome is "" where there is none.
type label struct{ activity, outcome string }

// histogram counts durations by activity. It is safe for concurrent use.
type histogram struct {
	mu  sync.Mutex
	all map[label]*series
}

func (h *histogram) observe(of label, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[label]*series{}
	}
	if h.all[of] == nil && len(h.all) >= mostNames {
		of.activity = otherName
	}
	s := h.all[of]
	if s == nil {
		s = &series{buckets: make([]uint64, len(Bounds))}
		h.all[of] = s
	}
	seconds := max(took.Seconds(), 0)
	s.count++
	s.sum += seconds
	for n, bound := range Bounds {
		if seconds <= bound {
			s.buckets[n]++
		}
	}
}

func (h *histogram) points() []Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	points := make([]Point, 0, len(h.all))
	names := make([]label, 0, len(h.all))
	for of := range h.all {
		names = append(names, of)
	}
	sort.Slice(names, func(a, b int) bool {
		if names[a].activity != names[b].activity {
			return names[a].activity < names[b].activity
		}
		return names[a].outcome < names[b].outcome
	})
	for _, of := range names {
		s, labels := h.all[of], map[string]string{"activity": of.activity}
		if of.outcome != "" {
			labels["outcome"] = of.outcome
		}
		points = append(points, Point{Labels: labels, Value: s.sum, Count: s.count, Buckets: slices.Clone(s.buckets)})
	}
	return points
}

// Measure tells how the runtime and its store are doing. What only the store knows is left out where that does
// not answer in time. ErrShutdown: the runtime takes no more work.
func (rt *Runtime) Measure(ctx context.Context) ([]Measure, error) {
	if rt.isStopping() {
		return nil, ErrShutdown
	}
	all := append(rt.counters.measures(), rt.gauges()...)
	if c, ok := rt.e.store.(provider.Counting); ok {
		commits, calls := c.Written()
		all = append(all,
			counter("duroxide.store.commits", "Transactions that this process has written.", commits),
			counter("duroxide.store.writes", "Calls that were written in them: writes per commit is the size of a group.", calls))
	}
	ctx, cancel := context.WithTimeout(ctx, measurePatience)
	defer cancel()
	client := rt.e.Client()
	if h, err := client.Health(ctx); err == nil {
		all = append(all, h.measures(rt.e.store.Now().UnixMilli())...)
	}
	return append(all, rt.used.measures(ctx, client)...), nil
}

func counter(name, help string, value uint64) Measure {
	return Measure{Name: name, Kind: CounterKind, Help: help, Points: []Point{point(float64(value))}}
}

// point gives a value with labels, which come in pairs of name and value.
func point(value float64, labels ...string) Point {
	p := Point{Labels: map[string]string{}, Value: value}
	for n := 0; n+1 < len(labels); n += 2 {
		p.Labels[labels[n]] = labels[n+1]
	}
	return p
}

// measures gives what was counted since the start.
func (m *metrics) measures() []Measure {
	s := m.snapshot()
	ended := []Point{
		point(float64(s.OrchCompletions-s.OrchFailures-s.OrchContinueAsNew), "status", "completed"),
		point(float64(s.OrchFailures), "status", "failed"),
		point(float64(s.OrchContinueAsNew), "status", "continued_as_new"),
	}
	return []Measure{
		counter("duroxide.executions.started", "Executions that began here.", s.OrchStarts),
		{Name: "duroxide.executions.ended", Kind: CounterKind, Help: "Executions that ended here.", Points: ended},
		counter("duroxide.children.started", "Children that were scheduled here.", s.SuborchestrationCalls),
		{Name: "duroxide.activity.run", Kind: HistogramKind, Unit: "s", Help: "How long attempts at activities ran.", Points: m.ran.points()},
		{Name: "duroxide.activity.queue", Kind: HistogramKind, Unit: "s", Help: "How long activities were ready before an attempt began.", Points: m.queued.points()},
		counter("duroxide.activity.retries", "Attempts that failed and are followed by another one.", m.retries.Load()),
		counter("duroxide.activity.poisoned", "Activities that failed because they ended too many processes.", s.ActivityPoison),
		counter("duroxide.messages.taken", "Messages that turns took.", s.OrchDispatcherItemsFetched),
		counter("duroxide.tasks.taken", "Tasks of activities that were claimed.", s.WorkerDispatcherItemsFetched),
		counter("duroxide.turns.committed", "Turns that were committed.", m.turns.Load()),
		counter("duroxide.replays", "Instances that were made again from their history.", m.replays.Load()),
		{
			Name: "duroxide.replay.time", Kind: CounterKind, Unit: "s", Help: "How long that took in all.",
			Points: []Point{point(time.Duration(m.replayNs.Load()).Seconds())},
		},
		counter("duroxide.holds", "Instances that were held because they do not fit the code here.", m.holds.Load()),
		counter("duroxide.store.errors", "Errors of the store.", s.ProviderErrors),
	}
}

// gauges tells how busy the runtime is.
func (rt *Runtime) gauges() []Measure {
	load := rt.load()
	rt.mu.Lock()
	residents := len(rt.residents)
	rt.mu.Unlock()
	kinds := func(turns, activities int) []Point {
		return []Point{point(float64(turns), "kind", "orchestration"), point(float64(activities), "kind", "activity")}
	}
	return []Measure{
		{
			Name: "duroxide.slots", Kind: GaugeKind, Help: "How much may run here at a time.",
			Points: kinds(rt.set.orchestrationConcurrency, rt.set.workerConcurrency),
		},
		{
			Name: "duroxide.slots.used", Kind: GaugeKind, Help: "How much runs here.",
			Points: kinds(load.Instances, load.Activities),
		},
		{
			Name: "duroxide.instances.resident", Kind: GaugeKind, Help: "Instances in memory here.",
			Points: []Point{point(float64(residents))},
		},
		{
			Name: "duroxide.thread.blocked", Kind: GaugeKind, Unit: "s",
			Help:   "How long the JavaScript thread has not come to look for what waits for it.",
			Points: []Point{point((time.Duration(load.BlockedMs) * time.Millisecond).Seconds())},
		},
	}
}

// measures tells how the store is doing, for whoever scrapes any runtime on it.
func (h *Health) measures(nowMs int64) []Measure {
	oldest := make([]Point, 0, len(h.Waiting))
	for _, w := range h.Waiting {
		age := (time.Duration(nowMs-w.Since) * time.Millisecond).Seconds()
		labels := []string{"kind", string(w.Kind), "name", w.Name, "version", w.Version, "state", string(w.State)}
		if w.Tag != nil {
			labels = append(labels, "tag", *w.Tag)
		}
		oldest = append(oldest, point(max(age, 0), labels...))
	}
	return []Measure{
		{
			Name: "duroxide.oldest.ready", Kind: GaugeKind, Unit: "s",
			Help: "How long the oldest ready work of each sort has waited.", Points: oldest,
		},
		{
			Name: "duroxide.runtimes", Kind: GaugeKind, Help: "Runtimes that live on the store.",
			Points: []Point{point(float64(len(h.Runtimes)))},
		},
		{
			Name: "duroxide.store.size", Kind: GaugeKind, Unit: "By", Help: "What the store takes on disk.",
			Points: []Point{point(float64(h.SizeBytes))},
		},
	}
}

func usedMeasures(all []provider.InUse) []Measure {
	running, held := []Point{}, []Point{}
	for _, u := range all {
		running = append(running, point(float64(u.Running), "name", u.Name, "version", u.Version))
		held = append(held, point(float64(u.Held), "name", u.Name, "version", u.Version))
	}
	return []Measure{
		{
			Name: "duroxide.instances.running", Kind: GaugeKind, Help: "Instances that have not ended.",
			Points: running,
		},
		{
			Name: "duroxide.instances.held", Kind: GaugeKind, Help: "Those of them that are held because no code fits them.",
			Points: held,
		},
	}
}

// ran counts an attempt that has ended; one that did not begin has none.
func (w *workers) ran(j *job, result ActivityResult, err error, took time.Duration) {
	of := label{activity: j.claim.Task.Name, outcome: "failed"}
	switch {
	case err != nil || result.Returned:
		return
	case j.cancelled.Load():
		of.outcome = "cancelled"
	case result.OK:
		of.outcome = "ok"
	default:
	}
	w.rt.counters.ran.observe(of, took)
}

// began counts how long a task was ready before this attempt. Inline activities wait in memory only.
func (w *workers) began(j *job) {
	if j.claim.DueMs != 0 {
		waited := time.Duration(w.rt.nowMs()-j.claim.DueMs) * time.Millisecond
		w.rt.counters.queued.observe(label{activity: j.claim.Task.Name}, waited)
	}
}
