package providertest

import (
	"context"
	"errors"

	"duroxide/provider"
)

// founder is a store that does something else than a repair asks for.
type founder struct {
	provider.Provider
	change func(r *provider.Repair)
}

func (f founder) Repair(ctx context.Context, r provider.Repair) error {
	f.change(&r)
	return f.Provider.Repair(ctx, r)
}

// rewritten makes a store that changes each rewrite of a repair.
func rewritten(change func(w *provider.Rewrite)) breaker {
	return func(b *broken) provider.Provider {
		return founder{b, func(r *provider.Repair) {
			for n := range r.Rewrites {
				change(&r.Rewrites[n])
			}
		}}
	}
}

// careless is a store that says it has gone back to an execution that it does not have any more.
type careless struct{ provider.Provider }

func (c careless) Repair(ctx context.Context, r provider.Repair) error {
	err := c.Provider.Repair(ctx, r)
	for _, w := range r.Rewrites {
		if w.Execution < w.Current && errors.Is(err, provider.ErrChanged) {
			return nil
		}
	}
	return err
}

func brokenFounding() map[string]breaker {
	return map[string]breaker{
		"forgets the values that a made instance starts from": rewritten(func(w *provider.Rewrite) {
			if w.Fresh {
				w.Base = nil
			}
		}),
		"makes instances of another version": rewritten(func(w *provider.Rewrite) {
			if w.Fresh {
				w.Started = &provider.Started{Name: w.Started.Name}
			}
		}),
		"keeps the version when it goes back over executions": rewritten(func(w *provider.Rewrite) {
			if !w.Fresh {
				w.Started = nil
			}
		}),
		"goes back to an execution that it does not have any more": func(b *broken) provider.Provider {
			return careless{b}
		},
		"counts the executions of a made instance from one": rewritten(func(w *provider.Rewrite) {
			if w.Fresh {
				w.Execution = 1
			}
		}),
	}
}
