package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
)

func TestAThreadIsLateWhenItOwesAnExchangeForLong(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	p := engine.NewPulse(c)
	c.Advance(time.Hour)
	require.False(t, p.IsLate(), "nothing waits for it")
	require.Zero(t, c.Pending(), "and nobody looks after it")

	p.Owe()
	c.Advance(99 * time.Millisecond)
	require.False(t, p.IsLate())
	c.Advance(time.Millisecond)
	require.True(t, p.IsLate())
	require.Zero(t, c.Pending(), "what is known needs no looking after")

	p.Sign()
	require.False(t, p.IsLate())
	c.Advance(100 * time.Millisecond)
	require.True(t, p.IsLate(), "it has shown itself, but still owes")
	p.Sign()
	p.Rest()
	c.Advance(time.Hour)
	require.False(t, p.IsLate())
	require.Zero(t, c.Pending())
}

func TestAThreadThatComesByAgainAndAgainIsNeverLate(t *testing.T) {
	t.Parallel()
	c := enginetest.NewClock()
	p := engine.NewPulse(c)
	p.Owe()
	for range 100 {
		c.Advance(90 * time.Millisecond)
		require.False(t, p.IsLate())
		require.Equal(t, 1, c.Pending(), "one timer, whatever happens")
		p.Sign()
	}
	for range 100 {
		p.Sign()
		p.Rest()
		p.Owe() // The thread sleeps and is woken, a step of a chain each time.
		c.Advance(time.Millisecond)
		require.Equal(t, 1, c.Pending())
	}
	require.False(t, p.IsLate())
}

// leaping is a clock whose timers come late, as those of a process that was stopped do.
type leaping struct {
	*enginetest.Clock
	due []func()
}

func (l *leaping) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	l.due = append(l.due, f)
	return func() bool { return false }
}

func (l *leaping) fire() {
	due := l.due
	l.due = nil
	for _, f := range due {
		f()
	}
}

func TestAProcessThatStoodStillDoesNotBlameTheThread(t *testing.T) {
	t.Parallel()
	c := &leaping{Clock: enginetest.NewClock()}
	p := engine.NewPulse(c)
	p.Owe()
	c.Advance(time.Hour)
	c.fire()
	require.False(t, p.IsLate(), "the timer came late too: everything stood still")
	c.Advance(100 * time.Millisecond)
	c.fire()
	require.True(t, p.IsLate())
}
