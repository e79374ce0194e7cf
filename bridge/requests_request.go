package main

import (
	"context"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

// requestArguments ask an instance something.
type requestArguments struct {
	scopeArguments
	Instance  string `json:"instance"`
	Queue     string `json:"queue"`
	RequestID string `json:"requestId"`
	// TakesBack says that nobody knows the id but the caller.
	TakesBack bool    `json:"takesBack"`
	TimeoutMs float64 `json:"timeoutMs"`
}

// answerValue says how a request was answered. The value, or the text of the failure, is the payload beside it.
type answerValue struct {
	Failure *history.Told `json:"failure"`
}

func serveRequest(ctx context.Context, c *engine.Client, a requestArguments, data string) (result, error) {
	m, err := c.Request(ctx, engine.RequestCall{
		Instance: a.Instance, Queue: a.Queue, Data: data, ID: a.RequestID, TakesBack: a.TakesBack,
	}, milliseconds(a.TimeoutMs))
	if err != nil {
		return result{}, err
	}
	return answerResult(m), nil
}

func answerResult(m provider.Message) result {
	if m.Failure == nil {
		return result{value: answerValue{}, payload: &m.Data}
	}
	return result{value: answerValue{Failure: new(m.Failure.Told())}, payload: new(m.Failure.Display())}
}

// replyArguments name a request.
type replyArguments struct {
	scopeArguments
	Instance string `json:"instance"`
	Request  string `json:"request"`
}

func (a replyArguments) answer(ctx context.Context, c *engine.Client, r engine.Reply) (result, error) {
	r.Instance, r.Request = a.Instance, a.Request
	repeated, err := c.Reply(ctx, r)
	return result{value: settledValue{repeated}}, err
}

func serveReply(ctx context.Context, c *engine.Client, a replyArguments, data string) (result, error) {
	return a.answer(ctx, c, engine.Reply{Data: data})
}

type refuseArguments struct {
	replyArguments
	// Details is a JSON object that describes the error whose text is the payload.
	Details string `json:"details"`
}

func serveRefuse(ctx context.Context, c *engine.Client, a refuseArguments, text string) (result, error) {
	return a.answer(ctx, c, engine.Reply{Failure: engine.Rejection(text, a.Details)})
}
