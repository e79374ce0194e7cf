package process_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"duroxide/provider/process"
)

// A process that was killed has ended before its parent asks for its result.
func TestHasEndedBeforeItsParentAsks(t *testing.T) {
	t.Parallel()
	c := startChild(t)
	pid := c.command.Process.Pid
	other := process.Of(int64(pid))
	require.NoError(t, c.command.Process.Kill())
	require.NoError(t, unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	require.True(t, other.HasEnded(process.This()))
	require.Error(t, c.command.Wait())
}
