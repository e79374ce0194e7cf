package memory

import (
	"context"
	"maps"
	"slices"
)

// SetDefault stores what starts of an orchestration take.
func (p *Provider) SetDefault(ctx context.Context, orchestration string, body []byte) error {
	return p.do(ctx, "set_default", func(s *store) error {
		if body == nil {
			delete(s.defaults, orchestration)
		} else {
			s.defaults[orchestration] = slices.Clone(body)
		}
		return nil
	})
}

// Defaults gives what starts take, by orchestration.
func (p *Provider) Defaults(ctx context.Context) (all map[string][]byte, err error) {
	err = p.do(ctx, "defaults", func(s *store) error {
		all = maps.Clone(s.defaults)
		return nil
	})
	return all, err
}
