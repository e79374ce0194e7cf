package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// List gives instances, newest first.
func (p *Provider) List(ctx context.Context, q provider.ListQuery) (ids []string, err error) {
	q.After, q.Order = nil, provider.NewestFirst
	err = p.do(ctx, "list", func(s *store) error {
		if q.Before != "" && s.living(q.Before) == nil {
			return nil
		}
		for _, in := range s.listed(&q) {
			if q.Limit > 0 && len(ids) == q.Limit {
				break
			}
			if q.Before == "" || in.key < s.living(q.Before).key {
				ids = append(ids, in.id)
			}
		}
		return nil
	})
	return ids, err
}

func (in *instance) selected(q provider.ListQuery) bool {
	status := in.status()
	if in.starting() {
		status = provider.Running
	}
	switch {
	case q.Status != provider.NotCommitted && status != q.Status,
		q.RootsOnly && in.parent != nil,
		q.FinalOnly && in.active(),
		q.IDs != nil && !slices.Contains(q.IDs, in.id),
		q.IDPrefix != "" && !strings.HasPrefix(in.id, q.IDPrefix),
		q.Name != "" && in.name != q.Name,
		q.Version != "" && in.version != q.Version,
		q.Parent != "" && in.parentID() != q.Parent,
		q.Held != nil && *q.Held != (in.held() != nil),
		q.Failure != "" && (status != provider.Failed || in.execution().failure != q.Failure):
		return false
	default:
		return true
	}
}

func (in *instance) selectedByTime(q provider.ListQuery) bool {
	completed, created := in.execution().completed, time.UnixMilli(in.created)
	switch {
	case !q.CompletedBefore.IsZero() &&
		(completed == 0 || !time.UnixMilli(completed).Before(q.CompletedBefore)),
		!q.UpdatedFrom.IsZero() && in.info().Updated.Before(q.UpdatedFrom),
		!q.UpdatedBefore.IsZero() && !in.info().Updated.Before(q.UpdatedBefore),
		!q.CreatedFrom.IsZero() && created.Before(q.CreatedFrom),
		!q.CreatedBefore.IsZero() && !created.Before(q.CreatedBefore):
		return false
	default:
		return true
	}
}

// active reports whether an instance will go on. One that continued as new does: its next
// execution only has not had its first turn yet.
func (in *instance) active() bool {
	status := in.status()
	return status != provider.Completed && status != provider.Failed
}

// execution gives the current execution; before the first turn, one that has nothing.
func (in *instance) execution() *execution {
	if ex := in.executions[in.current]; ex != nil {
		return ex
	}
	return &execution{}
}

func (in *instance) parentID() string {
	if in.parent == nil {
		return ""
	}
	return in.parent.Instance
}

// Instance describes one instance.
func (p *Provider) Instance(
	ctx context.Context, id string,
) (info provider.InstanceInfo, err error) {
	err = p.do(ctx, "get_instance_info", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return notFound("get_instance_info", id)
		}
		info = in.info()
		if start := slices.IndexFunc(in.messages, isStart); in.starting() && start >= 0 {
			info.StartAt = provider.StartAt(in.messages[start].effective, in.created)
		}
		for _, m := range in.messages {
			if m.isTimeout(s.now) {
				info.TimeoutAt = time.UnixMilli(m.effective)
			}
		}
		return nil
	})
	return info, err
}

func (in *instance) info() provider.InstanceInfo {
	ex := in.execution()
	return provider.InstanceInfo{
		Instance: in.id, Life: in.life, Name: in.name, Version: in.version, Execution: in.current,
		Status: ex.status, Output: ex.output, Parent: in.parentID(), Hold: in.held(),
		Cancelling: in.cancelling.At(ex.status), Imported: in.level == provider.Inert,
		Created: time.UnixMilli(in.created), Updated: time.UnixMilli(max(in.created, in.updated)),
	}
}

func notFound(op, id string) error {
	return &provider.Error{
		Op: op, Message: "Instance " + id + " not found", Err: provider.ErrInstanceNotFound,
	}
}

// Executions lists execution ids.
func (p *Provider) Executions(ctx context.Context, id string) (numbers []uint64, err error) {
	err = p.do(ctx, "list_executions", func(s *store) error {
		if in := s.committed(id); in != nil {
			numbers = slices.Sorted(maps.Keys(in.executions))
		}
		return nil
	})
	return numbers, err
}

// Execution describes one execution.
func (p *Provider) Execution(
	ctx context.Context, id string, number uint64,
) (info provider.ExecutionInfo, err error) {
	err = p.do(ctx, "get_execution_info", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return notFound("get_execution_info", id)
		}
		ex := in.executions[number]
		if ex == nil {
			return provider.ErrExecutionNotFound
		}
		info = provider.ExecutionInfo{
			Execution: number, Status: ex.status, Output: ex.output, Events: ex.events,
			Started: time.UnixMilli(ex.started),
		}
		if ex.completed != 0 {
			info.Completed = time.UnixMilli(ex.completed)
		}
		return nil
	})
	return info, err
}

// History gives the events of one execution, or of the current one for zero.
func (p *Provider) History(
	ctx context.Context, id string, number uint64,
) (events []history.Event, err error) {
	err = p.do(ctx, "read_history", func(s *store) error {
		in := s.committed(id)
		if in == nil {
			return nil
		}
		if number == 0 {
			number = in.current
		}
		events, err = in.decodeHistory(number)
		return err
	})
	return events, err
}

// Children lists direct children.
func (p *Provider) Children(ctx context.Context, id string) (children []string, err error) {
	err = p.do(ctx, "list_children", func(s *store) error {
		children = s.children(id)
		return nil
	})
	return children, err
}

func (s *store) children(id string) []string {
	var children []string
	for child, in := range s.instances {
		if in.born && in.isChildOf(s.instances[id], id) {
			children = append(children, child)
		}
	}
	slices.Sort(children)
	return children
}

// isChildOf reports whether the parent is who lives at the id now, or nobody does any more.
func (in *instance) isChildOf(parent *instance, id string) bool {
	return in.parent != nil && in.parent.Instance == id &&
		(parent == nil || parent.life.Fits(in.parent.Life))
}

// Metrics counts over the store.
func (p *Provider) Metrics(ctx context.Context) (m provider.Metrics, err error) {
	err = p.do(ctx, "get_system_metrics", func(s *store) error {
		for _, in := range s.instances {
			if !in.born {
				continue
			}
			switch in.status() {
			case provider.NotCommitted, provider.Running:
				m.Running++
			case provider.Completed:
				m.Completed++
			case provider.Failed:
				m.Failed++
			case provider.ContinuedAsNew:
			}
			m.Instances++
			m.Executions += len(in.executions)
			for _, ex := range in.executions {
				m.Events += ex.events
			}
		}
		return nil
	})
	return m, err
}

// Depths counts what is not claimed. A timer that is not due counts as a timer only, and so does a time limit.
func (p *Provider) Depths(ctx context.Context) (d provider.Depths, err error) {
	err = p.do(ctx, "get_queue_depths", func(s *store) error {
		for _, in := range s.instances {
			if !s.free(in) {
				continue
			}
			for _, m := range in.messages {
				if m.isTimeout(s.now) || m.kind == provider.TimerDue && m.due > s.now {
					d.Timers++
				} else {
					d.Messages++
				}
			}
		}
		for _, t := range s.tasks {
			if !s.live(t.lease) {
				d.Tasks++
			}
		}
		return nil
	})
	return d, err
}
