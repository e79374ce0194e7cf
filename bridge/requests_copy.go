package main

import (
	"context"
	"sync"

	"duroxide/engine"
	"duroxide/provider"
)

// A copy of a store is made in steps that the host asks for, so that it knows how far the copy is, and
// can give it up.
var copyRequests = map[string]handler{
	"store.copy":     with(serveCopy),
	"store.copyStep": with(serveCopyStep),
	"store.copyEnd":  with(serveCopyEnd),
}

// copies are those of one store that are in the making.
type copies struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]provider.Copy
}

func (c *copies) add(made provider.Copy) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[uint64]provider.Copy{}
	}
	c.last++
	c.open[c.last] = made
	return c.last
}

func (c *copies) get(id uint64) provider.Copy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[id]
}

func (c *copies) take(id uint64) provider.Copy {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.open[id]
	delete(c.open, id)
	return made
}

type copyArguments struct {
	storeArguments
	Path    string `json:"path"`
	Replace bool   `json:"replace"`
}

type copyResult struct {
	Copy uint64 `json:"copy"`
}

func serveCopy(ctx context.Context, h *host, a copyArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{}, err
	}
	if s.copier == nil {
		return result{}, &engine.InputError{Message: "a store of this kind cannot copy itself into a file"}
	}
	made, err := s.copier.Copy(ctx, a.Path, a.Replace)
	if err != nil {
		return result{}, err
	}
	return result{value: copyResult{s.copies.add(made)}}, nil
}

type copyStepArguments struct {
	storeArguments
	Copy uint64 `json:"copy"`
	// Pages is how many are copied at once.
	Pages int `json:"pages"`
}

type copyStepResult struct {
	TotalPages     int   `json:"totalPages"`
	RemainingPages int   `json:"remainingPages"`
	Bytes          int64 `json:"bytes"`
}

func serveCopyStep(ctx context.Context, h *host, a copyStepArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{}, err
	}
	made := s.copies.get(a.Copy)
	if made == nil {
		return result{}, provider.ErrClosed
	}
	p, err := made.Step(ctx, a.Pages)
	if err != nil || p.Remaining == 0 {
		s.copies.take(a.Copy)
	}
	return result{value: copyStepResult{p.Pages, p.Remaining, p.Bytes}}, err
}

// serveCopyEnd gives a copy up. Giving up what has ended is harmless.
func serveCopyEnd(_ context.Context, h *host, a copyStepArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{value: empty{}}, nil //nolint:nilerr // a store that is closed has ended its copies
	}
	if made := s.copies.take(a.Copy); made != nil {
		return result{value: empty{}}, made.Close()
	}
	return result{value: empty{}}, nil
}
