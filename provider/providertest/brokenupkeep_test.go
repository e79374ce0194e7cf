package providertest

import (
	"context"
	"time"

	"duroxide/provider"
)

// lax is a store that asks upkeep's questions in another way than it is asked.
type lax struct {
	*broken
	ask func(q *provider.OverdueTurns)
}

func (l *lax) TakeOverdue(ctx context.Context, q provider.OverdueTurns) ([]provider.InstanceClaim, error) {
	l.ask(&q)
	return l.Provider.TakeOverdue(ctx, q)
}

// brokenUpkeep are stores that end what has a future.
func brokenUpkeep() map[string]breaker {
	asking := func(ask func(q *provider.OverdueTurns)) breaker {
		return func(b *broken) provider.Provider { return &lax{b, ask} }
	}
	return map[string]breaker{
		"takes for overdue what has waited for a moment": asking(func(q *provider.OverdueTurns) {
			q.Before = q.Before.Add(time.Minute)
		}),
		"takes for overdue what it serves": asking(func(q *provider.OverdueTurns) { q.Holder.Serves = doing() }),
		"takes for overdue what a newer release wrote": asking(func(q *provider.OverdueTurns) {
			if s := q.Holder.Serves; s != nil {
				s.Level = 9
			}
		}),
	}
}
