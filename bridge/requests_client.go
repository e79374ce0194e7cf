package main

import (
	"context"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

var clientRequests = map[string]handler{
	"client.start":      withClient(serveStart),
	"client.begin":      withClient(serveBegin),
	"client.now":        withClient(serveNow),
	"client.raise":      withScope(serveRaise),
	"client.enqueue":    withScope(serveEnqueue),
	"client.resolve":    withScope(serveResolve),
	"client.reject":     withScope(serveReject),
	"client.request":    withScope(serveRequest),
	"client.reply":      withScope(serveReply),
	"client.refuse":     withScope(serveRefuse),
	"client.cancel":     withScope(serveCancel),
	"client.terminate":  withScope(serveTerminate),
	"client.status":     withScope(serveStatus),
	"client.wait":       withScope(serveWait),
	"client.waitStatus": withScope(serveWaitStatus),
	"client.waitValue":  withScope(serveWaitValue),
	"client.value":      withClient(serveValue),
	"client.values":     withClient(serveValues),
}

// storeArguments name a store. The arguments of all requests to a client embed them.
type storeArguments struct {
	Store uint64 `json:"store"`
}

func (a storeArguments) storeID() uint64 { return a.Store }

// withClient makes a handler of a function that needs the client of a store.
func withClient[A interface{ storeID() uint64 }](
	serve func(ctx context.Context, c *engine.Client, args A, payload string) (result, error),
) handler {
	return with(func(ctx context.Context, h *host, args A, payload string) (result, error) {
		s, err := h.store(args.storeID())
		if err != nil {
			return result{}, err
		}
		return serve(ctx, s.client, args, payload)
	})
}

// scopeArguments say what of a store is meant.
type scopeArguments struct {
	storeArguments
	// Life is that of the instance, in hexadecimal digits, or empty for whoever lives there.
	Life string `json:"life"`
	// NotFoundMs bounds how long a wait waits for an instance that is not there.
	NotFoundMs *float64 `json:"notFoundMs"`
}

func (a scopeArguments) scope() (engine.Scope, error) {
	life, ok := history.ParseLife(a.Life)
	if !ok {
		return engine.Scope{}, &engine.InputError{Message: "life must be 32 hexadecimal digits"}
	}
	scope := engine.Scope{Life: life}
	if a.NotFoundMs != nil {
		scope.NotFoundAfter = new(milliseconds(*a.NotFoundMs))
	}
	return scope, nil
}

// withScope makes a handler of a function that needs the client of a store within a scope.
func withScope[A interface {
	storeID() uint64
	scope() (engine.Scope, error)
}](serve func(ctx context.Context, c *engine.Client, args A, payload string) (result, error)) handler {
	return withClient(func(ctx context.Context, c *engine.Client, args A, payload string) (result, error) {
		scope, err := args.scope()
		if err != nil {
			return result{}, err
		}
		return serve(ctx, c.Within(scope), args, payload)
	})
}

type clientStartArguments struct {
	storeArguments
	Instance string  `json:"instance"`
	Name     string  `json:"name"`
	Version  *string `json:"version"`
	// RejectIfExists asks for an error where the instance exists.
	RejectIfExists bool `json:"rejectIfExists"`
	// RestartIfEnded makes place where the instance has ended.
	RestartIfEnded bool                `json:"restartIfEnded"`
	Messages       []startMessageValue `json:"messages"`
	// Headers is JSON text, or empty.
	Headers string `json:"headers"`
	// StartAfterMs and StartAt (Unix milliseconds) delay the first turn; absent means not.
	StartAfterMs float64  `json:"startAfterMs"`
	StartAt      *float64 `json:"startAt"`
	// ExecutionTimeoutMs is how long it may take from then; absent means for ever.
	ExecutionTimeoutMs float64 `json:"executionTimeoutMs"`
}

// startMessageValue is a message that goes with a start.
type startMessageValue struct {
	Queue string `json:"queue"`
	Data  string `json:"data"`
}

func (a clientStartArguments) request(input string) engine.StartRequest {
	r := engine.StartRequest{
		Instance: a.Instance, Name: a.Name, Version: a.Version, Input: input,
		Exclusive: a.RejectIfExists, RestartEnded: a.RestartIfEnded, Headers: a.Headers,
		Delay: milliseconds(a.StartAfterMs), At: timeOf(a.StartAt),
		Timeout: milliseconds(a.ExecutionTimeoutMs),
	}
	for _, m := range a.Messages {
		r.Messages = append(r.Messages, engine.QueueMessage(m))
	}
	return r
}

func serveStart(
	ctx context.Context, c *engine.Client, a clientStartArguments, input string,
) (result, error) {
	return result{value: empty{}}, c.Start(ctx, a.request(input))
}

// lifeValue is who lives at an id.
type lifeValue struct {
	Life string `json:"life"`
}

func serveBegin(
	ctx context.Context, c *engine.Client, a clientStartArguments, input string,
) (result, error) {
	life, err := c.Begin(ctx, a.request(input))
	return result{value: lifeValue{Life: life.String()}}, err
}

type signalArguments struct {
	scopeArguments
	Instance string `json:"instance"`
	Name     string `json:"name"`
}

func serveRaise(ctx context.Context, c *engine.Client, a signalArguments, data string) (result, error) {
	return targetResult(c.Raise(ctx, a.Instance, a.Name, data))
}

// targetValue is what became of the target of a message: the state that it was in.
type targetValue struct {
	Status string `json:"status"`
}

func targetResult(state string, err error) (result, error) {
	return result{value: targetValue{Status: state}}, err
}

type enqueueArguments struct {
	scopeArguments
	Instance string `json:"instance"`
	Queue    string `json:"queue"`
	// Key is by what the message is known again, or empty.
	Key string `json:"key"`
}

func serveEnqueue(ctx context.Context, c *engine.Client, a enqueueArguments, data string) (result, error) {
	state, repeated, err := c.EnqueueOnce(ctx, a.Instance, a.Queue, data, a.Key)
	return result{value: sentValue{Status: state, Duplicate: repeated}}, err
}

// sentValue is what became of a message with a key: the state of its target, and whether it was known.
type sentValue struct {
	Status    string `json:"status"`
	Duplicate bool   `json:"duplicate"`
}

// promiseArguments name a promise.
type promiseArguments struct {
	scopeArguments
	Instance  string `json:"instance"`
	Execution uint64 `json:"execution"`
	Promise   uint64 `json:"promise"`
}

// settledValue says whether a promise was settled before.
type settledValue struct {
	Duplicate bool `json:"duplicate"`
}

func (a promiseArguments) settle(ctx context.Context, c *engine.Client, s engine.Settlement) (result, error) {
	s.Instance, s.Execution, s.Promise = a.Instance, a.Execution, a.Promise
	repeated, err := c.Settle(ctx, s)
	return result{value: settledValue{repeated}}, err
}

func serveResolve(ctx context.Context, c *engine.Client, a promiseArguments, data string) (result, error) {
	return a.settle(ctx, c, engine.Settlement{Data: data})
}

type rejectArguments struct {
	promiseArguments
	// Details is a JSON object that describes the error whose text is the payload.
	Details string `json:"details"`
}

func serveReject(ctx context.Context, c *engine.Client, a rejectArguments, text string) (result, error) {
	return a.settle(ctx, c, engine.Settlement{Failure: &history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind, Message: text, Details: a.Details,
	}})
}

type cancelArguments struct {
	scopeArguments
	Instance string `json:"instance"`
	Reason   string `json:"reason"`
	// GraceMs is how long the code may clean up; null leaves it to the registration.
	GraceMs *float64 `json:"graceMs"`
}

func serveCancel(ctx context.Context, c *engine.Client, a cancelArguments, _ string) (result, error) {
	if a.GraceMs != nil {
		return targetResult(c.CancelWithin(ctx, a.Instance, a.Reason, milliseconds(*a.GraceMs)))
	}
	return targetResult(c.Cancel(ctx, a.Instance, a.Reason))
}

type terminateArguments struct {
	scopeArguments
	Instance string `json:"instance"`
	Reason   string `json:"reason"`
}

func serveTerminate(ctx context.Context, c *engine.Client, a terminateArguments, _ string) (result, error) {
	return targetResult(c.Terminate(ctx, a.Instance, a.Reason))
}

type instanceArguments struct {
	storeArguments
	Instance string `json:"instance"`
}

// statusValue is the state of an instance; a result is the payload beside it.
type statusValue struct {
	Status              string        `json:"status"`
	Error               *string       `json:"error"`
	Failure             *history.Told `json:"failure"`
	CustomStatus        *string       `json:"customStatus"`
	CustomStatusVersion uint64        `json:"customStatusVersion"`
	Held                bool          `json:"held"`
	// Cancelling is null where it is not being cancelled.
	Cancelling *provider.Cancelling `json:"cancelling"`
}

func statusResult(s engine.Status, err error) (result, error) {
	if err != nil {
		return result{}, err
	}
	r := statusValue{
		Status: s.State, CustomStatus: s.CustomStatus, CustomStatusVersion: s.CustomStatusVersion,
		Held: s.Held, Cancelling: s.Cancelling,
	}
	switch s.State {
	case engine.StateCompleted:
		return result{value: r, payload: &s.Output}, nil
	case engine.StateFailed:
		r.Error, r.Failure = &s.Error, told(s.Failure)
	}
	return result{value: r}, nil
}

// told gives what a host is told of a failure, or null.
func told(f *history.Failure) *history.Told {
	if f == nil {
		return nil
	}
	t := f.Told()
	return &t
}

// serveNow gives the time of the store.
func serveNow(_ context.Context, c *engine.Client, _ storeArguments, _ string) (result, error) {
	return result{value: c.Now().UnixMilli()}, nil
}

type statusArguments struct {
	scopeArguments
	Instance string `json:"instance"`
}

func serveStatus(ctx context.Context, c *engine.Client, a statusArguments, _ string) (result, error) {
	return statusResult(c.Status(ctx, a.Instance))
}

type waitArguments struct {
	scopeArguments
	Instance  string  `json:"instance"`
	TimeoutMs float64 `json:"timeoutMs"`
}

func serveWait(ctx context.Context, c *engine.Client, a waitArguments, _ string) (result, error) {
	return statusResult(c.Wait(ctx, a.Instance, milliseconds(a.TimeoutMs)))
}

type waitStatusArguments struct {
	scopeArguments
	Instance  string  `json:"instance"`
	Seen      uint64  `json:"seen"`
	TimeoutMs float64 `json:"timeoutMs"`
}

func serveWaitStatus(
	ctx context.Context, c *engine.Client, a waitStatusArguments, _ string,
) (result, error) {
	return statusResult(c.WaitStatus(ctx, a.Instance, a.Seen, milliseconds(a.TimeoutMs)))
}

type waitValueArguments struct {
	scopeArguments
	Instance  string  `json:"instance"`
	Key       string  `json:"key"`
	TimeoutMs float64 `json:"timeoutMs"`
}

func serveWaitValue(ctx context.Context, c *engine.Client, a waitValueArguments, _ string) (result, error) {
	value, err := c.WaitValue(ctx, a.Instance, a.Key, milliseconds(a.TimeoutMs))
	return result{value: empty{}, payload: &value}, err
}

type valueArguments struct {
	storeArguments
	Instance string `json:"instance"`
	Key      string `json:"key"`
}

func serveValue(ctx context.Context, c *engine.Client, a valueArguments, _ string) (result, error) {
	value, err := c.Value(ctx, a.Instance, a.Key)
	return result{value: empty{}, payload: value}, err
}

type valuesResult struct {
	Values map[string]string `json:"values"`
}

func serveValues(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	values, err := c.Values(ctx, a.Instance)
	if values == nil {
		values = map[string]string{}
	}
	return result{value: valuesResult{values}}, err
}
