package postgres

import (
	"sync"

	"duroxide/provider"
)

// knownLimit bounds how many rows are remembered. Forgetting costs a round trip, nothing else.
const knownLimit = 100_000

// known is what this process knows of the rows that it holds: they are as it has written them last,
// as long as nobody else has claimed them. The server checks that (short.go).
type known struct {
	mu     sync.Mutex
	byKey  map[uint64]instance
	byID   map[string]uint64
	leases map[provider.LeaseID]lease
	// ids are numbers that were taken from the sequence and not used yet.
	ids []uint64
}

// learn takes note of a committed group.
func (k *known) learn(g *group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byKey == nil || len(k.byKey) >= knownLimit {
		k.byKey, k.byID = map[uint64]instance{}, map[string]uint64{}
	}
	for key, i := range g.writes.touched {
		if i.lease == 0 {
			k.drop(key)
			continue
		}
		row := *i
		row.fresh, row.used, row.arrived, row.waits = false, false, nil, nil
		row.stored, row.next = false, nil
		row.anyDue, row.anyStart, row.startDue = false, false, false
		k.byKey[key], k.byID[row.id] = row, key
	}
	if !g.short {
		k.leases = make(map[provider.LeaseID]lease, len(g.leases))
	}
	for id, l := range g.leases {
		if l.Until > k.leases[id].Until {
			k.leases[id] = *l
		}
	}
}

// forget drops what a group has relied on in vain.
func (k *known) forget(g *group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key := range g.byKey {
		k.drop(key)
	}
	k.ids = nil
}

// drop forgets a row. The caller holds k.mu.
func (k *known) drop(key uint64) {
	if row, ok := k.byKey[key]; ok {
		delete(k.byKey, key)
		delete(k.byID, row.id)
	}
}

// extend takes note of a renewed lease.
func (k *known) extend(id provider.LeaseID, until int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l, ok := k.leases[id]; ok && l.Until < until {
		l.Until = until
		k.leases[id] = l
	}
}

// end forgets a lease that has ended.
func (k *known) end(id provider.LeaseID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.leases, id)
}

// instance gives a copy of the row of a key. The caller holds k.mu.
func (k *known) instance(key uint64) (*instance, bool) {
	row, ok := k.byKey[key]
	return &row, ok
}

// take gives some numbers, or nil where there are too few.
func (k *known) take(count int) []uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.ids) < count {
		return nil
	}
	taken := k.ids[:count:count]
	k.ids = k.ids[count:]
	return taken
}

// put adds numbers; what was left is given up, so that they grow.
func (k *known) put(ids []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ids = ids
}
