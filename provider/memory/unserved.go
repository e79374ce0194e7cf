package memory

import (
	"cmp"

	"duroxide/provider"
)

// unserved gives what is ready and not for those who claim, for each lane that which has waited longest.
func (s *store) unserved(r *provider.ClaimRequest) []provider.Unserved {
	byLane := map[provider.Lane]provider.Unserved{}
	add := func(u provider.Unserved) {
		if first, ok := byLane[u.Lane]; !ok || u.DueMs < first.DueMs {
			byLane[u.Lane] = u
		}
	}
	for _, in := range s.instances {
		if due := in.deliverable(s.now); r.Turns != nil && s.free(in) && len(due) > 0 && !r.Turns.Turns(in.lane(s.now)) {
			add(provider.Unserved{Lane: in.lane(s.now), Instance: in.id, DueMs: due[0].due})
		}
	}
	for _, t := range s.tasks {
		lane := provider.LaneOf(&t.Task)
		if r.Tasks != nil && !s.live(t.lease) && t.due <= s.now && r.Route.Covers(lane) && !r.Tasks.Tasks(lane, r.Route) {
			add(provider.Unserved{Lane: lane, Instance: t.Instance, DueMs: t.due})
		}
	}
	var all []provider.Unserved
	for _, u := range byLane {
		all = append(all, u)
	}
	sortBy(all, func(a, b provider.Unserved) int {
		return cmp.Or(cmp.Compare(a.DueMs, b.DueMs), cmp.Compare(a.Instance, b.Instance))
	})
	return all[:min(len(all), provider.MostUnserved)]
}
