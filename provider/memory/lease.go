package memory

import (
	"time"

	"duroxide/provider"
)

// live reports whether a lease has not ended. The end is one moment: there is none at which its claims
// are both valid and free, or neither.
func (s *store) live(id provider.LeaseID) bool {
	return id != 0 && s.leases[id] > s.at
}

// lease gives the lease that a claim of this holder is under: its own, extended if less than half
// is left, or a new one. A lease that has ended is never revived.
func (s *store) lease(h *provider.Holder) provider.LeaseID {
	end := s.at + h.TTL
	if id := s.liveLease(h); id != 0 {
		if s.leases[id]-s.at < h.TTL/2 {
			s.leases[id] = end
		}
		return id
	}
	id := provider.LeaseID(s.nextID())
	s.leases[id] = end
	s.nodes[id] = h.Node
	return id
}

// liveLease gives the holder's lease, or another live one of its node, or zero.
func (s *store) liveLease(h *provider.Holder) provider.LeaseID {
	if s.live(h.Lease) {
		return h.Lease
	}
	for id, node := range s.nodes {
		if node == h.Node && s.live(id) {
			return id
		}
	}
	return 0
}

// claimer claims for one holder within one operation; all its claims are under one lease.
type claimer struct {
	holder *provider.Holder
	lease  provider.LeaseID
	taken  int
}

// mayTake reports whether there is a holder with room for one more target.
func (c *claimer) mayTake() bool {
	return c.holder != nil && (c.holder.Most == 0 || c.taken < c.holder.Most)
}

func (c *claimer) take(s *store) provider.LeaseID {
	c.taken++
	if c.lease == 0 {
		c.lease = s.lease(c.holder)
	}
	return c.lease
}

// heldInstance gives the instance of a token that is valid now, or nil.
func (s *store) heldInstance(t provider.Token) *instance {
	in := s.byKey(t.Key)
	if in == nil || in.epoch != t.Epoch || in.lease != t.Lease || !s.live(t.Lease) {
		return nil
	}
	return in
}

// heldTask gives the task of a token that is valid now, or nil.
func (s *store) heldTask(t provider.Token) *task {
	tk := s.tasks[t.Key]
	if tk == nil || tk.epoch != t.Epoch || tk.lease != t.Lease || !s.live(t.Lease) {
		return nil
	}
	return tk
}

// extend moves the end of a live lease, never backwards.
func (s *store) extend(id provider.LeaseID, by time.Duration) {
	s.leases[id] = max(s.leases[id], s.at+by)
}

func (in *instance) token() provider.Token {
	return provider.Token{Key: in.key, Epoch: in.epoch, Lease: in.lease}
}

func (t *task) token() provider.Token {
	return provider.Token{Key: t.ID, Epoch: t.epoch, Lease: t.lease}
}
