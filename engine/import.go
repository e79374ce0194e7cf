package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"duroxide/history"
	"duroxide/provider"
)

// ImportedExecution is one execution of a history from elsewhere.
type ImportedExecution struct {
	Execution uint64
	Record    provider.Record
	// Next are the values that the next execution begins with; nil: those that this one leaves.
	Next map[string]provider.Value
	// Life is that of the instance that has its executions before; zero makes an instance, with the life Was if that
	// is known: tokens in the history tell it.
	Life, Was history.Life
}

// isImported says why nothing can be done to an instance.
const isImported = "it is imported, to be looked at or forked"

func unheard(instance string) error {
	return &RefusedError{Message: fmt.Sprintf("Instance %s takes no messages: %s", instance, isImported), Err: ErrInstanceEnded}
}

// importLease is how long an import may take; it is deleted where it takes longer.
const importLease = 10 * time.Minute

// Import adds one execution to an instance that is only looked at: it is inert (provider.Inert), so that nobody
// ever claims it, and no message reaches it. It gives its life, also with an error that has left it half imported
// (see Unimport). Errors, by errors.Is: ErrInstanceExists; an
// *InputError where the execution is none or does not follow; a *LimitError.
func (c *Client) Import(ctx context.Context, instance string, i ImportedExecution) (history.Life, error) {
	started, err := i.check(instance)
	if err != nil {
		return i.Life, err
	}
	m := importing{c: c, i: i, started: started, left: i.Record.Events}
	if i.Life.IsZero() {
		if m.i.Life = i.Was; m.i.Life.IsZero() {
			m.i.Life = newLife()
		}
		m.left = m.left[1:]
		asked := RetryOptions{}
		_, err := c.planned(ctx, instance, asked, func(p *retryPlan) error { return p.imported(ctx, instance, m.i, started) })
		if err != nil {
			return i.Life, err
		}
	}
	return m.i.Life, m.add(ctx, instance)
}

// Unimport deletes an imported instance of a life, if it is there.
func (c *Client) Unimport(ctx context.Context, instance string, life history.Life) {
	info, err := c.Instance(ctx, instance)
	if err != nil || !info.Imported || life.IsZero() {
		return
	}
	d := provider.Deletion{Instances: []string{instance}, Root: life, Force: true}
	if _, err := c.e.store.Delete(ctx, d); err != nil { // It stays, and can be deleted by whoever sees it.
		c.e.log.storeFailed("delete_instances", err, 0)
	}
}

// check refuses what is no execution.
func (i *ImportedExecution) check(instance string) (*provider.Started, error) {
	if err := cmp.Or(checkRootID(instance), checkName("instanceId", instance)); err != nil {
		return nil, err
	}
	events := i.Record.Events
	last := uint64(0)
	for _, e := range events {
		if e.ID <= last || e.IsTerminal() && e.ID != events[len(events)-1].ID {
			return nil, inputErrorf("event %d of execution %d comes where it cannot", e.ID, i.Execution)
		}
		last = e.ID
	}
	started := (*provider.Started)(nil)
	if len(events) > 0 {
		started = startedIn(events)
	}
	if started == nil {
		return nil, inputErrorf("execution %d does not begin with its start", i.Execution)
	}
	for key := range i.Record.Values {
		if err := checkName("the key of a value", key); err != nil {
			return nil, err
		}
	}
	err := checkName("orchestrationName", started.Name)
	return started, cmp.Or(err, checkSize("orchestrationVersion", started.Version, history.MaxVersionBytes))
}

// imported plans to make the instance, with the first event of its first execution.
func (p *retryPlan) imported(ctx context.Context, instance string, i ImportedExecution, started *provider.Started) error {
	if err := p.unused(ctx, instance); err != nil {
		return err
	}
	p.repair.Rewrites = append(p.repair.Rewrites, provider.Rewrite{
		Place: provider.Place{Instance: instance, Life: i.Life}, Execution: i.Execution, Fresh: true,
		Started: started, Events: i.Record.Events[:1], Level: provider.Inert, Base: i.Record.Values, Live: i.Record.Values,
	})
	return nil
}

// importing commits what is left of an execution.
type importing struct {
	c       *Client
	i       ImportedExecution
	started *provider.Started
	left    []history.Event
	claim   *provider.InstanceClaim
	last    uint64
}

func (m *importing) add(ctx context.Context, instance string) error {
	if err := m.take(ctx, instance); err != nil {
		return err
	}
	ids, more := idsOf(m.claim.Messages), m.claim.More // what has waited for somebody else
	for {
		c := m.part()
		c.Messages, c.Release = ids, len(m.left) == 0 && !more
		if c.Release {
			m.finish(&c)
		}
		if err := m.commit(ctx, c); err != nil || c.Release {
			return err
		}
		ids = nil
		if more {
			page, err := m.c.e.store.Pending(ctx, m.claim.Token)
			if err != nil {
				return err
			}
			ids, more = idsOf(page.Messages), page.More
		}
	}
}

// take claims the instance, which only who has its life can.
func (m *importing) take(ctx context.Context, instance string) error {
	sent, err := m.c.e.store.Submit(ctx, provider.Submission{
		Messages: []provider.Message{provider.Resumption(instance, m.i.Life, m.i.Execution)},
		Claim:    &provider.Holder{Node: uuid.NewString(), TTL: importLease},
	})
	switch {
	case err != nil:
		return err
	case sent[0].Claim == nil:
		return notFound(instance)
	}
	m.claim = sent[0].Claim
	begun := m.claim.Execution == m.i.Execution
	if begun != (len(m.left) < len(m.i.Record.Events)) || !begun && m.claim.Execution+1 != m.i.Execution {
		return inputErrorf("execution %d cannot follow execution %d", m.i.Execution, m.claim.Execution)
	}
	if begun {
		m.started, m.last = nil, m.claim.LastEvent
	}
	return nil
}

func idsOf(messages []provider.Message) (ids []uint64) {
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

// part gives the commit of as many events as one takes.
func (m *importing) part() provider.Commit {
	c := provider.Commit{
		Token: m.claim.Token, Execution: m.i.Execution, LastEvent: m.last, Level: provider.Inert, Started: m.started,
	}
	n, bytes := 0, int64(0)
	for n < len(m.left) && n < turnEvents && bytes < turnBytes {
		bytes += eventBytes(m.left[n])
		n++
	}
	c.Events, m.left, m.started = m.left[:n], m.left[n:], nil
	if n > 0 {
		m.last = c.Events[n-1].ID
	}
	return c
}

// finish adds how the execution stands: its end, the values that it leaves, its custom status.
func (m *importing) finish(c *provider.Commit) {
	events, values := m.i.Record.Events, m.i.Next
	if values == nil {
		values = LiveValues(m.i.Record)
	}
	c.Values = append(c.Values, provider.ValueChange{All: true})
	for key, v := range values {
		c.Values = append(c.Values, provider.ValueChange{Key: key, Value: &v.Data, UpdatedAtMs: v.UpdatedAtMs})
	}
	if status := statusIn(events); status != nil {
		c.CustomStatus = &provider.CustomStatusChange{Status: status}
	}
	end := events[len(events)-1].Data
	if d, ok := end.(history.OrchestrationCompleted); ok {
		c.Outcome = &provider.Outcome{Status: provider.Completed, Output: d.Output}
	}
	if d, ok := end.(history.OrchestrationContinuedAsNew); ok {
		c.Outcome = &provider.Outcome{Status: provider.ContinuedAsNew, Output: d.Input}
	}
	if d, ok := end.(history.OrchestrationFailed); ok {
		c.Outcome = &provider.Outcome{Status: provider.Failed, Output: d.Failure.Display()}
	}
}

func (m *importing) commit(ctx context.Context, c provider.Commit) error {
	_, err := retry(ctx, m.c, func(ctx context.Context) (struct{}, error) {
		_, err := m.c.e.store.Commit(ctx, c)
		return struct{}{}, err
	})
	if errors.Is(err, provider.ErrAlreadyCommitted) {
		return nil
	}
	return err
}
