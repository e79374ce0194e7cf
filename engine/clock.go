package engine

import "time"

// Clock is where the engine takes time from. It decides how long the engine waits, never what
// a history says. Implementations are safe for concurrent use.
type Clock interface {
	// Now gives the present time.
	Now() time.Time
	// AfterFunc calls f once when d has passed, on a goroutine of the clock. stop prevents the call
	// and reports whether it did. A d of zero or less means as soon as possible.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// RealClock is the clock of the machine.
type RealClock struct{}

// Now gives the machine's time.
func (RealClock) Now() time.Time { return time.Now() }

// AfterFunc calls f on a goroutine of its own after d.
func (RealClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
