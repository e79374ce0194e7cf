package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
	"duroxide/provider/process"
	"duroxide/provider/providertest"
)

func open(t *testing.T, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func fresh(t *testing.T) postgres.Options {
	t.Helper()
	url := pgtest.URL(t)
	return postgres.Options{URL: url, Schema: pgtest.Schema(t, url), MaxConns: 4}
}

func holder(node string) *provider.Holder {
	return &provider.Holder{Node: node, TTL: 4 * hangs}
}

func start(instance string) provider.Message {
	return provider.Message{Kind: provider.StartInstance, Instance: instance, Name: "O", Input: "{}"}
}

func raise(instance, data string) provider.Message {
	return provider.Message{Kind: provider.EventRaised, Instance: instance, Name: "e", Data: data}
}

func submit(
	t *testing.T, s provider.Provider, m provider.Message, h *provider.Holder,
) provider.Submitted {
	t.Helper()
	results, err := s.Submit(t.Context(), provider.Submission{
		Messages: []provider.Message{m}, Claim: h,
	})
	require.NoError(t, err)
	return results[0]
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

func nextTurn(claim *provider.InstanceClaim) provider.Commit {
	c := provider.Commit{
		Token: claim.Token, Execution: 1, LastEvent: claim.LastEvent, Release: true,
		Events: []history.Event{{ID: claim.LastEvent + 1, Data: history.KeyValuesCleared{}}},
	}
	for _, m := range claim.Messages {
		c.Messages = append(c.Messages, m.ID)
	}
	return c
}

// started makes an instance with one committed turn, held by the node.
func started(t *testing.T, s provider.Provider, instance, node string) *provider.InstanceClaim {
	t.Helper()
	claim := submit(t, s, start(instance), holder(node)).Claim
	require.NotNil(t, claim)
	_, err := s.Commit(t.Context(), firstTurn(claim))
	require.NoError(t, err)
	return claim
}

func claimTurns(t *testing.T, s provider.Provider, h *provider.Holder) []provider.InstanceClaim {
	t.Helper()
	claimed, err := s.Claim(t.Context(), provider.ClaimRequest{Turns: h, MaxTurns: 100})
	require.NoError(t, err)
	return claimed.Instances
}

// ear gives the changes that a store reports.
func ear(t *testing.T, s *postgres.Store) <-chan provider.Change {
	t.Helper()
	heard := make(chan provider.Change, 1000)
	t.Cleanup(s.Watch(func(c provider.Change) { heard <- c }))
	return heard
}

func await(
	t *testing.T, heard <-chan provider.Change, what string, matches func(provider.Change) bool,
) {
	t.Helper()
	deadline := time.After(hangs)
	for {
		select {
		case c := <-heard:
			if matches(c) {
				return
			}
		case <-deadline:
			require.Fail(t, "nobody told of "+what)
		}
	}
}

func TestAStoreKeepsEverythingWhenItIsOpenedAgain(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	s := open(t, o)
	claim := started(t, s, "a", "n")
	_, err := s.Commit(t.Context(), provider.Commit{
		Token: claim.Token, Execution: 1, LastEvent: 1, Release: true,
		Values: []provider.ValueChange{
			{Key: "empty", Value: new(string)}, {Key: "k\x00", Value: new("v\x00\xffw")},
		},
		CustomStatus: &provider.CustomStatusChange{Status: new("")},
	})
	require.NoError(t, err)
	submit(t, s, raise("a", "1\x00"), nil)
	require.NoError(t, s.Close(t.Context()))
	require.ErrorIs(t, s.Close(t.Context()), provider.ErrClosed)
	_, err = s.Status(t.Context(), "a")
	require.ErrorIs(t, err, provider.ErrClosed)
	_, err = s.Claim(t.Context(), provider.ClaimRequest{})
	require.ErrorIs(t, err, provider.ErrClosed)

	s = open(t, o)
	values, err := s.Values(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"empty": "", "k\x00": "v\x00\xffw"}, values)
	status, err := s.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, new(""), status.CustomStatus)
	claims := claimTurns(t, s, holder("other"))
	require.Len(t, claims, 1)
	require.Equal(t, "1\x00", claims[0].Messages[0].Data)
}

func TestIdsThatNoColumnCanHoldAreRefusedAndHarmNobody(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	for _, id := range []string{"a\x00b", "\xff"} {
		_, err := s.Submit(t.Context(), provider.Submission{Messages: []provider.Message{start(id)}})
		require.ErrorIs(t, err, provider.ErrBadInput)
		status, err := s.Status(t.Context(), id)
		require.NoError(t, err)
		require.Nil(t, status)
		_, err = s.Prune(t.Context(), id, provider.PruneOptions{})
		require.ErrorIs(t, err, provider.ErrInstanceNotFound)
	}
}

func TestARefusedCallLeavesItsNeighboursAlone(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	var group sync.WaitGroup
	for n := range 40 {
		claim := started(t, s, fmt.Sprint("i", n), "n")
		claim.LastEvent = 1
		group.Go(func() {
			c := nextTurn(claim)
			c.Messages = nil
			if n%2 == 0 {
				c.Messages = []uint64{1 << 40}
			}
			_, err := s.Commit(context.Background(), c)
			if n%2 == 0 {
				require.ErrorIs(t, err, provider.ErrMessageLost)
				return
			}
			require.NoError(t, err)
		})
	}
	group.Wait()
	for n := range 40 {
		events, err := s.History(t.Context(), fmt.Sprint("i", n), 0)
		require.NoError(t, err)
		require.Len(t, events, 1+n%2)
	}
}

func TestTwoNodesShareOneSchema(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	one, two := open(t, o), open(t, o)
	require.Eventually(t, two.IsListening, hangs, time.Millisecond)
	heard := ear(t, two)
	status, err := two.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, status)
	claim := submit(t, one, start("a"), holder("one")).Claim
	turn := firstTurn(claim)
	turn.CustomStatus = &provider.CustomStatusChange{Status: new("s")}
	_, err = one.Commit(t.Context(), turn)
	require.NoError(t, err)
	await(t, heard, "the instance that was asked for", func(c provider.Change) bool {
		return len(c.Instances) == 1 && c.Instances[0] == "a"
	})
	submit(t, one, start("b"), nil)
	await(t, heard, "work", func(c provider.Change) bool { return c.Work })
	due := two.Now().Add(time.Hour).UnixMilli()
	submit(t, one, provider.Message{Kind: provider.TimerDue, Instance: "b", DueMs: due}, nil)
	await(t, heard, "a timer", func(c provider.Change) bool { return c.NextDue.UnixMilli() == due })

	for n, s := range []*postgres.Store{two, one, two, one} {
		result := submit(t, s, raise("a", strconv.Itoa(n)), holder("z"))
		require.Equal(t, claim.Token.Lease, result.Held)
	}
	claim.LastEvent = 1
	c := nextTurn(claim)
	c.Messages = nil
	_, err = one.Commit(t.Context(), c)
	require.NoError(t, err)
	taken := claimTurns(t, two, holder("two"))
	require.Len(t, taken, 2)
	for _, got := range taken {
		if got.Instance != "a" {
			continue
		}
		require.Len(t, got.Messages, 4)
		for n, m := range got.Messages {
			require.Equal(t, strconv.Itoa(n), m.Data, "messages keep the order of their arrival")
		}
	}
	_, err = one.Commit(t.Context(), provider.Commit{Token: claim.Token, Execution: 1, LastEvent: 2})
	require.ErrorIs(t, err, provider.ErrLockLost)
}

func TestTheWorkOfADeadNodeMovesToAnother(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	clock := providertest.NewClock()
	o.Clock, o.Passed = clock.Now, clock.Passed
	dead, err := postgres.OpenAs(t.Context(), o, process.ID{Host: "another machine", PID: 1, Start: 1})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dead.Close(context.Background()) })
	other := open(t, o)
	require.Eventually(t, other.IsListening, hangs, time.Millisecond)
	heard := ear(t, other)
	claim := submit(t, dead, start("a"), holder("dead")).Claim
	require.NotNil(t, claim)
	c := firstTurn(claim)
	c.TaskHolder = holder("dead tasks")
	c.NewTasks = []provider.NewTask{{Task: provider.Task{Event: 2, Name: "t"}, Claim: true}}
	_, err = dead.Commit(t.Context(), c)
	require.NoError(t, err)
	submit(t, other, raise("a", "1"), nil)
	require.Empty(t, claimTurns(t, other, holder("n")))

	// The node sleeps from here on. The end of its leases is noticed without being told.
	clock.Advance(5 * hangs)
	ask := provider.ClaimRequest{
		Turns: holder("n"), MaxTurns: 1, Tasks: holder("n tasks"), MaxTasks: 1,
	}
	var turns []provider.InstanceClaim
	var tasks []provider.TaskClaim
	for len(turns) == 0 || len(tasks) == 0 {
		await(t, heard, "ended leases", func(c provider.Change) bool { return c.Work })
		claimed, err := other.Claim(t.Context(), ask)
		require.NoError(t, err)
		turns, tasks = append(turns, claimed.Instances...), append(tasks, claimed.Tasks...)
	}
	require.Equal(t, "a", turns[0].Instance)
	require.Equal(t, 1, tasks[0].Attempt, "a lease that ended counts as a mark, not as an attempt")
	claim.LastEvent = 1
	c = nextTurn(claim)
	c.Messages = nil
	_, err = dead.Commit(t.Context(), c)
	require.ErrorIs(t, err, provider.ErrLockLost)
	_, err = dead.Renew(t.Context(), provider.Renewal{Lease: claim.Token.Lease, Extend: time.Minute})
	require.ErrorIs(t, err, provider.ErrLockLost)
}

func TestEveryInstanceGoesToExactlyOneOfManyClaimers(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	stores := []*postgres.Store{open(t, o), open(t, o), open(t, o)}
	const instances = 60
	for n := range instances {
		submit(t, stores[0], start(fmt.Sprint("i", n)), nil)
	}
	var mu sync.Mutex
	owners := map[string]int{}
	var group sync.WaitGroup
	for n := range 12 {
		s := stores[n%len(stores)]
		h := holder(fmt.Sprint("node", n))
		group.Go(func() {
			for {
				claimed, err := s.Claim(context.Background(), provider.ClaimRequest{Turns: h, MaxTurns: 3})
				require.NoError(t, err)
				if len(claimed.Instances) == 0 {
					return
				}
				h.Lease = claimed.TurnLease
				mu.Lock()
				for _, c := range claimed.Instances {
					owners[c.Instance]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	require.Len(t, owners, instances, "nothing is returned only when nothing is ready")
	for id, n := range owners {
		require.Equal(t, 1, n, id)
	}
}

// Parents that send to the same children in opposite orders are what used to deadlock.
func TestParallelParentsAndChildrenDoNotDeadlock(t *testing.T) {
	t.Parallel()
	// The server counts deadlocks of all that use it; those of migrations under load are wanted.
	o := postgres.Options{URL: pgtest.Own(t).URL, Schema: "s", MaxConns: 4}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	const parents, rounds = 16, 8
	var group sync.WaitGroup
	for n := range parents {
		s := stores[n%2]
		claim := started(t, s, fmt.Sprint("p", n), fmt.Sprint("node", n))
		group.Go(func() {
			for round := range rounds {
				c := provider.Commit{Token: claim.Token, Execution: 1, LastEvent: uint64(round) + 1}
				c.Events = []history.Event{{ID: c.LastEvent + 1, Data: history.KeyValuesCleared{}}}
				for k := range 10 {
					child := k
					if n%4 > 1 {
						child = 9 - k
					}
					c.Send = append(c.Send, raise(fmt.Sprint("child", child), "x"),
						start(fmt.Sprint("own", n, round, k)))
				}
				c.TurnHolder = holder(fmt.Sprint("node", n))
				_, err := s.Commit(context.Background(), c)
				require.NoError(t, err)
			}
		})
	}
	group.Wait()
	count, err := stores[0].Number(t.Context(), `
SELECT count(*) FROM S.messages m JOIN S.instances i ON i.key = m.instance WHERE i.id LIKE 'child%'`)
	require.NoError(t, err)
	require.EqualValues(t, parents*rounds*10, count)
	deadlocks, err := stores[0].Number(t.Context(),
		`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	require.NoError(t, err)
	require.Zero(t, deadlocks)
}

func TestClocksThatDifferNeitherLoseNorDoubleALease(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	skewed := func(d time.Duration) *postgres.Store {
		o := o
		o.Passed = func() time.Duration { return clock.Passed() + d }
		s, err := postgres.Open(t.Context(), o)
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		return s
	}
	slow, fast := skewed(-time.Hour), skewed(time.Hour)
	require.WithinDuration(t, slow.Now(), fast.Now(), time.Minute)
	h := &provider.Holder{Node: "slow", TTL: 50 * time.Minute}
	claim := submit(t, slow, start("a"), h).Claim
	require.NotNil(t, claim)
	submit(t, fast, raise("a", "1"), nil)
	require.Empty(t, claimTurns(t, fast, holder("fast")), "the lease has not ended for anybody")
	_, err := slow.Commit(t.Context(), firstTurn(claim))
	require.NoError(t, err)
	_, err = slow.Renew(t.Context(), provider.Renewal{Lease: claim.Token.Lease, Extend: 2 * time.Hour})
	require.NoError(t, err)
}

func TestAnIdleStoreWritesNothing(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	s := open(t, o)
	started(t, s, "a", "n")
	before, err := s.Number(t.Context(), `SELECT last_value FROM S.ids`)
	require.NoError(t, err)
	for range 3 {
		require.Empty(t, claimTurns(t, s, holder("m")))
	}
	after, err := s.Number(t.Context(), `SELECT last_value FROM S.ids`)
	require.NoError(t, err)
	require.Equal(t, before, after)
	leases, err := s.Number(t.Context(), `SELECT count(*) FROM S.leases`)
	require.NoError(t, err)
	require.EqualValues(t, 1, leases)
}

func TestTurnsOfAHeldInstanceStayInTheirPage(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, postgres.Options{URL: url, Schema: pgtest.Schema(t, url), MaxConns: 1})
	claim := started(t, s, "a", "n")
	const turns = 50
	for n := range turns {
		_, err := s.Commit(t.Context(), provider.Commit{
			Token: claim.Token, Execution: 1, LastEvent: uint64(n) + 1,
			Events: []history.Event{{ID: uint64(n) + 2, Data: history.KeyValuesCleared{}}},
		})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		// What a connection has counted is published when it is idle.
		hot, err := s.Number(t.Context(), `
SELECT pg_stat_get_tuples_hot_updated('S.instances'::regclass) * 100
  / greatest(pg_stat_get_tuples_updated('S.instances'::regclass), 1)`)
		return err == nil && hot >= 90
	}, hangs, 100*time.Millisecond)
}
