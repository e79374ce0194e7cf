package providertest

import (
	"time"

	"duroxide/provider"
	"duroxide/provider/memory"
)

// rawTime tells what its clock shows.
type rawTime struct{ *broken }

func (r rawTime) Now() time.Time { return r.clock.Now() }

func brokenTime() map[string]breaker {
	return map[string]breaker{
		"tells what its clock shows": func(b *broken) provider.Provider { return rawTime{b} },
		"ends leases and sessions by its clock": func(b *broken) provider.Provider {
			b.Provider = memory.New(memory.Options{Clock: b.clock.Now})
			return b
		},
		"stamps what arrives with its clock": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for i := range s.Messages {
					if s.Messages[i].DueMs == 0 {
						s.Messages[i].DueMs = b.clock.Now().UnixMilli()
					}
				}
				return b.Provider.Submit(background, s)
			}
			return b
		},
	}
}
