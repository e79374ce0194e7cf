package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var lives = theme{name: "lives", cases: []Case{
	{ID: "L1", Title: "the same start twice is one start", run: sameStart},
	{ID: "L2", Title: "a start of another life never touches the first", run: takenPlace},
	{ID: "L3", Title: "a refused start is answered by what it brings along", run: refusedStart},
	{ID: "L4", Title: "a message for a life reaches that life only", run: namedLife},
	{ID: "L5", Title: "a message for a life never waits for a start", run: nobodyThere},
	{ID: "L6", Title: "a message for an earlier life is dropped", run: earlierLife},
	{ID: "L7", Title: "a message for an ended life is stored", run: endedLife},
	{ID: "L8", Title: "an instance of an unknown life takes every message, and a life with its next commit", run: adopted},
	{ID: "L9", Title: "a claim tells life, parent and starts", run: toldLife},
	{ID: "L10", Title: "the number of starts never falls", run: startNumbers},
	{ID: "L11", Title: "a start is an instance before its first turn", run: startedInstance},
	{ID: "L12", Title: "an instance is deleted before its first turn", run: deleteStarted},
	{ID: "L13", Title: "a child that winds down goes with its parent", run: windingDown},
	{ID: "L14", Title: "children are those of the life that is there", run: childrenOfLife},
	{ID: "L15", Title: "a deletion tells whom it has ended", run: toldGone},
	{ID: "L19", Title: "a deletion that means an earlier life does nothing", run: deleteEarlier},
	{ID: "L16", Title: "a life goes with the messages of a turn", run: sentLives},
	{ID: "L17", Title: "early messages wait as long as their kind may", run: patienceOfKinds},
	{ID: "L18", Title: "a late start meets nothing that has waited too long", run: lateStart},
	{ID: "L20", Title: "a message for one that runs is dropped where it has ended, and goes with its start", run: ifRunning},
}}

var (
	oneLife   = history.Life{1}
	otherLife = history.Life{2}
)

func startOf(instance string, life history.Life) provider.Message {
	m := start(instance)
	m.Life = life
	return m
}

func (k *kit) one(m provider.Message) provider.Submitted {
	k.Helper()
	return k.submit(m)[0]
}

func sameStart(k *kit) {
	require.Equal(k, provider.Stored, k.one(startOf("X", oneLife)).Fate)
	both := k.submit(startOf("X", oneLife), startOf("Y", otherLife))
	require.Equal(k, provider.Same, both[0].Fate)
	require.True(k, both[0].Starting)
	require.Zero(k, both[0].ID)
	require.Equal(k, provider.Stored, both[1].Fate)
	k.delete(true, "Y")
	claim := k.fetch("X")
	require.Len(k, claim.Messages, 1)
	k.commit(firstTurn(claim))
	require.Equal(k, provider.Same, k.one(startOf("X", oneLife)).Fate)
	k.step("X", ends(provider.Completed, ""))
	again := k.one(startOf("X", oneLife))
	require.Equal(k, provider.Same, again.Fate)
	require.Equal(k, provider.Completed, again.Existing)
}

func takenPlace(k *kit) {
	first := startOf("X", oneLife)
	first.Input = "first"
	k.submit(first)
	second := startOf("X", otherLife)
	second.Name, second.Input = "Other", "second"
	result := k.one(second)
	require.Equal(k, provider.Taken, result.Fate)
	require.True(k, result.Starting)
	require.Equal(k, "TestOrch", k.info("X").Name)
	claim := k.fetch("X")
	require.Len(k, claim.Messages, 1)
	require.Equal(k, "first", claim.Messages[0].Input)
	require.Equal(k, oneLife, claim.Life)
	require.Equal(k, provider.Taken, k.one(second).Fate, "also while it is held")
	k.commit(firstTurn(claim))
	require.Equal(k, provider.Taken, k.one(second).Fate)
	require.Equal(k, provider.Taken, k.one(start("X")).Fate, "a start without a life is another one")
	k.noWork(anyRoute)
}

func refusal(to string) *provider.Refusal {
	return &provider.Refusal{Running: raised(to, "runs"), Ended: raised(to, "has ended")}
}

func refusedStart(k *kit) {
	k.create("P")
	k.submit(startOf("X", oneLife))
	second := startOf("X", otherLife)
	second.Refusal = refusal("P")
	result := k.one(second)
	require.Equal(k, provider.Refused, result.Fate)
	require.NotZero(k, result.ID)
	for _, claim := range k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 2}).Instances {
		if claim.Instance == "X" {
			k.commit(firstTurn(claim))
			continue
		}
		require.Equal(k, []string{"runs"}, datas(claim.Messages))
		require.Equal(k, result.ID, claim.Messages[0].ID)
		require.Nil(k, claim.Messages[0].Refusal)
		k.commit(turn(claim))
	}
	k.step("X", ends(provider.Completed, ""))
	require.Equal(k, provider.Refused, k.one(second).Fate)
	require.Equal(k, []string{"has ended"}, datas(k.fetch("P").Messages))
	k.noWork(anyRoute)
	second.Refusal = refusal("nobody")
	second.Refusal.Ended.Life = oneLife
	require.Equal(k, provider.Taken, k.one(second).Fate, "nobody is there to be told")
}

func ifRunning(k *kit) {
	k.createFrom(startOf("X", oneLife))
	m := raised("X", "for one that runs")
	m.Life, m.IfRunning = oneLife, true
	require.Equal(k, provider.Stored, k.one(m).Fate)
	claim := k.fetch("X")
	require.Equal(k, []string{"for one that runs"}, datas(claim.Messages))
	require.False(k, claim.Messages[0].IfRunning)
	k.commit(turn(claim))
	k.step("X", ends(provider.Completed, ""))
	sent := k.submit(m, m)
	for _, result := range sent {
		require.Equal(k, provider.Dropped, result.Fate)
		require.Zero(k, result.ID)
	}
	k.noWork(anyRoute)
	// Those of a start are there with it, or not at all.
	second, other := startOf("Y", otherLife), raised("Y", "with the start")
	other.Life, other.IfRunning = otherLife, true
	k.submit(second, other)
	require.Equal(k, []string{"start", "with the start"}, datas(k.fetch("Y").Messages))
	second.Life, other.Life = oneLife, oneLife
	sent = k.submit(second, other)
	require.Equal(k, []provider.Fate{provider.Taken, provider.Dropped}, []provider.Fate{sent[0].Fate, sent[1].Fate})
}

func namedLife(k *kit) {
	k.createFrom(startOf("X", oneLife))
	for life, want := range map[history.Life]provider.Fate{
		oneLife: provider.Stored, otherLife: provider.Dropped, {}: provider.Stored,
	} {
		m := raised("X", "for "+life.String())
		m.Life = life
		result := k.one(m)
		require.Equal(k, want, result.Fate, "%v", life)
		require.Equal(k, want == provider.Stored, result.ID != 0)
		if want == provider.Stored {
			require.Equal(k, oneLife, result.Life)
		}
	}
	claim := k.fetch("X")
	require.ElementsMatch(k, []string{"for ", "for " + oneLife.String()}, datas(claim.Messages))
	held := raised("X", "held")
	held.Life = otherLife
	require.Equal(k, provider.Dropped, k.one(held).Fate, "also while it is held")
}

func nobodyThere(k *kit) {
	k.submit(queued("waiting", "1"))
	for _, id := range []string{"nobody", "waiting"} {
		m := raised(id, "x")
		m.Life = oneLife
		require.Equal(k, provider.Dropped, k.one(m).Fate)
		require.Equal(k, provider.Stored, k.one(startOf(id, oneLife)).Fate)
		require.NotContains(k, datas(k.fetch(id).Messages), "x")
	}
}

func earlierLife(k *kit) {
	k.createFrom(startOf("X", oneLife))
	late := raised("X", "late")
	late.Life = oneLife
	require.Equal(k, provider.Stored, k.one(late).Fate)
	k.delete(true, "X")
	require.Equal(k, provider.Dropped, k.one(late).Fate)
	require.Equal(k, provider.Stored, k.one(startOf("X", otherLife)).Fate)
	require.Equal(k, provider.Dropped, k.one(late).Fate)
	claim := k.fetch("X")
	require.Equal(k, []string{"start"}, datas(claim.Messages))
	require.Equal(k, otherLife, claim.Life)
}

func endedLife(k *kit) {
	k.createFrom(startOf("X", oneLife), ends(provider.Completed, ""))
	m := raised("X", "late")
	m.Life = oneLife
	result := k.one(m)
	require.Equal(k, provider.Stored, result.Fate)
	require.Equal(k, provider.Completed, result.Existing)
}

func adopted(k *kit) {
	k.create("X")
	m := raised("X", "for somebody")
	m.Life = otherLife
	require.Equal(k, provider.Stored, k.one(m).Fate)
	claim := k.fetch("X")
	require.Zero(k, claim.Life)
	c := turn(claim)
	c.Life = oneLife
	k.commit(c)
	require.Equal(k, provider.Dropped, k.one(m).Fate)
	k.poke("X")
	claim = k.fetch("X")
	require.Equal(k, oneLife, claim.Life)
	c = turn(claim)
	c.Life = otherLife
	k.commit(c)
	k.poke("X")
	require.Equal(k, oneLife, k.fetch("X").Life, "a life stays")
}

func toldLife(k *kit) {
	child := startOf("X", oneLife)
	child.Parent = &history.Parent{Instance: "P", Execution: 3, Event: 7, Life: otherLife}
	k.submit(child)
	claim := k.fetch("X")
	require.Equal(k, oneLife, claim.Life)
	require.Equal(k, child.Parent, claim.Parent)
	require.Zero(k, claim.Starts)
	c := firstTurn(claim)
	c.Starts = 4
	k.commit(c)
	require.Equal(k, oneLife, k.info("X").Life)
	require.Equal(k, "P", k.info("X").Parent)
	k.renewed("X")
	k.poke("X")
	claim = k.fetch("X")
	require.Equal(k, oneLife, claim.Life, "it is the same over continue-as-new")
	require.Equal(k, child.Parent, claim.Parent)
	require.Equal(k, uint64(4), claim.Starts)
}

func startNumbers(k *kit) {
	starts := func(n uint64) func(*provider.Commit) {
		return func(c *provider.Commit) { c.Starts = n }
	}
	k.create("X", starts(3))
	k.step("X", starts(2))
	k.step("X", starts(0))
	k.poke("X")
	claim := k.fetch("X")
	require.Equal(k, uint64(3), claim.Starts)
	c := turn(claim)
	c.Starts = 9
	k.commit(c)
	k.poke("X")
	require.Equal(k, uint64(9), k.fetch("X").Starts)
}

func startedInstance(k *kit) {
	m := startOf("X", oneLife)
	m.Name, m.Version = "Order", nil
	m.Parent = &history.Parent{Instance: "P", Execution: 1, Event: 2}
	began := k.Clock.Now()
	k.submit(m)
	k.Clock.Advance(time.Second)
	check := func() {
		k.Helper()
		info := k.info("X")
		require.Equal(k, provider.NotCommitted, info.Status)
		require.Equal(k, "Order", info.Name)
		require.Empty(k, info.Version)
		require.Zero(k, info.Execution)
		require.Equal(k, "P", info.Parent)
		require.Equal(k, oneLife, info.Life)
		require.Equal(k, began.UnixMilli(), info.Created.UnixMilli())
		require.Equal(k, []string{"X"}, k.list(provider.ListQuery{Status: provider.Running}))
		require.Equal(k, []string{"X"}, k.list(provider.ListQuery{Name: "Order"}))
		require.Empty(k, k.list(provider.ListQuery{FinalOnly: true}))
		require.Empty(k, k.list(provider.ListQuery{RootsOnly: true}))
		status, err := k.Provider.Status(k.ctx, "X")
		require.NoError(k, err)
		require.Equal(k, &provider.Status{}, status)
		metrics, err := k.Provider.Metrics(k.ctx)
		require.NoError(k, err)
		require.Equal(k, provider.Metrics{Instances: 1, Running: 1}, metrics)
		children, err := k.Provider.Children(k.ctx, "P")
		require.NoError(k, err)
		require.Equal(k, []string{"X"}, children)
		require.Empty(k, k.executions("X"))
		require.Empty(k, k.history("X", 0))
		_, err = k.Provider.Execution(k.ctx, "X", 1)
		require.ErrorIs(k, err, provider.ErrExecutionNotFound)
	}
	check()
	claim := k.fetch("X")
	check()
	k.commit(firstTurn(claim))
	info := k.info("X")
	require.Equal(k, provider.Running, info.Status)
	require.Equal(k, "1.0.0", info.Version)
	require.Equal(k, began.UnixMilli(), info.Created.UnixMilli())
}

func deleteStarted(k *kit) {
	k.submit(queued("X", "early"))
	k.submit(startOf("X", oneLife))
	claim := k.fetch("X")
	k.refuseDelete(provider.ErrStillRunning, false, "X")
	deleted := k.delete(true, "X")
	require.Equal(k, 1, deleted.Instances)
	require.Zero(k, deleted.Executions)
	require.Equal(k, 2, deleted.Messages)
	k.absent("X")
	k.refused(firstTurn(claim), provider.ErrLockLost)
	k.submit(startOf("X", otherLife))
	require.Equal(k, []string{"start"}, datas(k.fetch("X").Messages))
}

func windingDown(k *kit) {
	k.create("root", ends(provider.Completed, ""))
	k.createChild("runs", "root")
	k.createChild("below", "runs")
	starting := start("starts")
	starting.Parent = &history.Parent{Instance: "root", Execution: 1, Event: 2}
	k.submit(starting)
	k.refuseDelete(provider.ErrOrphanedChild, false, "root")
	require.Equal(k, 4, k.delete(false, "root", "runs", "below", "starts").Instances)
	k.absent("root", "runs", "below", "starts")
}

func childrenOfLife(k *kit) {
	k.createFrom(startOf("P", oneLife), ends(provider.Completed, ""))
	child := startOf("C", history.Life{3})
	child.Parent = &history.Parent{Instance: "P", Execution: 1, Event: 2, Life: otherLife}
	k.createFrom(child, ends(provider.Completed, ""))
	children, err := k.Provider.Children(k.ctx, "P")
	require.NoError(k, err)
	require.Empty(k, children)
	require.Equal(k, 1, k.delete(false, "P").Instances)
}

func toldGone(k *kit) {
	k.createFrom(startOf("X", oneLife))
	k.createFrom(startOf("Y", otherLife))
	k.poke("X")
	key := k.fetch("X").Token.Key
	gone := k.delete(true, "X", "Y", "unknown").Gone
	require.Len(k, gone, 2)
	require.Contains(k, gone, provider.Gone{Instance: "X", Key: key, Life: oneLife})
	require.Empty(k, k.delete(true, "X").Gone)
}

func deleteEarlier(k *kit) {
	k.createFrom(startOf("X", oneLife))
	for _, d := range []provider.Deletion{
		{Instances: []string{"X"}, Root: otherLife, Force: true}, {Instances: []string{"X"}, Root: otherLife},
	} {
		deleted, err := k.Provider.Delete(k.ctx, d)
		require.NoError(k, err)
		require.Equal(k, provider.Deleted{}, deleted)
	}
	require.Equal(k, oneLife, k.info("X").Life)
	deleted, err := k.Provider.Delete(k.ctx, provider.Deletion{
		Instances: []string{"X"}, Root: oneLife, Force: true,
	})
	require.NoError(k, err)
	require.Equal(k, 1, deleted.Instances)
}

func sentLives(k *kit) {
	k.createFrom(startOf("X", oneLife))
	k.createFrom(startOf("Y", otherLife))
	wrong, right := raised("Y", "wrong"), raised("Y", "right")
	wrong.Life, right.Life = oneLife, otherLife
	taken := startOf("Y", history.Life{3})
	taken.Refusal = refusal("X")
	self := raised("X", "myself")
	self.Life = oneLife
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Send = []provider.Message{wrong, right, taken, self, startOf("Z", history.Life{4})}
	committed, err := k.Provider.Commit(k.ctx, c)
	require.NoError(k, err)
	fates := make([]provider.Fate, len(committed.Sent))
	for n, sent := range committed.Sent {
		fates[n] = sent.Fate
	}
	require.Equal(k, []provider.Fate{
		provider.Dropped, provider.Stored, provider.Refused, provider.Stored, provider.Stored,
	}, fates)
	claimed := map[string][]string{}
	for _, claim := range k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 9}).Instances {
		claimed[claim.Instance] = datas(claim.Messages)
	}
	require.Equal(k, map[string][]string{
		"X": {"runs", "myself"}, "Y": {"right"}, "Z": {"start"},
	}, claimed)
}

func patienceOfKinds(k *kit) {
	cancel := provider.Message{Kind: provider.CancelInstance, Instance: "X", Data: "cancel"}
	k.submit(cancel, raised("X", "signal"), queued("X", "queue"))
	depth := func() int {
		k.Helper()
		k.noTurn()
		depths, err := k.Provider.Depths(k.ctx)
		require.NoError(k, err)
		return depths.Messages
	}
	require.Equal(k, 3, depth())
	k.Clock.Advance(provider.CancelPatience - time.Millisecond)
	require.Equal(k, 3, depth())
	k.Clock.Advance(time.Millisecond)
	require.Equal(k, 2, depth())
	k.Clock.Advance(provider.SignalPatience)
	require.Equal(k, 1, depth())
	k.Clock.Advance(provider.OrphanRetention)
	require.Equal(k, 0, depth())
}

func lateStart(k *kit) {
	cancel := provider.Message{Kind: provider.CancelInstance, Instance: "X", Data: "cancel"}
	k.submit(cancel, queued("X", "queue"))
	k.Clock.Advance(provider.CancelPatience)
	k.submit(start("X"))
	require.Equal(k, []string{"queue", "start"}, datas(k.fetch("X").Messages))
}
