package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var capability = theme{"capability", "capability.go", []Case{
	{ID: "C119 C120 C121", Title: "a node gets no instance of a level above its own", run: aboveAndBelow},
	{ID: "C122", Title: "each level finds its node", run: eachLevel},
	{ID: "C123", Title: "an instance that was left out is not held", run: notHeld},
	{ID: "C124", Title: "every node reads an instance without a level", run: noLevel},
	{ID: "C125", Title: "the level of a node belongs to what it reads", run: ownLevel},
	{ID: "C126 C127", Title: "a turn without a level keeps the level", run: keptLevel},
	{ID: "C128", Title: "the level does not fall with the next execution", run: nextLevel},
	{ID: "C130", Title: "a claimed instance is not claimed again by level", run: claimedByLevel},
	{ID: "C131 C132", Title: "a later turn raises the level, and none lowers it", run: laterLevel},
	{ID: "C133 C136", Title: "a corrupt history is decoded only after the level was checked", run: corruptAbove},
	{ID: "P34", Title: "the level also limits hand-offs", run: handOffLevel},
	{ID: "P35", Title: "a message raises the level of its target", run: messageLevel},
}}

// upTo serves everything up to a format level.
func upTo(level uint64) *provider.Serves { return &provider.Serves{Level: level} }

func level(l uint64) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Level = l }
}

// leveled creates an instance of a level that has a message.
func (k *kit) leveled(id string, l uint64) {
	k.Helper()
	k.create(id, level(l))
	k.poke(id)
}

func (k *kit) noTurnFor(s *provider.Serves) {
	k.Helper()
	require.Nil(k, k.fetchWith(long, s))
}

func (k *kit) fetchAs(id string, s *provider.Serves) provider.InstanceClaim {
	k.Helper()
	claim := k.fetchWith(long, s)
	require.NotNil(k, claim)
	require.Equal(k, id, claim.Instance)
	return *claim
}

func aboveAndBelow(k *kit) {
	k.leveled("X", 3)
	k.noTurnFor(upTo(2))
	claim := k.fetchAs("X", upTo(4))
	require.Equal(k, uint64(3), claim.Level)
	k.giveBack(claim, 0, true)
	k.fetchAs("X", nil)
}

func eachLevel(k *kit) {
	k.create("two", level(2))
	k.create("one", level(1))
	k.poke("two")
	k.poke("one")
	k.fetchAs("one", upTo(1))
	k.noTurnFor(upTo(1))
	k.fetchAs("two", upTo(2))
}

func notHeld(k *kit) {
	k.leveled("X", 2)
	k.noTurnFor(upTo(1))
	require.Equal(k, 1, k.fetchAs("X", upTo(2)).Attempt)
}

func noLevel(k *kit) {
	k.submit(start("bare"))
	k.bareTurn("bare")
	k.poke("bare")
	k.fetchAs("bare", upTo(0))
	k.submit(start("new"))
	k.fetchAs("new", upTo(0))
}

func (k *kit) bareTurn(id string) {
	k.Helper()
	c := turn(k.fetch(id))
	c.Events = events(1)
	k.commit(c)
}

func ownLevel(k *kit) {
	k.leveled("own", 7)
	k.fetchAs("own", upTo(7))
	k.leveled("above", 8)
	k.noTurnFor(upTo(7))
	k.fetchAs("above", nil)
}

func keptLevel(k *kit) {
	k.create("X", level(2))
	k.step("X", func(c *provider.Commit) { c.Events = events(2) })
	k.poke("X")
	k.noTurnFor(upTo(1))
	k.fetchAs("X", upTo(2))
}

func nextLevel(k *kit) {
	k.create("X", level(2))
	k.renewed("X", level(1))
	k.poke("X")
	k.noTurnFor(upTo(1))
	k.fetchAs("X", upTo(2))
}

func claimedByLevel(k *kit) {
	k.leveled("X", 1)
	k.fetchAs("X", upTo(1))
	k.noTurnFor(upTo(1))
}

func laterLevel(k *kit) {
	k.submit(start("X"))
	k.bareTurn("X")
	k.step("X", level(5))
	k.step("X", level(3))
	k.poke("X")
	k.noTurnFor(upTo(4))
	k.fetchAs("X", upTo(5))
}

func corruptAbove(k *kit) {
	k.leveled("X", 99)
	require.NoError(k, k.CorruptHistory("X"))
	k.noTurnFor(upTo(1))
	claim := k.fetchAs("X", nil)
	require.Equal(k, "TestOrch", claim.Name)
	require.Equal(k, uint64(1), claim.LastEvent)
	_, err := k.Provider.Load(k.ctx, "X", 1)
	require.ErrorIs(k, err, provider.ErrCorrupt)
}

func handOffLevel(k *kit) {
	k.create("X", level(2), plan(activity(2)))
	results, err := k.Provider.Submit(k.ctx, provider.Submission{
		Messages: []provider.Message{raised("X", "1")}, Claim: k.serving(upTo(1)),
	})
	require.NoError(k, err)
	require.Nil(k, results[0].Claim)
	require.Zero(k, results[0].Held)
	k.Clock.Advance(time.Second)
	held := k.work(2, anyRoute)
	message := done("X", 2, "2")
	results, err = k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: held.Token, Message: &message}}, Claim: k.serving(upTo(2)),
	})
	require.NoError(k, err)
	require.NotNil(k, results[0].Claim)
	require.Equal(k, []string{"1", "2"}, datas(results[0].Claim.Messages))
}

func messageLevel(k *kit) {
	k.create("X", level(1))
	later := raised("X", "1")
	later.Level = 2
	k.submit(later)
	k.poke("X")
	k.noTurnFor(upTo(1))
	first := start("new")
	first.Level = 3
	k.submit(first)
	k.commit(turn(k.fetchAs("X", upTo(2))))
	k.noTurnFor(upTo(2))
	k.fetchAs("new", upTo(3))
}
