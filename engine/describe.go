package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Description is what is known of an instance now: of one that lives in memory somewhere and of one that lives
// nowhere alike, because it is read from what is stored.
type Description struct {
	Info  provider.InstanceInfo
	Stats provider.Stats
	// Children are the direct ones.
	Children []string
	// WaitingFor has what a running instance waits for, the oldest first: at most mostWaits.
	WaitingFor []WaitingFor
	// More means that there is more of it.
	More bool
}

// WaitKind says what sort of thing an instance waits for. The texts are those that users see.
type WaitKind string

// The kinds of waits.
const (
	WaitsForActivity WaitKind = "activity"
	WaitsForTimer    WaitKind = "timer"
	WaitsForEvent    WaitKind = "event"
	WaitsForQueue    WaitKind = "queue"
	WaitsForPromise  WaitKind = "promise"
	WaitsForChild    WaitKind = "child"
	// WaitsForCode: something has happened that its code has not seen yet.
	WaitsForCode WaitKind = "code"
	// WaitsForFix: it is held.
	WaitsForFix WaitKind = "held"
)

// WaitState says how far an activity, or a turn, is. The texts are those that users see.
type WaitState string

// The states of activities and turns.
const (
	Queued   WaitState = "queued"
	AtWork   WaitState = "running"
	Retrying WaitState = "retrying"
	Finished WaitState = "finished"
	NoWorker WaitState = "no-worker"
	NoCode   WaitState = "no-code"
)

// WaitingFor is one thing that an instance waits for. Fields that do not apply are zero. The JSON names are
// those that users see.
type WaitingFor struct {
	Kind WaitKind `json:"kind"`
	Name string   `json:"name,omitempty"`
	// EventID is that of the scheduling event; Since is its time, or when there was something to do.
	EventID uint64    `json:"eventId,omitempty"`
	Since   int64     `json:"since"`
	State   WaitState `json:"state,omitempty"`
	// Version is that of the orchestration whose code is waited for; "" is any.
	Version string  `json:"version,omitempty"`
	Tag     *string `json:"tag,omitempty"`
	Session *string `json:"sessionId,omitempty"`
	// Worker is who runs it, and Workers are those that could.
	Worker *Worker `json:"worker,omitempty"`
	// Position counts from 1 among what waits for the same workers.
	Position int `json:"position,omitempty"`
	// Running and Slots are how many activities run where it could run, and how many can.
	Running int `json:"running,omitempty"`
	Slots   int `json:"slots,omitempty"`
	// Attempt is the next one, and NextAt when it is due; zero: that is still to be decided. Error is what the
	// last attempt has failed with.
	Attempt int    `json:"attempt,omitempty"`
	NextAt  int64  `json:"nextAt,omitempty"`
	Error   string `json:"error,omitempty"`
	// Heartbeat is what an activity has last said of itself, as JSON.
	Heartbeat json.RawMessage `json:"heartbeat,omitempty"`
	DueAt     int64           `json:"dueAt,omitempty"`
	// After is the failure of an activity that came just before a timer: a pause before its code goes on.
	After *AfterFailure `json:"after,omitempty"`
	// Instance is the id of a child, and WaitingFor what that waits for.
	Instance   string       `json:"instanceId,omitempty"`
	Status     string       `json:"status,omitempty"`
	WaitingFor []WaitingFor `json:"waitingFor,omitempty"`
}

// Worker is a runtime that has something in hand.
type Worker struct {
	ID   string `json:"id"`
	Host string `json:"host,omitempty"`
	PID  int    `json:"pid,omitempty"`
	// BlockedMs is how long its thread has not answered.
	BlockedMs int64 `json:"blockedMs,omitempty"`
}

// AfterFailure is the failure that a timer comes after.
type AfterFailure struct {
	Activity string `json:"activity"`
	Error    string `json:"error"`
	// Failures counts those of activities of this name in the execution.
	Failures int `json:"failures"`
}

// Bounds of a description.
const (
	mostWaits = provider.MostStanding
	// mostChildren bounds the children that are looked at, and their children.
	mostChildren = 16
	// mostDescribed bounds the bytes of the history that is read.
	mostDescribed = 64 << 20
)

// Describe says what an instance is and what it waits for. provider.ErrInstanceNotFound: it is unknown.
func (c *Client) Describe(ctx context.Context, instance string) (Description, error) {
	info, err := c.Instance(ctx, instance)
	if err != nil {
		return Description{}, err
	}
	d := Description{Info: info}
	stats, err := retry(ctx, c, func(ctx context.Context) (*provider.Stats, error) {
		return c.e.store.Stats(ctx, instance)
	})
	if err != nil {
		return d, err
	}
	if stats != nil {
		d.Stats = *stats
	}
	d.Children, err = retry(ctx, c, func(ctx context.Context) ([]string, error) {
		return c.e.store.Children(ctx, instance)
	})
	if err != nil || info.Status == provider.Completed || info.Status == provider.Failed {
		return d, err
	}
	runtimes, err := c.Runtimes(ctx)
	if err != nil {
		return d, err
	}
	w := describing{c: c, runtimes: runtimes, children: mostChildren}
	d.WaitingFor, d.More, err = w.waits(ctx, info)
	return d, err
}

// describing is one call of Describe.
type describing struct {
	c        *Client
	runtimes []RuntimeInfo
	children int // how many may still be looked at
}

// waits gives what a running instance waits for.
func (w *describing) waits(ctx context.Context, info provider.InstanceInfo) (all []WaitingFor, more bool, err error) {
	standing, err := retry(ctx, w.c, func(ctx context.Context) (*provider.Standing, error) {
		return w.c.e.store.Standing(ctx, info.Instance, 0)
	})
	if err != nil || standing == nil {
		return nil, false, err
	}
	all = w.standing(info, standing)
	if info.Status != provider.Running {
		return all, false, nil // No execution runs.
	}
	events, err := w.events(ctx, info)
	if err != nil {
		return all, false, err
	}
	x, _, err := replay.Load(events, replay.Params{Instance: info.Instance, Life: info.Life, Execution: info.Execution})
	if err != nil {
		return all, true, nil //nolint:nilerr // Nobody here can say more: it is too long, too new or damaged.
	}
	open := x.OpenWaits()
	r := reading{describing: w, events: events, tasks: map[uint64]provider.TaskStanding{}}
	for _, t := range standing.Tasks {
		r.tasks[t.Event] = t
	}
	if x.HasInline() && len(all) == 1 && all[0].State == AtWork {
		r.inline, all = all[0].Worker, nil // It was not looked at since because of its reminder.
	}
	for _, wait := range open[:min(len(open), mostWaits)] {
		entry, ok, err := r.entry(ctx, wait)
		if err != nil {
			return all, false, err
		}
		if ok {
			all = append(all, entry)
		}
	}
	return all, len(open) > mostWaits, nil
}

// events gives the history of the current execution; none where it cannot be read here.
func (w *describing) events(ctx context.Context, info provider.InstanceInfo) ([]history.Event, error) {
	stats, err := retry(ctx, w.c, func(ctx context.Context) (*provider.Stats, error) {
		return w.c.e.store.Stats(ctx, info.Instance)
	})
	if err != nil || stats == nil || stats.Bytes > mostDescribed {
		return nil, err
	}
	events, err := w.c.History(ctx, info.Instance, info.Execution)
	if errors.Is(err, provider.ErrNewer) || errors.Is(err, provider.ErrCorrupt) {
		return nil, nil
	}
	return events, err
}

// standing gives what the instance itself waits for: its code, or other code.
func (w *describing) standing(info provider.InstanceInfo, s *provider.Standing) []WaitingFor {
	if h := info.Hold; h != nil {
		return []WaitingFor{{Kind: WaitsForFix, Name: info.Name, Version: info.Version, EventID: h.Event, Since: h.SinceMs}}
	}
	if s.ReadySinceMs == 0 {
		return nil
	}
	wait := WaitingFor{Kind: WaitsForCode, Name: s.Lane.Name, Version: s.Lane.Version, Since: s.ReadySinceMs, State: Queued}
	worker := w.worker(s.Node)
	switch {
	case worker != nil:
		wait.State, wait.Worker = AtWork, worker
	case !w.anyRuns(s.Lane):
		wait.State = NoCode
	}
	return []WaitingFor{wait}
}

// worker gives the living runtime of a node, or nil.
func (w *describing) worker(node string) *Worker {
	for n := range w.runtimes {
		r := &w.runtimes[n]
		if node != "" && (node == r.ID || node == taskNode(r.ID)) {
			return &Worker{ID: r.ID, Host: r.Host, PID: r.PID, BlockedMs: r.Load.BlockedMs}
		}
	}
	return nil
}

func (w *describing) anyRuns(l provider.Lane) bool {
	for n := range w.runtimes {
		if w.runtimes[n].runs(l) {
			return true
		}
	}
	return false
}

// reading is the description of one history.
type reading struct {
	*describing
	events []history.Event
	tasks  map[uint64]provider.TaskStanding
	inline *Worker // who holds the instance, where inline activities are open
}

// entry describes an open schedule; false where nobody waits for it from outside.
func (r *reading) entry(ctx context.Context, open replay.OpenWait) (WaitingFor, bool, error) {
	e := r.event(open.Event)
	wait := WaitingFor{Name: open.Name, EventID: open.Event, Since: e.TimeMs}
	switch open.Kind {
	case replay.Activity:
		wait.Kind = WaitsForActivity
		r.activity(&wait, e)
	case replay.Inline:
		wait.Kind, wait.State, wait.Worker = WaitsForActivity, Queued, r.inline
		if r.inline != nil {
			wait.State = AtWork
		}
	case replay.Timer:
		wait.Kind, wait.DueAt, wait.After = WaitsForTimer, open.FireAtMs, r.failureBefore(open.Event)
	case replay.WaitEvent:
		wait.Kind = WaitsForEvent
	case replay.Dequeue:
		wait.Kind = WaitsForQueue
	case replay.MakePromise:
		wait.Kind = WaitsForPromise
	case replay.SubOrchestration:
		wait.Kind, wait.Instance = WaitsForChild, open.Instance
		err := r.child(ctx, &wait)
		return wait, err == nil, err
	case replay.Syscall:
		return wait, false, nil // It is answered within the turn.
	case replay.StartOrchestration, replay.ContinueAsNew, replay.SetCustomStatus, replay.SetValue,
		replay.ClearValue, replay.ClearValues, replay.Drop, replay.Send, replay.CleanupFailed, replay.Patch,
		replay.TryAgain, replay.GiveUp:
		return wait, false, nil // They have no answer.
	}
	return wait, true, nil
}

// event gives a recorded event. Ids rise by one.
func (r *reading) event(id uint64) history.Event {
	if n := id - r.events[0].ID; n < uint64(len(r.events)) && r.events[n].ID == id {
		return r.events[n]
	}
	for _, e := range r.events {
		if e.ID == id {
			return e
		}
	}
	return history.Event{}
}

// activity says how far an activity is.
func (r *reading) activity(wait *WaitingFor, e history.Event) {
	scheduled, _ := e.Data.(history.ActivityScheduled)
	wait.Tag, wait.Session = scheduled.Tag, scheduled.Session
	t, there := r.tasks[wait.EventID]
	if !there {
		wait.State = Finished
		if len(r.tasks) == provider.MostStanding {
			wait.State = "" // It may be behind those that were read.
		}
		return
	}
	if t.Heartbeat != nil {
		wait.Heartbeat = json.RawMessage(*t.Heartbeat)
	}
	before := t.Attempts
	if p := t.Progress; p != nil {
		before += int(p.Failed + p.Lost) //nolint:gosec // they were counted one by one
		if p.Last != nil {
			wait.Error = p.Last.Display()
		}
	}
	if wait.Worker = r.worker(t.Node); wait.Worker != nil {
		wait.State = AtWork
		return
	}
	if t.DueMs > r.c.e.store.Now().UnixMilli() {
		wait.State, wait.Attempt = Retrying, before+1
		if t.DueMs != provider.Undecided {
			wait.NextAt = t.DueMs
		}
		return
	}
	wait.State = r.place(wait, t)
}

// place says who could run an activity that waits for a worker.
func (r *reading) place(wait *WaitingFor, t provider.TaskStanding) WaitState {
	known := false
	for n := range r.runtimes {
		rt := &r.runtimes[n]
		if !rt.has(wait.Name) {
			continue
		}
		known = true
		if !rt.takes(wait.Tag) || wait.Session != nil && t.Owner != "" && t.Owner != rt.SessionOwner {
			continue
		}
		wait.Slots += rt.WorkerConcurrency
		wait.Running += rt.Load.Activities
	}
	switch {
	case !known:
		return NoCode
	case wait.Slots == 0:
		return NoWorker
	default:
		wait.Position = t.Ahead + 1
		return Queued
	}
}

// failureBefore gives the failure that the code was told of in the very step that scheduled a timer.
func (r *reading) failureBefore(id uint64) *AfterFailure {
	var last *history.Event
	for n := range r.events {
		e := &r.events[n]
		if e.ID >= id {
			break
		}
		if _, isSchedule := e.Data.(history.Schedule); !isSchedule {
			last = e
		}
	}
	if last == nil {
		return nil
	}
	failed, ok := last.Data.(history.ActivityFailed)
	if !ok {
		return nil
	}
	scheduled, _ := r.event(last.Source).Data.(history.ActivityScheduled)
	after := &AfterFailure{Activity: scheduled.Name, Error: failed.Failure.Display()}
	for _, e := range r.events {
		if _, ok := e.Data.(history.ActivityFailed); !ok || e.ID > id {
			continue
		}
		if s, _ := r.event(e.Source).Data.(history.ActivityScheduled); s.Name == scheduled.Name {
			after.Failures++
		}
	}
	return after
}

// child says what a child waits for.
func (r *reading) child(ctx context.Context, wait *WaitingFor) error {
	if r.children == 0 {
		return nil
	}
	r.children--
	info, err := r.c.Instance(ctx, wait.Instance)
	if errors.Is(err, provider.ErrInstanceNotFound) {
		wait.Status = StateNotFound
		return nil
	}
	if err != nil {
		return err
	}
	wait.Status = StateRunning
	if info.Status == provider.Completed || info.Status == provider.Failed {
		wait.Status = info.Status.String()
		return nil
	}
	wait.WaitingFor, _, err = r.waits(ctx, info)
	return err
}

// runs reports whether a runtime takes the turns of a lane.
func (r *RuntimeInfo) runs(l provider.Lane) bool {
	versions, ok := r.Orchestrations[l.Name]
	if !ok || r.OrchestrationConcurrency == 0 || l.Level > r.Level {
		return false
	}
	if l.Version == "" || l.Version == unversioned {
		return true
	}
	return slices.Contains(versions, l.Version) || slices.ContainsFunc(r.Replaces[l.Name], func(text string) bool {
		return OrchestrationOptions{Replaces: boundsOf(text)}.replaces(l.Version)
	})
}

// has reports whether a runtime has an activity.
func (r *RuntimeInfo) has(activity string) bool {
	return r.WorkerConcurrency > 0 && slices.Contains(r.Activities, activity)
}

// takes reports whether a runtime takes activities with a tag.
func (r *RuntimeInfo) takes(tag *string) bool {
	return provider.TagFilter{Mode: r.Tags.Mode, Tags: r.Tags.Tags}.Matches(tag)
}
