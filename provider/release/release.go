// Package release decides whether a release may open a store that a newer one has migrated.
package release

import (
	"cmp"
	"fmt"

	"github.com/Masterminds/semver/v3"
)

// Schema is what a release finds in a store that has more migrations than it knows.
type Schema struct {
	// Place names the store.
	Place string
	// Found is the number of its last migration, Known that of the last one that this release knows.
	Found, Known int64
	// Oldest is the oldest release that may still open the store, as its last migration says.
	Oldest string
}

// Refusal says why a release may not open the store; "" means that it may.
func (s Schema) Refusal(this string) string {
	if mayOpen(this, s.Oldest) {
		return ""
	}
	oldest := ""
	if s.Oldest != "" {
		oldest = fmt.Sprintf("; the oldest release that may open it is %s, and this is %s",
			s.Oldest, cmp.Or(this, "one without a number"))
	}
	return fmt.Sprintf("%s was written by a newer version (schema %d, this version knows %d)%s",
		s.Place, s.Found, s.Known, oldest)
}

func mayOpen(this, oldest string) bool {
	mine, err := semver.NewVersion(this)
	if err != nil {
		return false
	}
	least, err := semver.NewVersion(oldest)
	return err == nil && !mine.LessThan(least)
}
