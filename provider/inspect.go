package provider

import (
	"context"
	"time"
)

// Inspector is a store that says what it stands on, for people who look for the cause of trouble.
type Inspector interface {
	// Name gives the kind of the store and the version of its library or server, as that of Provider.
	Name() (name, version string)
	// Inspect reads the rest; nothing is changed.
	Inspect(ctx context.Context) (Inspection, error)
}

// Inspection is what a store stands on.
type Inspection struct {
	// Applied is the number of the last migration of the store, Known that of the last one of this release.
	Applied, Known int
	// Ahead is how far the clock of the store is ahead of that of this process.
	Ahead time.Duration
	// Settings are those of the file or server that matter for trouble, and what is in use of its limits.
	Settings []Setting
}

// Setting is one fact about a file or server, in words.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// BehindError says that a store lacks migrations, and that whoever opened it may not apply them. It is
// ErrSchema.
type BehindError struct {
	// Applied and Known are numbers as in Inspection.
	Applied, Known int
}

// Error gives the text of ErrSchema.
func (*BehindError) Error() string { return ErrSchema.Error() }

// Is reports whether target is ErrSchema.
func (*BehindError) Is(target error) bool { return target == ErrSchema }
