package providertest

import (
	"duroxide/history"
	"duroxide/provider"
)

func brokenHistories() map[string]breaker {
	return map[string]breaker{
		"replays a history with a hole": func(b *broken) provider.Provider {
			b.onLoad = func(id string, execution uint64) (provider.Record, error) {
				b.ForgetHole(id, execution)
				return b.Provider.Load(background, id, execution)
			}
			return b
		},
		"shows a history with a hole": func(b *broken) provider.Provider {
			b.onEvents = func(id string, execution uint64) ([]history.Event, error) {
				b.ForgetHole(id, execution)
				return b.Provider.History(background, id, execution)
			}
			return b
		},
	}
}
