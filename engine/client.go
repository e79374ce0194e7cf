package engine

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// Client starts, signals, reads and manages instances. It needs a store, but no runtime; where
// this process runs one, it is told of new work at once. It is safe for concurrent use and needs
// no closing. Transient errors of the store are retried; others come through as they are.
type Client struct{ e *Engine }

// StartRequest asks for a new instance.
type StartRequest struct {
	// Instance is the id of the instance. Ids that mark children are refused.
	Instance string
	Name     string
	// Version is nil for "the registry's choice".
	Version *string
	Input   string
	// Exclusive asks for an error where the instance exists.
	Exclusive bool
}

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
	// CustomStatus is nil where none is set.
	CustomStatus        *string
	CustomStatusVersion uint64
}

// IsTerminal reports whether the instance has completed or failed.
func (s Status) IsTerminal() bool {
	return s.State == StateCompleted || s.State == StateFailed
}

// Start stores the start of an instance. It does not wait for a turn and does not check the name;
// an id that exists is left as it is. A reserved id is an *InputError, a text that is too long a
// *LimitError.
//
// Messages whose storing was interrupted are sent again, so in rare cases of trouble between
// engine and store one message may be stored twice. A second start is ignored; a second signal
// or queue message is one more message.
//
// An exclusive start gives ErrInstanceExists where the instance exists or another start waits for
// its first turn. One that was sent again after trouble may meet itself and say so too.
func (c *Client) Start(ctx context.Context, r StartRequest) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Exclusive {
		// Looking first spares the store a message that would be dropped.
		s, err := c.Status(ctx, r.Instance)
		if err != nil {
			return err
		}
		if s.State != StateNotFound {
			return exists(r.Instance)
		}
	}
	sent, err := c.submit(ctx, provider.Message{
		Instance: r.Instance,
		Kind:     provider.StartInstance,
		Name:     r.Name,
		Version:  r.Version,
		Input:    r.Input,
	})
	if err == nil && r.Exclusive && (sent.Starting || sent.Existing != provider.NotCommitted) {
		return exists(r.Instance)
	}
	return err
}

// check refuses what cannot be started.
func (r *StartRequest) check() error {
	version := ""
	if r.Version != nil {
		version = *r.Version
	}
	return cmp.Or(checkRootID(r.Instance), checkName("instanceId", r.Instance),
		checkName("orchestrationName", r.Name), checkSize("version", version, history.MaxVersionBytes))
}

func exists(instance string) error {
	return &RefusedError{
		Message: fmt.Sprintf("Instance %s exists already", instance), Err: ErrInstanceExists,
	}
}

// Raise stores a signal for the instance's present or future wait. Unknown instances are no error; a
// name that is too long, or an id that no instance can have, is a *LimitError.
func (c *Client) Raise(ctx context.Context, instance, name, data string) error {
	if err := checkName("eventName", name); err != nil {
		return err
	}
	return c.send(ctx, provider.Message{
		Instance: instance,
		Kind:     provider.EventRaised,
		Name:     name,
		Data:     data,
	})
}

// Enqueue stores a message of one of the instance's queues. Unknown instances are no error; *LimitError
// as in Raise.
func (c *Client) Enqueue(ctx context.Context, instance, queue, data string) error {
	if err := checkName("queueName", queue); err != nil {
		return err
	}
	return c.send(ctx, provider.Message{
		Instance: instance,
		Kind:     provider.QueueEvent,
		Name:     queue,
		Data:     data,
	})
}

// Cancel asks the instance to stop. Unknown and finished instances are no error.
func (c *Client) Cancel(ctx context.Context, instance, reason string) error {
	return c.send(ctx, provider.Message{
		Instance: instance,
		Kind:     provider.CancelInstance,
		Data:     reason,
	})
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
	err := c.await(ctx, instance, timeout, func(ctx context.Context) (bool, error) {
		value, err := c.e.store.Value(ctx, instance, key)
		if err != nil || value == nil {
			return false, err
		}
		found = *value
		return true, nil
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
	ctx context.Context, instance string, timeout time.Duration, enough func(Status) bool,
) (Status, error) {
	var last Status
	err := c.await(ctx, instance, timeout, func(ctx context.Context) (bool, error) {
		s, err := c.status(ctx, instance)
		if err != nil {
			return false, err
		}
		last = s
		return enough(s), nil
	})
	if err != nil {
		return Status{}, err
	}
	return last, nil
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

func (c *Client) send(ctx context.Context, m provider.Message) error {
	if err := c.checkTarget(ctx, m.Instance); err != nil {
		return err
	}
	_, err := c.submit(ctx, m)
	return err
}

func (c *Client) submit(ctx context.Context, m provider.Message) (provider.Submitted, error) {
	return retry(ctx, c, func(ctx context.Context) (provider.Submitted, error) {
		sent, err := c.e.submit(ctx, []provider.Message{m})
		if err != nil {
			return provider.Submitted{}, err
		}
		return sent[0], nil
	})
}

func (c *Client) status(ctx context.Context, instance string) (Status, error) {
	stored, err := c.e.store.Status(ctx, instance)
	if err != nil {
		return Status{}, err
	}
	return statusOf(stored), nil
}

func statusOf(stored *provider.Status) Status {
	if stored == nil {
		return Status{State: StateNotFound}
	}
	s := Status{
		State:               StateRunning,
		CustomStatus:        stored.CustomStatus,
		CustomStatusVersion: stored.CustomStatusVersion,
	}
	switch stored.Status {
	case provider.Completed:
		s.State, s.Output = StateCompleted, stored.Output
	case provider.Failed:
		s.State, s.Error = StateFailed, stored.Output
	case provider.NotCommitted, provider.Running, provider.ContinuedAsNew:
	}
	return s
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
