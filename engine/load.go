package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// keysBefore gives the keys that a new execution starts with, and reads them where they are not
// known.
func (t *turn) keysBefore() []string {
	return slices.Sorted(maps.Keys(t.r.values))
}

// knowValues reads the key-value store that the next execution starts from.
func (t *turn) knowValues() error {
	if t.r.values != nil {
		return nil
	}
	if t.r.execution == 0 {
		t.r.values = map[string]provider.Value{}
		return nil
	}
	record, err := t.readExecution(t.r.execution + 1)
	if err != nil {
		return err
	}
	t.r.values = record.Values
	if t.r.values == nil {
		t.r.values = map[string]provider.Value{}
	}
	return nil
}

func (t *turn) read() (provider.Record, error) { return t.readExecution(t.r.execution) }

func (t *turn) readExecution(execution uint64) (record provider.Record, err error) {
	err = t.rt.insist(t.rt.ctx, "load", func() error {
		record, err = t.rt.e.store.Load(t.rt.ctx, t.r.instance, execution)
		return err
	})
	return record, err
}

func (t *turn) params(record provider.Record) replay.Params {
	return replay.Params{
		Instance: t.r.instance, Life: t.r.life, Starts: t.r.starts, Execution: t.r.execution,
		Keys: slices.Sorted(maps.Keys(record.Values)), Engine: t.rt.e.version,
		StrictReplay: t.rt.set.strictReplay,
	}
}

// load makes the resident again from its history: the index by replay.Load, the generator by
// running the code over the recorded deliveries.
func (t *turn) load() error {
	record, err := t.read()
	if err == nil && len(record.Events) == 0 {
		err = t.claimIsOver()
	}
	if err != nil {
		return err
	}
	x, deliveries, err := replay.Load(record.Events, t.params(record))
	if err != nil {
		return t.loadFailed(record, err)
	}
	t.ahead = true // as long as the code has not been led through it
	t.r.x, t.r.events, t.r.patched = x, len(record.Events), 0
	for _, e := range record.Events {
		t.r.bytes += eventBytes(e)
	}
	t.last = x.LastEvent()
	t.describe()
	t.r.values = LiveValues(record)
	if f := x.Stopped(); f != nil { // Its end was begun before, and not finished.
		return t.fail(*f)
	}
	began := t.rt.e.clock.Now()
	if err := t.open(deliveries, record.Values); err != nil {
		return err
	}
	t.rt.counters.replayed(t.rt.e.clock.Now().Sub(began))
	for _, timer := range x.OpenTimers(t.rt.nowMs()) { // Now without those that the code has dropped.
		if a := (timerID{timer.Event, timer.Limit}); t.r.timers[a] == nil {
			t.rt.setTimer(t.r, a, timer.FireAtMs, nil)
		}
	}
	return nil
}

// claimIsOver gives the error of a claim that is over: an instance that was deleted meanwhile has no history,
// and one that lives again need not have this execution.
func (t *turn) claimIsOver() error {
	_, err := t.rt.e.store.Pending(t.rt.ctx, t.token)
	return err
}

// loadFailed ends an instance whose history cannot come from any code.
func (t *turn) loadFailed(record provider.Record, cause error) error {
	d, ok := errors.AsType[*replay.Divergence](cause)
	if !ok || len(record.Events) == 0 {
		return fmt.Errorf("%w: %w", provider.ErrCorrupt, cause)
	}
	if t.rt.set.holds {
		return &misfit{d}
	}
	return t.endUnreadable(record, d.Failure())
}

// endUnreadable ends an instance with a record that cannot be loaded.
func (t *turn) endUnreadable(record provider.Record, f history.Failure) error {
	t.takeAll()
	t.last = record.Events[len(record.Events)-1].ID
	for _, e := range record.Events {
		t.floorMs = max(t.floorMs, e.TimeMs)
	}
	t.ended = true
	if s, ok := record.Events[0].Data.(history.OrchestrationStarted); ok && s.Parent != nil {
		t.r.parent = s.Parent
	}
	return t.endAt(t.last+1, f)
}

// LiveValues applies the recorded changes to the values at the start of the execution.
func LiveValues(record provider.Record) map[string]provider.Value {
	values := maps.Clone(record.Values)
	if values == nil {
		values = map[string]provider.Value{}
	}
	for _, e := range record.Events {
		change, ok := e.Data.(history.Change)
		if !ok {
			continue
		}
		switch d := change.(type) {
		case history.KeyValueSet:
			values[d.Key] = provider.Value{Data: d.Value, UpdatedAtMs: d.UpdatedAtMs}
		case history.KeyValueCleared:
			delete(values, d.Key)
		case history.KeyValuesCleared:
			clear(values)
		case history.CustomStatusUpdated:
		}
	}
	return values
}

// open makes the generator and leads it through the recorded deliveries; what it then asks for
// beyond the history is new work.
func (t *turn) open(deliveries []replay.Delivery, values map[string]provider.Value) error {
	opening := openingOf(t.r.x, values)
	if t.r.resident != 0 {
		t.rt.host.Drop(t.r.resident)
	}
	t.r.resident = newToken()
	if t.started != nil { // Nothing of this execution was committed before.
		answer, err := t.call(RunRequest{Open: opening})
		if err != nil {
			return err
		}
		return t.step(answer, 0, t.nowMs())
	}
	return t.replay(opening, deliveries)
}

// openingOf describes an execution to user code.
func openingOf(x *replay.Execution, values map[string]provider.Value) *Opening {
	p := x.Params()
	opening := &Opening{
		Life:  p.Life,
		Input: p.Input, CustomStatus: p.CustomStatus, StartedMs: x.StartedMs(), LongNames: x.LongNames(),
		Rules: p.Rules, StrictValues: p.StrictValues, Patches: x.Patches(), Headers: p.Headers,
	}
	for i := range p.Carried {
		if p.Carried[i].Name == history.ScheduleQueue {
			opening.Schedule = &p.Carried[i].Data
			break
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		v := values[key]
		opening.Values = append(opening.Values, KeyValue{Key: key, Value: v.Data, UpdatedAtMs: v.UpdatedAtMs})
	}
	return opening
}

// replay runs the code over the recorded deliveries and compares what it asks for.
func (t *turn) replay(opening *Opening, deliveries []replay.Delivery) error {
	answer, err := lead(t.call, opening, deliveries, false)
	if err != nil {
		return err
	}
	extra, err := t.r.x.Verify(answer.Steps, answer.Done)
	if err != nil {
		return t.broken(t.located(err, opening, deliveries))
	}
	if differences := t.r.x.Differences(); len(differences) > 0 {
		t.rt.log.replayDiffers(differences[0])
	}
	answer.Steps = [][]replay.Action{extra}
	return t.step(answer, 0, t.nowMs())
}

// lead makes the generator and gives what the code asks for on its way over the recorded
// deliveries, in as many calls as it takes.
func lead(
	call func(RunRequest) (replay.Answer, error),
	opening *Opening, deliveries []replay.Delivery, locate bool,
) (replay.Answer, error) {
	next := deliveries[:callable(deliveries)]
	request := RunRequest{Open: opening, Deliveries: next, ReplaySteps: 1 + len(next), Locate: locate}
	var steps [][]replay.Action
	for {
		answer, err := call(request)
		if err != nil {
			return replay.Answer{}, err
		}
		last := continues(answer.Steps)
		steps = append(steps, answer.Steps...)
		taken := len(steps) - 1
		if answer.Done || last || taken >= len(deliveries) {
			answer.Steps = steps
			return answer, nil
		}
		next = deliveries[taken:]
		next = next[:callable(next)]
		request = RunRequest{Deliveries: next, ReplaySteps: len(next), Locate: locate}
	}
}

func continues(steps [][]replay.Action) bool {
	if len(steps) == 0 {
		return false
	}
	return slices.ContainsFunc(steps[len(steps)-1], func(a replay.Action) bool { return a.Kind == replay.ContinueAsNew })
}
