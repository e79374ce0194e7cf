package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var capability = theme{"capability", "capability.go", []Case{
	{ID: "C119 C120 C121", Title: "a range leaves out instances pinned outside it", run: insideAndOutside},
	{ID: "C122", Title: "each range gets its own instance", run: eachRange},
	{ID: "C123", Title: "an instance that was left out is not held", run: notHeld},
	{ID: "C124", Title: "an instance without a pin fits every range", run: noPin},
	{ID: "C125", Title: "both ends of a range belong to it", run: bothEnds},
	{ID: "C126 C127", Title: "a turn without a pin keeps the pin", run: keptPin},
	{ID: "C128", Title: "the pin is that of the current execution", run: currentPin},
	{ID: "C130", Title: "a claimed instance is not claimed again by range", run: claimedByRange},
	{ID: "C131 C132", Title: "a later pin replaces an earlier one", run: laterPin},
	{ID: "C133 C136", Title: "a corrupt history is decoded only after the range was checked", run: corruptOutside},
	{ID: "P34", Title: "the range also limits hand-offs", run: handOffRange},
	{ID: "P35", Title: "a started execution is judged by its predecessor's pin", run: predecessorPin},
}}

// versions gives the range from one major.minor.patch to another.
func versions(a, b, c, d, e, f uint64) *provider.VersionRange {
	return &provider.VersionRange{
		Min: provider.PackVersion(a, b, c), Max: provider.PackVersion(d, e, f),
	}
}

func pin(major, minor, patch uint64) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Started.Pin = provider.PackVersion(major, minor, patch) }
}

var (
	rangeV1 = versions(1, 0, 0, 1, 9, 99)
	rangeV2 = versions(2, 0, 0, 2, 9, 99)
)

// pinned creates an instance of a version that has a message.
func (k *kit) pinned(id string, major, minor, patch uint64) {
	k.Helper()
	k.create(id, pin(major, minor, patch))
	k.poke(id)
}

func (k *kit) noTurnFor(v *provider.VersionRange) {
	k.Helper()
	require.Nil(k, k.fetchWith(long, v))
}

func (k *kit) fetchIn(id string, v *provider.VersionRange) provider.InstanceClaim {
	k.Helper()
	claim := k.fetchWith(long, v)
	require.NotNil(k, claim)
	require.Equal(k, id, claim.Instance)
	return *claim
}

func insideAndOutside(k *kit) {
	k.pinned("X", 1, 2, 3)
	k.noTurnFor(rangeV2)
	k.giveBack(k.fetchIn("X", rangeV1), 0, true)
	k.fetchIn("X", nil)
}

func eachRange(k *kit) {
	k.create("one", pin(1, 0, 0))
	k.create("two", pin(2, 0, 0))
	k.poke("one")
	k.poke("two")
	k.fetchIn("two", rangeV2)
	k.fetchIn("one", rangeV1)
}

func notHeld(k *kit) {
	k.pinned("X", 1, 0, 0)
	k.noTurnFor(rangeV2)
	require.Equal(k, 1, k.fetchIn("X", rangeV1).Attempt)
}

func noPin(k *kit) {
	k.submit(start("bare"))
	k.bareTurn("bare")
	k.poke("bare")
	k.fetchIn("bare", versions(99, 0, 0, 99, 9, 9))
	k.pinned("zero", 0, 0, 0)
	k.fetchIn("zero", versions(99, 0, 0, 99, 9, 9))
	k.submit(start("new"))
	k.fetchIn("new", versions(99, 0, 0, 99, 9, 9))
}

func (k *kit) bareTurn(id string) {
	k.Helper()
	c := turn(k.fetch(id))
	c.Events = events(1)
	k.commit(c)
}

func bothEnds(k *kit) {
	k.pinned("low", 1, 0, 0)
	k.fetchIn("low", rangeV1)
	k.pinned("high", 1, 9, 99)
	k.fetchIn("high", rangeV1)
	k.pinned("out", 2, 0, 0)
	k.noTurnFor(rangeV1)
	k.fetchIn("out", nil)
}

func keptPin(k *kit) {
	k.create("X", pin(1, 0, 0))
	k.step("X", func(c *provider.Commit) { c.Events = events(2) })
	k.poke("X")
	k.noTurnFor(rangeV2)
	k.fetchIn("X", rangeV1)
}

func currentPin(k *kit) {
	k.create("X", pin(1, 0, 0))
	k.renewed("X", pin(2, 0, 0))
	k.poke("X")
	k.noTurnFor(rangeV1)
	k.fetchIn("X", rangeV2)
}

func claimedByRange(k *kit) {
	k.pinned("X", 1, 0, 0)
	k.fetchIn("X", rangeV1)
	k.noTurnFor(rangeV1)
}

func laterPin(k *kit) {
	k.submit(start("X"))
	k.bareTurn("X")
	later := func(major uint64) {
		k.step("X", func(c *provider.Commit) {
			c.Started = &provider.Started{Name: "TestOrch", Version: "1.0.0"}
			pin(major, 0, 0)(c)
		})
		k.poke("X")
	}
	later(1)
	k.noTurnFor(rangeV2)
	claim := k.fetchIn("X", rangeV1)
	k.commit(turn(claim))
	later(2)
	k.noTurnFor(rangeV1)
	k.fetchIn("X", rangeV2)
}

func corruptOutside(k *kit) {
	k.pinned("X", 99, 0, 0)
	require.NoError(k, k.CorruptHistory("X"))
	k.noTurnFor(rangeV1)
	claim := k.fetchIn("X", nil)
	require.Equal(k, "TestOrch", claim.Name)
	require.Equal(k, uint64(1), claim.LastEvent)
	_, err := k.Provider.Load(k.ctx, "X", 1)
	require.ErrorIs(k, err, provider.ErrCorrupt)
}

func handOffRange(k *kit) {
	k.create("X", pin(1, 0, 0), plan(activity(2)))
	results, err := k.Provider.Submit(k.ctx, provider.Submission{
		Messages: []provider.Message{raised("X", "1")}, Claim: k.holder(long), Versions: rangeV2,
	})
	require.NoError(k, err)
	require.Nil(k, results[0].Claim)
	require.Zero(k, results[0].Held)
	k.Clock.Advance(time.Second)
	held := k.work(2, anyRoute)
	message := done("X", 2, "2")
	results, err = k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: held.Token, Message: &message}},
		Claim: k.holder(long), Versions: rangeV1,
	})
	require.NoError(k, err)
	require.NotNil(k, results[0].Claim)
	require.Equal(k, []string{"1", "2"}, datas(results[0].Claim.Messages))
}

func predecessorPin(k *kit) {
	k.create("X", pin(1, 0, 0))
	next := start("X")
	next.Kind, next.Execution = provider.ContinueInstance, 2
	k.step("X", ends(provider.ContinuedAsNew, ""), func(c *provider.Commit) {
		c.Send = []provider.Message{next}
	})
	k.noTurnFor(rangeV2)
	k.commit(nextTurn(k.fetchIn("X", rangeV1)))
	k.poke("X")
	k.fetchIn("X", rangeV2)
}
