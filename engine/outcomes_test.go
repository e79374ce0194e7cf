package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/enginetest"
	"duroxide/engine/replay"
	"duroxide/provider"
	"duroxide/provider/faulty"
)

// errForGood is what a store says that will never do what it was asked for.
var errForGood = &provider.Error{Op: "complete", Message: "refused for good", Err: errors.New("54000")}

// counting is an activity that counts its runs and gives its input.
func counting(runs *int) func(context.Context, engine.ActivityCall) (any, error) {
	return func(_ context.Context, c engine.ActivityCall) (any, error) {
		*runs++
		return c.Attempt, nil
	}
}

// stored is counting with an outcome that is stored, not handed over in memory.
func stored(runs *int) func(context.Context, engine.ActivityCall) (any, error) {
	return func(context.Context, engine.ActivityCall) (any, error) {
		*runs++
		return strings.Repeat("x", 3<<20), nil
	}
}

func TestAnOutcomeThatIsRefusedForGoodIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, refusals := range map[string]int{"once": 1, "twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			inBubble(t, setup{act: stored(&runs)}, func(t *testing.T, b *bubble) {
				t.Helper()
				b.store.Fail(faulty.Complete, refusals, errForGood)
				b.start("a", "one", "null")
				status := b.outcome(time.Hour)
				require.Equal(t, "Completed", status.State, status.Error)
				require.Equal(t, 1, runs, "the result was kept")
				require.EqualValues(t, 1, b.rt.Metrics().ActivityInfraErrors)
				b.stop()
			})
		})
	}
}

func TestLargeOutcomesThatWaitForATurnAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	const outcomes, bytes = 40, 1 << 20
	var goes chan struct{}
	var runs atomic.Int64
	act := func(context.Context, engine.ActivityCall) (any, error) {
		runs.Add(1)
		<-goes
		return strings.Repeat("x", bytes), nil
	}
	fan := func(h *enginetest.Host) engine.Host {
		goes = make(chan struct{}) // in the bubble
		h.Orchestration("fan", func(c *enginetest.Code, _ string) (any, error) {
			var tokens []uint64
			for range outcomes {
				tokens = append(tokens, c.Schedule(replay.Action{Kind: replay.Activity, Name: "act", Input: "null"}))
			}
			for _, token := range tokens {
				c.Await(token)
			}
			return len(tokens), nil
		})
		return h
	}
	s := setup{act: act, host: fan, options: engine.RuntimeOptions{WorkerConcurrency: new(outcomes)}}
	inBubble(t, s, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "fan", "null")
		synctest.Wait()
		require.EqualValues(t, outcomes, runs.Load())
		// While the turn of the first outcomes is written, the others arrive.
		_, release := b.store.Hold(faulty.Commit)
		close(goes)
		synctest.Wait()
		require.Greater(t, b.store.Calls(faulty.Complete), outcomes-1-2*16, "all of them are in memory")
		release()
		require.Equal(t, "40", b.outcome(time.Hour).Output)
		require.EqualValues(t, outcomes, runs.Load())
		b.stop()
	})
}

// picky is a store that takes some outcomes only.
type picky struct {
	provider.Provider
	takes func(m provider.Message) error
}

func (p *picky) Complete(ctx context.Context, c provider.Completions) ([]provider.Submitted, error) {
	for _, item := range c.Items {
		if err := p.takes(*item.Message); err != nil {
			return nil, err
		}
	}
	return p.Provider.Complete(ctx, c)
}

func TestAnOutcomeThatTheStoreNeverTakesIsTheFailureOfItsActivity(t *testing.T) {
	t.Parallel()
	runs := 0
	pick := func(p provider.Provider) provider.Provider {
		return &picky{Provider: p, takes: func(m provider.Message) error {
			if m.Failure == nil {
				return &provider.Error{Op: "complete", Message: "too wide\x00" + strings.Repeat("é", 5000)}
			}
			return nil
		}}
	}
	inBubble(t, setup{act: stored(&runs), store: pick}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.start("a", "one", "null")
		status := b.outcome(time.Hour)
		require.Equal(t, "Failed", status.State)
		require.Contains(t, status.Error,
			"infrastructure:complete: the store does not take the outcome of the activity: complete: too wideé")
		require.Less(t, len(status.Error), 3000)
		require.Equal(t, 1, runs)
		b.stop()
	})
}

func TestARefusalOfTheStoreAsAWholeIsNoOutcome(t *testing.T) {
	t.Parallel()
	runs := 0
	inBubble(t, setup{act: stored(&runs)}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Complete, faulty.Always, provider.ErrReadOnly)
		b.start("a", "one", "null")
		_, err := b.client.Wait(t.Context(), "a", time.Hour)
		require.ErrorIs(t, err, engine.ErrTimeout)
		require.Less(t, b.store.Calls(faulty.Complete), 600, "the pauses grow")
		b.store.Heal(faulty.Complete)
		require.Equal(t, "Completed", b.outcome(time.Minute).State)
		require.Equal(t, 1, runs, "the task was kept")
		b.stop()
	})
}

func TestAnOutcomeIsKeptWhoseTurnIsRefusedForGood(t *testing.T) {
	t.Parallel()
	runs := 0
	refuse := make(chan func(), 1)
	act := func(context.Context, engine.ActivityCall) (any, error) {
		runs++
		(<-refuse)()
		return runs, nil
	}
	inBubble(t, setup{act: act}, func(t *testing.T, b *bubble) {
		t.Helper()
		refuse <- func() { // The next commit is that of the turn that takes the outcome.
			b.store.Fail(faulty.Commit, 1, errForGood)
			b.store.Fail(faulty.Complete, 2, errForGood)
		}
		b.start("a", "one", "null")
		status := b.outcome(time.Hour)
		require.Equal(t, "Completed", status.State, status.Error)
		require.Equal(t, 1, runs)
		b.stop()
	})
}

func TestAnOutcomeIsNotTriedAgainWhenNobodyWantsIt(t *testing.T) {
	t.Parallel()
	runs := 0
	inBubble(t, setup{act: stored(&runs)}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Complete, faulty.Always, errForGood)
		b.start("a", "one", "null")
		<-time.After(time.Minute)
		_, err := b.client.Cancel(t.Context(), "a", "enough")
		require.NoError(t, err)
		require.Equal(t, "canceled: enough", b.outcome(time.Minute).Error)
		<-time.After(time.Minute)
		calls := b.store.Calls(faulty.Complete)
		<-time.After(time.Hour)
		require.Equal(t, calls, b.store.Calls(faulty.Complete))
		b.stop()
	})
}

func TestWhatIsGivenBackInVainIsGivenBackAgain(t *testing.T) {
	t.Parallel()
	runs := 0
	inBubble(t, setup{act: counting(&runs)}, func(t *testing.T, b *bubble) {
		t.Helper()
		b.store.Fail(faulty.Commit, 1, errForGood)  // the instance is put back
		b.store.Fail(faulty.Abandon, 3, errForGood) // in vain
		b.start("a", "one", "null")
		require.Equal(t, "1", b.outcome(time.Hour).Output)
		b.stop()
	})
}
