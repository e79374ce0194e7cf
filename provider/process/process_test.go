package process_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/process"
)

// asChild is the variable that makes the test's program the other process: it tells its own identity
// and lives until its input ends.
const asChild = "DUROXIDE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	id := process.This()
	if _, err := os.Stdout.WriteString(id.Host + "\n"); err != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

type child struct {
	command *exec.Cmd
	output  *bufio.Reader
	host    string
}

func startChild(t *testing.T) *child {
	t.Helper()
	c := &child{command: exec.CommandContext(t.Context(), os.Args[0])}
	c.command.Env = append(os.Environ(), asChild+"=1")
	_, err := c.command.StdinPipe()
	require.NoError(t, err)
	output, err := c.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.command.Start())
	c.output = bufio.NewReader(output)
	line, err := c.output.ReadString('\n')
	require.NoError(t, err)
	c.host = line[:len(line)-1]
	return c
}

// A process is told to have ended as soon as it has, and its number counts for nothing once another
// process has it.
func TestHasEnded(t *testing.T) {
	t.Parallel()
	here := process.This()
	if here.Host == "" {
		t.Skipf("on %s nothing is known of other processes: leases of dead ones end by time", runtime.GOOS)
	}
	c := startChild(t)
	require.Equal(t, here.Host, c.host, "two processes of one machine name it differently")
	other := process.Of(int64(c.command.Process.Pid))
	require.NotZero(t, other.Start)
	require.False(t, other.HasEnded(here), "a process that runs")

	again := other
	again.Start--
	require.True(t, again.HasEnded(here), "a process whose number another one has")

	require.NoError(t, c.command.Process.Kill())
	require.Error(t, c.command.Wait())
	require.True(t, other.HasEnded(here), "a process that was killed")
}

func TestHasEndedKnowsNothingOfOtherMachines(t *testing.T) {
	t.Parallel()
	here := process.This()
	require.False(t, here.HasEnded(here))
	require.False(t, process.ID{Host: "elsewhere", PID: 1 << 30, Start: 1}.HasEnded(here))
	require.False(t, process.ID{}.HasEnded(process.ID{}))
}
