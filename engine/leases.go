package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"duroxide/provider"
)

// leaseSet holds the leases of one kind of work of one runtime. Normally there is one; two calls that
// claim for the first time at once may open two, and both are kept.
//
// A lease is renewed only while it is needed. One that is not needed ends by itself, so that an
// idle runtime writes nothing. Only the store knows whether it has ended: what is counted here, by
// the time that has passed and not by any clock that can be set, says how long it lasts for certain.
type leaseSet struct {
	node   string
	ttl    time.Duration
	now    func() time.Time
	serves *provider.Serves

	mu     sync.Mutex
	newest provider.LeaseID
	ends   map[provider.LeaseID]time.Time
}

func newLeaseSet(node string, ttl time.Duration, now func() time.Time, serves *provider.Serves) *leaseSet {
	return &leaseSet{node: node, ttl: ttl, now: now, serves: serves, ends: map[provider.LeaseID]time.Time{}}
}

// holder gives the claimant for a call to the store.
func (l *leaseSet) holder() *provider.Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &provider.Holder{Node: l.node, Lease: l.newest, TTL: l.ttl, Serves: l.serves}
}

// opened takes note of the lease that a claim is under. asked is when the call began: the lease
// lives at least half its length from then (see provider.Holder). It reports whether the lease is
// new; then those that were not certain to last have ended.
func (l *leaseSet) opened(id provider.LeaseID, asked time.Time) (fresh bool) {
	if id == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.ends[id]; ok {
		l.extend(id, asked.Add(l.ttl/2))
		return false
	}
	now := l.now()
	for other, end := range l.ends {
		if !end.After(now) {
			delete(l.ends, other)
		}
	}
	l.newest = id
	l.ends[id] = asked.Add(l.ttl)
	return true
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

// holds reports whether the lease is ours and certain to last.
func (l *leaseSet) holds(id provider.LeaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, ok := l.ends[id]
	return ok && end.After(l.now())
}

// knows reports whether the lease is ours, though it may have ended.
func (l *leaseSet) knows(id provider.LeaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.ends[id]
	return ok
}

// all lists the leases that are not known to have ended.
func (l *leaseSet) all() []provider.LeaseID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.ends))
}

func (l *leaseSet) lost(id provider.LeaseID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, id)
	if l.newest == id {
		l.newest = 0
	}
}

// holdsTurns takes note of the lease that instances were claimed under. Looks for what waits ask by
// lease; so those that did not know a new one have missed what other processes have sent to what is
// held under it, and there is one more (W3).
func (rt *Runtime) holdsTurns(id provider.LeaseID, asked time.Time) {
	if rt.leases.opened(id, asked) {
		rt.poller.wake()
	}
}

// renewal keeps the leases of a runtime alive.
func (rt *Runtime) renew(ctx context.Context) {
	load := &provider.Load{Node: rt.node, Body: encoded(rt.load())}
	if rt.needsTurnLease() {
		for _, id := range rt.leases.all() {
			rt.renewOne(ctx, rt.leases, provider.Renewal{Lease: id, Load: load})
			load = nil
		}
	}
	rt.renewTasks(ctx, load)
	rt.workers.keepHeartbeats()
	rt.findLostInline(ctx)
}

// renewTasks extends the leases of what the workers hold, and stops what they do not hold any more.
func (rt *Runtime) renewTasks(ctx context.Context, load *provider.Load) {
	// Also under leases that have ended by our clock, after a sleep of the process or a long silence of
	// the store: only the store knows, and who runs under a lost lease must be told.
	for id, tokens := range rt.workers.tokens() {
		certain := rt.taskLeases.holds(id)
		r := provider.Renewal{Lease: id, Tasks: tokens, Load: load}
		load = nil
		lost := rt.renewOne(ctx, rt.taskLeases, r)
		for _, token := range lost {
			rt.workers.lost(token, certain)
		}
		if len(lost) > 0 && !certain {
			rt.poller.wake() // What nobody has taken is claimed again, and adopted, before the next renewal.
		}
	}
}

// renewOne extends one lease and gives the tasks that are lost. A fault of the store says nothing
// about them: the next renewal asks again.
func (rt *Runtime) renewOne(
	ctx context.Context, set *leaseSet, r provider.Renewal,
) (lost []provider.Token) {
	asked := rt.e.clock.Now()
	r.Extend = set.ttl
	lost, err := rt.e.store.Renew(ctx, r)
	switch {
	case err == nil:
		set.renewed(r.Lease, asked.Add(set.ttl))
		return lost
	case errors.Is(err, provider.ErrLockLost):
		set.lost(r.Lease)
		rt.log.leaseLost("renewal", r.Lease)
		return r.Tasks
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
