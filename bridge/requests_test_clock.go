package main

import (
	"context"
	"time"

	"duroxide/engine"
	"duroxide/logging"
	"duroxide/provider/clock"
	memorystore "duroxide/provider/memory"
)

var testRequests = map[string]handler{
	"test.rest":    withTest(serveRest),
	"test.advance": withTest(serveAdvance),
}

// openTest opens an empty store in memory whose time the test moves. Its leases last by real time.
func openTest(a openArguments, to *logging.Shared) *store {
	test := engine.NewTestClock(time.UnixMilli(a.StartMs))
	p := memorystore.New(memorystore.Options{
		Clock: test.Now, Leases: clock.Passed,
		OrphanRetention: retention(a.OrphanRetentionMs), ReplyRetention: retention(a.ReplyRetentionMs),
	})
	e := engine.New(p, engine.Options{Log: logging.To(to), Version: version, Test: test})
	return &store{engine: e, client: e.Client(), log: to, test: test}
}

// withTest makes a handler of a function that needs a store for tests.
func withTest[A interface{ storeID() uint64 }](
	serve func(ctx context.Context, s *store, args A) (result, error),
) handler {
	return with(func(ctx context.Context, h *host, args A, _ string) (result, error) {
		s, err := h.store(args.storeID())
		if err != nil {
			return result{}, err
		}
		if s.test == nil {
			return result{}, &engine.InputError{Message: "the time of this store cannot be moved"}
		}
		return serve(ctx, s, args)
	})
}

type restArguments struct {
	storeArguments
	// PatienceMs is how long nothing may come to rest.
	PatienceMs float64 `json:"patienceMs"`
}

type restValue struct {
	Quiet      bool   `json:"quiet"`
	NowMs      int64  `json:"nowMs"`
	NextMs     int64  `json:"nextMs"`
	Moves      uint64 `json:"moves"`
	Works      uint64 `json:"works"`
	Activities int    `json:"activities"`
}

func serveRest(ctx context.Context, s *store, a restArguments) (result, error) {
	return result{value: restValue(s.engine.Rest(ctx, milliseconds(a.PatienceMs)))}, nil
}

type advanceArguments struct {
	storeArguments
	ToMs  int64  `json:"toMs"`
	Moves uint64 `json:"moves"`
}

type advanceValue struct {
	NowMs int64 `json:"nowMs"`
	Moved bool  `json:"moved"`
}

func serveAdvance(_ context.Context, s *store, a advanceArguments) (result, error) {
	now, moved := s.test.Advance(time.UnixMilli(a.ToMs), a.Moves)
	return result{value: advanceValue{now.UnixMilli(), moved}}, nil
}
