// Package clock is the time of a store, and says when its leases end.
//
// A store compares due times with a clock that somebody may set: that of the machine, or of a server.
// So two rules hold here. The time of a store is that of this clock as far as it goes forward, and
// goes on by the time that passes where it does not. And leases end by the time that passes; what
// the clock shows only tells which leases of others may be over.
package clock

import (
	"math"
	"sync"
	"time"
)

const (
	// set is how far a clock runs ahead of the time that passes, between two looks, if it was set or the
	// machine has slept. Clocks that are corrected slowly stay far below.
	set = time.Second
	// catchUp is by which part the time of a store runs slower than time passes while its clock is
	// behind, until that has caught up.
	catchUp = 10
)

// Clock is the time of one store as its process sees it. It is safe for concurrent use.
type Clock struct {
	wall   func() time.Time
	passed func() time.Duration

	mu sync.Mutex // guards what follows
	// now is the time given last, seen what the wall clock showed then, both in Unix nanoseconds, and at
	// the passed time then.
	now, seen int64
	at        time.Duration
	jump      trouble
	wait      trouble
}

// trouble is a stretch of time in which others may have been kept from renewing their leases, or
// after which these look ended although they are not.
type trouble struct {
	any bool
	// end is when it was over, by the time that passes.
	end    time.Duration
	length time.Duration
}

// touches reports whether the trouble was long for a lease of this length, and is over for less than
// one such length.
func (t trouble) touches(lease, now time.Duration) bool {
	return t.any && t.length > lease/2 && now-t.end < lease
}

var started = time.Now()

// Passed is the time that passes on this machine, since the process was started, whatever happens to
// its clocks.
func Passed() time.Duration { return time.Since(started) }

// New gives the time of a store. wall is what is asked for the time: it may jump. passed is the time
// that passes since some moment, and never jumps; nil means Passed.
func New(wall func() time.Time, passed func() time.Duration) *Clock {
	if passed == nil {
		passed = Passed
	}
	c := &Clock{wall: wall, passed: passed, at: passed()}
	c.now = wall().UnixNano()
	c.seen = c.now
	return c
}

// Now gives the time of the store. It never goes back.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return time.Unix(0, c.now)
}

// Ms is Now in Unix milliseconds.
func (c *Clock) Ms() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.now / int64(time.Millisecond)
}

// Passed gives the time that has passed.
func (c *Clock) Passed() time.Duration { return c.passed() }

// look reads the clocks. The caller holds c.mu.
func (c *Clock) look() {
	at, wall := c.passed(), c.wall().UnixNano()
	passed := max(at-c.at, 0)
	if time.Duration(wall-c.seen)-passed > set {
		c.jump = trouble{any: true, end: at, length: math.MaxInt64}
	}
	c.now = max(wall, c.now+int64(passed-passed/catchUp))
	c.seen, c.at = wall, max(at, c.at)
}

// waited notes that nobody here could write for so long, and can again.
func (c *Clock) waited(length time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.passed()
	// A shorter wait does not hide a longer one that still counts.
	if !c.wait.any || length >= c.wait.length || now-c.wait.end >= 2*c.wait.length {
		c.wait = trouble{any: true, end: now, length: length}
	}
}

// Unsettled reports whether leases of a length may look ended although they are not: because the
// clock has jumped ahead, or because nobody could write for longer than half of that length, less
// than one such length ago.
func (c *Clock) Unsettled(lease time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.jump.touches(lease, c.at) || c.wait.touches(lease, c.at)
}
