package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
)

const pageSize = 4096

// left gives the files that a killed process would leave, with a damaged page where that is asked for.
func left(t *testing.T, damaged bool) string {
	t.Helper()
	path := file(t)
	s := open(t, path)
	for n := range 40 {
		m := start(fmt.Sprint("a", n))
		m.Input = strings.Repeat("x", 1500)
		submit(t, s, m, nil)
	}
	// The database is what a damaged disk could hold, the log is whole.
	require.NoError(t, s.Script(t.Context(), "COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN IMMEDIATE"))
	page, err := s.Number(t.Context(),
		"SELECT min(pageno) FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf'")
	require.NoError(t, err)
	submit(t, s, start("b"), nil)
	copied := filepath.Join(t.TempDir(), "test.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		if damaged && suffix == "" {
			copy(content[(page-1)*pageSize:], strings.Repeat("\xff", pageSize))
		}
		require.NoError(t, os.WriteFile(copied+suffix, content, 0o600))
	}
	return copied
}

func claim(s *sqlite.Store) error {
	_, err := s.Claim(context.Background(), provider.ClaimRequest{
		Tasks: holder("n"), MaxTasks: 1,
	})
	return err
}

func TestDamageAfterAnUncleanEndStopsTheStore(t *testing.T) {
	t.Parallel()
	s := open(t, left(t, true))
	require.True(t, s.ToBeExamined())
	status, err := s.Status(t.Context(), "a0")
	require.NoError(t, err, "nothing is looked at before the first claim")
	require.NotNil(t, status)
	_ = claim(s) // it may meet the damage by itself
	require.Eventually(t, func() bool {
		_, err := s.Status(t.Context(), "a0")
		return err != nil
	}, time.Minute, time.Millisecond)
	for range 2 {
		_, err = s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("c")}})
		require.ErrorIs(t, err, provider.ErrCorrupt)
		require.ErrorContains(t, err, "is damaged")
		require.False(t, provider.IsRetryable(err))
		require.ErrorIs(t, claim(s), provider.ErrCorrupt)
	}
	require.NoError(t, s.Close(t.Context()))
}

func TestASoundFileGoesOnAfterAnUncleanEnd(t *testing.T) {
	t.Parallel()
	path := left(t, false)
	s := open(t, path)
	require.True(t, s.ToBeExamined())
	require.NoError(t, claim(s))
	require.False(t, s.ToBeExamined(), "once is enough")
	s.Examined()
	require.NoError(t, claim(s))
	// Another one beside it is no unclean end, and neither is a clean one.
	other := open(t, path)
	require.NoError(t, other.Close(t.Context()))
	require.NoError(t, s.Close(t.Context()))
	require.False(t, open(t, path).ToBeExamined())
}

func TestClosingDoesNotWaitForTheLookForDamage(t *testing.T) {
	t.Parallel()
	s := open(t, left(t, false))
	require.NoError(t, claim(s))
	require.NoError(t, s.Close(t.Context()))
}
