package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// judge says of the alarms of limits among the items what they mean now: the failure of an activity, or
// nothing, because it has begun, or may begin soon.
func (t *turn) judge(items []item) error {
	var known map[uint64]provider.TaskStanding
	for n := range items {
		m := &items[n].msg
		if m.Kind != provider.TimerDue || m.Name == "" || m.Execution != t.execution() {
			continue
		}
		a, open := t.r.x.Limited(m.Source)
		if !open {
			continue
		}
		if known == nil {
			var err error
			if known, err = t.standings(items[n:]); err != nil {
				return err
			}
		}
		task, there := known[m.Source]
		isLate, err := t.isLate(m, a, task, there)
		if err != nil {
			return err
		}
		if isLate {
			m.Kind, m.Failure = provider.ActivityDone, tooLate(a, m.Name, task)
		}
	}
	return nil
}

// isLate reports whether a limit is broken whose time is over.
func (t *turn) isLate(m *provider.Message, a replay.Limited, task provider.TaskStanding, there bool) (bool, error) {
	p := task.Progress
	switch {
	case m.Name == replay.TotalLimit:
		return true, nil
	case !there || p == nil || p.Failed > 0:
		return false, nil // It has begun, or even ended.
	case m.Name == replay.QueueLimit:
		return task.Node == "" && task.Attempts == 0, nil
	}
	isServed := task.Node != ""
	if !isServed {
		runtimes, err := t.rt.e.runtimeInfos(t.rt.ctx)
		if err != nil {
			return false, err
		}
		isServed = slices.ContainsFunc(runtimes, func(r RuntimeInfo) bool { return r.has(a.Name) && r.takes(a.Tag) })
	}
	if isServed {
		t.r.x.Rearm(m.Source, t.nowMs())
	}
	return !isServed, nil
}

// standings gives what the store knows of the tasks that the alarms among the items are about.
func (t *turn) standings(items []item) (map[uint64]provider.TaskStanding, error) {
	rt, known := t.rt, map[uint64]provider.TaskStanding{}
	var events []uint64
	for i := range items {
		if m := &items[i].msg; m.Kind == provider.TimerDue && m.Name != "" {
			events = append(events, m.Source)
		}
	}
	slices.Sort(events)
	read := uint64(0) // so far
	for _, event := range events {
		if event < read {
			continue
		}
		err := rt.insist(rt.ctx, "standing", func() error {
			s, err := rt.e.store.Standing(rt.ctx, t.r.instance, event)
			if err != nil {
				return err
			}
			read = event + 1
			if s == nil {
				return nil
			}
			for _, task := range s.Tasks {
				known[task.Event], read = task, task.Event+1
			}
			if len(s.Tasks) < provider.MostStanding {
				read = ^uint64(0)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// described is the host's description of something thrown, as far as it is made here.
type described struct {
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Stack   *string         `json:"stack"`
	Code    string          `json:"code"`
	Own     bool            `json:"own"`
	Kind    history.Class   `json:"kind,omitempty"`
	Final   bool            `json:"final,omitempty"`
	Data    *describedData  `json:"data,omitempty"`
	Cause   json.RawMessage `json:"cause"`
}

type describedData struct {
	Details lateDetails `json:"details"`
}

// lateDetails are the details of a timeout, for code.
type lateDetails struct {
	Limit string `json:"limit"`
	Ms    int64  `json:"ms"`
}

// tooLate makes the failure of an activity that has not kept a limit. What it failed with last is the cause.
func tooLate(a replay.Limited, limit string, task provider.TaskStanding) *history.Failure {
	name, ms := a.Name, *a.Limits.Ms(limit)
	f := &history.Failure{Category: history.Application, Kind: history.ActivityFailedKind, ActivityName: name}
	var cause json.RawMessage
	if p := task.Progress; p != nil {
		f.Attempts, cause = int(p.Failed), causeOf(p.Last) //nolint:gosec // they were counted one by one
	}
	if task.Node != "" {
		f.Attempts++
	}
	switch limit {
	case replay.QueueLimit:
		f.Message = fmt.Sprintf("'%s' did not begin within its queueTimeoutMs of %d", name, ms)
	case replay.UnservedLimit:
		f.Message = fmt.Sprintf("no runtime that lives takes '%s', within its timeoutMs of %d", name, ms)
	default:
		f.Message = fmt.Sprintf("'%s' took longer than its totalTimeoutMs of %d, with %s", name, ms, tries(f.Attempts))
	}
	f.Message = "timeout: activity timed out: " + f.Message
	f.Details = textOf(described{
		Name: "TimeoutError", Message: f.Message, Code: "TIMEOUT", Own: true, Kind: history.TimeoutClass, Final: true,
		Data: &describedData{lateDetails{limit, ms}}, Cause: cause,
	})
	return f
}

// causeOf describes the failure of an attempt as the error that code would have caught.
func causeOf(f *history.Failure) json.RawMessage {
	if f == nil {
		return nil
	}
	d := described{Name: "ActivityError", Message: f.Display(), Code: "ACTIVITY_FAILED", Own: true}
	if thrown := json.RawMessage(f.Details); json.Valid(thrown) {
		d.Cause = thrown
	}
	return json.RawMessage(textOf(d))
}

// textOf gives the JSON text; "" for what has none, which cannot be here.
func textOf(d described) string {
	text, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return string(text)
}

func tries(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}
