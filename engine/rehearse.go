package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Rehearsal is a recorded execution that code is to be tried on.
type Rehearsal struct {
	Instance  string
	Execution uint64
	// Life is who lives there; zero: that is not known, and tokens that code makes differ from recorded ones.
	Life   history.Life
	Record provider.Record
	// Strict refuses what only differs in inputs, values, statuses, tags and sessions.
	Strict bool
}

// Rehearse leads code through a recorded execution, without a store and without any effect. The error
// is a *replay.Divergence where code and history do not fit together; without it, differences is what
// only a strict replay refuses.
func Rehearse(ctx context.Context, host Host, r Rehearsal) (differences []*replay.Divergence, err error) {
	events := r.Record.Events
	x, deliveries, err := replay.Load(events, replay.Params{
		Instance: r.Instance, Life: r.Life, Execution: r.Execution, Keys: slices.Sorted(maps.Keys(r.Record.Values)),
		StrictReplay: r.Strict,
	})
	if err != nil {
		return nil, err
	}
	opening := openingOf(x, r.Record.Values)
	answer, err := r.lead(ctx, host, x, opening, deliveries, false)
	if err != nil {
		return nil, err
	}
	err = x.Rehearse(answer.Steps, answer, events[len(events)-1])
	places := x.Differences()
	if d, ok := errors.AsType[*replay.Divergence](err); ok {
		places = append(places, d)
	}
	if slices.ContainsFunc(places, func(d *replay.Divergence) bool { return d.Step >= 0 }) {
		if answer, again := r.lead(ctx, host, x, opening, deliveries, true); again == nil {
			for _, d := range places {
				locate(d, answer)
			}
		}
	}
	return x.Differences(), err
}

// lead makes a generator, leads it through the deliveries and drops it.
func (r Rehearsal) lead(
	ctx context.Context, host Host, x *replay.Execution, opening *Opening,
	deliveries []replay.Delivery, locate bool,
) (replay.Answer, error) {
	resident := newToken()
	defer host.Drop(resident)
	p := x.Params()
	call := func(request RunRequest) (replay.Answer, error) {
		request.Resident = resident
		request.Invocation = Invocation{
			Token: newToken(), Instance: p.Instance, Execution: p.Execution, Name: p.Name, Version: p.Version,
		}
		answer, err := host.Run(ctx, request)
		if err == nil && len(answer.Steps) == 0 {
			err = fmt.Errorf("the host took no step: %s", answer.Message)
		}
		return answer, err
	}
	return lead(call, opening, deliveries, locate)
}

// Rehearsed is what became of the current execution of an instance.
type Rehearsed struct {
	Info        provider.InstanceInfo
	Differences []*replay.Divergence
	// Divergence is nil where code and history fit together.
	Divergence *replay.Divergence
}

// Rehearse leads the code of a host through the stored history of an instance's current execution. One
// that has not begun fits any code. It changes nothing. provider.ErrInstanceNotFound: it is unknown.
func (c *Client) Rehearse(ctx context.Context, host Host, instance string) (Rehearsed, error) {
	info, err := c.Instance(ctx, instance)
	if err != nil {
		return Rehearsed{}, err
	}
	found := Rehearsed{Info: info}
	record, err := c.Record(ctx, instance, info.Execution)
	if err != nil || len(record.Events) == 0 {
		return found, err
	}
	found.Differences, err = Rehearse(ctx, host, Rehearsal{
		Instance: instance, Life: info.Life, Execution: info.Execution, Record: record,
	})
	if d, ok := errors.AsType[*replay.Divergence](err); ok {
		found.Divergence, err = d, nil
	}
	return found, err
}

// Record gives what is stored of one execution: its events, and the values that it began with.
func (c *Client) Record(
	ctx context.Context, instance string, execution uint64,
) (provider.Record, error) {
	return retry(ctx, c, func(ctx context.Context) (provider.Record, error) {
		return c.e.store.Load(ctx, instance, execution)
	})
}
