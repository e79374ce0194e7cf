package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
)

// filled opens a store with instances of some size.
func filled(t *testing.T, instances int) (s *sqlite.Store, path string) {
	t.Helper()
	path = file(t)
	s = open(t, path)
	for n := range instances {
		m := start(fmt.Sprint("a", n))
		m.Input = strings.Repeat("x", 10000)
		submit(t, s, m, nil)
	}
	return s, path
}

// finish makes all the steps of a copy.
func finish(t *testing.T, c provider.Copy, pages int) provider.CopyProgress {
	t.Helper()
	last := int(^uint(0) >> 1)
	for {
		p, err := c.Step(t.Context(), pages)
		require.NoError(t, err)
		require.LessOrEqual(t, p.Remaining, last)
		require.LessOrEqual(t, p.Remaining, p.Pages)
		if last = p.Remaining; last == 0 {
			return p
		}
	}
}

func TestACopyHasWhatWasCommittedWhenItBegan(t *testing.T) {
	t.Parallel()
	s, path := filled(t, 20)
	target := filepath.Join(t.TempDir(), "copy.db")
	c, err := s.Copy(t.Context(), target, false)
	require.NoError(t, err)
	first, err := c.Step(t.Context(), 5)
	require.NoError(t, err)
	require.Equal(t, first.Pages-5, first.Remaining)
	// Neither this store nor another process makes it begin again.
	submit(t, s, start("later"), nil)
	other := open(t, path)
	submit(t, other, start("much later"), nil)
	require.NoFileExists(t, target, "half a copy has no name")
	done := finish(t, c, 7)
	require.Equal(t, first.Pages, done.Pages)
	info, err := os.Stat(target)
	require.NoError(t, err)
	require.Equal(t, info.Size(), done.Bytes)
	require.Equal(t, "-rw-------", info.Mode().String())
	require.NoError(t, c.Close())
	_, err = c.Step(t.Context(), 1)
	require.ErrorIs(t, err, provider.ErrClosed)
	onlyFile(t, target)
	require.Equal(t, "ok", asked(t, target, "PRAGMA integrity_check"))
	require.Equal(t, "20", asked(t, target, countInstances))
	require.Equal(t, "22", asked(t, path, countInstances))
	copied := open(t, target)
	require.Len(t, claimTurns(t, copied, "n"), 10, "the copy is a store")
}

const countInstances = "SELECT count(*) FROM instances"

// onlyFile requires that a file is alone in its folder.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, filepath.Base(path), entries[0].Name())
}

func nothingIn(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestManyCopiesWhileMuchIsStored(t *testing.T) {
	t.Parallel()
	s, path := filled(t, 5)
	folder := t.TempDir()
	var copies, writers sync.WaitGroup
	stopped := make(chan struct{})
	stored := 0
	writers.Go(func() {
		for {
			select {
			case <-stopped:
				return
			default:
				submit(t, s, start(fmt.Sprint("b", stored)), nil)
				stored++
			}
		}
	})
	for n := range 3 {
		copies.Go(func() {
			for round := range 3 {
				target := filepath.Join(folder, fmt.Sprintf("%d-%d.db", n, round))
				c, err := s.Copy(t.Context(), target, false)
				require.NoError(t, err)
				finish(t, c, 3)
				require.Equal(t, "ok", asked(t, target, "PRAGMA integrity_check"))
			}
		})
	}
	copies.Wait()
	close(stopped)
	writers.Wait()
	require.Equal(t, strconv.Itoa(5+stored), asked(t, path, countInstances))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 9, "nothing is left but the copies")
}

func TestACopyThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	s, _ := filled(t, 5)
	folder := t.TempDir()
	target := filepath.Join(folder, "copy.db")
	c, err := s.Copy(t.Context(), target, false)
	require.NoError(t, err)
	_, err = c.Step(t.Context(), 1)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	nothingIn(t, folder)

	c, err = s.Copy(t.Context(), target, false)
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Step(cancelled, 1)
	require.ErrorIs(t, err, context.Canceled)
	nothingIn(t, folder)

	c, err = s.Copy(t.Context(), target, false)
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	nothingIn(t, folder)
	_, err = c.Step(t.Context(), 1)
	require.ErrorIs(t, err, provider.ErrClosed)
	_, err = s.Copy(t.Context(), target, false)
	require.ErrorIs(t, err, provider.ErrClosed)
	nothingIn(t, folder)
}

func TestACopyStopsWhereTheStoreIsReplaced(t *testing.T) {
	t.Parallel()
	path, _ := place(t)
	s := open(t, path)
	started(t, s, "a", "n")
	folder := t.TempDir()
	c, err := s.Copy(t.Context(), filepath.Join(folder, "copy.db"), false)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	_, err = c.Step(t.Context(), 1)
	require.ErrorIs(t, err, provider.ErrReplaced)
	nothingIn(t, folder)
}

func TestPlacesForACopy(t *testing.T) {
	t.Parallel()
	s, path := filled(t, 1)
	folder := t.TempDir()
	target := filepath.Join(folder, "copy.db")
	for name, to := range map[string]string{
		"the store":        path,
		"its log":          path + "-wal",
		"a folder":         folder,
		"a missing folder": filepath.Join(folder, "no", "copy.db"),
	} {
		for _, replace := range []bool{false, true} {
			_, err := s.Copy(t.Context(), to, replace)
			require.ErrorIs(t, err, provider.ErrCannotOpen, name)
			require.ErrorContains(t, err, to)
		}
	}
	nothingIn(t, folder)
	require.NoError(t, os.WriteFile(target, []byte("precious"), 0o600))
	_, err := s.Copy(t.Context(), target, false)
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.ErrorContains(t, err, "there is such a file already")
	c, err := s.Copy(t.Context(), target, true)
	require.NoError(t, err)
	content, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "precious", string(content), "until the copy is complete")
	finish(t, c, 1000)
	onlyFile(t, target)
	require.Equal(t, "1", asked(t, target, countInstances))
	memory, err := sqlite.Open(t.Context(), sqlite.Options{Memory: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, memory.Close(context.Background())) }()
	_, err = memory.Copy(t.Context(), filepath.Join(folder, "other.db"), false)
	require.ErrorIs(t, err, provider.ErrBadInput)
	require.ErrorContains(t, err, "in memory")
}
