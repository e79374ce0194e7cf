package engine

import (
	"context"
	"fmt"
)

// Repaired says what a repair has done.
type Repaired struct {
	// Instances are those that go on again, the one that was asked for first.
	Instances []string
}

// Retry lets a held instance go on with whatever code there is. Errors, by errors.Is:
// provider.ErrInstanceNotFound; ErrCannotRepair where it is not held.
func (c *Client) Retry(ctx context.Context, instance string) (Repaired, error) {
	held, err := retry(ctx, c, func(ctx context.Context) (bool, error) {
		return c.e.store.Resume(ctx, instance)
	})
	if err == nil && !held {
		err = &RefusedError{
			Message: fmt.Sprintf("Instance %s is not held: there is nothing to retry", instance),
			Err:     ErrCannotRepair,
		}
	}
	if err != nil {
		return Repaired{}, refusal(instance, err)
	}
	return Repaired{Instances: []string{instance}}, nil
}
