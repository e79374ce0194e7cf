package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"duroxide/provider"
)

// leaseSet holds the live leases of one kind of work of one runtime. Normally there is one; two
// calls that claim for the first time at once may open two, and both are kept.
//
// A lease is renewed only while it is needed. One that is not needed ends by itself, so that an
// idle runtime writes nothing.
type leaseSet struct {
	node string
	ttl  time.Duration
	now  func() time.Time

	mu     sync.Mutex
	newest provider.LeaseID
	ends   map[provider.LeaseID]time.Time
}

func newLeaseSet(node string, ttl time.Duration, now func() time.Time) *leaseSet {
	return &leaseSet{node: node, ttl: ttl, now: now, ends: map[provider.LeaseID]time.Time{}}
}

// holder gives the claimant for a call to the store.
func (l *leaseSet) holder() *provider.Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	return &provider.Holder{Node: l.node, Lease: l.newest, TTL: l.ttl}
}

// opened takes note of the lease that a claim is under. asked is when the call began: the lease
// lives at least half its length from then (see provider.Holder).
func (l *leaseSet) opened(id provider.LeaseID, asked time.Time) {
	if id == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.ends[id]; !ok {
		l.newest = id
		l.ends[id] = asked.Add(l.ttl)
		return
	}
	l.extend(id, asked.Add(l.ttl/2))
}

// renewed takes note that the store has renewed a lease. It may be one that had ended by what was
// known here: a call that claims can take effect long after it was asked for.
func (l *leaseSet) renewed(id provider.LeaseID, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.ends[id]; !ok {
		l.ends[id] = until
		if l.newest == 0 {
			l.newest = id
		}
	}
	l.extend(id, until)
}

func (l *leaseSet) extend(id provider.LeaseID, until time.Time) {
	if end, ok := l.ends[id]; ok && until.After(end) {
		l.ends[id] = until
	}
}

// holds reports whether the lease is ours and lives.
func (l *leaseSet) holds(id provider.LeaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, ok := l.ends[id]
	return ok && end.After(l.now())
}

// live lists the live leases.
func (l *leaseSet) live() []provider.LeaseID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	ids := make([]provider.LeaseID, 0, len(l.ends))
	for id := range l.ends {
		ids = append(ids, id)
	}
	return ids
}

func (l *leaseSet) sweep() {
	now := l.now()
	for id, end := range l.ends {
		if !end.After(now) {
			delete(l.ends, id)
		}
	}
	if _, ok := l.ends[l.newest]; !ok {
		l.newest = 0
	}
}

func (l *leaseSet) lost(id provider.LeaseID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, id)
	if l.newest == id {
		l.newest = 0
	}
}

// renewal keeps the leases of a runtime alive.
func (rt *Runtime) renew(ctx context.Context) {
	if rt.needsTurnLease() {
		for _, id := range rt.leases.live() {
			rt.renewOne(ctx, rt.leases, id, nil)
		}
	}
	if rt.workers == nil {
		return
	}
	// Also under leases that have ended by our clock, after a sleep of the process or a long silence of
	// the store: only the store knows, and who runs under a lost lease must be told.
	for id, tokens := range rt.workers.tokens() {
		for _, lost := range rt.renewOne(ctx, rt.taskLeases, id, tokens) {
			rt.workers.lost(lost)
		}
	}
}

// renewOne extends one lease and gives the tasks that are lost. A fault of the store says nothing
// about them: the next renewal asks again.
func (rt *Runtime) renewOne(
	ctx context.Context, set *leaseSet, id provider.LeaseID, tasks []provider.Token,
) (lost []provider.Token) {
	asked := rt.e.store.Now()
	lost, err := rt.e.store.Renew(ctx, provider.Renewal{Lease: id, Extend: set.ttl, Tasks: tasks})
	switch {
	case err == nil:
		set.renewed(id, asked.Add(set.ttl))
		return lost
	case errors.Is(err, provider.ErrLockLost):
		set.lost(id)
		rt.log.leaseLost("renewal", id)
		return tasks
	default:
		rt.storeFailed("renew", err, 0)
		return nil
	}
}

// renewEvery gives the pause between two renewals: a third of the shorter lease, so that one may
// fail without harm.
func (rt *Runtime) renewEvery() time.Duration {
	return min(rt.set.turnLease, rt.set.taskLease) / 3
}
