package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/process"
	"duroxide/provider/providertest"
)

// A runtime of a machine that cannot be seen lives as long as the session of its process, however quiet it
// is; one that has no session, behind a pooler, as long as it gives signs of life.
func TestARuntimeLivesAsLongAsItsSession(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		options func(*postgres.Options)
		quiet   bool // may be silent for a day
	}{
		"with a session":   {func(*postgres.Options) {}, true},
		"behind a pooler":  {func(o *postgres.Options) { o.Pooler = true }, false},
		"without listener": {func(o *postgres.Options) { o.NoListen = true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := fresh(t)
			clock := providertest.NewClock()
			o.Clock, o.Passed = clock.Now, clock.Passed
			watcher := open(t, o)
			change.options(&o)
			s, err := postgres.OpenAs(t.Context(), o, process.ID{Host: "far", PID: 1, Start: 1})
			require.NoError(t, err)
			closed := false
			t.Cleanup(func() {
				if !closed {
					_ = s.Close(context.Background())
				}
			})
			require.NoError(t, s.Join(t.Context(), "far", []byte("1")))
			lives := func() bool {
				all, err := watcher.Runtimes(t.Context())
				require.NoError(t, err)
				return len(all) == 1
			}
			require.True(t, lives())
			if change.quiet {
				require.Eventually(t, func() bool {
					// Where the session could not write it in time, the next sweep does.
					require.NoError(t, s.SweepRuntimes(t.Context()))
					held, err := watcher.Number(t.Context(), `SELECT count(*) FROM S.duroxide_runtimes WHERE session <> 0`)
					return err == nil && held == 1
				}, hangs, time.Millisecond, "no session tells of it")
			}
			clock.Advance(24 * time.Hour)
			require.Equal(t, change.quiet, lives())
			require.NoError(t, s.SweepRuntimes(t.Context()))
			require.True(t, lives(), "a sign of life")
			clock.Advance(provider.SignOfLife)
			require.True(t, lives())
			closed = true
			require.NoError(t, s.Close(context.Background()))
			clock.Advance(provider.Silence)
			require.Eventually(t, func() bool { return !lives() }, hangs, time.Millisecond, "its process is gone")
			require.NoError(t, watcher.SweepRuntimes(t.Context()))
			left, err := watcher.Number(t.Context(), `SELECT count(*) FROM S.duroxide_runtimes`)
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}
