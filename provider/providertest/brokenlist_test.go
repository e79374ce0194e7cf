package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"duroxide/provider"
)

// brokenStores are stores that break one rule each.
func brokenStores() map[string]breaker {
	all := map[string]breaker{}
	for _, part := range []map[string]breaker{
		brokenTokens(), brokenTurns(), brokenMessages(), brokenTasks(), brokenState(), brokenHistories(),
		brokenNames(), brokenLives(), brokenKeys(), brokenFairness(), brokenTime(), brokenUpkeep(),
		brokenAttempts(), brokenFinding(),
		brokenFounding(),
	} {
		maps.Copy(all, part)
	}
	return all
}

func brokenTokens() map[string]breaker {
	return map[string]breaker{
		"accepts a stale epoch": func(b *broken) provider.Provider {
			b.onClaim = b.claimAll
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				if newest, ok := b.last[c.Token.Key]; ok {
					c.Token = newest
				}
				return b.Provider.Commit(background, c)
			}
			return b
		},
		"commits after the lease ended": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				result, err := b.Provider.Commit(background, c)
				if !errors.Is(err, provider.ErrLockLost) {
					return result, err
				}
				again, _ := b.claimAll(provider.ClaimRequest{
					Turns: &provider.Holder{Node: "again", TTL: long}, MaxTurns: 100,
				})
				for _, claim := range again.Instances {
					if claim.Token.Key == c.Token.Key && claim.Token.Epoch == c.Token.Epoch+1 {
						c.Token = claim.Token
						return b.Provider.Commit(background, c)
					}
				}
				return result, err
			}
			return b
		},
		"revives an ended lease": func(b *broken) provider.Provider {
			b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
				lost, err := b.Provider.Renew(background, r)
				if errors.Is(err, provider.ErrLockLost) && r.Lease > 0 && r.Lease < 1000 {
					return nil, nil
				}
				return lost, err
			}
			return b
		},
		"shortens a lease": shortens,
		"extends no lease": func(b *broken) provider.Provider {
			b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
				r.Extend = 0
				return b.Provider.Renew(background, r)
			}
			return b
		},
		"gives a held instance twice": func(b *broken) provider.Provider {
			b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
				claimed, err := b.claimAll(r)
				if r.Turns != nil && len(claimed.Instances) == 0 && len(b.claims) > 0 {
					claimed.Instances = b.claims[:1]
				}
				return claimed, err
			}
			return b
		},
		"gives all claims one lease": answered(func(c *provider.Claimed) {
			if c.TurnLease != 0 {
				c.TurnLease++
			}
		}),
		"ignores what a node serves": asked(func(r *provider.ClaimRequest) {
			for _, h := range []*provider.Holder{r.Turns, r.Tasks} {
				if h != nil {
					h.Serves = nil
				}
			}
		}),
		"keeps what has not begun for its code": func(b *broken) provider.Provider {
			b.onClaim = claimsOf(b, func(s *provider.Serves, c *provider.InstanceClaim) bool {
				return c.Status != provider.NotCommitted || s == nil || s.Orchestration == nil ||
					s.Orchestration(c.Name, c.Version)
			})
			return b
		},
		"forgets answers": func(b *broken) provider.Provider {
			return answering{b, func(string) (*provider.Message, error) { return nil, nil }}
		},
		"gives everybody the same answer": func(b *broken) provider.Provider {
			return answering{b, func(instance string) (*provider.Message, error) {
				return b.Answer(background, instance, "r")
			}}
		},
		"leaves a delayed start where it is": func(b *broken) provider.Provider {
			due := map[string]int64{}
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for _, m := range s.Messages {
					due[m.Instance] = max(due[m.Instance], m.DueMs)
				}
				return b.Provider.Submit(background, s)
			}
			b.onClaim = claimsOf(b, func(_ *provider.Serves, c *provider.InstanceClaim) bool {
				return c.Status != provider.NotCommitted || due[c.Instance] <= b.clock.Now().UnixMilli()
			})
			return b
		},
		"hands starts to whoever asks": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				s.Claim = toAnybody(s.Claim)
				return b.Provider.Submit(background, s)
			}
			return b
		},
		"hands outcomes to whoever asks": func(b *broken) provider.Provider {
			b.onDone = func(c provider.Completions) ([]provider.Submitted, error) {
				c.Claim = toAnybody(c.Claim)
				return b.Provider.Complete(background, c)
			}
			return b
		},
		"hands messages of turns to whoever asks": changed(func(_ *broken, c *provider.Commit) {
			c.TurnHolder = toAnybody(c.TurnHolder)
		}),
		"hands tasks of turns to whoever asks": changed(func(_ *broken, c *provider.Commit) {
			c.TaskHolder = toAnybody(c.TaskHolder)
		}),
		"forgets the level of a turn":    changed(func(_ *broken, c *provider.Commit) { c.Level = 0 }),
		"says nothing of what it leaves": answered(func(c *provider.Claimed) { c.Unserved = nil }),
		"forgets what a holder has not seen": answered(func(c *provider.Claimed) {
			c.Waiting = nil
		}),
		"does not say when work is due": answered(func(c *provider.Claimed) {
			c.NextDue = time.Time{}
		}),
		"counts no attempts of turns": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				c.Instances[i].Attempt = 1
			}
		}),
		"gives messages newest first": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				slices.Reverse(c.Instances[i].Messages)
			}
		}),
		"forgets how often a message could not be read": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				for n := range c.Instances[i].Undecodable {
					c.Instances[i].Undecodable[n].Tries = 1
				}
			}
		}),
		"forgets how often a task could not be read": answered(func(c *provider.Claimed) {
			for i := range c.Undecodable {
				c.Undecodable[i].Tries = 1
			}
		}),
		"says nothing of tasks that cannot be read": answered(func(c *provider.Claimed) { c.Undecodable = nil }),
		"hides from a holder that messages cannot be read": func(b *broken) provider.Provider {
			b.onRead = func(t provider.Token) (provider.Page, error) {
				page, err := b.Provider.Pending(background, t)
				page.Undecodable = false
				return page, err
			}
			return b
		},
		"does not say that there are more messages": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				c.Instances[i].More = false
			}
		}),
		"gives what goes first with the others": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				if claim := &c.Instances[i]; claim.More {
					claim.Messages = slices.DeleteFunc(claim.Messages,
						func(m provider.Message) bool { return m.Kind.GoesFirst() })
				}
			}
		}),
		"loses nil": answered(func(c *provider.Claimed) {
			for i := range c.Instances {
				for j := range c.Instances[i].Messages {
					if m := &c.Instances[i].Messages[j]; m.Version == nil {
						m.Version = new(string)
					}
				}
			}
		}),
	}
}

// toAnybody gives a holder that serves everything.
func toAnybody(h *provider.Holder) *provider.Holder {
	if h == nil {
		return nil
	}
	all := *h
	all.Serves = nil
	return &all
}

// shortens ends each lease where its last renewal said.
func shortens(b *broken) provider.Provider {
	b.ends = map[provider.LeaseID]time.Time{}
	b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
		b.ends[r.Lease] = b.clock.Now().Add(r.Extend)
		return b.Provider.Renew(background, r)
	}
	b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
		for _, claim := range b.claims {
			end, renewed := b.ends[claim.Token.Lease]
			if renewed && !end.After(b.clock.Now()) {
				_, _ = b.Provider.Abandon(background, provider.Abandonment{
					Instances: []provider.AbandonedInstance{{Token: claim.Token}},
				})
			}
		}
		return b.claimAll(r)
	}
	return b
}

// roomy gives a holder that has room for everything.
func roomy(h *provider.Holder) *provider.Holder {
	if h == nil {
		return nil
	}
	all := *h
	all.Most = 0
	return &all
}

func brokenTurns() map[string]breaker {
	return map[string]breaker{
		"deletes messages that are not listed": changed(func(b *broken, c *provider.Commit) {
			pending, _ := b.Pending(background, c.Token)
			for _, m := range pending.Messages {
				if !slices.Contains(c.Messages, m.ID) {
					c.Messages = append(c.Messages, m.ID)
				}
			}
		}),
		"cancels before it inserts": changed(func(_ *broken, c *provider.Commit) {
			for _, n := range c.NewTasks {
				c.CancelTasks = slices.DeleteFunc(slices.Clone(c.CancelTasks),
					func(id uint64) bool { return id == n.Task.Event })
			}
		}),
		"cancels nothing": changed(func(_ *broken, c *provider.Commit) { c.CancelTasks = nil }),
		"accepts a duplicate event": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				result, err := b.Provider.Commit(background, c)
				if errors.Is(err, provider.ErrDuplicateEvent) {
					c.Events = nil
					for c.LastEvent = 0; err != nil && c.LastEvent < 10; c.LastEvent++ {
						result, err = b.Provider.Commit(background, c)
					}
				}
				return result, err
			}
			return b
		},
		"commits a turn in part": func(b *broken) provider.Provider {
			b.onCommit = func(c provider.Commit) (provider.Committed, error) {
				result, err := b.Provider.Commit(background, c)
				if errors.Is(err, provider.ErrTaskLost) {
					part := c
					part.Tasks, part.Messages, part.Release = nil, nil, false
					_, _ = b.Provider.Commit(background, part)
				}
				return result, err
			}
			return b
		},
		"ignores lost tasks": changed(func(_ *broken, c *provider.Commit) { c.Tasks = nil }),
		"does not delete consumed messages": changed(func(_ *broken, c *provider.Commit) {
			c.Messages = nil
		}),
		"never releases":       changed(func(_ *broken, c *provider.Commit) { c.Release = false }),
		"always releases":      changed(func(_ *broken, c *provider.Commit) { c.Release = true }),
		"keeps dropped timers": changed(func(_ *broken, c *provider.Commit) { c.DropTimers = nil }),
		"claims targets of a turn whatever room there is": changed(func(_ *broken, c *provider.Commit) {
			c.TurnHolder = roomy(c.TurnHolder)
		}),
		"claims no targets of a turn": changed(func(_ *broken, c *provider.Commit) { c.TurnHolder = nil }),
		"takes no tasks":              changed(func(_ *broken, c *provider.Commit) { c.TaskHolder = nil }),
		"takes every new task": changed(func(_ *broken, c *provider.Commit) {
			for i := range c.NewTasks {
				c.NewTasks[i].Route = worker("A", long)
				c.NewTasks[i].Route.Tags.Mode = provider.TagsAny
			}
		}),
		"forgets the output": changed(func(_ *broken, c *provider.Commit) {
			if c.Outcome != nil {
				c.Outcome = outcome(c.Outcome.Status, "")
			}
		}),
		"does not recognise a repeated commit": mapped(provider.ErrAlreadyCommitted, provider.ErrLockLost),
		"has errors without sentinels":         mapped(provider.ErrLockLost, errOther),
		"stamps events anew": changed(func(_ *broken, c *provider.Commit) {
			c.Events = slices.Clone(c.Events)
			for i := range c.Events {
				c.Events[i].Engine = "9.9.9"
			}
		}),
	}
}

func brokenMessages() map[string]breaker {
	return map[string]breaker{
		"lets orphans block": func(b *broken) provider.Provider {
			b.waiting = map[string]bool{}
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for _, m := range s.Messages {
					status, _ := b.Status(background, m.Instance)
					if m.Kind == provider.StartInstance || status != nil {
						delete(b.waiting, m.Instance)
					} else {
						b.waiting[m.Instance] = true
					}
				}
				return b.Provider.Submit(background, s)
			}
			b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
				if len(b.waiting) > 0 {
					return provider.Claimed{}, nil
				}
				return b.Provider.Claim(background, r)
			}
			return b
		},
		"shows timers at once": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				for i := range s.Messages {
					s.Messages[i].DueMs = 0
				}
				return b.Provider.Submit(background, s)
			}
			return b
		},
		"does not say who holds a target": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				results, err := b.Provider.Submit(background, s)
				for i := range results {
					results[i].Held = 0
				}
				return results, err
			}
			return b
		},
		"claims whatever room there is": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				s.Claim = roomy(s.Claim)
				return b.Provider.Submit(background, s)
			}
			return b
		},
		"claims no targets": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				s.Claim = nil
				return b.Provider.Submit(background, s)
			}
			return b
		},
		"counts and delays messages that are not listed": func(b *broken) provider.Provider {
			b.onGive = func(a provider.Abandonment) (provider.Abandoned, error) {
				for i := range a.Instances {
					a.Instances[i].Messages = nil
					for id := range uint64(1000) {
						a.Instances[i].Messages = append(a.Instances[i].Messages, id)
					}
				}
				return b.Provider.Abandon(background, a)
			}
			return b
		},
		"counts ignored attempts": func(b *broken) provider.Provider {
			b.onGive = func(a provider.Abandonment) (provider.Abandoned, error) {
				for i := range a.Instances {
					a.Instances[i].IgnoreAttempt = false
				}
				for i := range a.Tasks {
					a.Tasks[i].IgnoreAttempt = false
				}
				return b.Provider.Abandon(background, a)
			}
			return b
		},
		"does not tell of a start that waits": func(b *broken) provider.Provider {
			b.onSubmit = func(s provider.Submission) ([]provider.Submitted, error) {
				results, err := b.Provider.Submit(background, s)
				for i := range results {
					results[i].Starting = false
				}
				return results, err
			}
			return b
		},
		"does not report lost claims": func(b *broken) provider.Provider {
			b.onGive = func(a provider.Abandonment) (provider.Abandoned, error) {
				result, err := b.Provider.Abandon(background, a)
				result.Lost = nil
				return result, err
			}
			return b
		},
	}
}

func brokenTasks() map[string]breaker {
	return map[string]breaker{
		"ignores tags": asked(func(r *provider.ClaimRequest) { r.Route.Tags.Mode = provider.TagsAny }),
		"gives live sessions away": asked(func(r *provider.ClaimRequest) {
			if r.Route.Session != nil {
				r.Route.Session = &provider.SessionHolder{Owner: "everybody", TTL: r.Route.Session.TTL}
			}
		}),
		"releases the sessions of others": func(b *broken) provider.Provider {
			b.onRelease = func(owner string) (int, error) {
				n, err := b.Provider.ReleaseSessions(background, owner)
				for _, other := range []string{"A", "B", "C"} {
					_, _ = b.Provider.ReleaseSessions(background, other)
				}
				return n, err
			}
			return b
		},
		"gives session tasks to everybody": asked(func(r *provider.ClaimRequest) {
			if r.Route.Session == nil {
				r.Route.Session = &provider.SessionHolder{Owner: "everybody", TTL: long}
			}
		}),
		"counts no attempts of tasks": answered(func(c *provider.Claimed) {
			for i := range c.Tasks {
				c.Tasks[i].Attempt = 1
			}
		}),
		"accepts lost completions": func(b *broken) provider.Provider {
			b.onDone = func(c provider.Completions) ([]provider.Submitted, error) {
				results, err := b.Provider.Complete(background, c)
				for i := range results {
					results[i].Err = nil
				}
				return results, err
			}
			return b
		},
		"forgets the numbers of outcomes": func(b *broken) provider.Provider {
			b.onDone = func(c provider.Completions) ([]provider.Submitted, error) {
				results, err := b.Provider.Complete(background, c)
				for i := range results {
					results[i].ID = 0
				}
				return results, err
			}
			return b
		},
		"fails all completions with one": func(b *broken) provider.Provider {
			b.onDone = func(c provider.Completions) ([]provider.Submitted, error) {
				results, err := b.Provider.Complete(background, c)
				for _, r := range results {
					if r.Err != nil {
						return nil, r.Err
					}
				}
				return results, err
			}
			return b
		},
		"reports no lost tasks": func(b *broken) provider.Provider {
			b.onRenew = func(r provider.Renewal) ([]provider.Token, error) {
				_, err := b.Provider.Renew(background, r)
				return nil, err
			}
			return b
		},
	}
}

func brokenState() map[string]breaker {
	return map[string]breaker{
		"forgets to merge values at the end of an execution": func(b *broken) provider.Provider {
			b.bases = map[string]map[string]provider.Value{}
			b.onLoad = func(id string, n uint64) (provider.Record, error) {
				record, err := b.Provider.Load(background, id, n)
				if err == nil {
					if base, ok := b.bases[id]; ok {
						record.Values = base
					}
					b.bases[id] = record.Values
				}
				return record, err
			}
			return b
		},
		"gives live values as the base": func(b *broken) provider.Provider {
			b.onLoad = func(id string, n uint64) (provider.Record, error) {
				record, err := b.Provider.Load(background, id, n)
				live, _ := b.Values(background, id)
				record.Values = map[string]provider.Value{}
				for key, value := range live {
					record.Values[key] = provider.Value{Data: value}
				}
				return record, err
			}
			return b
		},
		"forgets cleared keys": changed(func(_ *broken, c *provider.Commit) {
			c.Values = slices.DeleteFunc(slices.Clone(c.Values),
				func(v provider.ValueChange) bool { return !v.All && v.Value == nil })
		}),
		"clears all keys last": changed(func(_ *broken, c *provider.Commit) {
			slices.SortStableFunc(c.Values, func(x, y provider.ValueChange) int {
				switch {
				case x.All == y.All:
					return 0
				case x.All:
					return 1
				default:
					return -1
				}
			})
		}),
		"has no empty values": func(b *broken) provider.Provider {
			b.onValue = func(id, key string) (*string, error) {
				value, err := b.Provider.Value(background, id, key)
				if value != nil && *value == "" {
					value = nil
				}
				return value, err
			}
			return b
		},
		"deletes running instances without force": func(b *broken) provider.Provider {
			b.onDelete = func(d provider.Deletion) (provider.Deleted, error) {
				d.Force = true
				return b.Provider.Delete(background, d)
			}
			return b
		},
		"deletes children with their parent": func(b *broken) provider.Provider {
			b.onDelete = func(d provider.Deletion) (provider.Deleted, error) {
				for i := 0; i < len(d.Instances); i++ {
					children, _ := b.Children(background, d.Instances[i])
					d.Instances = append(d.Instances, children...)
				}
				return b.Provider.Delete(background, d)
			}
			return b
		},
		"prunes the current execution": func(b *broken) provider.Provider {
			b.onPrune = func(id string, o provider.PruneOptions) (provider.Pruned, error) {
				pruned, err := b.Provider.Prune(background, id, o)
				if err == nil && o.KeepLast == 0 {
					_, err = b.Provider.Delete(background, provider.Deletion{Instances: []string{id}, Force: true})
				}
				return pruned, err
			}
			return b
		},
		"prunes without looking at the time": func(b *broken) provider.Provider {
			b.onPrune = func(id string, o provider.PruneOptions) (provider.Pruned, error) {
				o.CompletedBefore = time.Time{}
				return b.Provider.Prune(background, id, o)
			}
			return b
		},
		"lists children as roots": func(b *broken) provider.Provider {
			b.onList = func(q provider.ListQuery) ([]string, error) {
				q.RootsOnly = false
				return b.Provider.List(background, q)
			}
			return b
		},
		"takes an empty list for no list": func(b *broken) provider.Provider {
			b.onList = func(q provider.ListQuery) ([]string, error) {
				if len(q.IDs) == 0 {
					q.IDs = nil
				}
				return b.Provider.List(background, q)
			}
			return b
		},
		"can be closed twice": func(b *broken) provider.Provider {
			b.onClose = func() error {
				if err := b.Provider.Close(background); !errors.Is(err, provider.ErrClosed) {
					return err
				}
				return nil
			}
			return b
		},
	}
}

// answering is a store that answers requests its own way.
type answering struct {
	*broken
	answer func(instance string) (*provider.Message, error)
}

func (a answering) Answer(_ context.Context, instance, _ string) (*provider.Message, error) {
	return a.answer(instance)
}
