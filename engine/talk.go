package engine

import (
	"cmp"
	"context"
	"fmt"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// messageOf gives what an instance sends as the store takes it, for whoever lives at its target. Its own
// answers leave with its end.
func messageOf(s replay.Sending, from string) provider.Message {
	m := provider.Message{Instance: s.Instance, Name: s.Name, Data: s.Data}
	if s.Key != nil {
		m.Key = *s.Key
	}
	switch s.What {
	case history.SentMessage:
		m.Kind = provider.QueueEvent
	case history.SentSignal:
		m.Kind = provider.EventRaised
	case history.SentCancellation:
		m.Kind = provider.CancelInstance
	case history.SentTermination:
		m.Kind, m.Stop = provider.CancelInstance, provider.AtOnce
	case history.SentAnswer, history.SentRejection:
		m.Kind, m.Name, m.IfRunning = provider.RequestAnswered, "", s.Instance != from
		m.Life, _ = history.ParseLife(s.Name)
		if s.What == history.SentRejection {
			m.Data, m.Failure = "", rejectionOf(s.Data)
		}
	default:
		panic(fmt.Sprintf("unknown word '%s' for what is sent", s.What))
	}
	return m
}

// EnqueueOnce is Enqueue with a key by which the message is known again, unless it is empty; see
// provider.KeyRetention. It reports whether the key was known: then nothing was stored now.
func (c *Client) EnqueueOnce(
	ctx context.Context, instance, queue, data, key string,
) (state string, repeated bool, err error) {
	if err := cmp.Or(checkName("queueName", queue), checkName("idempotencyKey", key)); err != nil {
		return "", false, err
	}
	return c.sendOnce(ctx, provider.Message{
		Instance: instance, Kind: provider.QueueEvent, Name: queue, Data: data, Key: key,
	})
}

// Settlement is what a promise gets: Data, or a Failure.
type Settlement struct {
	Instance string
	// Execution and Promise name the promise within the life of the scope.
	Execution uint64
	Promise   uint64
	Data      string
	Failure   *history.Failure
}

// Settle settles a promise. It reports whether it was settled before: then nothing has changed now.
// ErrInstanceEnded: the execution that waits for it has ended.
func (c *Client) Settle(ctx context.Context, s Settlement) (repeated bool, err error) {
	_, repeated, err = c.sendOnce(ctx, provider.Message{
		Instance: s.Instance, Kind: provider.PromiseSettled, Execution: s.Execution, Source: s.Promise,
		Data: s.Data, Failure: s.Failure, Key: promiseKey(s.Execution, s.Promise),
	})
	return repeated, err
}

// promiseKey is by what it is known again that a promise is settled.
func promiseKey(execution, promise uint64) string { return fmt.Sprintf("%d %d", execution, promise) }
