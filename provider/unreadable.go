package provider

import (
	"errors"
	"time"
)

// Unreadable says why a stored message or task cannot be read. A store keeps such a row, hides it for a
// while each time that a claim meets it, and counts that.
type Unreadable struct {
	Reason string
	// Tries is how often the row was met, this time included.
	Tries int
	// Newer means that a newer release has written the row.
	Newer bool
}

// UnreadableRow describes a row that was met before as often as its attempts say.
func UnreadableRow(err error, attempts int) Unreadable {
	return Unreadable{Reason: err.Error(), Tries: attempts + 1, Newer: errors.Is(err, ErrNewer)}
}

// mostTries is how often a row is met before that is final: with the pauses it takes an hour.
const mostTries = 66

// Pause is how long the row is hidden now. It grows to a minute.
func (u Unreadable) Pause() time.Duration {
	const first, longest = time.Second, time.Minute
	return min(first<<min(u.Tries-1, 10), longest)
}

// IsFinal reports whether nobody will read the row any more: it was tried for an hour at least, and is no
// newer release's.
func (u Unreadable) IsFinal() bool { return !u.Newer && u.Tries >= mostTries }
