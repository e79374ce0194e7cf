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
