package providertest

import "duroxide/provider"

// brokenFinding are stores that find other instances than those that are asked for.
func brokenFinding() map[string]breaker {
	paged := func(change func(q *provider.ListQuery)) breaker {
		return func(b *broken) provider.Provider {
			b.onPage = change
			return b
		}
	}
	return map[string]breaker{
		"lists newest first whatever is asked": paged(func(q *provider.ListQuery) { q.Order = provider.NewestFirst }),
		"finds all kinds of failures": paged(func(q *provider.ListQuery) {
			if q.Failure != "" {
				q.Failure, q.Status = "", provider.Failed
			}
		}),
		"finds what is not held as held": paged(func(q *provider.ListQuery) { q.Held = nil }),
		"folds the case of prefixes": paged(func(q *provider.ListQuery) {
			if q.IDPrefix == "A" {
				q.IDPrefix = "a"
			}
		}),
		"forgets what starts": paged(func(q *provider.ListQuery) {
			if q.Status == provider.Running {
				q.Version = "1.0.0"
			}
		}),
		"counts without conditions": func(b *broken) provider.Provider {
			b.onCount = func(q *provider.ListQuery, _ *provider.Grouping) { *q = provider.ListQuery{} }
			return b
		},
		"counts versions together": func(b *broken) provider.Provider {
			b.onCount = func(_ *provider.ListQuery, by *provider.Grouping) { by.Version = false }
			return b
		},
	}
}
