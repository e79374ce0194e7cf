package provider

import "time"

// Presence is a runtime that has announced itself and lives.
type Presence struct {
	// Node is the random id of its start.
	Node string
	// Body says what it is and what it serves. Stores do not look into it.
	Body []byte
	// Load is what it said last of how busy it is; nil means nothing yet. Stores do not look into it.
	Load []byte
	// Started is when it announced itself, and Seen when it last wrote of itself: an idle one does not.
	Started, Seen time.Time
}

// Load is what a working runtime says of itself with a renewal.
type Load struct {
	Node string
	Body []byte
}

// How long a runtime counts as living of whose process nothing is known here.
const (
	// SignOfLife is how often it writes where its server session does not tell that it lives.
	SignOfLife = time.Minute
	// Silence is how long it is believed after that.
	Silence = 3 * SignOfLife
)
