package engine_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/provider"
)

func TestOptionsHaveTheDocumentedDefaults(t *testing.T) {
	t.Parallel()
	got, err := engine.Resolve(engine.RuntimeOptions{})
	require.NoError(t, err)
	require.Equal(t, max(runtime.GOMAXPROCS(0), 2), got.Orchestrations)
	require.Equal(t, 64, got.Workers)
	require.Equal(t, 10, got.MaxSessions)
	require.Equal(t, 10, got.MaxAttempts)
	require.Equal(t, 5*time.Second, got.Poll)
	require.Equal(t, 5*time.Second, got.TurnLease)
	require.Equal(t, 30*time.Second, got.TaskLease)
	require.Equal(t, 10*time.Second, got.Grace)
	require.Equal(t, 30*time.Second, got.SessionLease)
	require.Equal(t, 5*time.Minute, got.SessionIdle)
	require.Equal(t, 5*time.Minute, got.SessionCleanup)
	require.Equal(t, provider.TagsDefaultOnly, got.Tags.Mode)
	require.Equal(t, "duroxide", got.ServiceName)
}

func TestOptionsThatAreSetAreKept(t *testing.T) {
	t.Parallel()
	none, three := 0, 3
	got, err := engine.Resolve(engine.RuntimeOptions{
		OrchestrationConcurrency: &none,
		WorkerConcurrency:        &three,
		PollInterval:             7 * time.Second,
		WorkerLockTimeout:        2 * time.Second,
		OrchestratorLockTimeout:  time.Second,
		MaxSessions:              1,
		SessionIdleTimeout:       1500 * time.Millisecond,
		MaxAttempts:              4,
		Tags:                     provider.TagFilter{Mode: provider.TagsOnly, Tags: []string{"gpu"}},
	})
	require.NoError(t, err)
	require.Equal(t, 0, got.Orchestrations)
	require.Equal(t, 3, got.Workers)
	require.Equal(t, 7*time.Second, got.Poll)
	require.Equal(t, 2*time.Second, got.TaskLease)
	require.Equal(t, time.Second, got.TurnLease)
	require.Equal(t, 1, got.MaxSessions)
	require.Equal(t, 1500*time.Millisecond, got.SessionIdle)
	require.Equal(t, 4, got.MaxAttempts)
	require.True(t, got.Tags.Matches(new("gpu")))
}

func TestAShortPollIntervalDoesNotBringPollsCloserThanTheSafetyNet(t *testing.T) {
	t.Parallel()
	got, err := engine.Resolve(engine.RuntimeOptions{PollInterval: 50 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, got.Poll)
}

func TestBackoffGrowsFourfoldUpToItsMaximum(t *testing.T) {
	t.Parallel()
	got, err := engine.Resolve(engine.RuntimeOptions{})
	require.NoError(t, err)
	want := []time.Duration{125, 500, 2_000, 8_000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000}
	for i, milliseconds := range want {
		require.Equal(t, milliseconds*time.Millisecond, got.Backoff(i+1), "attempt %d", i+1)
	}
	require.Equal(t, 125*time.Millisecond, got.Backoff(0))

	uncapped, err := engine.Resolve(engine.RuntimeOptions{UnregisteredBackoffMax: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 512*time.Second, uncapped.Backoff(7))
	require.Equal(t, 512*time.Second, uncapped.Backoff(1_000_000))
}

func TestWrongOptionsAreRefusedByName(t *testing.T) {
	t.Parallel()
	minusOne := -1
	tags := func(mode provider.TagMode, tags ...string) engine.RuntimeOptions {
		return engine.RuntimeOptions{Tags: provider.TagFilter{Mode: mode, Tags: tags}}
	}
	for name, c := range map[string]struct {
		options engine.RuntimeOptions
		want    string
	}{
		"idle sessions shorter than the default renewal": {
			engine.RuntimeOptions{SessionIdleTimeout: 25 * time.Second},
			"session_idle_timeout (25s) must be greater than worker lock renewal interval (25s)",
		},
		"idle sessions shorter than a short renewal": {
			engine.RuntimeOptions{WorkerLockTimeout: 2 * time.Second, SessionIdleTimeout: 500 * time.Millisecond},
			"session_idle_timeout (0.5s) must be greater than worker lock renewal interval (1s)",
		},
		"a lease that cannot be renewed in time": {
			engine.RuntimeOptions{WorkerLockTimeout: 99 * time.Millisecond},
			"worker_lock_timeout (99ms) must be at least 100ms",
		},
		"a negative lease": {
			engine.RuntimeOptions{OrchestratorLockTimeout: -time.Second},
			"orchestrator_lock_timeout (-1s) must be at least 100ms",
		},
		"negative slots": {
			engine.RuntimeOptions{WorkerConcurrency: &minusOne},
			"worker_concurrency must not be negative",
		},
		"negative attempts": {
			engine.RuntimeOptions{MaxAttempts: -1},
			"max_attempts must not be negative",
		},
		"an empty list of tags": {
			tags(provider.TagsOnly), "worker_tag_filter needs at least one tag",
		},
		"an empty list beside untagged ones": {
			tags(provider.TagsDefaultAnd), "worker_tag_filter needs at least one tag",
		},
		"six tags": {
			tags(provider.TagsOnly, "1", "2", "3", "4", "5", "6"),
			"worker_tag_filter has 6 tags, at most 5 are allowed",
		},
		"a long tag": {
			tags(provider.TagsDefaultAnd, strings.Repeat("x", 257)),
			"worker_tag_filter tag size (257 bytes) exceeds limit (256 bytes)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := engine.Resolve(c.options)
			var input *engine.InputError
			require.ErrorAs(t, err, &input)
			require.Equal(t, c.want, input.Message)
			require.EqualError(t, err, "Invalid input: "+c.want)
		})
	}
}

func TestFiveTagsOfFullLengthAreAccepted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	_, err := engine.Resolve(engine.RuntimeOptions{Tags: provider.TagFilter{
		Mode: provider.TagsDefaultAnd, Tags: []string{"1", "2", "3", "4", long},
	}})
	require.NoError(t, err)
}
