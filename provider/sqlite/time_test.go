package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/process"
	"duroxide/provider/providertest"
	"duroxide/provider/sqlite"
)

const lease = 5 * time.Second

// shared is a file that several processes use, each with a clock of its own.
type shared struct {
	t    *testing.T
	path string
}

func share(t *testing.T) *shared {
	t.Helper()
	return &shared{t, filepath.Join(t.TempDir(), "shared.db")}
}

// open opens the file as a process. Without a host nothing is known of it.
func (f *shared) open(clock *providertest.Clock, here process.ID) *sqlite.Store {
	f.t.Helper()
	s, err := sqlite.OpenAs(f.t.Context(), sqlite.Options{Path: f.path, Clock: clock.Now, Passed: clock.Passed}, here)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// held starts the instance X and claims it for a node.
func held(t *testing.T, s provider.Provider) provider.InstanceClaim {
	t.Helper()
	sent, err := s.Submit(t.Context(), provider.Submission{
		Messages: []provider.Message{{Instance: "X", Kind: provider.StartInstance, Name: "test"}},
		Claim:    &provider.Holder{Node: "node of X", TTL: lease},
	})
	require.NoError(t, err)
	require.NotNil(t, sent[0].Claim)
	return *sent[0].Claim
}

// takes reports how many instances another node can claim.
func takes(t *testing.T, s provider.Provider) int {
	t.Helper()
	claimed, err := s.Claim(t.Context(), provider.ClaimRequest{
		Turns: &provider.Holder{Node: "another node", TTL: lease}, MaxTurns: 9,
	})
	require.NoError(t, err)
	return len(claimed.Instances)
}

func renew(t *testing.T, s provider.Provider, id provider.LeaseID) error {
	t.Helper()
	_, err := s.Renew(t.Context(), provider.Renewal{Lease: id, Extend: lease})
	return err
}

func TestProcessesThatShareAFile(t *testing.T) {
	t.Parallel()
	providertest.RunProcesses(t, func(t *testing.T) providertest.OpenProcess {
		t.Helper()
		path := filepath.Join(t.TempDir(), "shared.db")
		return func(t *testing.T, clock *providertest.Clock, here process.ID) provider.Provider {
			t.Helper()
			return (&shared{t, path}).open(clock, here)
		}
	})
}

// locked runs call while another program holds the lock of the file, and lets so much time pass
// meanwhile.
func (f *shared) locked(d time.Duration, call func() error, clocks ...*providertest.Clock) error {
	f.t.Helper()
	db, err := sql.Open("sqlite", f.path)
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, db.Close()) }()
	conn, err := db.Conn(f.t.Context())
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, conn.Close()) }()
	_, err = conn.ExecContext(f.t.Context(), "BEGIN IMMEDIATE")
	require.NoError(f.t, err)
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		f.t.Errorf("the file was not locked: %v", err)
	case <-time.After(100 * time.Millisecond): // It waits for the lock, or is about to.
	}
	for _, clock := range clocks {
		clock.Advance(d)
	}
	_, err = conn.ExecContext(f.t.Context(), "ROLLBACK")
	require.NoError(f.t, err)
	return <-done
}

func TestALockOfTheFileEndsNoLeaseOfThisProcess(t *testing.T) {
	t.Parallel()
	f, clock := share(t), providertest.NewClock()
	s := f.open(clock, process.This())
	claim := held(t, s)
	err := f.locked(35*time.Second, func() error {
		_, err := s.Claim(context.Background(), provider.ClaimRequest{
			Turns: &provider.Holder{Node: "another node", TTL: lease}, MaxTurns: 9,
		})
		return err
	}, clock)
	require.NoError(t, err)
	require.NoError(t, renew(t, s, claim.Token.Lease), "the claim that came first has taken it")
	clock.Advance(lease - time.Millisecond)
	require.Zero(t, takes(t, s))
	clock.Advance(time.Millisecond)
	require.Equal(t, 1, takes(t, s))
}

func TestWhoWaitedForALockLeavesTheLeasesOfOthersAlone(t *testing.T) {
	t.Parallel()
	f := share(t)
	one, two := providertest.NewClock(), providertest.NewClock()
	holder, other := f.open(one, process.ID{}), f.open(two, process.ID{})
	claim := held(t, holder)
	require.Zero(t, takes(t, other))
	var claimed provider.Claimed
	err := f.locked(35*time.Second, func() (err error) {
		claimed, err = other.Claim(context.Background(), provider.ClaimRequest{
			Turns: &provider.Holder{Node: "another node", TTL: lease}, MaxTurns: 9,
		})
		return err
	}, one, two)
	require.NoError(t, err)
	require.Empty(t, claimed.Instances)
	one.Advance(lease - time.Millisecond)
	two.Advance(lease - time.Millisecond)
	require.Zero(t, takes(t, other))
	require.ErrorIs(t, renew(t, holder, claim.Token.Lease), provider.ErrLockLost,
		"the holder did not try to write, so its lease has ended by its own time")
}
