package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"duroxide/provider"
)

// How waits and retries pace themselves.
const (
	// fallbackPoll is the first pause after which a waiter looks again although nothing woke it.
	fallbackPoll    = time.Second
	fallbackPollMax = 4 * time.Second
	// retryPause is the first pause after a transient error of the store.
	retryPause    = 10 * time.Millisecond
	retryPauseMax = time.Second
	// checkRetryPause is the pause of a waiter after such an error.
	checkRetryPause = 100 * time.Millisecond
	// retryPatience is how long a call is repeated before its transient error is reported.
	retryPatience = 30 * time.Second
)

// retry repeats a call of the store while its error is transient, for as long as ctx lives and
// patience lasts.
func retry[T any](
	ctx context.Context, c *Client, call func(context.Context) (T, error),
) (T, error) {
	giveUp := c.e.clock.Now().Add(retryPatience)
	for pause := retryPause; ; pause = min(2*pause, retryPauseMax) {
		result, err := call(ctx)
		if err == nil || !provider.IsRetryable(err) || !c.e.clock.Now().Before(giveUp) {
			return result, err
		}
		if ended := c.pause(ctx, pause); ended != nil {
			return result, fmt.Errorf("%w: %w", ended, err)
		}
	}
}

// pause returns nil after d, or the reason why the caller must not go on.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	passed, stop := c.e.changes.after(d)
	defer stop()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.e.changes.closed:
		return ErrShutdown
	}
}

// sight is what a check of a wait has seen.
type sight int

const (
	notYet sight = iota
	// absent: not yet, and the instance is not there.
	absent
	enough
)

type check func(context.Context) (sight, error)

// await calls a check at once, and again whenever the instance may have changed, until it has seen
// enough or fails. After timeout it gives ErrTimeout, with the trouble that the instance is known to have; a
// timeout of zero or less means one check.
func (c *Client) await(ctx context.Context, instance string, timeout time.Duration, look check) error {
	err := c.lookOut(ctx, instance, timeout, look)
	if !errors.Is(err, ErrTimeout) {
		return err
	}
	return because(err, c.e.troubleOf(instance))
}

func (c *Client) lookOut(ctx context.Context, instance string, timeout time.Duration, look check) error {
	if timeout <= 0 {
		return c.once(ctx, instance, look)
	}
	if err := c.checkTarget(ctx, instance); err != nil {
		return err
	}
	w := c.e.changes.add(instance)
	defer c.e.changes.remove(w)
	defer c.e.watch.add()()
	// A store that hangs must not hold the caller longer than it asked for.
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	expired := make(chan struct{})
	stop := c.e.clock.AfterFunc(timeout, func() {
		close(expired)
		cancel()
	})
	defer stop()
	missing := absence{clock: c.e.clock, most: c.notFoundAfter()}
	for fallback := fallbackPoll; ; fallback = min(2*fallback, fallbackPollMax) {
		seen, err := look(bounded)
		if err == nil && seen == enough {
			return nil
		}
		pause := checkRetryPause
		if err == nil {
			pause = min(fallback, missing.left(seen))
		}
		if ended := failure(err, expired); ended != nil {
			return ended
		}
		if pause <= 0 {
			return notFound(instance)
		}
		if ended := c.idle(ctx, w, expired, pause); ended != nil {
			return because(ended, err)
		}
	}
}

// failure gives the error with which a wait ends, or nil where it goes on.
func failure(err error, expired <-chan struct{}) error {
	switch {
	case err == nil:
		return nil
	case isClosed(expired):
		return ErrTimeout
	case provider.IsRetryable(err):
		return nil
	default:
		return err
	}
}

// notFoundAfter is how long waits wait for an instance that is not there, or nil. A life that is not there
// never comes.
func (c *Client) notFoundAfter() *time.Duration {
	if !c.scope.Life.IsZero() {
		return new(time.Duration)
	}
	return c.scope.NotFoundAfter
}

// absence measures how long an instance has not been there.
type absence struct {
	clock Clock
	most  *time.Duration
	since time.Time
}

// left gives how long a wait may go on after what it saw, if the instance does not appear.
func (a *absence) left(seen sight) time.Duration {
	if a.most == nil || seen != absent {
		a.since = time.Time{}
		return fallbackPollMax
	}
	if a.since.IsZero() {
		a.since = a.clock.Now()
	}
	return *a.most - a.clock.Now().Sub(a.since)
}

// idle returns nil when the waiter should look again, or the reason why the wait is over.
func (c *Client) idle(
	ctx context.Context, w *waiter, expired <-chan struct{}, pause time.Duration,
) error {
	again, stop := c.e.changes.after(pause)
	defer stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.e.changes.closed:
		return ErrShutdown
	case <-expired:
		return ErrTimeout
	case <-w.wake:
		return nil
	case <-again:
		return nil
	}
}

func (c *Client) once(ctx context.Context, instance string, look check) error {
	seen, err := look(ctx)
	switch {
	case provider.IsRetryable(err):
		return because(ErrTimeout, err)
	case err != nil || seen == enough:
		return err
	}
	missing := absence{clock: c.e.clock, most: c.notFoundAfter()}
	if missing.left(seen) <= 0 {
		return notFound(instance)
	}
	return ErrTimeout
}

// because adds the store's error, if there is one, to the reason why a wait is over.
func because(ended, err error) error {
	if err == nil {
		return ended
	}
	return fmt.Errorf("%w: %w", ended, err)
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
