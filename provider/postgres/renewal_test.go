package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/providertest"
)

// A claim finds an instance whose lease has ended, and reads it in a second step. Between the two its
// holder's renewal may be committed that was asked for in time.
func TestAStartStaysDueWhenItsLeaseIsRenewedInTheMiddleOfAClaim(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	clock := providertest.NewClock()
	o.Clock, o.Passed = clock.Now, clock.Passed
	s := open(t, o)
	watcher := open(t, o)
	held := submit(t, s, start("a"), holder("one")).Claim
	require.NotNil(t, held)
	clock.Advance(5 * hangs)

	between, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	defer func() { _ = between.Close(context.Background()) }()
	_, err = between.Exec(t.Context(),
		"BEGIN; LOCK TABLE "+quoted(o.Schema)+".details IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	claimed := make(chan error, 1)
	go func() {
		_, err := s.Claim(context.WithoutCancel(t.Context()), provider.ClaimRequest{
			Turns: holder("two"), MaxTurns: 1,
		})
		claimed <- err
	}()
	require.Eventually(t, func() bool {
		waiting, err := watcher.Number(t.Context(), `SELECT count(*) FROM pg_locks
WHERE NOT granted AND relation = 'S.details'::regclass`)
		return err == nil && waiting == 1
	}, hangs, time.Millisecond, "the claim does not read what it has found")
	_, err = between.Exec(t.Context(), "UPDATE "+quoted(o.Schema)+".leases SET until_ms = $1",
		clock.Now().Add(hangs).UnixMilli())
	require.NoError(t, err)
	_, err = between.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-claimed)

	_, err = s.Commit(t.Context(), firstTurn(held))
	require.NoError(t, err, "the holder has its instance for as long as its lease lives")
	submit(t, s, raise("a", "1"), nil)
	// A lease of a living process ends some time after its time is over.
	require.Eventually(t, func() bool {
		clock.Advance(hangs / 4)
		return len(claimTurns(t, s, holder("three"))) == 1
	}, hangs, time.Millisecond)
}
