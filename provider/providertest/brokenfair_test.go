package providertest

import (
	"cmp"
	"slices"

	"duroxide/provider"
)

// brokenFairness are stores that take tasks in another way than the contract says.
func brokenFairness() map[string]breaker {
	return map[string]breaker{
		"takes tasks in the order of arrival": func(b *broken) provider.Provider {
			b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
				most := r.MaxTasks
				r.MaxTasks = 1000
				claimed, err := b.Provider.Claim(background, r)
				slices.SortFunc(claimed.Tasks, func(x, y provider.TaskClaim) int {
					return cmp.Compare(x.Task.ID, y.Task.ID)
				})
				var back provider.Abandonment
				for _, t := range claimed.Tasks[min(most, len(claimed.Tasks)):] {
					back.Tasks = append(back.Tasks, provider.AbandonedTask{Token: t.Token, IgnoreAttempt: true})
				}
				claimed.Tasks = claimed.Tasks[:min(most, len(claimed.Tasks))]
				claimed.MoreTasks = claimed.MoreTasks || len(back.Tasks) > 0
				_, _ = b.Provider.Abandon(background, back)
				return claimed, err
			}
			return b
		},
		"opens any number of sessions": asked(func(r *provider.ClaimRequest) {
			if r.Route.Session != nil {
				r.Route.Session = &provider.SessionHolder{Owner: r.Route.Session.Owner, TTL: r.Route.Session.TTL}
			}
		}),
		"does not say that there are more tasks": answered(func(c *provider.Claimed) { c.MoreTasks = false }),
	}
}
