package clock

import (
	"sync"
	"time"

	"duroxide/provider"
	"duroxide/provider/process"
)

// unknownLength stands for the length of a lease whose row does not say it: an earlier release wrote
// it. It is the longest of the defaults.
const unknownLength = 30 * time.Second

// aliveFor is how long a process that was found alive is taken to be.
const aliveFor = 50 * time.Millisecond

// noticed is the shortest wait for a write that counts. No lease is so short that it would be hurt.
const noticed = 20 * time.Millisecond

// Lease is the row of a lease.
type Lease struct {
	ID provider.LeaseID
	// Until is its end in Unix milliseconds, by the time of the store.
	Until int64
	// Length is how long it lasts when it is renewed; zero means that nobody knows.
	Length time.Duration
	Owner  process.ID
}

// Leases decides which leases of a store have ended, as far as this process may say so. A lease ends
// once, for everybody, when somebody who may says so in the store; until then it is held.
//
//   - One that was granted here ends when its length has passed since it was granted or renewed.
//   - One whose process has ended ends at once.
//   - One of another process that lives on this machine ends when it was over for a whole length.
//   - One of a process of which nothing is known here ends when it is over.
//
// That a lease of another is over is what its row says, by the time of the store. But its holder may
// have renewed it without a change of that time, or have been kept from renewing it just as we were
// kept from seeing it. So it also must not have changed for its length; that of a lease which was
// there when this process looked for the first time is not known, and its row is believed. And
// while the clock is unsettled no lease of others ends, and ours last.
//
// It is safe for concurrent use.
type Leases struct {
	clock *Clock
	here  process.ID

	mu     sync.Mutex // guards what follows
	seen   map[provider.LeaseID]*sight
	looked bool
	// fails says that writing fails, failing since when.
	fails   bool
	failing time.Duration
	// tries are the writes that are under way.
	tries map[*Try]struct{}
}

// sight is what is known of one lease. Times are those that pass.
type sight struct {
	Lease
	// own is a lease that was granted here; it ends at end.
	own bool
	end time.Duration
	// since is when the row was first seen to be as it is.
	since time.Duration
	// old means that it was there before this process.
	old bool
	// over is when it was first seen to be over, if isOver.
	isOver bool
	over   time.Duration
	// checked is when its process was found alive, if alive.
	alive   bool
	checked time.Duration
}

// NewLeases gives the leases of a store whose process is here.
func NewLeases(c *Clock, here process.ID) *Leases {
	return &Leases{
		clock: c, here: here, seen: map[provider.LeaseID]*sight{}, tries: map[*Try]struct{}{},
	}
}

// Granted takes note of a lease that was opened, extended or renewed here: it lasts for so long from
// when the call began, by the time that passes.
func (l *Leases) Granted(lease Lease, began, lasts time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen[lease.ID]
	if s == nil {
		s = &sight{}
		l.seen[lease.ID] = s
	}
	s.Lease, s.own = lease, true
	s.end = max(s.end, began+lasts)
}

// Renewed takes note that a lease was renewed here, which may have been granted elsewhere.
func (l *Leases) Renewed(id provider.LeaseID, until int64, began, lasts time.Duration) {
	l.mu.Lock()
	lease := Lease{ID: id, Length: lasts, Owner: l.here}
	if s := l.seen[id]; s != nil {
		lease = s.Lease
	}
	l.mu.Unlock()
	lease.Until = until
	l.Granted(lease, began, lasts)
}

// RanOut reports whether a lease that was granted here is over. It is held by nobody then, whether
// or not its row says so by now.
func (l *Leases) RanOut(id provider.LeaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen[id]
	return s != nil && s.own && l.ended(s)
}

// Look takes note of all rows as they are now.
func (l *Leases) Look(rows []Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Passed()
	there := make(map[provider.LeaseID]bool, len(rows))
	for _, row := range rows {
		there[row.ID] = true
		s := l.seen[row.ID]
		if s == nil {
			l.seen[row.ID] = &sight{Lease: row, since: now, old: !l.looked}
			continue
		}
		if s.Until != row.Until {
			s.since, s.old, s.isOver = now, false, false
		}
		s.Lease = row
	}
	l.looked = true
	for id, s := range l.seen {
		// An own one may be younger than what was looked at.
		if !there[id] && (!s.own || now >= s.end) {
			delete(l.seen, id)
		}
	}
}

// Ended reports whether a lease that was looked at may be ended. What is not known has not ended.
func (l *Leases) Ended(id provider.LeaseID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen[id]
	return s != nil && l.ended(s)
}

// Over lists the leases that may be ended.
func (l *Leases) Over() []Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	var over []Lease
	for _, s := range l.seen {
		if l.ended(s) {
			over = append(over, s.Lease)
		}
	}
	return over
}

// Forget drops what is known of a lease that has ended.
func (l *Leases) Forget(id provider.LeaseID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, id)
}

// ended decides. The caller holds l.mu.
func (l *Leases) ended(s *sight) bool {
	now := l.clock.Passed()
	troubled := l.fails || l.isStuck(s.length()/2, now)
	switch {
	case s.own:
		return now >= s.end && !troubled
	case l.isDead(s, now):
		return true
	default:
		return !troubled && !l.clock.Unsettled(s.length()) && l.lapsed(s, now)
	}
}

// lapsed reports whether a lease of another, which may live, is over for long enough.
func (l *Leases) lapsed(s *sight, now time.Duration) bool {
	unchanged := now - s.since
	if !s.isOver && (s.Until <= l.clock.Ms() || unchanged >= s.length()) {
		s.isOver, s.over = true, now
	}
	switch {
	case !s.isOver:
		return false
	case l.here.Host != "" && s.Owner.Host == l.here.Host:
		return now-s.over >= s.length()
	default:
		return s.old || unchanged >= s.length()
	}
}

func (l *Leases) isDead(s *sight, now time.Duration) bool {
	if s.alive && now-s.checked < aliveFor {
		return false
	}
	s.alive, s.checked = !s.Owner.HasEnded(l.here), now
	return !s.alive
}

func (s *sight) length() time.Duration {
	if s.Length <= 0 {
		return unknownLength
	}
	return s.Length
}

// Try is a write under way, or anything else that cannot be done while writing cannot.
type Try struct {
	l     *Leases
	began time.Duration
}

// Try notes that a write begins. One of the methods of what it gives must be called when it is done.
func (l *Leases) Try() *Try {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &Try{l: l, began: l.clock.Passed()}
	l.tries[t] = struct{}{}
	return t
}

// Wrote notes that the write has worked.
func (t *Try) Wrote() { t.done(true, true) }

// Passed notes that there was nothing to write after all: how long it took still counts, but it does
// not say that writing works.
func (t *Try) Passed() { t.done(true, false) }

// Failed notes that the write failed. Nothing ends until one has worked.
func (t *Try) Failed() { t.done(false, false) }

func (t *Try) done(ok, wrote bool) {
	l := t.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.tries[t]; !open {
		return
	}
	delete(l.tries, t)
	began := t.began
	switch {
	case !ok && !l.fails:
		l.fails, l.failing = true, began
		return
	case !ok:
		return
	case wrote && l.fails:
		began, l.fails = min(began, l.failing), false
	}
	l.waited(began)
}

// waited notes that a write which began then had to wait until now. If that was longer than half of a
// lease, that lease, if it is ours, lasts for one whole length from now on, and one of others is
// left alone for as long.
func (l *Leases) waited(began time.Duration) {
	now := l.clock.Passed()
	length := now - began
	if length < noticed {
		return
	}
	l.clock.waited(length)
	for _, s := range l.seen {
		if s.own && length > s.length()/2 {
			s.end = max(s.end, now+s.length())
		}
	}
}

// isStuck reports whether a write has been under way for longer than a time.
func (l *Leases) isStuck(than, now time.Duration) bool {
	for t := range l.tries {
		if now-t.began > max(than, noticed) {
			return true
		}
	}
	return false
}

// Failing reports whether no write has worked since one failed. Who would end a lease then makes
// a write that changes nothing instead.
func (l *Leases) Failing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fails
}
