package engine

import (
	"context"
	"errors"
	"time"

	"duroxide/provider"
)

const (
	// mostWinding is how long a deletion waits for descendants that clean up.
	mostWinding = 30 * time.Second
	// toldSoon is how long it waits for those that have not heard yet that they are to end.
	toldSoon = 2 * time.Second
)

// unwound waits for the descendants of an instance that has ended and that still clean up.
// provider.ErrStillRunning: they have not ended in time. Those that nobody runs are not waited for.
func (c *Client) unwound(ctx context.Context, instance string) error {
	tree, err := c.Tree(ctx, instance)
	if err != nil {
		return err
	}
	began := c.e.clock.Now()
	left := func(d time.Duration) time.Duration { return max(d-c.e.clock.Now().Sub(began), 0) }
	for _, id := range tree[1:] {
		s, err := c.waitFor(ctx, id, left(toldSoon), Status.winds)
		switch {
		case errors.Is(err, ErrTimeout), errors.Is(err, provider.ErrInstanceNotFound), errors.Is(err, provider.ErrCorrupt):
			continue
		case err != nil:
			return err
		case s.IsTerminal():
			continue
		}
		_, err = c.waitFor(ctx, id, left(mostWinding), Status.IsTerminal)
		if errors.Is(err, ErrTimeout) {
			return provider.ErrStillRunning
		}
		if err != nil && !errors.Is(err, provider.ErrInstanceNotFound) {
			return err
		}
	}
	return nil
}

// noneWinds gives provider.ErrStillRunning where one of some descendants cleans up.
func (c *Client) noneWinds(ctx context.Context, descendants []string) error {
	for _, id := range descendants {
		s, err := c.Status(ctx, id)
		switch {
		case errors.Is(err, provider.ErrCorrupt): // It does not go on.
		case err != nil:
			return err
		case s.Cancelling != nil:
			return provider.ErrStillRunning
		}
	}
	return nil
}

// winds reports whether an instance has ended or cleans up.
func (s Status) winds() bool { return s.IsTerminal() || s.Cancelling != nil }
