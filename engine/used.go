package engine

import (
	"context"
	"sync"
	"time"
)

const (
	// usedKept is how long at least a count of instances is told again before the store is asked once more: it
	// reads all that have not ended.
	usedKept = 10 * time.Second
	// usedShare bounds such reads to one part in so many of the time.
	usedShare = 20
)

// usedCounts keeps the measures of instances by code. It is safe for concurrent use.
type usedCounts struct {
	mu    sync.Mutex
	last  []Measure
	until time.Time
}

// measures gives what was counted last, or counts; nothing where the store has not answered.
func (u *usedCounts) measures(ctx context.Context, c *Client) []Measure {
	u.mu.Lock()
	defer u.mu.Unlock()
	began := c.e.clock.Now()
	if began.Before(u.until) || ctx.Err() != nil {
		return u.last
	}
	used, err := c.InUse(ctx, "")
	now := c.e.clock.Now()
	kept := usedShare * now.Sub(began)
	u.last = nil
	if err == nil {
		kept = max(kept, usedKept)
		u.last = usedMeasures(used)
	}
	u.until = now.Add(kept)
	return u.last
}
