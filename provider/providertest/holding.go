package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var holding = theme{"holding", "holding.go", []Case{
	{ID: "P200", Title: "what is held for a code goes to any other, with all its messages", run: heldForOne},
	{ID: "P201", Title: "what two codes do not fit is given to neither", run: heldForTwo},
	{ID: "P202", Title: "a turn of other code ends the hold", run: heldNoMore},
	{ID: "P203", Title: "a released instance goes to everybody, and only a held one is released", run: released},
	{ID: "P204", Title: "whoever claims gets what ends a held instance", run: heldAndEnded},
	{ID: "P205", Title: "a held instance runs: it is listed, kept, and deleted by force only", run: heldIsRunning},
	{ID: "P206", Title: "a hold is kept by the store", needs: needReopen, run: heldOverReopening},
	{ID: "P207", Title: "what is sent to a held instance is handed to nobody whose code does not fit", run: heldHandOff},
	{ID: "P208", Title: "only who has the orchestration is given what is held for others", run: heldByName},
	{ID: "P209", Title: "a stale claim holds nothing", run: heldByToken},
}}

// coded serves everything with a code.
func coded(code string) *provider.Serves { return &provider.Serves{Code: code} }

// held commits that an instance is held for one more code.
func (k *kit) held(claim provider.InstanceClaim, code string) *provider.Hold {
	k.Helper()
	c := turn(claim)
	c.Messages = nil
	c.Hold = provider.Hold{
		Execution: claim.Execution, LastEvent: claim.LastEvent, Event: 2, Reason: "mismatch of " + code,
		SinceMs: k.Clock.Now().UnixMilli(),
	}.Again(claim.Hold, code)
	k.commit(c)
	return c.Hold
}

// hold makes an instance with two messages that is held for a code.
func (k *kit) hold(instance, code string) *provider.Hold {
	k.Helper()
	k.create(instance)
	k.submit(raised(instance, "1"), timer(instance, 7, k.Clock.Now().Add(time.Hour)))
	return k.held(*k.fetchWith(long, coded(code)), code)
}

func (k *kit) holdOf(instance string) *provider.Hold {
	k.Helper()
	status, err := k.Provider.Status(k.ctx, instance)
	require.NoError(k, err)
	info := k.info(instance)
	require.Equal(k, status.Hold, info.Hold)
	require.Equal(k, status.Status, info.Status)
	return info.Hold
}

func heldForOne(k *kit) {
	want := k.hold("X", "a")
	require.Equal(k, want, k.holdOf("X"))
	k.submit(raised("X", "2"))
	k.noTurnFor(coded("a"))
	k.Clock.Advance(2 * time.Hour)
	k.noTurnFor(coded("a"))
	claim := k.fetchAs("X", coded("b"))
	require.Equal(k, []string{"1", "2", "timer 7"}, datas(claim.Messages))
	require.Equal(k, want, claim.Hold)
	require.Equal(k, 1, claim.Attempt)
	require.Zero(k, claim.Marks)
}

func heldForTwo(k *kit) {
	first := k.hold("X", "a")
	k.Clock.Advance(time.Minute)
	second := k.held(k.fetchAs("X", coded("b")), "b")
	require.Equal(k, []string{"a", "b"}, second.Codes)
	require.Equal(k, first.SinceMs, second.SinceMs)
	require.Equal(k, second, k.holdOf("X"))
	k.noTurnFor(coded("a"))
	k.noTurnFor(coded("b"))
	k.fetchAs("X", coded("c"))
}

func heldNoMore(k *kit) {
	k.hold("X", "a")
	c := turn(k.fetchAs("X", coded("b")))
	c.Events = events(2)
	k.commit(c)
	require.Nil(k, k.holdOf("X"))
	k.poke("X")
	require.Nil(k, k.fetchAs("X", coded("a")).Hold)
}

func released(k *kit) {
	k.create("free")
	k.hold("X", "a")
	resume := func(instance string) bool {
		was, err := k.Provider.Resume(k.ctx, instance)
		require.NoError(k, err)
		return was
	}
	require.True(k, resume("X"))
	require.False(k, resume("X"))
	require.False(k, resume("free"))
	require.Nil(k, k.holdOf("X"))
	claim := k.fetchAs("X", coded("a"))
	require.Equal(k, []string{"1"}, datas(claim.Messages))
	require.Nil(k, claim.Hold)
	_, err := k.Provider.Resume(k.ctx, "nobody")
	require.ErrorIs(k, err, provider.ErrInstanceNotFound)
}

func heldAndEnded(k *kit) {
	want := k.hold("X", "a")
	k.submit(provider.Message{Kind: provider.CancelInstance, Instance: "X", Data: "stop"})
	claim := k.fetchAs("X", &provider.Serves{
		Code: "a", Orchestration: func(string, string) bool { return false },
	})
	require.Equal(k, []string{"1", "stop"}, datas(claim.Messages))
	require.Equal(k, want, claim.Hold)
	// It was not meant, and is gone.
	c := turn(claim)
	c.Messages, c.Hold = []uint64{claim.Messages[1].ID}, claim.Hold
	k.commit(c)
	require.Equal(k, want, k.holdOf("X"))
	k.noTurnFor(coded("a"))
	k.submit(provider.Message{Kind: provider.CancelInstance, Instance: "X", Data: "stop"})
	c = turn(k.fetchAs("X", coded("a")))
	c.Events = events(2)
	ends(provider.Failed, "canceled")(&c)
	k.commit(c)
	require.Nil(k, k.holdOf("X"))
	require.Equal(k, provider.Failed, k.info("X").Status)
}

func heldIsRunning(k *kit) {
	k.hold("X", "a")
	require.Equal(k, provider.Running, k.info("X").Status)
	require.Equal(k, []string{"X"}, k.list(provider.ListQuery{Status: provider.Running}))
	require.Empty(k, k.list(provider.ListQuery{FinalOnly: true}))
	_, err := k.Provider.Prune(k.ctx, "X", provider.PruneOptions{})
	require.NoError(k, err)
	require.Len(k, k.history("X", 1), 1)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"X"}})
	require.ErrorIs(k, err, provider.ErrStillRunning)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"X"}, Force: true})
	require.NoError(k, err)
	// Who lives there next is free.
	k.create("X")
	k.poke("X")
	require.Nil(k, k.fetchAs("X", coded("a")).Hold)
}

func heldOverReopening(k *kit) {
	want := k.hold("X", "a")
	again, err := k.Reopen()
	require.NoError(k, err)
	k.Provider = again
	require.Equal(k, want, k.holdOf("X"))
	k.noTurnFor(coded("a"))
	k.fetchAs("X", coded("b"))
}

func heldHandOff(k *kit) {
	k.hold("X", "a")
	submit := func(code, data string) provider.Submitted {
		results, err := k.Provider.Submit(k.ctx, provider.Submission{
			Messages: []provider.Message{raised("X", data)}, Claim: k.serving(coded(code)),
		})
		require.NoError(k, err)
		return results[0]
	}
	require.Nil(k, submit("a", "2").Claim)
	claim := submit("b", "3").Claim
	require.NotNil(k, claim)
	require.Equal(k, []string{"1", "2", "3"}, datas(claim.Messages))
}

func heldByName(k *kit) {
	k.hold("X", "a")
	other := having("P", "1.0.0")
	other.Code = "b"
	k.noTurnFor(other)
	has := having("TestOrch", "1.0.0")
	has.Code = "b"
	k.fetchAs("X", has)
}

func heldByToken(k *kit) {
	k.create("X")
	k.poke("X")
	stale := k.fetch("X")
	k.giveBack(stale, 0, true)
	c := turn(stale)
	c.Messages, c.Hold = nil, provider.Hold{Execution: 1, LastEvent: 1}.Again(nil, "a")
	k.refused(c, provider.ErrLockLost)
	require.Nil(k, k.holdOf("X"))
	c = turn(k.fetchAs("X", coded("a")))
	c.Events = []history.Event{event(2, history.ExternalSubscribed{Name: "e"})}
	k.commit(c)
}
