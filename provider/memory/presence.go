package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"duroxide/provider"
)

// presence is a runtime. All of them are in this process.
type presence struct {
	body, load    []byte
	started, seen int64
}

// Join announces a runtime.
func (p *Provider) Join(ctx context.Context, node string, body []byte) error {
	return p.do(ctx, "join", func(s *store) error {
		here := s.present[node]
		if here == nil {
			here = &presence{started: s.now}
			s.present[node] = here
		}
		here.body, here.seen = slices.Clone(body), s.now
		return nil
	})
}

// Leave takes back what Join said.
func (p *Provider) Leave(ctx context.Context, node string) error {
	return p.do(ctx, "leave", func(s *store) error {
		delete(s.present, node)
		return nil
	})
}

// Runtimes lists the runtimes that live.
func (p *Provider) Runtimes(ctx context.Context) (all []provider.Presence, err error) {
	err = p.do(ctx, "runtimes", func(s *store) error {
		for node, here := range s.present {
			all = append(all, provider.Presence{
				Node: node, Body: here.body, Load: here.load,
				Started: time.UnixMilli(here.started), Seen: time.UnixMilli(here.seen),
			})
		}
		sortBy(all, func(a, b provider.Presence) int {
			return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Node, b.Node))
		})
		return nil
	})
	return all, err
}

// SweepRuntimes finds nothing: what is here lives as long as the store.
func (p *Provider) SweepRuntimes(ctx context.Context) error {
	return p.do(ctx, "sweep_runtimes", func(*store) error { return nil })
}

// carry notes what a renewal says of the load.
func (s *store) carry(l *provider.Load) {
	if l == nil || s.present[l.Node] == nil {
		return
	}
	here := s.present[l.Node]
	here.load, here.seen = slices.Clone(l.Body), s.now
}

// Size gives zero: nothing is on disk.
func (p *Provider) Size(ctx context.Context) (int64, error) {
	return 0, p.do(ctx, "size", func(*store) error { return nil })
}
