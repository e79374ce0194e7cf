package providertest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var creation = theme{"creation", "creation.go", []Case{
	{ID: "C049 C051", Title: "name and version are those of the turn, not of the message", run: namedByTurn},
	{ID: "C050", Title: "a start makes an instance", run: madeByStart},
	{ID: "C052", Title: "a child is made by its own first turn", run: madeChild},
	{ID: "C138", Title: "a turn can be appended to a corrupt history", run: appendToCorrupt},
	{ID: "C231", Title: "a stored event comes back with its own version and time", run: oldStamp},
	{ID: "N4", Title: "a turn without a description makes the instance exist", run: undescribed},
	{ID: "P21", Title: "the parent is stored once", run: parentOnce},
	{ID: "P22", Title: "an execution is the stored one or the one after", run: oneAbove},
	{ID: "P23", Title: "what was stored survives reopening", run: reopened, needs: needReopen},
	{ID: "P24", Title: "a closed store says so", run: closed},
	{ID: "P57", Title: "a start that waits is told from a message that waits", run: starting},
	{ID: "P25", Title: "a cancelled context is an error without effect", run: cancelledContext},
	{ID: "N18", Title: "errors carry a sentinel and are not retryable", run: typedErrors},
}}

func namedByTurn(k *kit) {
	message := start("A")
	message.Version = nil
	k.submit(message)
	claim := k.fetch("A")
	require.Zero(k, claim.Execution)
	require.Equal(k, provider.NotCommitted, claim.Status)
	require.Equal(k, "TestOrch", claim.Name)
	require.Empty(k, claim.Version, "nobody has chosen yet")
	require.Equal(k, "TestOrch", claim.Messages[0].Name)
	require.Nil(k, claim.Messages[0].Version)
	c := firstTurn(claim)
	c.Started.Version = "2.0.0"
	k.commit(c)
	k.poke("A")
	claim = k.fetch("A")
	require.Equal(k, "TestOrch", claim.Name)
	require.Equal(k, "2.0.0", claim.Version)
	require.Equal(k, uint64(1), claim.Execution)
	require.Equal(k, uint64(1), claim.LastEvent)
}

func madeByStart(k *kit) {
	submitted := k.submit(start("A"))
	require.Equal(k, provider.NotCommitted, submitted[0].Existing)
	require.Equal(k, []string{"A"}, k.list(provider.ListQuery{}))
	k.commit(firstTurn(k.fetch("A")))
	require.Equal(k, []string{"A"}, k.list(provider.ListQuery{}))
	require.Equal(k, provider.Running, k.submit(start("A"))[0].Existing)
}

func starting(k *kit) {
	state := func() *provider.Status {
		k.Helper()
		status, err := k.Provider.Status(k.ctx, "A")
		require.NoError(k, err)
		return status
	}
	require.False(k, k.submit(raised("A", "early"))[0].Starting)
	require.Nil(k, state(), "a message makes no state")
	k.submit(raised("A", "earlier"))
	both := k.submit(start("A"), start("A"))
	require.False(k, both[0].Starting)
	require.True(k, both[1].Starting, "of two starts of one call, one is the first")
	require.Equal(k, &provider.Status{}, state())
	require.True(k, k.submit(start("A"))[0].Starting)
	claim := k.fetch("A")
	require.True(k, k.submit(start("A"))[0].Starting, "also while it is held")
	require.Equal(k, &provider.Status{}, state())
	k.commit(firstTurn(claim))
	require.Equal(k, provider.Running, state().Status)
	again := k.submit(start("A"))[0]
	require.False(k, again.Starting)
	require.Equal(k, provider.Running, again.Existing)
}

func madeChild(k *kit) {
	child := start("child")
	child.Name, child.Parent = "Child", &history.Parent{Instance: "A", Execution: 1, Event: 2}
	k.create("A", func(c *provider.Commit) { c.Send = []provider.Message{child} })
	require.Equal(k, "A", k.info("child").Parent)
	claim := k.fetch("child")
	require.Equal(k, "Child", claim.Messages[0].Name)
	require.Equal(k, child.Parent, claim.Messages[0].Parent)
	c := firstTurn(claim)
	c.Started = &provider.Started{Name: "Child", Version: "1.5.0", Parent: child.Parent}
	k.commit(c)
	k.poke("child")
	require.Equal(k, "1.5.0", k.fetch("child").Version)
	require.Equal(k, "A", k.info("child").Parent)
}

func appendToCorrupt(k *kit) {
	k.create("X")
	require.NoError(k, k.CorruptHistory("X"))
	k.step("X", ends(provider.Failed, "poison: text"), func(c *provider.Commit) {
		c.Events = events(99999)
	})
	info := k.info("X")
	require.Equal(k, provider.Failed, info.Status)
	require.Equal(k, "poison: text", info.Output)
}

func oldStamp(k *kit) {
	old := history.Event{ID: 1, TimeMs: 12345, Engine: "0.1.30", Data: firstEvent().Data}
	newer := history.Event{
		ID: 4, Source: 1, TimeMs: -5, Engine: "0.1.31", Data: history.ActivityCompleted{Result: ""},
	}
	k.create("X", func(c *provider.Commit) { c.Events = []history.Event{old, newer} })
	require.Equal(k, []history.Event{old, newer}, k.history("X", 1))
	record, err := k.Provider.Load(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, []history.Event{old, newer}, record.Events)
}

func undescribed(k *kit) {
	k.submit(start("X"))
	k.bare(1, events(1))
	k.bare(2, events(1, 2))
	k.poke("X")
	claim := k.fetch("X")
	require.Equal(k, uint64(2), claim.Execution)
	require.Equal(k, uint64(2), claim.LastEvent)
	require.Equal(k, uint64(2), k.info("X").Execution)
}

func parentOnce(k *kit) {
	k.create("P")
	k.createChild("X", "P")
	k.renewed("X", childOf("other"))
	require.Equal(k, "P", k.info("X").Parent)
	children, err := k.Provider.Children(k.ctx, "P")
	require.NoError(k, err)
	require.Equal(k, []string{"X"}, children)
}

func oneAbove(k *kit) {
	k.create("X")
	k.renewed("X")
	k.poke("X")
	claim := k.fetch("X")
	for _, execution := range []uint64{0, 1, 4} {
		c := turn(claim)
		c.Execution, c.LastEvent, c.Events = execution, 0, events(50)
		_, err := k.Provider.Commit(k.ctx, c)
		require.Error(k, err, "execution %d", execution)
	}
	require.Equal(k, uint64(2), k.info("X").Execution)
	require.Len(k, k.history("X", 1), 1)
}

func reopened(k *kit) {
	k.create("X", plan(activity(2)), func(c *provider.Commit) {
		c.Values = []provider.ValueChange{{Key: "k", Value: new("v"), UpdatedAtMs: 7}}
		c.CustomStatus = &provider.CustomStatusChange{Status: new("s")}
	})
	k.submit(raised("X", "1"), timer("X", 3, k.Clock.Now().Add(10*time.Second)))
	claim := k.fetchFor("X", short)
	info := k.info("X")
	again, err := k.Reopen()
	require.NoError(k, err)
	k.Provider = again
	require.Equal(k, info, k.info("X"))
	require.Equal(k, []history.Event{firstEvent()}, k.history("X", 1))
	status, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, "s", *status.CustomStatus)
	value, err := k.Provider.Value(k.ctx, "X", "k")
	require.NoError(k, err)
	require.Equal(k, "v", *value)
	k.work(2, anyRoute)
	k.Clock.Advance(10 * time.Second)
	// A store may see that the process which holds X lives. Then it leaves it one more length, from
	// when it first looks.
	k.claim(provider.ClaimRequest{Turns: k.holder(long)})
	k.Clock.Advance(short)
	next := k.fetch("X")
	require.Equal(k, []string{"1", "timer 3"}, datas(next.Messages))
	require.Equal(k, 1, next.Marks, "the claim of before was never committed")
	require.NotEqual(k, claim.Token, next.Token)
}

func closed(k *kit) {
	k.create("X")
	stop := k.Provider.Watch(func(provider.Change) {})
	require.NoError(k, k.Provider.Close(k.ctx))
	require.ErrorIs(k, k.Provider.Close(k.ctx), provider.ErrClosed)
	_, err := k.Provider.Submit(k.ctx, provider.Submission{Messages: []provider.Message{start("X")}})
	require.ErrorIs(k, err, provider.ErrClosed)
	_, err = k.Provider.Claim(k.ctx, provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 1})
	require.ErrorIs(k, err, provider.ErrClosed)
	_, err = k.Provider.Status(k.ctx, "X")
	require.ErrorIs(k, err, provider.ErrClosed)
	_, err = k.Provider.List(k.ctx, provider.ListQuery{})
	require.ErrorIs(k, err, provider.ErrClosed)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"X"}, Force: true})
	require.ErrorIs(k, err, provider.ErrClosed)
	stop()
}

func cancelledContext(k *kit) {
	ctx, cancel := context.WithCancel(k.ctx)
	cancel()
	k.create("X")
	_, err := k.Provider.List(ctx, provider.ListQuery{})
	require.ErrorIs(k, err, context.Canceled)
	_, err = k.Provider.Status(ctx, "X")
	require.ErrorIs(k, err, context.Canceled)
}

func typedErrors(k *kit) {
	k.create("P")
	k.createChild("C", "P")
	check := func(want, err error) {
		k.Helper()
		require.ErrorIs(k, err, want)
		require.False(k, provider.IsRetryable(err), "%v", err)
	}
	_, err := k.Provider.Instance(k.ctx, "nobody")
	check(provider.ErrInstanceNotFound, err)
	_, err = k.Provider.Execution(k.ctx, "nobody", 1)
	check(provider.ErrInstanceNotFound, err)
	_, err = k.Provider.Execution(k.ctx, "P", 9)
	check(provider.ErrExecutionNotFound, err)
	_, err = k.Provider.Prune(k.ctx, "nobody", provider.PruneOptions{})
	check(provider.ErrInstanceNotFound, err)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"P", "C"}})
	check(provider.ErrStillRunning, err)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"P"}, Force: true})
	check(provider.ErrOrphanedChild, err)
	_, err = k.Provider.Renew(k.ctx, provider.Renewal{Lease: 1 << 30, Extend: long})
	check(provider.ErrLockLost, err)
}
