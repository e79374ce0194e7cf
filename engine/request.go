package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"duroxide/history"
	"duroxide/provider"
)

// RequestCall asks an instance something, by a message of one of its queues.
type RequestCall struct {
	Instance string
	Queue    string
	// Data is the message, in an envelope with the ID.
	Data string
	// ID is by what the request is known again, within the life that is asked.
	ID string
	// TakesBack says that nobody will ask for the answer again: who gives up takes the message back, if the
	// code has not read it.
	TakesBack bool
}

// NotAnsweredError says that a request gets no answer.
type NotAnsweredError struct {
	Instance string
	// State is that of the instance: StateCompleted, StateFailed, or StateNotFound.
	State string
}

// Error says why.
func (e *NotAnsweredError) Error() string {
	if e.State == StateNotFound {
		return fmt.Sprintf("Instance %s does not exist, so nobody answers the request", e.Instance)
	}
	return fmt.Sprintf("Instance %s has ended (%s) without an answer to the request", e.Instance, e.State)
}

// Unwrap gives ErrNotAnswered.
func (e *NotAnsweredError) Unwrap() error { return ErrNotAnswered }

// Request gives the answer to a request, which Data or Failure of the message is. One with a known ID waits for
// the same answer and sends nothing. *NotAnsweredError: who lives at the id has ended, or nobody does.
// ErrTimeout as in Wait.
func (c *Client) Request(ctx context.Context, r RequestCall, timeout time.Duration) (provider.Message, error) {
	if err := cmp.Or(checkName("queueName", r.Queue), checkName("requestId", r.ID)); err != nil {
		return provider.Message{}, err
	}
	if err := c.checkTarget(ctx, r.Instance); err != nil {
		return provider.Message{}, err
	}
	info, err := c.Instance(ctx, r.Instance)
	switch {
	case errors.Is(err, provider.ErrInstanceNotFound):
		return provider.Message{}, &NotAnsweredError{r.Instance, StateNotFound}
	case err != nil:
		return provider.Message{}, err
	case !c.scope.Life.IsZero() && !info.Life.Fits(c.scope.Life):
		return provider.Message{}, &NotAnsweredError{r.Instance, StateNotFound}
	}
	return c.Within(Scope{Life: info.Life}).ask(ctx, r, timeout)
}

// ask is Request for the life of the scope.
func (c *Client) ask(ctx context.Context, r RequestCall, timeout time.Duration) (provider.Message, error) {
	// Where it has ended nothing is stored. An answer that was given before is there all the same.
	_, err := c.submit(ctx, provider.Message{
		Instance: r.Instance, Life: c.scope.Life, Kind: provider.QueueEvent, Name: r.Queue, Data: r.Data,
		Key: r.ID, IfRunning: true,
	})
	if err != nil {
		return provider.Message{}, err
	}
	var answer provider.Message
	err = c.await(ctx, r.Instance, timeout, func(ctx context.Context) (sight, error) {
		found, err := c.answer(ctx, r)
		if found != nil {
			answer = *found
			return enough, nil
		}
		return notYet, err
	})
	gone := err != nil && (errors.Is(err, ErrTimeout) || ctx.Err() != nil)
	if gone && r.TakesBack {
		return answer, because(err, c.takeBack(ctx, r))
	}
	return answer, err
}

// answer looks once. The answer is read last, so that of an instance that has ended it is final.
func (c *Client) answer(ctx context.Context, r RequestCall) (*provider.Message, error) {
	s, err := c.status(ctx, r.Instance)
	if err != nil {
		return nil, err
	}
	found, err := c.e.store.Answer(ctx, r.Instance, r.ID)
	switch {
	case err != nil:
		return nil, err
	case found != nil && found.Life.Fits(c.scope.Life):
		return found, nil
	case s.State == StateNotFound || s.IsTerminal():
		return nil, &NotAnsweredError{r.Instance, s.State}
	default:
		return nil, nil
	}
}

// takeBack has the message of a request taken out of its queue.
func (c *Client) takeBack(ctx context.Context, r RequestCall) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retryPatience)
	defer cancel()
	_, err := c.submit(ctx, provider.Message{
		Instance: r.Instance, Life: c.scope.Life, Kind: provider.RequestWithdrawn, Name: r.Queue, Data: r.ID,
		IfRunning: true,
	})
	return err
}

// Reply is the answer to a request: Data, or a Failure.
type Reply struct {
	Instance string
	Request  string
	Data     string
	Failure  *history.Failure
}

// Reply answers a request of the life of the scope. It reports whether there was an answer before: that one
// counts. ErrInstanceEnded: the instance that was asked has ended.
func (c *Client) Reply(ctx context.Context, r Reply) (repeated bool, err error) {
	_, repeated, err = c.sendOnce(ctx, provider.Message{
		Instance: r.Instance, Kind: provider.RequestAnswered, Data: r.Data, Failure: r.Failure, Key: r.Request,
		IfRunning: true,
	})
	return repeated, err
}

// Rejection is the failure that somebody has answered with: its text, and details as the host describes it.
func Rejection(text, details string) *history.Failure {
	return &history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind, Message: text, Details: details,
	}
}

// rejectionOf reads the data of a history.SentRejection.
func rejectionOf(data string) *history.Failure {
	var said struct{ Message, Details string }
	if json.Unmarshal([]byte(data), &said) != nil {
		said.Message = data
	}
	return Rejection(said.Message, said.Details)
}

// isTakenBack reports whether a message of a request is taken back by one of those behind it: then code never
// sees it.
func isTakenBack(m provider.Message, later []item) bool {
	if m.Kind != provider.QueueEvent {
		return false
	}
	e, _ := history.OpenEnvelope(m.Data)
	return e.Request != "" && slices.ContainsFunc(later, func(it item) bool {
		return it.msg.Kind == provider.RequestWithdrawn && it.msg.Name == m.Name && it.msg.Data == e.Request
	})
}
