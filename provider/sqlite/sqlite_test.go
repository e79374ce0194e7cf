package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/sqlite"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func file(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "test.db")
}

func holder(node string) *provider.Holder {
	return &provider.Holder{Node: node, TTL: time.Minute}
}

func submit(t *testing.T, s *sqlite.Store, m provider.Message, h *provider.Holder) provider.Submitted {
	t.Helper()
	results, err := s.Submit(t.Context(), provider.Submission{
		Messages: []provider.Message{m}, Claim: h,
	})
	require.NoError(t, err)
	return results[0]
}

func start(instance string) provider.Message {
	return provider.Message{Kind: provider.StartInstance, Instance: instance, Name: "O", Input: "{}"}
}

func raise(instance, data string) provider.Message {
	return provider.Message{Kind: provider.EventRaised, Instance: instance, Name: "e", Data: data}
}

func firstTurn(claim *provider.InstanceClaim) provider.Commit {
	c := provider.Commit{
		Token: claim.Token, Execution: 1,
		Started: &provider.Started{Name: "O", Version: "1.0.0"},
		Events: []history.Event{
			{ID: 1, Engine: "1.0.0", Data: history.OrchestrationStarted{Name: "O", Input: "{}"}},
		},
	}
	for _, m := range claim.Messages {
		c.Messages = append(c.Messages, m.ID)
	}
	return c
}

// started makes an instance with one committed turn, held by the node.
func started(t *testing.T, s *sqlite.Store, instance, node string) *provider.InstanceClaim {
	t.Helper()
	claim := submit(t, s, start(instance), holder(node)).Claim
	require.NotNil(t, claim)
	_, err := s.Commit(t.Context(), firstTurn(claim))
	require.NoError(t, err)
	return claim
}

func claimTurns(t *testing.T, s *sqlite.Store, node string) []provider.InstanceClaim {
	t.Helper()
	claimed, err := s.Claim(t.Context(), provider.ClaimRequest{Turns: holder(node), MaxTurns: 10})
	require.NoError(t, err)
	return claimed.Instances
}

func TestAStoreKeepsEverythingWhenItIsOpenedAgain(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path)
	claim := started(t, s, "a", "n")
	_, err := s.Commit(t.Context(), provider.Commit{
		Token: claim.Token, Execution: 1, LastEvent: 1, Release: true,
		Values: []provider.ValueChange{
			{Key: "empty", Value: new(string)}, {Key: "k\x00", Value: new("v\x00w")},
		},
		CustomStatus: &provider.CustomStatusChange{Status: new("")},
	})
	require.NoError(t, err)
	submit(t, s, raise("a", "1"), nil)
	require.NoError(t, s.Close(t.Context()))
	require.NoFileExists(t, path+"-wal", "closing moves the log into the file")

	s = open(t, path)
	values, err := s.Values(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"empty": "", "k\x00": "v\x00w"}, values)
	status, err := s.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, provider.Running, status.Status)
	require.Equal(t, new(""), status.CustomStatus)
	claims := claimTurns(t, s, "other")
	require.Len(t, claims, 1)
	require.Equal(t, "1", claims[0].Messages[0].Data)
	require.Greater(t, claims[0].Messages[0].ID, claim.Messages[0].ID, "ids are never used again")
}

func TestOperationsOnAClosedStoreAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, file(t))
	require.NoError(t, s.Close(t.Context()))
	require.ErrorIs(t, s.Close(t.Context()), provider.ErrClosed)
	_, err := s.Status(t.Context(), "a")
	require.ErrorIs(t, err, provider.ErrClosed)
	_, err = s.Claim(t.Context(), provider.ClaimRequest{})
	require.ErrorIs(t, err, provider.ErrClosed)
}

func TestFilesThatCannotBeUsedAreRefusedWithACode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	newer := filepath.Join(folder, "newer.db")
	s := open(t, newer)
	require.NoError(t, s.Script(t.Context(), "PRAGMA user_version = 99"))
	require.NoError(t, s.Close(t.Context()))
	for name, c := range map[string]struct {
		path string
		want error
		says string
	}{
		"no path":        {"", provider.ErrCannotOpen, "no database file"},
		"missing folder": {filepath.Join(folder, "no", "x.db"), provider.ErrCannotOpen, "x.db"},
		"a folder":       {folder, provider.ErrCannotOpen, folder},
		"no database":    {write("text.db", "hello"), provider.ErrCorrupt, "not an SQLite database"},
		"damaged": {
			write("damaged.db", "SQLite format 3\x00"+strings.Repeat("\xff", 5000)),
			provider.ErrCorrupt, "",
		},
		"another application": {foreign(t, folder), provider.ErrSchema, "another application"},
		"newer":               {newer, provider.ErrSchema, "newer version"},
	} {
		_, err := sqlite.Open(t.Context(), sqlite.Options{Path: c.path})
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func foreign(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "foreign.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE customers (id INTEGER)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return path
}

func TestReadOnlyPlacesAreRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "x.db")
	require.NoError(t, open(t, path).Close(t.Context()))
	require.NoError(t, os.Chmod(path, 0o400))
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	require.ErrorIs(t, err, provider.ErrReadOnly)
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.Chmod(folder, 0o500))
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	_, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(folder, "new.db")})
	require.ErrorIs(t, err, provider.ErrReadOnly)
	_, err = sqlite.Open(t.Context(), sqlite.Options{Path: path})
	require.ErrorIs(t, err, provider.ErrReadOnly, "the log cannot be made beside the file")
}

func TestMissingFoldersAreMadeOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b", "c%20?d", "x.db")
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, CreateDirs: true})
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Positive(t, info.Size(), "odd characters in a path mean themselves")
}

func TestTwoStoresOnOneFileSeeEachOther(t *testing.T) {
	t.Parallel()
	path := file(t)
	one, two := open(t, path), open(t, path)
	seen := make(chan provider.Change, 100)
	stop := two.Watch(func(c provider.Change) { seen <- c })
	t.Cleanup(stop)
	claim := started(t, one, "a", "one")
	select {
	case c := <-seen:
		require.True(t, c.All)
		require.True(t, c.Work)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the commits of the other store were not noticed")
	}
	// Each writes while the other remembers rows from before.
	for range 3 {
		for _, s := range []*sqlite.Store{two, one} {
			require.Equal(t, claim.Token.Lease, submit(t, s, raise("a", "x"), holder("z")).Held)
		}
	}
	_, err := one.Commit(t.Context(), provider.Commit{
		Token: claim.Token, Execution: 1, LastEvent: 1, Release: true,
	})
	require.NoError(t, err)
	taken := claimTurns(t, two, "two")
	require.Len(t, taken, 1)
	require.Len(t, taken[0].Messages, 6)
	for n := range taken[0].Messages[1:] {
		require.Less(t, taken[0].Messages[n].ID, taken[0].Messages[n+1].ID)
	}
	_, err = one.Commit(t.Context(), provider.Commit{Token: claim.Token, Execution: 1, LastEvent: 1})
	require.ErrorIs(t, err, provider.ErrLockLost)
}

func TestOwnCommitsAreNotTakenForForeignOnes(t *testing.T) {
	t.Parallel()
	s := open(t, file(t))
	var mu sync.Mutex
	var all, named int
	stop := s.Watch(func(c provider.Change) {
		mu.Lock()
		defer mu.Unlock()
		if c.All {
			all++
		}
		named += len(c.Instances)
	})
	defer stop()
	for _, id := range []string{"a", "b"} {
		turn := firstTurn(submit(t, s, start(id), holder("n")).Claim)
		turn.CustomStatus = &provider.CustomStatusChange{Status: new("s")}
		_, err := s.Commit(t.Context(), turn)
		require.NoError(t, err)
		_, err = s.Status(t.Context(), id)
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	require.Zero(t, all)
	require.Equal(t, 2, named)
}

func TestAFullDiskLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path)
	require.NoError(t, s.Script(t.Context(), "PRAGMA max_page_count = 60"))
	acknowledged := 0
	var err error
	for err == nil {
		_, err = s.Submit(t.Context(), provider.Submission{
			Messages: []provider.Message{raise("a", strings.Repeat("x", 9000))},
		})
		if err == nil {
			acknowledged++
		}
		require.Less(t, acknowledged, 1000)
	}
	require.ErrorIs(t, err, provider.ErrDiskFull)
	require.True(t, provider.IsRetryable(err))
	require.Positive(t, acknowledged)
	require.NoError(t, s.Script(t.Context(), "PRAGMA max_page_count = 100000"))
	claim := submit(t, s, start("a"), holder("n")).Claim
	require.NotNil(t, claim)
	require.Len(t, claim.Messages, acknowledged+1)
}

func TestARefusedCallLeavesItsNeighboursAlone(t *testing.T) {
	t.Parallel()
	s := open(t, file(t))
	first, second := started(t, s, "a", "n"), started(t, s, "b", "n")
	message := submit(t, s, raise("b", "1"), nil)
	began, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, s.Hold(context.Background(), began, release)) })
	<-began
	var refused, checked, good error
	call := func(err *error, c provider.Commit) {
		group.Go(func() { _, *err = s.Commit(context.Background(), c) })
	}
	event := []history.Event{{ID: 2, Data: history.KeyValuesCleared{}}}
	call(&good, provider.Commit{Token: first.Token, Execution: 1, LastEvent: 1, Events: event})
	// The second message is missed only after the first was deleted.
	call(&refused, provider.Commit{
		Token: second.Token, Execution: 1, LastEvent: 1, Events: event,
		Messages: []uint64{message.ID, 1 << 40},
	})
	call(&checked, provider.Commit{
		Token: second.Token, Execution: 1, LastEvent: 1,
		Tasks: []provider.Token{{Key: 1 << 40, Epoch: 1, Lease: 1}},
	})
	require.Eventually(t, func() bool { return s.Waiting() == 3 }, 10*time.Second, time.Millisecond)
	close(release)
	group.Wait()
	require.NoError(t, good)
	require.ErrorIs(t, refused, provider.ErrMessageLost)
	require.ErrorIs(t, checked, provider.ErrTaskLost)
	events, err := s.History(t.Context(), "a", 1)
	require.NoError(t, err)
	require.Len(t, events, 2)
	stats, err := s.Stats(t.Context(), "b")
	require.NoError(t, err)
	require.Equal(t, 1, stats.Messages, "the refused turn consumed nothing")
	require.Equal(t, 1, stats.Events)
}

func TestAnIdleStoreWritesNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	s, other := open(t, path), open(t, path)
	stop := s.Watch(func(provider.Change) {})
	defer stop()
	started(t, s, "a", "n")
	before, err := other.Number(t.Context(), "PRAGMA data_version")
	require.NoError(t, err)
	for range 3 {
		require.Empty(t, claimTurns(t, s, "m"))
	}
	after, err := other.Number(t.Context(), "PRAGMA data_version")
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestACallWaitsWhileAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	c, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	_, err = c.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	submitted := make(chan error, 1)
	go func() {
		_, err := s.Submit(context.Background(), provider.Submission{
			Messages: []provider.Message{start("a")},
		})
		submitted <- err
	}()
	// Readers are not held up.
	status, err := s.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, status)
	require.Empty(t, submitted)
	_, err = c.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, <-submitted)
}

func TestCallsThatWereAcceptedAreCommittedByClose(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path)
	began, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, s.Hold(context.Background(), began, release)) })
	<-began
	for range 20 {
		group.Go(func() {
			_, err := s.Submit(context.Background(), provider.Submission{
				Messages: []provider.Message{{Instance: "a", Kind: provider.QueueEvent}},
			})
			require.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool { return s.Waiting() == 20 }, 10*time.Second, time.Millisecond)
	group.Go(func() { require.NoError(t, s.Close(context.Background())) })
	close(release)
	group.Wait()
	again := open(t, path)
	_, err := again.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start("a")}})
	require.NoError(t, err)
	require.Len(t, claimTurns(t, again, "n")[0].Messages, 21)
}
