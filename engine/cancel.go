package engine

import (
	"context"
	"time"

	"duroxide/provider"
)

// Cancel asks the instance to stop, and returns the state that it was in. What its code was registered with
// says how long it may clean up. Unknown and finished instances are no error. A start that is stored
// within provider.CancelPatience is cancelled too.
func (c *Client) Cancel(ctx context.Context, instance, reason string) (string, error) {
	return c.send(ctx, provider.Message{Instance: instance, Kind: provider.CancelInstance, Data: reason})
}

// CancelWithin is Cancel with a time to clean up, whatever the code was registered with; zero is none.
func (c *Client) CancelWithin(
	ctx context.Context, instance, reason string, grace time.Duration,
) (string, error) {
	return c.send(ctx, provider.Message{
		Instance: instance, Kind: provider.CancelInstance, Data: reason,
		Stop: provider.InTime, GraceMs: graceMs(grace),
	})
}

// Terminate is Cancel for an instance that is to end whatever its code says.
func (c *Client) Terminate(ctx context.Context, instance, reason string) (string, error) {
	return c.send(ctx, provider.Message{
		Instance: instance,
		Kind:     provider.CancelInstance,
		Data:     reason,
		Stop:     provider.AtOnce,
	})
}
