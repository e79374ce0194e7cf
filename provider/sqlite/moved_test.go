package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
)

func skipWhereFilesStay(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("here, nobody can move a file that is open")
	}
}

// place is a file in a folder of its own, beside another folder.
func place(t *testing.T) (path, elsewhere string) {
	t.Helper()
	skipWhereFilesStay(t)
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(top, "folder"), 0o700))
	return filepath.Join(top, "folder", "test.db"), filepath.Join(top, "elsewhere")
}

// moves are what can happen to the files of a database.
var moves = map[string]func(path, elsewhere string) error{
	"the database is deleted": func(path, _ string) error { return os.Remove(path) },
	"all files are deleted": func(path, _ string) error {
		return errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
	},
	"the database is replaced": func(path, elsewhere string) error {
		return errors.Join(os.Rename(path, elsewhere), os.WriteFile(path, nil, 0o600))
	},
	"the folder is moved": func(path, elsewhere string) error {
		return os.Rename(filepath.Dir(path), elsewhere)
	},
	"the log is deleted": func(path, _ string) error { return os.Remove(path + "-wal") },
	"the log is replaced": func(path, elsewhere string) error {
		return errors.Join(os.Rename(path+"-wal", elsewhere), os.WriteFile(path+"-wal", nil, 0o600))
	},
	"the index is deleted": func(path, _ string) error { return os.Remove(path + "-shm") },
}

// requireReplaced lets every kind of call fail.
func requireReplaced(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"submit": func() error {
			_, err := s.Submit(ctx, provider.Submission{Messages: []provider.Message{start("late")}})
			return err
		},
		"claim": func() error {
			_, err := s.Claim(ctx, provider.ClaimRequest{Turns: holder("n"), MaxTurns: 1})
			return err
		},
		"status": func() error {
			_, err := s.Status(ctx, "a")
			return err
		},
		"history": func() error {
			_, err := s.History(ctx, "a", 1)
			return err
		},
		"list": func() error {
			_, err := s.List(ctx, provider.ListQuery{})
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, provider.ErrReplaced, name)
		require.False(t, provider.IsRetryable(err), name)
	}
}

func TestNothingIsAcknowledgedOnceTheFilesAreNotTheirs(t *testing.T) {
	t.Parallel()
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, elsewhere := place(t)
			s := open(t, path)
			started(t, s, "a", "n")
			require.NoError(t, move(path, elsewhere))
			_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("b")}})
			require.ErrorIs(t, err, provider.ErrReplaced)
			require.ErrorContains(t, err, "deleted, moved or replaced")
			requireReplaced(t, s)
			require.NoError(t, s.Close(t.Context()))
			require.ErrorIs(t, s.Close(t.Context()), provider.ErrClosed)
		})
	}
}

func TestReadersNoticeWithinASecond(t *testing.T) {
	t.Parallel()
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, elsewhere := place(t)
			s := open(t, path)
			started(t, s, "a", "n")
			require.NoError(t, move(path, elsewhere))
			require.Eventually(t, func() bool {
				_, err := s.Status(t.Context(), "a")
				return err != nil
			}, time.Minute, time.Millisecond)
			requireReplaced(t, s)
		})
	}
}

func TestAnIdleStoreTellsItsWatchers(t *testing.T) {
	t.Parallel()
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, elsewhere := place(t)
			s := open(t, path)
			told := make(chan provider.Change, 100)
			stop := s.Watch(func(c provider.Change) { told <- c })
			t.Cleanup(stop)
			require.NoError(t, move(path, elsewhere))
			select {
			case c := <-told:
				require.True(t, c.All, "all who wait look again")
			case <-time.After(time.Minute):
				require.Fail(t, "nobody was told")
			}
			requireReplaced(t, s)
		})
	}
}

func TestClosingTouchesNothingThatBelongsToOthersByNow(t *testing.T) {
	t.Parallel()
	path, elsewhere := place(t)
	s := open(t, path)
	started(t, s, "old", "n")
	_, err := s.Status(t.Context(), "old")
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Dir(path), elsewhere))
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	fresh := open(t, path)
	started(t, fresh, "new", "n")
	_, err = s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("late")}})
	require.ErrorIs(t, err, provider.ErrReplaced)
	require.NoError(t, s.Close(t.Context()))
	require.FileExists(t, path+"-wal", "the log of the new database")
	started(t, fresh, "newer", "n")
	require.NoError(t, fresh.Close(t.Context()))
	require.Equal(t, "new,newer", asked(t, path, "SELECT group_concat(id) FROM (SELECT id FROM instances ORDER BY id)"))
	moved := filepath.Join(elsewhere, "test.db")
	require.Equal(t, "1", asked(t, moved, "SELECT count(*) FROM instances WHERE id = 'old'"),
		"what was acknowledged is there")
	require.Equal(t, "ok", asked(t, moved, "PRAGMA integrity_check"))
}

func TestWhatADeletedLogHeldIsKept(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere, nobody can be sure to be alone with the database")
	}
	for name, use := range map[string]func(t *testing.T, s *sqlite.Store){
		"seen by a commit": requireEventuallyReplaced,
		"seen by nobody":   func(*testing.T, *sqlite.Store) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := place(t)
			s := open(t, path)
			started(t, s, "a", "n")
			require.NoError(t, os.Remove(path+"-wal"))
			use(t, s)
			require.NoError(t, s.Close(t.Context()))
			status, err := open(t, path).Status(t.Context(), "a")
			require.NoError(t, err)
			require.NotNil(t, status)
			require.Equal(t, provider.Running, status.Status)
		})
	}
}

func TestALogWithoutItsDatabaseIsNotThrownAway(t *testing.T) {
	t.Parallel()
	path, elsewhere := place(t)
	s := open(t, path)
	started(t, s, "a", "n")
	require.NoError(t, os.Rename(path, elsewhere))
	requireEventuallyReplaced(t, s)
	require.NoError(t, s.Close(t.Context()))
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	require.ErrorIs(t, err, provider.ErrCorrupt)
	require.ErrorContains(t, err, path+"-wal holds what was stored last")
	require.NoFileExists(t, path)
	require.NoError(t, os.Rename(elsewhere, path))
	status, err := open(t, path).Status(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, status)
}

func requireEventuallyReplaced(t *testing.T, s *sqlite.Store) {
	t.Helper()
	_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("late")}})
	require.ErrorIs(t, err, provider.ErrReplaced)
}

func TestAPathMayLeadThroughLinks(t *testing.T) {
	t.Parallel()
	path, elsewhere := place(t)
	link := filepath.Join(filepath.Dir(elsewhere), "link.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Symlink(path, link))
	s := open(t, link)
	started(t, s, "a", "n")
	other := open(t, path)
	status, err := other.Status(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, status)
	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink(elsewhere, link))
	requireEventuallyReplaced(t, s)
	started(t, other, "b", "n")
}

func TestARelativePathMeansTheSameFileLater(t *testing.T) {
	path, elsewhere := place(t)
	t.Chdir(filepath.Dir(path))
	s := open(t, filepath.Base(path))
	require.NoError(t, os.Mkdir(elsewhere, 0o700))
	t.Chdir(elsewhere)
	started(t, s, "a", "n")
	status, err := s.Status(t.Context(), "a") // opens a reader
	require.NoError(t, err)
	require.NotNil(t, status)
	require.NoFileExists(t, filepath.Join(elsewhere, filepath.Base(path)))
}
