package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// asking makes code that asks about a patch at some place, and works.
func asking(c *context, name, applied string) {
	c.emit(replay.Action{Kind: replay.Patch, Name: name, Value: &applied})
}

func patched(before, after string) code {
	return func(c *context) (string, error) {
		if before != "" {
			asking(c, "p", before)
		}
		c.must(c.activity("a", "1"))
		if after != "" {
			asking(c, "p", after)
		}
		c.block()
		return "", nil
	}
}

func decisions(events []history.Event) []history.PatchDecided {
	var all []history.PatchDecided
	for _, e := range events {
		if d, ok := e.Data.(history.PatchDecided); ok {
			all = append(all, d)
		}
	}
	return all
}

func TestTheFirstAnswerAboutAPatchIsRecorded(t *testing.T) {
	t.Parallel()
	s := start(t, patched("true", "true"))
	s.take(done(3, "1"))
	require.Equal(t, []history.PatchDecided{{Name: "p", Applied: true}}, decisions(s.committed))
	require.Equal(t, map[string]bool{"p": true}, s.x.Patches())
}

// Code that ran without the patch goes on the old way, and that is recorded with its next work.
func TestARunningExecutionKeepsTheOldWay(t *testing.T) {
	t.Parallel()
	s := start(t, patched("", ""))
	s.take(done(2, "1"))
	require.NoError(t, s.upgrade(patched("false", "")))
	require.Equal(t, []history.PatchDecided{{Name: "p", Applied: false}}, decisions(s.committed))
	require.NoError(t, s.upgrade(patched("false", "false")))
	require.Len(t, decisions(s.committed), 1)
}

// A patch is removed by deleting its question, and it may move.
func TestARecordedPatchHasNoPlace(t *testing.T) {
	t.Parallel()
	s := start(t, patched("true", ""))
	s.take(done(3, "1"))
	for _, run := range []code{patched("", ""), patched("", "true"), patched("true", "")} {
		require.NoError(t, s.upgrade(run))
		require.Empty(t, s.last.Events)
		require.Equal(t, map[string]bool{"p": true}, s.x.Patches())
	}
}

func TestAPatchHidesNoDivergence(t *testing.T) {
	t.Parallel()
	s := start(t, patched("true", ""))
	_ = divergence(t, s.upgrade(func(c *context) (string, error) {
		asking(c, "p", "true")
		c.must(c.activity("b", "1"))
		return "", nil
	}))
}
