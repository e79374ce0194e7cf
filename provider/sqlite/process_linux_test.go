package sqlite_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
)

// victim is the variable that makes the test binary a process that claims and waits to be killed.
const victim = "DUROXIDE_TEST_VICTIM"

func init() {
	path := os.Getenv(victim)
	if path == "" {
		return
	}
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		panic(err)
	}
	_, err = s.Submit(context.Background(), provider.Submission{
		Messages: []provider.Message{start("a")},
		Claim:    &provider.Holder{Node: "victim", TTL: time.Hour},
	})
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("claimed\n")
	select {}
}

// runVictim starts a process that holds instance "a" for an hour.
func runVictim(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), victim+"="+path)
	output, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "claimed\n", line)
	return child
}

func TestWhatAKilledProcessHeldIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path)
	child := runVictim(t, path)
	require.Empty(t, claimTurns(t, s, "n"), "a living process keeps what it holds")
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	var claims []provider.InstanceClaim
	require.Eventually(t, func() bool {
		claims = claimTurns(t, s, "n")
		return len(claims) > 0
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "a", claims[0].Instance)
	require.Equal(t, 1, claims[0].Marks, "the dead process leaves a mark")
}

func TestOpeningFreesWhatAKilledProcessHeld(t *testing.T) {
	t.Parallel()
	path := file(t)
	child := runVictim(t, path)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	s := open(t, path)
	depths, err := s.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, depths.Messages)
	require.NotNil(t, submit(t, s, raise("a", "1"), holder("n")).Claim)
}
