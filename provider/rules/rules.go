// Package rules holds what the storage contract decides, once for both stores on SQL: what refuses a call
// and in which order, what a turn makes of an instance, and which errors callers get. It is pure: it reads
// no clock and no store, and changes only what it is handed. The store in memory does not use it, because
// it is what the suite compares the others with.
package rules

import (
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"duroxide/provider"
)

// Ceiling returns the first millisecond that is not before t, so that "before t" keeps its meaning for
// stored times, which are whole milliseconds.
func Ceiling(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// PrunedBefore returns the millisecond before which executions must have ended to be pruned.
func PrunedBefore(o provider.PruneOptions) int64 {
	if o.CompletedBefore.IsZero() {
		return math.MaxInt64
	}
	return Ceiling(o.CompletedBefore)
}

// Holder is a provider.Holder whose lease is found with the first claim that needs it.
type Holder struct {
	*provider.Holder
	// Used is that lease, or zero. Taken counts the targets that were claimed where their messages were
	// stored.
	Used  provider.LeaseID
	Taken int
}

// MayTake reports whether there is a holder with room for one more target.
func (h *Holder) MayTake() bool {
	return h.Holder != nil && (h.Most == 0 || h.Taken < h.Most)
}

// IsStart reports whether a message begins an execution.
func IsStart(kind provider.MessageKind) bool {
	return kind == provider.StartInstance || kind == provider.ContinueInstance
}

// MigrationNames returns the migrations of a store in order. They are files named 0001_ and so on, without
// a gap.
func MigrationNames(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names)
	for n, name := range names {
		if !strings.HasPrefix(path.Base(name), fmt.Sprintf("%04d_", n+1)) {
			return nil, fmt.Errorf("migration %s is number %d: the numbers have a gap or repeat", name, n+1)
		}
	}
	return names, nil
}

// MissingAfter refuses to give the migrations that follow number n where there are none with such a number.
func MissingAfter(n, known int) error {
	if n < 0 || n > known {
		return Refuse(provider.ErrBadInput,
			"there are migrations 1 to %d, so that none can follow number %d", known, n)
	}
	return nil
}
