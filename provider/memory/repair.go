package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Resume ends the hold of an instance.
func (p *Provider) Resume(ctx context.Context, id string) (held bool, err error) {
	err = p.do(ctx, "resume", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return notFound("resume", id)
		}
		if held = in.held() != nil; held {
			in.hold = nil
			s.offerInstance(in)
		}
		return nil
	})
	return held, err
}

// Repair gives instances another history.
func (p *Provider) Repair(ctx context.Context, r provider.Repair) error {
	return p.do(ctx, "repair", func(s *store) error {
		for _, place := range r.Running {
			in := s.living(place.Instance)
			if in == nil || !in.life.Fits(place.Life) || !in.active() || in.isStopping(s.now) {
				return provider.ErrChanged
			}
		}
		for n := range r.Rewrites {
			w := &r.Rewrites[n]
			if !s.isAsSaid(w) {
				return provider.ErrChanged
			}
			if err := checkMessages(w.Send); err != nil {
				return err
			}
		}
		for n := range r.Rewrites {
			s.rewrite(s.rewritten(&r.Rewrites[n]), &r.Rewrites[n])
		}
		for n := range r.Rewrites { // Now that all of them run.
			s.deliver(r.Rewrites[n].Send, nil)
		}
		return nil
	})
}

// isStopping reports whether somebody has asked an instance to stop, and it does not know yet.
func (in *instance) isStopping(now int64) bool {
	return slices.ContainsFunc(in.messages, func(m *message) bool {
		return m.kind == provider.CancelInstance && !m.isTimeout(now)
	})
}

// isAsSaid reports whether an instance is as a repair says.
func (s *store) isAsSaid(w *provider.Rewrite) bool {
	if w.Fresh {
		return s.living(w.Instance) == nil
	}
	in := s.committed(w.Instance)
	return in != nil && in.life.Fits(w.Life) && in.current == w.At() &&
		in.lastEvent() == w.LastEvent && in.status() == w.Status && in.executions[w.Execution] != nil
}

// rewritten gives the instance of a rewrite, in the execution that is meant.
func (s *store) rewritten(w *provider.Rewrite) *instance {
	if w.Fresh {
		s.begin(w.Start())
	}
	in := s.instances[w.Instance]
	if w.Fresh {
		in.executions = map[uint64]*execution{w.Execution: {started: s.now}}
	}
	in.current = w.Execution
	maps.DeleteFunc(in.executions, func(number uint64, _ *execution) bool { return number > w.Execution })
	if w.Started != nil {
		in.name, in.version = w.Started.Name, w.Started.Version
	}
	return in
}

func (s *store) rewrite(in *instance, w *provider.Rewrite) {
	in.epoch++
	in.lease, in.hold, in.cancelling, in.updated, in.level = 0, nil, nil, s.now, max(in.level, w.Level)
	in.patches = provider.EncodePatches(provider.PatchesIn(w.Events))
	ex := in.executions[w.Execution]
	ex.status, ex.output, ex.failure, ex.completed, ex.rows = provider.Running, "", "", 0, nil
	ex.events = len(w.Events)
	for rows := range slices.Chunk(w.Events, provider.RowEvents) {
		ex.rows = append(ex.rows, historyRow{rows[0].ID, history.EncodeRow(rows)})
		ex.lastEvent = rows[len(rows)-1].ID
	}
	live := in.values()
	if w.Live != nil {
		live = w.Live
	}
	if w.CustomStatus != nil {
		in.customStatus = w.CustomStatus.Status
		in.customStatusVersion++
	}
	in.base = maps.Clone(w.Base)
	if in.base == nil {
		in.base = map[string]provider.Value{}
	}
	in.delta = map[string]*provider.Value{}
	for key, value := range live {
		in.delta[key] = &value
	}
	for key := range in.base {
		if _, ok := live[key]; !ok {
			in.delta[key] = nil
		}
	}
	maps.DeleteFunc(s.tasks, func(_ uint64, t *task) bool { return t.Instance == in.id })
	in.messages = slices.DeleteFunc(in.messages, func(m *message) bool { return !m.kind.IsInput() })
	for _, hash := range w.Forget {
		delete(in.keys.known, string(hash))
	}
	for _, t := range w.Tasks {
		s.wait(s.insertTask(t))
	}
	s.visible(in.id)
	s.offerInstance(in)
}

// InUse counts instances that have not ended by orchestration and version.
func (p *Provider) InUse(ctx context.Context, name string) (all []provider.InUse, err error) {
	err = p.do(ctx, "in_use", func(s *store) error {
		var found []*instance
		for _, in := range s.instances {
			if in.born && in.active() && in.level != provider.Inert && (name == "" || in.name == name) {
				found = append(found, in)
			}
		}
		sortBy(found, func(a, b *instance) int {
			return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
		})
		for _, in := range found {
			u := provider.InUse{Name: in.name, Version: in.version, Running: 1, Oldest: time.UnixMilli(in.created)}
			if in.held() != nil {
				u.Held = 1
			}
			all = provider.CountUse(all, u, in.patches)
		}
		return nil
	})
	return all, err
}
