package memory

import (
	"cmp"
	"context"

	"duroxide/provider"
)

// Standing gives what an instance waits for, its tasks from an event on, or nil.
func (p *Provider) Standing(ctx context.Context, instance string, from uint64) (found *provider.Standing, err error) {
	err = p.do(ctx, "standing", func(s *store) error {
		in := s.living(instance)
		if in == nil {
			return nil
		}
		found = &provider.Standing{Node: s.nodeOf(in.lease), Lane: in.lane(s.now)}
		found.Lane.Kind, found.Lane.Tagged, found.Lane.Tag = provider.Turn, false, ""
		if found.Lane.Name == "" {
			found.Lane = provider.TurnLane(in.name, in.version, in.level)
		}
		for _, m := range in.messages {
			if m.due <= s.now && (found.ReadySinceMs == 0 || m.due < found.ReadySinceMs) {
				found.ReadySinceMs = m.due
			}
		}
		for _, t := range s.tasks {
			if t.Instance == instance && t.Execution == in.current && t.Event >= from {
				found.Tasks = append(found.Tasks, s.standing(t))
			}
		}
		sortBy(found.Tasks, func(a, b provider.TaskStanding) int { return cmp.Compare(a.Event, b.Event) })
		found.Tasks = found.Tasks[:min(len(found.Tasks), provider.MostStanding)]
		return nil
	})
	return found, err
}

func (s *store) nodeOf(id provider.LeaseID) string {
	if !s.live(id) {
		return ""
	}
	return s.nodes[id]
}

func (s *store) standing(t *task) provider.TaskStanding {
	st := provider.TaskStanding{Event: t.Event, Node: s.nodeOf(t.lease), DueMs: t.due, Attempts: t.attempts, Heartbeat: t.Heartbeat}
	st.Progress, _ = provider.DecodeProgress(t.progress)
	if t.Session != nil {
		if held := s.sessions[*t.Session]; held != nil && held.until > s.at {
			st.Owner = held.owner
		}
	}
	if st.Node != "" || t.due > s.now {
		return st
	}
	for _, other := range s.tasks {
		first := cmp.Or(cmp.Compare(other.place, t.place), cmp.Compare(other.ID, t.ID)) < 0
		if first && !s.live(other.lease) && other.due <= s.now &&
			provider.LaneOf(&other.Task) == provider.LaneOf(&t.Task) {
			st.Ahead = min(st.Ahead+1, provider.MostAhead)
		}
	}
	return st
}
