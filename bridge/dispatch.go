package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"duroxide/engine"
	"duroxide/logging"
)

// errUnknownRequest means that the host asked for something that this engine does not know.
var errUnknownRequest = errors.New("unknown request")

// result of a request: value is encoded as JSON unless nil, payload is a user's text or nil.
type result struct {
	value   any
	payload *string
}

// handler serves one kind of request, in a goroutine of its own.
type handler func(ctx context.Context, h *host, q request) (result, error)

// requests is the one table from request names to engine calls.
var requests = merge(
	storeRequests, copyRequests, runtimeRequests, clientRequests, manageRequests, observeRequests, repairRequests, abortRequests,
	testRequests, rehearseRequests, profileRequests,
)

func merge(groups ...map[string]handler) map[string]handler {
	all := map[string]handler{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

// with makes a handler of a function with typed arguments.
func with[A any](serve func(ctx context.Context, h *host, args A, payload string) (result, error)) handler {
	return func(ctx context.Context, h *host, q request) (result, error) {
		var args A
		decoder := json.NewDecoder(bytes.NewReader([]byte(q.arguments)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&args); err != nil {
			return result{}, &engine.InputError{
				Message: fmt.Sprintf("arguments of %s: %v", q.name, err),
			}
		}
		return serve(ctx, h, args, emptyIfNil(q.payload))
	}
}

// request starts what the host asked for. Every request gets exactly one settlement, unless the
// host ends before.
func (h *host) request(r *record) {
	operation := r.token
	q, err := decodeRequest(r)
	if err != nil {
		h.fail(operation, err)
		return
	}
	serve, ok := requests[q.name]
	if !ok {
		h.fail(operation, fmt.Errorf("%q: %w", q.name, errUnknownRequest))
		return
	}
	ctx, done := h.abortable(operation, q.name)
	start(func() {
		defer done()
		answer, err := serve(ctx, h, q)
		if err != nil {
			h.fail(operation, err)
			return
		}
		h.succeed(operation, answer)
	}, func(err error) { h.fail(operation, err) })
}

func (h *host) succeed(operation uint64, r result) {
	value := ""
	if r.value != nil {
		encoded, err := json.Marshal(r.value)
		if err != nil {
			h.fail(operation, fmt.Errorf("encode the answer: %w", err))
			return
		}
		value = string(encoded)
	}
	record, err := encodeResult(operation, value, r.payload)
	if err != nil {
		h.fail(operation, err)
		return
	}
	h.settle(record)
}

func (h *host) fail(operation uint64, err error) {
	record, tooLarge := encodeFailure(operation, codeError(err))
	if tooLarge != nil {
		record, _ = encodeFailure(operation, codeError(tooLarge))
	}
	h.settle(record)
}

func (h *host) settle(record packed) {
	if err := h.queue.push(record, nil); err != nil {
		logging.Logger.Debug("a request ended after its host", slog.String("error", err.Error()))
	}
}
