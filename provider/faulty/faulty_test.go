package faulty_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/provider"
	"duroxide/provider/faulty"
	"duroxide/provider/memory"
	"duroxide/provider/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errFault = errors.New("planned")

func open() *faulty.Provider { return faulty.Wrap(memory.New(memory.Options{})) }

func submit(ctx context.Context, p provider.Provider) error {
	_, err := p.Submit(ctx, provider.Submission{
		Messages: []provider.Message{{Kind: provider.StartInstance, Instance: "X"}},
	})
	return err
}

func waiting(t *testing.T, p provider.Provider) int {
	t.Helper()
	depths, err := p.Depths(t.Context())
	require.NoError(t, err)
	return depths.Messages
}

func TestAFailedCallHasNoEffect(t *testing.T) {
	t.Parallel()
	p := open()
	p.Fail(faulty.Submit, 2, errFault)
	require.ErrorIs(t, submit(t.Context(), p), errFault)
	require.ErrorIs(t, submit(t.Context(), p), errFault)
	require.Zero(t, waiting(t, p))
	require.NoError(t, submit(t.Context(), p))
	require.Equal(t, 1, waiting(t, p))
	require.Equal(t, 3, p.Calls(faulty.Submit))
}

func TestACallWithALostReplyHasItsEffect(t *testing.T) {
	t.Parallel()
	p := open()
	p.FailAfter(faulty.Submit, 1, faulty.Retryable(faulty.Submit))
	require.True(t, provider.IsRetryable(submit(t.Context(), p)))
	require.Equal(t, 1, waiting(t, p))
}

func TestFaultsLastUntilTheyAreHealed(t *testing.T) {
	t.Parallel()
	p := open()
	p.Fail(faulty.Submit, faulty.Always, errFault)
	for range 5 {
		require.ErrorIs(t, submit(t.Context(), p), errFault)
	}
	p.Heal(faulty.Submit)
	require.NoError(t, submit(t.Context(), p))
}

func TestABlockedCallWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	p := open()
	arrived := p.Block(faulty.Submit)
	result := make(chan error)
	go func() { result <- submit(context.WithoutCancel(t.Context()), p) }()
	<-arrived
	require.Zero(t, waiting(t, p))
	p.Release(faulty.Submit)
	require.NoError(t, <-result)
	require.Equal(t, 1, waiting(t, p))
	require.NoError(t, submit(t.Context(), p))
}

func TestABlockedCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := open()
	arrived := p.Block(faulty.Submit)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- submit(ctx, p) }()
	<-arrived
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	p.Release(faulty.Submit)
	require.Zero(t, waiting(t, p))
}

func TestAHeldCallHasItsEffectBeforeItReturns(t *testing.T) {
	t.Parallel()
	p := open()
	held, release := p.Hold(faulty.Submit)
	result := make(chan error, 1)
	go func() { result <- submit(context.WithoutCancel(t.Context()), p) }()
	<-held
	require.Equal(t, 1, waiting(t, p))
	require.NoError(t, submit(t.Context(), p), "only one call is held")
	require.Empty(t, result)
	release()
	require.NoError(t, <-result)
	require.Equal(t, 2, p.Calls(faulty.Submit))
}

func TestAHeldCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := open()
	held, release := p.Hold(faulty.Submit)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- submit(ctx, p) }()
	<-held
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	release()
}

func TestAWrapWithoutFaultsKeepsTheContract(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(*testing.T) providertest.Harness {
		clock := providertest.NewClock()
		p := memory.New(memory.Options{Clock: clock.Now, Passed: clock.Passed})
		return providertest.Harness{
			Provider: faulty.Wrap(p), Clock: clock,
			CorruptHistory: func(id string) error { p.CorruptHistory(id); return nil },
			MaxAttempts:    func(id string) (int, error) { return p.MaxAttempts(id), nil },
		}
	})
}
