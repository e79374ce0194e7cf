package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

func stop(instance string) provider.Message {
	return provider.Message{Kind: provider.CancelInstance, Instance: instance, Data: "stop"}
}

// endUnbegun ends an instance that whoever asks is given.
func (k *kit) endUnbegun(instance string, want ...string) {
	k.Helper()
	claim := k.fetchAs(instance, doing())
	require.Equal(k, provider.NotCommitted, claim.Status)
	require.Equal(k, want, datas(claim.Messages))
	c := firstTurn(claim)
	startedAs("O", "unknown")(&c)
	ends(provider.Failed, "canceled")(&c)
	k.commit(c)
	require.Equal(k, provider.Failed, k.info(instance).Status)
	k.noTurnFor(doing())
}

func endedUnbegun(k *kit) {
	k.submit(startFor("X", "O", ""), startFor("Y", "O", "1.0.0"))
	k.submit(raised("X", "1"))
	k.noTurnFor(doing())
	k.submit(stop("X"))
	k.endUnbegun("X", "start", "1", "stop")
	// One that waits for its start, and one that comes with it.
	k.submit(stop("Y"))
	k.endUnbegun("Y", "start", "stop")
	k.submit(stop("Z"))
	k.submit(startFor("Z", "O", ""))
	k.endUnbegun("Z", "stop", "start")
	k.submit(startFor("A", "O", ""), stop("A"))
	k.endUnbegun("A", "start", "stop")
	// Once it has begun, only its code is asked.
	k.create("B", startedAs("O", "1.0.0"))
	k.submit(stop("B"))
	k.noTurnFor(doing())
	k.fetchAs("B", having("O", "1.0.0"))
}

func endedByAnother(k *kit) {
	link := history.Parent{Instance: "P", Life: history.Life{7}, Execution: 1, Event: 2}
	child := startFor("X", "O", "")
	child.Parent = &link
	k.submit(child)
	other := stop("X")
	other.Parent = &history.Parent{Instance: "Q", Life: history.Life{8}, Execution: 1, Event: 2}
	k.submit(other)
	k.noTurnFor(doing())
	own := stop("X")
	own.Parent = &link
	k.submit(own)
	claim := k.fetchAs("X", doing())
	require.Equal(k, []string{"start", "stop", "stop"}, datas(claim.Messages))
	require.True(k, claim.Parent.Is(link))
}

func endedDelayed(k *kit) {
	in := func(instance string) provider.Message {
		m := startFor(instance, "O", "")
		m.DueMs = k.Clock.Now().Add(time.Hour).UnixMilli()
		return m
	}
	due := k.Clock.Now().Add(time.Hour)
	k.submit(in("X"))
	require.Equal(k, due.UnixMilli(), k.info("X").StartAt.UnixMilli())
	k.submit(startFor("W", "O", ""))
	require.Zero(k, k.info("W").StartAt)
	k.delete(true, "W")
	k.submit(raised("X", "1"))
	k.noTurnFor(nil)
	k.submit(stop("X"))
	k.endUnbegun("X", "start", "1", "stop")
	require.Zero(k, k.info("X").StartAt)
	k.submit(in("Y"), stop("Y"))
	k.endUnbegun("Y", "start", "stop")
	k.submit(stop("Z"))
	k.submit(in("Z"))
	k.noTurnFor(nil) // It said nothing of when.
}

// limited gives a start, delayed by an hour, and the message that ends it an hour later.
func (k *kit) limited(instance string) []provider.Message {
	m := startFor(instance, "O", "")
	m.DueMs = k.Clock.Now().Add(time.Hour).UnixMilli()
	m.Timeout = history.Timeout{Ms: 3_600_000}.Anew(m.DueMs)
	return []provider.Message{m, provider.TimeOut(instance, m.Life, m.Timeout)}
}

func timedUnbegun(k *kit) {
	limit := k.Clock.Now().Add(2 * time.Hour)
	over := "the instance has not ended within 3600000 ms"
	k.submit(k.limited("X")...)
	k.submit(k.limited("Y")...)
	require.Equal(k, limit.UnixMilli(), k.info("X").TimeoutAt.UnixMilli())
	k.noTurnFor(nil)
	// What asks it to end goes without the limit.
	k.submit(stop("Y"))
	k.endUnbegun("Y", "start", "stop")
	k.Clock.Advance(time.Hour)
	claim := k.fetchAs("X", having("O", ""))
	require.Equal(k, []string{"start"}, datas(claim.Messages))
	require.Equal(k, limit.UnixMilli(), claim.Messages[0].Timeout.AtMs)
	k.giveBack(claim, 0, true)
	k.noTurnFor(doing())
	k.submit(provider.TimeOut("W", history.Life{9}, history.Timeout{Ms: 1, AtMs: limit.UnixMilli()}))
	k.Clock.Advance(time.Hour - time.Millisecond)
	k.noTurnFor(doing())
	k.Clock.Advance(time.Millisecond)
	k.delete(true, "Y") // its own is over too
	k.endUnbegun("X", "start", over)
	require.Zero(k, k.info("X").TimeoutAt)
	k.absent("W")
}

func timedOut(k *kit) {
	timed := func(instance string) {
		all := k.limited(instance)
		all[0].DueMs = 0
		k.submit(all...)
		c := firstTurn(k.fetch(instance))
		c.Release = true
		k.commit(c)
	}
	timed("X")
	timed("Y")
	require.Equal(k, provider.Depths{Timers: 2}, k.depths())
	child := provider.Place{Instance: "Y", Life: k.info("Y").Life}
	k.over("W")
	k.repairs(provider.Repair{Rewrites: []provider.Rewrite{k.rewriting("W")}, Running: []provider.Place{child}}, nil)
	k.delete(true, "W")
	k.step("Y", ends(provider.Completed, "done"), func(c *provider.Commit) { c.DropTimeout = true })
	require.Equal(k, provider.Depths{Timers: 1}, k.depths())
	require.Zero(k, k.info("Y").TimeoutAt)
	k.renewed("X")
	require.Equal(k, k.Clock.Now().Add(2*time.Hour).UnixMilli(), k.info("X").TimeoutAt.UnixMilli())
	k.Clock.Advance(2 * time.Hour)
	k.noTurnFor(doing())
	claim := k.fetchAs("X", having("TestOrch", "1.0.0"))
	require.Equal(k, provider.TimedOut, claim.Messages[0].Stop)
	require.Len(k, claim.Messages, 1)
}
