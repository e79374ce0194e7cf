package providertest

import "duroxide/provider"

// given makes a store that changes what an abandon asks for.
func given(change func(t *provider.AbandonedTask)) breaker {
	return func(b *broken) provider.Provider {
		b.onGive = func(a provider.Abandonment) (provider.Abandoned, error) {
			for i := range a.Tasks {
				change(&a.Tasks[i])
			}
			return b.Provider.Abandon(background, a)
		}
		return b
	}
}

func brokenAttempts() map[string]breaker {
	return map[string]breaker{
		"forgets what an attempt failed with": given(func(t *provider.AbandonedTask) { t.Progress = nil }),
		"forgets the pause after a failed attempt": given(func(t *provider.AbandonedTask) {
			if t.Progress != nil {
				t.Delay = 0
			}
		}),
		"finishes the task that waits for a decision": func(b *broken) provider.Provider {
			b.onDone = func(c provider.Completions) ([]provider.Submitted, error) {
				for i := range c.Items {
					c.Items[i].Kept = nil
				}
				return b.Provider.Complete(background, c)
			}
			return b
		},
		"forgets what tasks say of themselves": func(b *broken) provider.Provider {
			b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
				r.Heartbeats = nil
				return b.Provider.Renew(background, r)
			}
			return b
		},
		"takes the word of who holds a task no more": func(b *broken) provider.Provider {
			last := map[uint64]provider.Token{}
			b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
				claimed, err := b.Provider.Claim(background, r)
				for _, c := range claimed.Tasks {
					last[c.Token.Key] = c.Token
				}
				return claimed, err
			}
			b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
				for i, h := range r.Heartbeats {
					r.Heartbeats[i].Task = last[h.Task.Key]
				}
				return b.Provider.Renew(background, r)
			}
			return b
		},
		"forgets decisions": changed(func(_ *broken, c *provider.Commit) { c.Retries = nil }),
		"forgets policies": changed(func(_ *broken, c *provider.Commit) {
			for i := range c.NewTasks {
				c.NewTasks[i].Task.Progress = nil
			}
		}),
	}
}
