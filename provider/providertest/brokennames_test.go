package providertest

import "duroxide/provider"

// brokenNames are stores that cannot hold every id.
func brokenNames() map[string]breaker {
	return map[string]breaker{
		"knows instances by the beginning of their ids": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for i := range s.Messages {
					s.Messages[i].Instance = firstBytes(s.Messages[i].Instance, 2599)
				}
				return b.Provider.Submit(background, s)
			}
			return b
		},
		"cuts names": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				if c.Started != nil {
					c.Started.Name = firstBytes(c.Started.Name, 1999)
				}
				return b.Provider.Commit(background, c)
			}
			return b
		},
	}
}

func firstBytes(text string, most int) string { return text[:min(len(text), most)] }
