package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider/clock"
	"duroxide/provider/process"
)

// hands are a wall clock and the time that passes, moved by hand.
type hands struct {
	wall   time.Time
	passed time.Duration
}

func newHands() *hands { return &hands{wall: time.UnixMilli(1_800_000_000_000)} }

func (h *hands) clock() *clock.Clock {
	return clock.New(func() time.Time { return h.wall }, func() time.Duration { return h.passed })
}

// pass lets time pass, as all clocks show.
func (h *hands) pass(d time.Duration) {
	h.passed += d
	h.wall = h.wall.Add(d)
}

// set changes what the wall clock shows.
func (h *hands) set(by time.Duration) { h.wall = h.wall.Add(by) }

func TestTheTimeIsThatOfTheWallClock(t *testing.T) {
	t.Parallel()
	h := newHands()
	c := h.clock()
	for range 3 {
		h.pass(1234567 * time.Microsecond)
		require.True(t, h.wall.Equal(c.Now()))
		require.Equal(t, h.wall.UnixMilli(), c.Ms())
	}
	h.set(24 * time.Hour)
	require.True(t, h.wall.Equal(c.Now()), "it follows at once where it goes forward")
}

func TestTheTimeGoesOnWhereTheWallClockGoesBack(t *testing.T) {
	t.Parallel()
	h := newHands()
	c := h.clock()
	h.pass(time.Minute)
	before := c.Now()
	h.set(-time.Hour)
	require.True(t, before.Equal(c.Now()), "it never goes back")
	h.pass(10 * time.Minute)
	require.Equal(t, 9*time.Minute, c.Now().Sub(before), "it goes on, a tenth slower")
	for c.Now().After(h.wall) {
		h.pass(time.Minute)
	}
	require.Equal(t, 10*time.Hour, h.passed-time.Minute, "a tenth of the time makes up for an hour")
	h.pass(time.Minute)
	require.True(t, h.wall.Equal(c.Now()))
}

func TestAClockWithoutTheTimeThatPassesTakesThatOfTheMachine(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_800_000_000_000)
	c := clock.New(func() time.Time { return at }, nil)
	first, began := c.Now(), c.Passed()
	at = at.Add(-time.Hour)
	for c.Passed() < began+time.Millisecond {
	}
	require.True(t, c.Now().After(first))
}

func TestAClockThatJumpsIsUnsettledForOneLease(t *testing.T) {
	t.Parallel()
	const lease = 30 * time.Second
	h := newHands()
	c := h.clock()
	h.pass(time.Hour)
	require.False(t, c.Unsettled(lease), "time has passed, nothing else")
	h.set(900 * time.Millisecond)
	require.False(t, c.Unsettled(lease), "clocks are corrected all the time")
	h.set(-24 * time.Hour)
	require.False(t, c.Unsettled(lease), "what goes back makes nothing look ended")
	h.set(2 * time.Second)
	require.True(t, c.Unsettled(lease))
	h.pass(lease - 1)
	require.True(t, c.Unsettled(lease))
	require.False(t, c.Unsettled(lease/2))
	h.pass(1)
	require.False(t, c.Unsettled(lease))
}

func TestAWaitUnsettlesLeasesOfLessThanTwiceItsLength(t *testing.T) {
	t.Parallel()
	h := newHands()
	c := h.clock()
	l := clock.NewLeases(c, here)
	wait := func(d time.Duration) {
		try := l.Try()
		h.pass(d)
		try.Passed()
	}
	wait(5 * time.Second)
	require.True(t, c.Unsettled(9*time.Second))
	require.False(t, c.Unsettled(10*time.Second))
	h.pass(4 * time.Second)
	require.False(t, c.Unsettled(4*time.Second))
	wait(time.Second)
	require.True(t, c.Unsettled(9*time.Second), "a shorter wait hides no longer one")
	h.pass(6 * time.Second)
	wait(time.Second)
	require.True(t, c.Unsettled(1900*time.Millisecond))
	require.False(t, c.Unsettled(9*time.Second))
	wait(time.Millisecond)
	require.False(t, c.Unsettled(time.Millisecond), "so short a wait is nothing")
}

const length = 10 * time.Second

// dead was a process of this machine, far is one of another machine.
var (
	here = process.This()
	dead = process.ID{Host: here.Host, PID: 1 << 40, Start: 1}
	far  = process.ID{Host: "another machine", PID: 1, Start: 1}
)

func row(h *hands, owner process.ID, left time.Duration) []clock.Lease {
	return []clock.Lease{{ID: 1, Until: h.wall.Add(left).UnixMilli(), Length: length, Owner: owner}}
}

func TestALeaseOfOursEndsByTheTimeThatPasses(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	rows := row(h, here, length)
	l.Granted(rows[0], h.passed, length)
	l.Look(rows)
	h.set(24 * time.Hour)
	require.False(t, l.Ended(1))
	h.set(-48 * time.Hour)
	h.pass(length - 1)
	require.False(t, l.Ended(1))
	h.pass(1)
	require.True(t, l.Ended(1))
	require.Equal(t, rows, l.Over())
	l.Granted(rows[0], h.passed, length)
	require.False(t, l.Ended(1), "it was renewed")
	l.Granted(rows[0], h.passed, length/2)
	require.False(t, l.Ended(1), "a renewal never shortens it")
	l.Forget(1)
	require.False(t, l.Ended(1))
	require.Empty(t, l.Over())
}

func TestALeaseOfOursLastsThroughATimeWithoutWrites(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Granted(row(h, here, length)[0], h.passed, length)
	h.pass(length / 2)
	first := l.Try()
	h.pass(length)
	first.Failed()
	require.True(t, l.Failing())
	require.False(t, l.Ended(1), "it could not be renewed")
	second := l.Try()
	h.pass(length)
	second.Failed()
	second.Wrote() // It is done already.
	require.True(t, l.Failing())
	l.Try().Passed()
	require.True(t, l.Failing(), "nothing was written")
	require.False(t, l.Ended(1))
	l.Try().Wrote()
	require.False(t, l.Failing())
	h.pass(length - 1)
	require.False(t, l.Ended(1), "it lasts for one length from then on")
	h.pass(1)
	require.True(t, l.Ended(1))
}

func TestALeaseOfOursLastsWhileAWriteIsStuck(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Granted(row(h, here, length)[0], h.passed, length)
	short := l.Try()
	h.pass(length / 2)
	short.Wrote()
	stuck := l.Try()
	h.pass(length / 2)
	require.True(t, l.Ended(1), "half a lease is no harm")
	require.True(t, l.RanOut(1))
	h.pass(1)
	require.False(t, l.Ended(1), "it could not be renewed, though no write has failed")
	require.False(t, l.RanOut(1))
	h.pass(length)
	stuck.Passed()
	require.False(t, l.Ended(1))
	h.pass(length - 1)
	require.False(t, l.Ended(1))
	h.pass(1)
	require.True(t, l.Ended(1))
}

// needsProcesses skips a test where the dead cannot be told from the living.
func needsProcesses(t *testing.T) {
	t.Helper()
	if here.Host == "" {
		t.Skip("this machine does not tell whether a process lives")
	}
}

func TestALeaseOfADeadProcessEndsAtOnce(t *testing.T) {
	t.Parallel()
	needsProcesses(t)
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Look(row(h, dead, length))
	require.True(t, l.Ended(1))
}

func TestALeaseOfALivingProcessEndsOneLengthAfterItsEnd(t *testing.T) {
	t.Parallel()
	needsProcesses(t)
	// It was opened elsewhere in this process: nobody here grants it.
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Look(row(h, here, -time.Hour))
	require.False(t, l.Ended(1))
	h.pass(length - 1)
	require.False(t, l.Ended(1))
	h.pass(1)
	require.True(t, l.Ended(1))
	l.Look(row(h, here, length))
	require.False(t, l.Ended(1), "it was renewed")
	h.pass(length)
	require.False(t, l.Ended(1))
	h.pass(length)
	require.True(t, l.Ended(1))
}

func TestALeaseOfAnotherMachineEndsWhenItIsOver(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Look(nil)
	h.pass(time.Hour)
	l.Look(row(h, far, length))
	h.pass(length - 1)
	require.False(t, l.Ended(1))
	h.pass(1)
	require.True(t, l.Ended(1))
}

func TestALeaseThatWasThereBeforeIsBelieved(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Look(row(h, far, -1*time.Millisecond))
	require.True(t, l.Ended(1))
	l.Look(row(h, far, -1*time.Second))
	require.False(t, l.Ended(1), "it has changed: somebody keeps it, by a clock that is behind ours")
	for range 10 {
		h.pass(length / 3)
		l.Look(row(h, far, -time.Hour))
		require.False(t, l.Ended(1))
	}
	h.pass(length)
	require.True(t, l.Ended(1))
}

func TestALeaseWhoseEndIsTooFarAwayEndsWhenNobodyRenewsIt(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	rows := row(h, far, 24*time.Hour)
	l.Look(rows)
	h.pass(length - 1)
	l.Look(rows)
	require.False(t, l.Ended(1))
	h.pass(1)
	require.True(t, l.Ended(1))
}

func TestAnUnknownLengthIsTakenToBeLong(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	l.Look(nil)
	rows := row(h, far, -time.Second)
	rows[0].Length = 0
	l.Look(rows)
	h.pass(29 * time.Second)
	require.False(t, l.Ended(1))
	h.pass(time.Second)
	require.True(t, l.Ended(1))
}

// Whoever may be kept from renewing a lease is not told from whoever is dead, so nobody takes it
// for a while.
func TestNothingOfOthersEndsWhileTheClockIsUnsettled(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(h *hands, l *clock.Leases){
		"a jump": func(h *hands, l *clock.Leases) {
			h.set(24 * time.Hour)
			l.Ended(1)
		},
		"a wait": func(h *hands, l *clock.Leases) {
			try := l.Try()
			h.pass(length/2 + 1)
			require.False(t, l.Ended(1), "a write is stuck")
			try.Passed()
		},
		"faults": func(h *hands, l *clock.Leases) {
			try := l.Try()
			try.Failed()
			h.pass(length)
			require.False(t, l.Ended(1), "writing fails")
			l.Try().Wrote()
		},
	} {
		h := newHands()
		l := clock.NewLeases(h.clock(), here)
		rows := row(h, far, length/4)
		l.Look(rows)
		trouble(h, l)
		h.pass(length - 1)
		l.Look(rows)
		require.False(t, l.Ended(1), name)
		h.pass(1)
		l.Look(rows)
		require.True(t, l.Ended(1), name)
	}
}

func TestARenewalMakesALeaseOurs(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	rows := row(h, far, -time.Second)
	l.Look(rows)
	l.Renewed(1, h.wall.UnixMilli(), h.passed, length)
	require.False(t, l.Ended(1))
	h.pass(length)
	require.True(t, l.RanOut(1))
	require.Equal(t, h.wall.Add(-length).UnixMilli(), l.Over()[0].Until)
	l.Renewed(2, h.wall.UnixMilli(), h.passed, length)
	require.False(t, l.RanOut(2))
	h.pass(length)
	require.True(t, l.RanOut(2))
}

func TestWhatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	h := newHands()
	l := clock.NewLeases(h.clock(), here)
	rows := row(h, far, -time.Second)
	l.Look(rows)
	require.True(t, l.Ended(1))
	l.Look(nil)
	require.False(t, l.Ended(1))

	l.Granted(clock.Lease{ID: 2, Length: length}, h.passed, length)
	l.Look(nil)
	h.pass(length)
	require.True(t, l.Ended(2), "it may be younger than what was looked at")
	l.Look(nil)
	require.False(t, l.Ended(2))
}
