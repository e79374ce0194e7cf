//go:build cgo

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/sqlite"
	"duroxide/provider/sqlite/files"
	"duroxide/provider/sqlite/sqlitetest"
)

// own opens a store whose locks must belong to open files, where the system has such locks.
func own(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s := open(t, path)
	probe, err := os.Create(path + "-probe")
	require.NoError(t, err)
	const setOwned = 37
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	err = syscall.FcntlFlock(probe.Fd(), setOwned, &lock)
	require.NoError(t, probe.Close())
	if errors.Is(err, syscall.EINVAL) {
		t.Skip("this system has no locks that belong to open files")
	}
	require.NoError(t, err)
	require.True(t, files.Owned())
	return s
}

// readAndClose does what a copy of a file does to the locks of POSIX.
func readAndClose(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func second(t *testing.T, path string) *sqlitetest.DB {
	t.Helper()
	if err := sqlitetest.Load(); err != nil {
		t.Skip("this system has no SQLite library: " + err.Error())
	}
	db, err := sqlitetest.Open(path)
	require.NoError(t, err)
	db.Patience(20000)
	return db
}

func run(t *testing.T, db *sqlitetest.DB, sql string) string {
	t.Helper()
	found, err := db.Run(sql)
	require.NoError(t, err, sql)
	return found
}

// descriptors gives how many of a file this process has open.
func descriptors(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	n := 0
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && (target == path || target == path+"-shm" || target == path+"-wal") {
			n++
		}
	}
	return n
}

func TestWhoReadsTheFilesTakesNoLocksAway(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := own(t, path)
	submit(t, s, start("before"), nil)
	_, err := s.Status(t.Context(), "before") // opens a reader
	require.NoError(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		readAndClose(t, path+suffix)
		require.Equal(t, "1", asked(t, path, countInstances))
		require.FileExists(t, path+"-wal", "a process that closes is not the last one")
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		readAndClose(t, path+suffix)
		submit(t, s, start("after"+suffix), nil)
	}
	require.Equal(t, "4", asked(t, path, countInstances), "others see what is stored")
	require.NoError(t, s.Close(t.Context()))
	require.NoFileExists(t, path+"-wal")
}

func TestASecondLibraryIsKeptOutLikeAnotherProcess(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := own(t, path)
	other := second(t, path)
	run(t, other, "CREATE TABLE customers (id INTEGER PRIMARY KEY); BEGIN IMMEDIATE; INSERT INTO customers VALUES (1)")
	submitted := make(chan error, 1)
	go func() {
		_, err := s.Submit(context.Background(), provider.Submission{Messages: []provider.Message{start("a")}})
		submitted <- err
	}()
	// Reading goes on while the other one writes, and the two writers do not meet.
	status, err := s.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, status)
	require.Empty(t, submitted)
	run(t, other, "COMMIT")
	require.NoError(t, <-submitted)

	began, release := make(chan struct{}), make(chan struct{})
	held := make(chan error, 1)
	go func() { held <- s.Hold(context.Background(), began, release) }()
	<-began
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo()
	other.Patience(0)
	_, err = other.Run("INSERT INTO customers VALUES (2)")
	require.ErrorContains(t, err, "locked")
	letGo()
	require.NoError(t, <-held)
	other.Patience(20000)
	run(t, other, "INSERT INTO customers VALUES (2)")
	require.Equal(t, "1", run(t, other, countInstances))
	require.NoError(t, other.Close())
	require.Equal(t, "1 2", asked(t, path, "SELECT (SELECT count(*) FROM instances) || ' ' || count(*) FROM customers"))
}

// party is somebody who has the file open, in this process.
type party struct {
	name  string
	write func()
	close func()
}

// TestEachOrderOfClosingLosesNothing closes two stores, with readers, and a second library in every
// order. After each close another process comes and goes, those who are left write, and it sees that.
func TestEachOrderOfClosingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			path, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			path = filepath.Join(path, "test.db")
			one := own(t, path)
			library := second(t, path)
			run(t, library, "CREATE TABLE customers (id INTEGER PRIMARY KEY)")
			two := own(t, path)
			written := 0
			store := func(name string, s *sqlite.Store) party {
				n := 0
				return party{
					name: name,
					write: func() {
						n++
						written++
						submit(t, s, start(fmt.Sprint(name, n)), nil)
						_, err := s.Status(t.Context(), name)
						require.NoError(t, err)
					},
					close: func() { require.NoError(t, s.Close(t.Context())) },
				}
			}
			parties := []party{store("one", one), store("two", two), {
				name: "the second library",
				write: func() {
					written++
					run(t, library, "INSERT INTO customers DEFAULT VALUES")
				},
				close: func() { require.NoError(t, library.Close()) },
			}}
			for n := range order {
				for _, p := range order[n:] {
					parties[p].write()
				}
				require.Equal(t, strconv.Itoa(written), asked(t, path,
					"SELECT (SELECT count(*) FROM instances) + (SELECT count(*) FROM customers)"))
				require.FileExists(t, path+"-wal", "before %s has closed", parties[order[n]].name)
				parties[order[n]].close()
			}
			require.NoFileExists(t, path+"-wal", "the last one has moved the log into the file")
			require.Equal(t, "ok", asked(t, path, "PRAGMA integrity_check"))
			require.NoError(t, own(t, file(t)).Close(t.Context()), "what waited to be closed is closed")
			require.Zero(t, descriptors(t, path))
		})
	}
}

// crowd opens, uses and closes stores, and lets other processes do the same, while work is done.
func crowd(t *testing.T, path string, more func(), work ...func()) {
	t.Helper()
	var group sync.WaitGroup
	stopped := make(chan struct{})
	until := func(work func()) {
		group.Go(func() {
			for {
				select {
				case <-stopped:
					return
				default:
					work()
				}
			}
		})
	}
	until(more)
	until(func() {
		s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
		require.NoError(t, err)
		_, err = s.Status(context.Background(), "a-1")
		require.NoError(t, err)
		require.NoError(t, s.Close(context.Background()))
	})
	until(func() { asked(t, path, countInstances) })
	var workers sync.WaitGroup
	for _, work := range work {
		workers.Go(work)
	}
	workers.Wait()
	close(stopped)
	group.Wait()
}

const rounds = 60

// submits gives what stores instances one after another.
func submits(t *testing.T, s *sqlite.Store, name string) func() {
	t.Helper()
	return func() {
		for n := range rounds {
			m := start(fmt.Sprintf("%s-%d", name, n))
			m.Input = strings.Repeat("x", 3000)
			_, err := s.Submit(context.Background(), provider.Submission{Messages: []provider.Message{m}})
			require.NoError(t, err)
		}
	}
}

func TestManyWhoReadTheFilesDamageNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := own(t, path)
	crowd(t, path,
		func() { readAndClose(t, path+[]string{"", "-wal", "-shm"}[rand.N(3)]) },
		submits(t, s, "a"), submits(t, s, "b"))
	require.Equal(t, strconv.Itoa(2*rounds), asked(t, path, countInstances))
	require.Equal(t, "ok", asked(t, path, "PRAGMA integrity_check"))
}

func TestManyWritersOfTwoLibrariesDamageNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := own(t, path)
	other := second(t, path)
	run(t, other, "CREATE TABLE customers (id INTEGER PRIMARY KEY, text TEXT)")
	crowd(t, path, func() {
		reader := second(t, path)
		run(t, reader, "SELECT count(*) FROM customers")
		require.NoError(t, reader.Close())
	}, submits(t, s, "a"), submits(t, s, "b"), func() {
		for range rounds {
			run(t, other, "INSERT INTO customers (text) VALUES (hex(randomblob(2000)))")
		}
	})
	require.NoError(t, other.Close())
	require.Equal(t, fmt.Sprintf("%d %d", 2*rounds, rounds), asked(t, path,
		"SELECT (SELECT count(*) FROM instances) || ' ' || (SELECT count(*) FROM customers)"))
	require.Equal(t, "ok", asked(t, path, "PRAGMA integrity_check"))
}

func TestANewLogIsNotBegunBesideAnOldOne(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := own(t, path)
	submit(t, s, start("a"), nil)
	before, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	for range 3 {
		readAndClose(t, path)
		asked(t, path, countInstances)
	}
	after, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	require.WithinDuration(t, time.Now(), after.ModTime(), time.Hour)
}
