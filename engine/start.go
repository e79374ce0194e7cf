package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

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
	// Messages are there before the first turn. Where the instance runs already, they reach it; where it
	// has ended, the call is refused.
	Messages []QueueMessage
	// RestartEnded deletes an instance that has ended, with its descendants, and starts another one.
	RestartEnded bool
	// Headers is the JSON text of what travels with the instance, or "": at most MaxHeaderBytes.
	Headers string
	// Delay is how long the instance waits for its first turn, and At until when: one of them, or neither.
	Delay time.Duration
	At    time.Time
	// Timeout, if it is not zero, is how long the instance may take from when its first turn is due, over all its
	// executions. Then it is cancelled, and its failure is history.TimedOut.
	Timeout time.Duration
}

// MaxHeaderBytes bounds the headers of an instance.
const MaxHeaderBytes = 8192

// QueueMessage is a message of one of the instance's queues.
type QueueMessage struct{ Queue, Data string }

// Start stores the start of an instance. It does not wait for a turn and does not check the name;
// an id that exists is left as it is. A reserved id is an *InputError, a text that is too long a
// *LimitError.
//
// Messages whose storing was interrupted are sent again, so in rare cases of trouble between
// engine and store a signal or queue message may be stored twice. A start never is: each call makes a
// life, by which the store knows it again.
//
// An exclusive start gives ErrInstanceExists where the instance exists or another start waits for
// its first turn, and one with messages ErrInstanceEnded where the instance has ended: nothing is stored then.
func (c *Client) Start(ctx context.Context, r StartRequest) error {
	_, err := c.Begin(ctx, r)
	return err
}

// Now is the time of the store.
func (c *Client) Now() time.Time { return c.e.store.Now() }

// Begin is Start that gives the life which is at the id: the one that it has begun, or the one that was
// there, which is unknown where an older release started it.
func (c *Client) Begin(ctx context.Context, r StartRequest) (history.Life, error) {
	if err := r.check(); err != nil {
		return history.Life{}, err
	}
	version, err := c.pin(ctx, r.Name, r.Instance, r.Version)
	if err != nil {
		return history.Life{}, err
	}
	r.Version = version
	life := newLife()
	start := r.start(life, c.e.store.Now())
	for {
		sent, err := c.submitAll(ctx, slices.Concat(timed(start), r.messages(life)))
		if err != nil || sent[0].Fate != provider.Taken {
			return life, err
		}
		if r.Exclusive {
			return history.Life{}, exists(r.Instance)
		}
		there, err := c.join(ctx, r, sent[0].Existing)
		if !errors.Is(err, errPlaceChanged) {
			return there, err
		}
	}
}

func isEnded(s provider.ExecutionStatus) bool { return s == provider.Completed || s == provider.Failed }

// errPlaceChanged means that who was at an id has gone, or has ended.
var errPlaceChanged = errors.New("somebody else is there by now")

// join sends the messages of a start to who is at its id, or makes place for the start.
func (c *Client) join(
	ctx context.Context, r StartRequest, status provider.ExecutionStatus,
) (history.Life, error) {
	info, err := c.Instance(ctx, r.Instance)
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return history.Life{}, errPlaceChanged
	case err != nil:
		return history.Life{}, err
	}
	ended := isEnded(status)
	switch {
	case ended && r.RestartEnded:
		return history.Life{}, c.makePlace(ctx, info)
	case len(r.Messages) == 0:
		return info.Life, nil
	case ended:
		return history.Life{}, hasEnded(r.Instance)
	}
	sent, err := c.submitAll(ctx, r.messages(info.Life))
	switch {
	case err != nil:
	case sent[0].Fate == provider.Dropped:
		err = errPlaceChanged
	case sent[0].Fate == provider.Unheard:
		err = unheard(r.Instance)
	}
	return info.Life, err
}

// makePlace deletes an instance that has ended. Its error is never nil.
func (c *Client) makePlace(ctx context.Context, info provider.InstanceInfo) error {
	if info.Parent != "" {
		return refusal(info.Instance, provider.ErrIsSubOrchestration)
	}
	_, err := c.deleteTree(ctx, info, false)
	switch {
	case err == nil, errors.Is(err, provider.ErrInstanceNotFound), errors.Is(err, provider.ErrStillRunning):
		return errPlaceChanged // Whoever runs there is another one, which came between.
	default:
		return refusal(info.Instance, err)
	}
}

// check refuses what cannot be started.
func (r *StartRequest) check() error {
	version := ""
	if r.Version != nil {
		version = *r.Version
	}
	err := cmp.Or(checkRootID(r.Instance), checkName("instanceId", r.Instance),
		checkName("orchestrationName", r.Name), checkSize("version", version, history.MaxVersionBytes),
		checkSize("headers", r.Headers, MaxHeaderBytes))
	for _, m := range r.Messages {
		err = cmp.Or(err, checkName("queueName", m.Queue))
	}
	return err
}

func (r *StartRequest) start(life history.Life, now time.Time) provider.Message {
	m := provider.Message{
		Instance: r.Instance, Life: life, Kind: provider.StartInstance,
		Name: r.Name, Version: r.Version, Input: r.Input, Headers: r.Headers,
	}
	at := r.At
	if r.Delay > 0 {
		at = now.Add(r.Delay)
	}
	if at.After(now) {
		m.DueMs = at.UnixMilli()
	}
	m.Timeout = history.Timeout{Ms: graceMs(r.Timeout)}.Anew(max(m.DueMs, now.UnixMilli()))
	return m
}

// timed gives a start, and what ends it in time.
func timed(start provider.Message) []provider.Message {
	if start.Timeout.IsZero() {
		return []provider.Message{start}
	}
	return []provider.Message{start, provider.TimeOut(start.Instance, start.Life, start.Timeout)}
}

func (r *StartRequest) messages(life history.Life) []provider.Message {
	msgs := make([]provider.Message, len(r.Messages))
	for n, m := range r.Messages {
		msgs[n] = provider.Message{
			Instance: r.Instance, Life: life, Kind: provider.QueueEvent, Name: m.Queue, Data: m.Data, IfRunning: true,
		}
	}
	return msgs
}

func exists(instance string) error {
	return &RefusedError{
		Message: fmt.Sprintf("Instance %s exists already", instance), Err: ErrInstanceExists,
	}
}

func hasEnded(instance string) error {
	return &RefusedError{
		Message: fmt.Sprintf("Instance %s has ended, so nothing was sent to it", instance), Err: ErrInstanceEnded,
	}
}
