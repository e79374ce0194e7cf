package providertest

import (
	"duroxide/history"
	"duroxide/provider"
)

// changed gives a store that changes every message before it is stored.
func (b *broken) changed(change func(m *provider.Message)) provider.Provider {
	all := func(messages []provider.Message) []provider.Message {
		copies := make([]provider.Message, len(messages))
		for n, m := range messages {
			change(&m)
			copies[n] = m
		}
		return copies
	}
	b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
		s.Messages = all(s.Messages)
		return b.Provider.Submit(background, s)
	}
	b.onCommit = func(c provider.Commit) (provider.Committed, error) {
		c.Send = all(c.Send)
		return b.Provider.Commit(background, c)
	}
	return b
}

func brokenLives() map[string]breaker {
	return map[string]breaker{
		"goes by the id alone": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) {
				if m.Kind != provider.StartInstance {
					m.Life = history.Life{}
				}
			})
		},
		"goes by the id alone in turns": func(b *broken) provider.Provider {
			b.changed(func(m *provider.Message) {
				if m.Kind != provider.StartInstance {
					m.Life = history.Life{}
				}
			})
			b.onSubmit = nil
			return b
		},
		"knows no start again": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) {
				if m.Kind == provider.StartInstance {
					m.Life = history.Life{9}
				}
			})
		},
		"answers no refused start": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) { m.Refusal = nil })
		},
		"keeps messages for one that has ended": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) { m.IfRunning = false })
		},
		"forgets who the parent is": func(b *broken) provider.Provider {
			return b.changed(func(m *provider.Message) {
				if m.Parent != nil {
					m.Parent = &history.Parent{Instance: m.Parent.Instance}
				}
			})
		},
		"gives no life to who has none": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				c.Life = history.Life{}
				return b.Provider.Commit(background, c)
			}
			return b
		},
		"forgets the number of starts": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				c.Starts = 0
				return b.Provider.Commit(background, c)
			}
			return b
		},
		"tells nobody whom it has deleted": func(b *broken) provider.Provider {
			b.onDelete = func(d provider.Deletion) (provider.Deleted, error) {
				deleted, err := b.Provider.Delete(background, d)
				deleted.Gone = nil
				return deleted, err
			}
			return b
		},
		"deletes whoever lives there": func(b *broken) provider.Provider {
			b.onDelete = func(d provider.Deletion) (provider.Deleted, error) {
				d.Root = history.Life{}
				return b.Provider.Delete(background, d)
			}
			return b
		},
		"drops queue messages that come early": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for _, m := range s.Messages {
					status, _ := b.Status(background, m.Instance)
					if status == nil && m.Kind == provider.QueueEvent {
						return make([]provider.Submitted, len(s.Messages)), nil
					}
				}
				return b.Provider.Submit(background, s)
			}
			return b
		},
	}
}
