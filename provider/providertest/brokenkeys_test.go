package providertest

import (
	"slices"

	"duroxide/provider"
)

func brokenKeys() map[string]breaker {
	// repeating gives a store that knows a message again by what a function makes of it.
	repeating := func(b *broken, of func(m *provider.Message) string) provider.Provider {
		known := map[string]bool{}
		b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
			results := make([]provider.Submitted, len(s.Messages))
			for n, m := range s.Messages {
				if m.Key != "" && known[of(&m)] {
					results[n].Fate = provider.Repeated
					continue
				}
				known[of(&m)] = m.Key != ""
				one, err := b.Provider.Submit(background, provider.Submission{
					Messages: []provider.Message{m}, Claim: s.Claim,
				})
				if err != nil {
					return nil, err
				}
				results[n] = one[0]
			}
			return results, nil
		}
		return b
	}
	return map[string]breaker{
		"knows no keys": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) { m.Key = "" })
		},
		"knows no keys in turns": func(b *broken) provider.Provider {
			b.changed(func(m *provider.Message) { m.Key = "" })
			b.onSubmit = nil
			return b
		},
		"knows keys of all queues together": func(b *broken) provider.Provider {
			return repeating(b, func(m *provider.Message) string { return m.Instance + " " + m.Key })
		},
		"knows keys of all instances together": func(b *broken) provider.Provider {
			return repeating(b, func(m *provider.Message) string { return string(m.KeyHash()) })
		},
		"keeps keys for ever": func(b *broken) provider.Provider {
			return repeating(b, func(m *provider.Message) string { return m.Instance + string(m.KeyHash()) })
		},
		"takes late answers": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) {
				if m.Kind == provider.PromiseSettled {
					m.Kind = provider.ActivityDone
				}
			})
		},
		"stores what is repeated": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				results, err := b.Provider.Submit(background, s)
				if !slices.ContainsFunc(results, func(r provider.Submitted) bool { return r.Fate == provider.Repeated }) {
					return results, err
				}
				for n := range s.Messages {
					if s.Messages[n].Key = ""; results[n].Fate == provider.Repeated {
						_, err = b.Provider.Submit(background, provider.Submission{Messages: s.Messages[n : n+1]})
					}
				}
				return results, err
			}
			return b
		},
	}
}
