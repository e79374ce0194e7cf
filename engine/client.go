package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Client starts, signals, reads and manages instances. It needs a store, but no runtime; where
// this process runs one, it is told of new work at once. It is safe for concurrent use and needs
// no closing. Transient errors of the store are retried; others come through as they are.
type Client struct {
	e     *Engine
	scope Scope
}

// Scope narrows what the calls of a client mean.
type Scope struct {
	// Life, if it is known, is who is meant: messages reach that life or nobody, which is
	// provider.ErrInstanceNotFound, and only its state is seen. Waits for it end where it has gone.
	Life history.Life
	// NotFoundAfter, if not nil, bounds how long waits wait for an instance that is not there: then
	// they give provider.ErrInstanceNotFound.
	NotFoundAfter *time.Duration
}

// Within gives a client with a scope. It narrows signals, messages, cancellations, states and waits.
func (c *Client) Within(s Scope) *Client { return &Client{e: c.e, scope: s} }

// The states that clients see.
const (
	StateNotFound  = "NotFound"
	StateRunning   = "Running"
	StateCompleted = "Completed"
	StateFailed    = "Failed"
)

// Status is the state of an instance as clients see it.
type Status struct {
	// State is NotFound until the start is stored, and Running from then on, also between two
	// executions.
	State string
	// Output is the JSON text of the result; set for Completed.
	Output string
	// Error is the failure's text, possibly empty; set for Failed.
	Error string
	// Failure is what is known of it besides; nil where that cannot be read any more.
	Failure *history.Failure
	// CustomStatus is nil where none is set.
	CustomStatus        *string
	CustomStatusVersion uint64
	// Held says that it does not go on, because no code that had it fits its history.
	Held bool
	// Cancelling says that its code was told to stop and cleans up.
	Cancelling *provider.Cancelling
}

// IsTerminal reports whether the instance has completed or failed.
func (s Status) IsTerminal() bool {
	return s.State == StateCompleted || s.State == StateFailed
}

// Raise stores a signal for the instance's present or future wait. It returns the state that the
// instance was in, one of the constants above. Unknown instances are no error: the signal waits for
// their start, for provider.SignalPatience. A name that is too long, or an id that no instance can
// have, is a *LimitError.
func (c *Client) Raise(ctx context.Context, instance, name, data string) (string, error) {
	if err := checkName("eventName", name); err != nil {
		return "", err
	}
	return c.send(ctx, provider.Message{
		Instance: instance,
		Kind:     provider.EventRaised,
		Name:     name,
		Data:     data,
	})
}

// Enqueue stores a message of one of the instance's queues and returns the state that the instance
// was in. Unknown instances are no error: the message waits for their start as long as the store is
// told to keep it. *LimitError as in Raise.
func (c *Client) Enqueue(ctx context.Context, instance, queue, data string) (string, error) {
	state, _, err := c.EnqueueOnce(ctx, instance, queue, data, "")
	return state, err
}

// Status reads the state of an instance once.
func (c *Client) Status(ctx context.Context, instance string) (Status, error) {
	return retry(ctx, c, func(ctx context.Context) (Status, error) {
		return c.status(ctx, instance)
	})
}

// Wait returns when the instance has completed or failed. An unknown instance is waited for.
// ErrTimeout: it has not ended in time; a timeout of zero means one look. An id that no instance can
// have is a *LimitError.
func (c *Client) Wait(ctx context.Context, instance string, timeout time.Duration) (Status, error) {
	return c.waitFor(ctx, instance, timeout, Status.IsTerminal)
}

// WaitStatus returns when the version of the custom status is above seen, or the instance has
// ended. ErrTimeout as in Wait.
func (c *Client) WaitStatus(
	ctx context.Context, instance string, seen uint64, timeout time.Duration,
) (Status, error) {
	return c.waitFor(ctx, instance, timeout, func(s Status) bool {
		return s.CustomStatusVersion > seen || s.IsTerminal()
	})
}

// WaitValue returns the value of a key of the instance's key-value store when there is one.
// ErrTimeout as in Wait; a key that is too long to be written is a *LimitError.
func (c *Client) WaitValue(
	ctx context.Context, instance, key string, timeout time.Duration,
) (string, error) {
	if tooLong := checkName("key", key); tooLong != nil {
		return c.oldValue(ctx, instance, key, tooLong)
	}
	var found string
	err := c.await(ctx, instance, timeout, func(ctx context.Context) (sight, error) {
		value, err := c.e.store.Value(ctx, instance, key)
		if err != nil {
			return notYet, err
		}
		if value == nil {
			return c.lookFor(ctx, instance)
		}
		found = *value
		return enough, nil
	})
	return found, err
}

// oldValue gives the value of a key that no code can write any more, or the reason why it cannot.
func (c *Client) oldValue(ctx context.Context, instance, key string, reason error) (string, error) {
	value, err := c.Value(ctx, instance, key)
	if err != nil || value == nil {
		return "", cmp.Or(err, reason)
	}
	return *value, nil
}

// Value gives a live value of the key-value store, or nil, also for unknown instances.
func (c *Client) Value(ctx context.Context, instance, key string) (*string, error) {
	return retry(ctx, c, func(ctx context.Context) (*string, error) {
		return c.e.store.Value(ctx, instance, key)
	})
}

// Values gives all live values; empty for unknown instances.
func (c *Client) Values(ctx context.Context, instance string) (map[string]string, error) {
	return retry(ctx, c, func(ctx context.Context) (map[string]string, error) {
		return c.e.store.Values(ctx, instance)
	})
}

func (c *Client) waitFor(
	ctx context.Context, instance string, timeout time.Duration, isEnough func(Status) bool,
) (Status, error) {
	var last Status
	err := c.await(ctx, instance, timeout, func(ctx context.Context) (sight, error) {
		s, err := c.status(ctx, instance)
		switch {
		case err != nil:
			return notYet, err
		case s.State == StateNotFound:
			return absent, nil
		case !isEnough(s):
			return notYet, nil
		}
		last = s
		return enough, nil
	})
	return last, err
}

// lookFor says whether an instance is absent, where a wait that sees something else cares for that.
func (c *Client) lookFor(ctx context.Context, instance string) (sight, error) {
	if c.notFoundAfter() == nil {
		return notYet, nil
	}
	s, err := c.status(ctx, instance)
	if err == nil && s.State == StateNotFound {
		return absent, nil
	}
	return notYet, err
}

// checkTarget refuses an id that no instance can have: one above the limit of which there is none in
// the store. Those of children, and those that are older than the limit, are longer than one that may
// be started.
func (c *Client) checkTarget(ctx context.Context, instance string) error {
	tooLong := checkSize("instanceId", instance, history.MaxIDBytes)
	if tooLong == nil {
		return nil
	}
	s, err := c.Status(ctx, instance)
	if err == nil && s.State == StateNotFound {
		return tooLong
	}
	return err
}

// send stores a message for who is meant, and gives the state that its target was in.
func (c *Client) send(ctx context.Context, m provider.Message) (state string, err error) {
	state, _, err = c.sendOnce(ctx, m)
	return state, err
}

// sendOnce is send that also reports whether the key of the message was known.
func (c *Client) sendOnce(
	ctx context.Context, m provider.Message,
) (state string, repeated bool, err error) {
	if err := c.checkTarget(ctx, m.Instance); err != nil {
		return "", false, err
	}
	if m.Kind == provider.CancelInstance {
		if err := checkSize("reason", m.Data, history.MaxReasonBytes); err != nil {
			return "", false, err
		}
	}
	m.Life = c.scope.Life
	sent, err := c.submit(ctx, m)
	switch {
	case err != nil:
		return "", false, err
	case sent.Fate == provider.Dropped && m.IfRunning && isEnded(sent.Existing):
		return "", false, hasEnded(m.Instance)
	case sent.Fate == provider.Unheard:
		return "", false, unheard(m.Instance)
	case sent.Fate == provider.Dropped:
		return "", false, notFound(m.Instance)
	case sent.Fate == provider.Late:
		return "", false, &RefusedError{
			Message: fmt.Sprintf("Instance %s has ended, and nobody waits any more", m.Instance), Err: ErrInstanceEnded,
		}
	}
	state = stateOf(sent.Existing)
	if sent.Existing == provider.NotCommitted && !sent.Starting {
		state = StateNotFound
	}
	return state, sent.Fate == provider.Repeated, nil
}

func (c *Client) submit(ctx context.Context, m provider.Message) (provider.Submitted, error) {
	sent, err := c.submitAll(ctx, []provider.Message{m})
	if err != nil {
		return provider.Submitted{}, err
	}
	return sent[0], nil
}

// submitAll stores messages in one transaction.
func (c *Client) submitAll(ctx context.Context, msgs []provider.Message) ([]provider.Submitted, error) {
	return retry(ctx, c, func(ctx context.Context) ([]provider.Submitted, error) {
		return c.e.submit(ctx, msgs)
	})
}

func (c *Client) status(ctx context.Context, instance string) (Status, error) {
	stored, err := c.e.store.Status(ctx, instance)
	if err != nil {
		return Status{}, err
	}
	s := statusOf(stored)
	if s.State == StateFailed {
		s.Failure, err = c.failure(ctx, instance, stored.Execution)
	}
	if err != nil || stored == nil || c.scope.Life.IsZero() {
		return s, err
	}
	// Asked last: lives follow one another, so that who is meant was there at all that was read before.
	is, err := c.isMeant(ctx, instance)
	if err != nil || !is {
		return Status{State: StateNotFound}, err
	}
	return s, nil
}

// failure gives the failure that has ended an execution. A damaged history must not hide what is known
// without it.
func (c *Client) failure(
	ctx context.Context, instance string, execution uint64,
) (*history.Failure, error) {
	last, err := c.e.store.LastEvent(ctx, instance, execution)
	switch {
	case errors.Is(err, provider.ErrCorrupt) || last == nil:
		return nil, nil
	case err != nil:
		return nil, err
	}
	if !last.IsTerminal() {
		return nil, nil
	}
	return last.Failure(), nil
}

// isMeant reports whether the life of the scope is at the id.
func (c *Client) isMeant(ctx context.Context, instance string) (bool, error) {
	info, err := c.e.store.Instance(ctx, instance)
	if errors.Is(err, provider.ErrInstanceNotFound) {
		return false, nil
	}
	return err == nil && info.Life.Fits(c.scope.Life), err
}

func statusOf(stored *provider.Status) Status {
	if stored == nil {
		return Status{State: StateNotFound}
	}
	s := Status{
		State:               stateOf(stored.Status),
		CustomStatus:        stored.CustomStatus,
		CustomStatusVersion: stored.CustomStatusVersion,
		Held:                stored.Hold != nil,
		Cancelling:          stored.Cancelling,
	}
	switch stored.Status {
	case provider.Completed:
		s.Output = stored.Output
	case provider.Failed:
		s.Error = stored.Output
	case provider.NotCommitted, provider.Running, provider.ContinuedAsNew:
	}
	return s
}

// stateOf gives what clients see of an instance that exists.
func stateOf(s provider.ExecutionStatus) string {
	switch s {
	case provider.Completed:
		return StateCompleted
	case provider.Failed:
		return StateFailed
	case provider.NotCommitted, provider.Running, provider.ContinuedAsNew:
		return StateRunning
	default: // A newer release has stored it.
		return StateRunning
	}
}

// checkRootID refuses ids that generated children own.
func checkRootID(instance string) error {
	if !strings.HasPrefix(instance, history.ReservedChildMarker) &&
		!strings.Contains(instance, history.ReservedChildMarkerInside) {
		return nil
	}
	return inputErrorf("instance id '%s' uses the reserved sub-orchestration marker '%s'",
		instance, history.ReservedChildMarker)
}
