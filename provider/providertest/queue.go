package providertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var queue = theme{"queue", "queue.go", []Case{
	{ID: "C041", Title: "tasks are claimed in the order of arrival", run: taskOrder},
	{ID: "C042 C046", Title: "a task is claimable at once and invisible until completed", run: taskLife},
	{ID: "C043", Title: "a completion becomes the message of its instance", run: completionMessage},
	{ID: "C044 N10", Title: "a timer stays hidden until it is due", run: hiddenTimer},
	{ID: "C045", Title: "a task whose token is lost comes again", run: lostToken},
	{ID: "C047", Title: "a delayed task does not hold up later ones", run: delayedFirst},
	{ID: "C048", Title: "queue messages from before the instance wait for it", run: earlyQueue},
	{ID: "C233", Title: "messages come by effective time, then arrival", run: effectiveTime},
	{ID: "N1", Title: "orphans never block and come in order after a start", run: orphans},
	{ID: "N1", Title: "orphans are dropped after their retention", run: orphanRetention},
	{ID: "N1", Title: "messages of a delayed start wait for it", run: delayedStart},
	{ID: "N2", Title: "a thousand messages of a held instance hide nobody", run: thousandMessages},
	{ID: "N2", Title: "a backlog of the node that claims hides nobody from it", run: ownBacklog},
	{ID: "P14", Title: "the due messages of a held instance can be asked for", run: pendingMessages},
	{ID: "P15", Title: "a claim lists the due messages of held instances", run: waitingMessages},
	{ID: "P16", Title: "dropped timers are gone, also those of the same turn", run: droppedTimers},
	{ID: "P17", Title: "completions succeed or fail each on its own", run: ownCompletion},
	{ID: "P18", Title: "bad input is refused as a whole", run: badInput},
	{ID: "P19 C229", Title: "messages and tasks keep every field", run: everyField},
	{ID: "P20", Title: "the next due time is that of delayed work that nobody holds", run: nextDueTime},
}}

func taskOrder(k *kit) {
	k.schedule(activity(2), activity(3), activity(4), activity(5), activity(6))
	for id := uint64(2); id <= 6; id++ {
		k.work(id, anyRoute)
	}
	k.noWork(anyRoute)
}

func taskLife(k *kit) {
	k.schedule(activity(2))
	held := k.work(2, anyRoute)
	k.noWork(anyRoute)
	k.finish(held)
	k.Clock.Advance(2 * long)
	k.noWork(anyRoute)
}

func completionMessage(k *kit) {
	k.create("A", plan(activity(2)))
	held := k.work(2, anyRoute)
	message := done("A", 2, "result")
	require.NoError(k, k.complete(held.Token, &message))
	k.noWork(anyRoute)
	claim := k.fetch("A")
	require.Len(k, claim.Messages, 1)
	got := claim.Messages[0]
	require.Equal(k, provider.ActivityDone, got.Kind)
	require.Equal(k, "result", got.Data)
	require.Equal(k, uint64(2), got.Source)
}

func hiddenTimer(k *kit) {
	k.create("A")
	k.submit(timer("A", 2, k.Clock.Now().Add(5*time.Second)))
	k.noTurn()
	k.Clock.Advance(5*time.Second - time.Millisecond)
	k.noTurn()
	k.Clock.Advance(time.Millisecond)
	require.Equal(k, []string{"timer 2"}, datas(k.fetch("A").Messages))
}

func lostToken(k *kit) {
	k.schedule(activity(2))
	k.workFor(2, anyRoute, short)
	k.noWork(anyRoute)
	k.Clock.Advance(short + beyond)
	k.work(2, anyRoute)
}

func delayedFirst(k *kit) {
	k.schedule(activity(2), activity(3))
	k.giveTaskBack(k.work(2, anyRoute), 500*time.Millisecond, false)
	k.work(3, anyRoute)
	k.noWork(anyRoute)
	k.Clock.Advance(600 * time.Millisecond)
	k.work(2, anyRoute)
}

func earlyQueue(k *kit) {
	k.submit(queued("A", "1"), queued("A", "2"))
	k.noTurn()
	k.noTurn()
	depths, err := k.Provider.Depths(k.ctx)
	require.NoError(k, err)
	require.Equal(k, 2, depths.Messages)
	k.Clock.Advance(6 * 24 * time.Hour)
	k.noTurn()
	k.submit(queued("A", "3"))
	k.submit(start("A"))
	require.Equal(k, []string{"1", "2", "3", "start"}, datas(k.fetch("A").Messages))
	k.create("B")
	k.submit(queued("B", "3"))
	require.Equal(k, []string{"3"}, datas(k.fetch("B").Messages))
}

func effectiveTime(k *kit) {
	k.create("X")
	now := k.Clock.Now()
	k.submit(
		timer("X", 4, now.Add(30*time.Millisecond)), timer("X", 3, now.Add(10*time.Millisecond)))
	k.Clock.Advance(20 * time.Millisecond)
	k.submit(raised("X", "a"), timer("X", 2, now.Add(10*time.Millisecond)), raised("X", "b"))
	k.Clock.Advance(20 * time.Millisecond)
	claim := k.fetch("X")
	require.Equal(k, []string{"timer 3", "timer 2", "a", "b", "timer 4"}, datas(claim.Messages))
	require.Equal(k, now.Add(20*time.Millisecond).UnixMilli(), claim.Messages[2].DueMs,
		"a message without a due time is due at its arrival")
	pending := k.pending(claim.Token)
	require.Equal(k, claim.Messages, pending)
}

func orphans(k *kit) {
	cancel := provider.Message{Kind: provider.CancelInstance, Instance: "lost", Data: "cancel"}
	k.submit(raised("lost", "raise"), cancel, done("lost", 7, "stray"))
	for i := range 100 {
		k.submit(start(fmt.Sprint("good", i)))
	}
	claimed := k.claim(provider.ClaimRequest{Turns: k.holder(2 * time.Hour), MaxTurns: 100})
	require.Len(k, claimed.Instances, 100)
	for range 20 {
		k.noTurn()
		k.Clock.Advance(3 * time.Second)
	}
	_, err := k.Provider.Instance(k.ctx, "lost")
	require.ErrorIs(k, err, provider.ErrInstanceNotFound)
	k.submit(start("lost"))
	claim := k.fetch("lost")
	require.Equal(k, []string{"raise", "stray", "start"}, datas(claim.Messages), "a cancel waits 5 s")
	require.Equal(k, 1, claim.Attempt, "waiting for a start is no attempt")
}

func orphanRetention(k *kit) {
	k.submit(raised("lost", "old"))
	for range 12 {
		k.noTurn()
		k.Clock.Advance(61 * time.Second)
	}
	k.noTurn()
	k.submit(start("lost"))
	require.Equal(k, []string{"start"}, datas(k.fetch("lost").Messages))
}

func delayedStart(k *kit) {
	k.submit(start("X"))
	k.giveBack(k.fetch("X"), time.Second, true)
	k.submit(raised("X", "early"), queued("X", "queue"))
	k.noTurn()
	k.noTurn()
	k.Clock.Advance(time.Second)
	require.ElementsMatch(k, []string{"early", "queue", "start"}, datas(k.fetch("X").Messages))
}

func thousandMessages(k *kit) {
	k.create("A")
	k.poke("A")
	k.fetch("A")
	messages := make([]provider.Message, 1000)
	for i := range messages {
		messages[i] = raised("A", "x")
	}
	k.submit(messages...)
	k.submit(start("B"))
	k.fetch("B")
}

func ownBacklog(k *kit) {
	k.create("A")
	k.poke("A")
	node := k.holder(long)
	claimed := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.Len(k, claimed.Instances, 1)
	node.Lease = claimed.TurnLease
	for range 5 {
		messages := make([]provider.Message, 1000)
		for i := range messages {
			messages[i] = raised("A", "x")
		}
		k.submit(messages...)
	}
	k.submit(start("B"))
	claimed = k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 1})
	require.Len(k, claimed.Instances, 1)
	require.Equal(k, "B", claimed.Instances[0].Instance)
}

func pendingMessages(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"))
	claim := k.fetch("X")
	k.submit(raised("X", "2"), timer("X", 9, k.Clock.Now().Add(time.Second)))
	pending := k.pending(claim.Token)
	require.Equal(k, []string{"1", "2"}, datas(pending))
	k.Clock.Advance(time.Second)
	pending = k.pending(claim.Token)
	require.Equal(k, []string{"1", "2", "timer 9"}, datas(pending))
	c := turn(claim)
	c.Messages = append(c.Messages, pending[2].ID)
	k.commit(c)
	_, err := k.Provider.Pending(k.ctx, claim.Token)
	require.ErrorIs(k, err, provider.ErrLockLost, "the instance was given back")
	require.Equal(k, []string{"2"}, datas(k.fetch("X").Messages))
}

func waitingMessages(k *kit) {
	node := k.holder(long)
	k.create("X")
	k.create("Y")
	k.poke("X")
	k.poke("Y")
	claimed := k.claim(provider.ClaimRequest{Turns: node, MaxTurns: 2})
	require.Len(k, claimed.Instances, 2)
	node.Lease = claimed.TurnLease
	for _, claim := range claimed.Instances {
		c := turn(claim)
		c.Release = false
		k.commit(c)
	}
	waiting := func(h *provider.Holder) []provider.Waiting {
		return k.claim(provider.ClaimRequest{Turns: h, MaxTurns: 2}).Waiting
	}
	require.Empty(k, waiting(node))
	first, second := k.submit(raised("Y", "1"))[0].ID, k.submit(raised("Y", "2"))[0].ID
	later := k.submit(timer("X", 3, k.Clock.Now().Add(time.Second)))[0].ID
	y := provider.Waiting{Instance: "Y", Messages: []uint64{first, second}}
	got := waiting(node)
	require.Len(k, got, 1)
	slices.Sort(got[0].Messages)
	require.Equal(k, y, got[0])
	k.Clock.Advance(time.Second)
	got = waiting(node)
	require.Len(k, got, 2)
	require.Equal(k, provider.Waiting{Instance: "X", Messages: []uint64{later}}, got[0])
	require.Empty(k, waiting(k.holder(long)))
}

func droppedTimers(k *kit) {
	due := k.Clock.Now().Add(time.Second)
	named := func(event uint64, name string) provider.Message {
		m := timer("X", event, due)
		m.Name = name
		return m
	}
	k.create("X", func(c *provider.Commit) {
		c.Send = []provider.Message{
			timer("X", 2, due), timer("X", 3, due), timer("X", 4, due), named(5, "one"), named(5, "two"), named(6, "one"),
		}
		c.DropTimers = []uint64{4, 77}
	})
	k.step("X", func(c *provider.Commit) { c.DropTimers = []uint64{2, 5} })
	k.Clock.Advance(time.Second)
	messages := k.fetch("X").Messages
	require.Equal(k, []string{"timer 3", "timer 6"}, datas(messages))
	require.Equal(k, []string{"", "one"}, []string{messages[0].Name, messages[1].Name})
}

func ownCompletion(k *kit) {
	k.schedule(activity(2), activity(3), activity(4))
	claims := k.claim(provider.ClaimRequest{Tasks: k.holder(long), MaxTasks: 3}).Tasks
	require.Len(k, claims, 3)
	require.NoError(k, k.complete(claims[1].Token, nil))
	var c provider.Completions
	for _, claim := range claims {
		message := done("W", claim.Task.Event, claim.Task.Name)
		c.Items = append(c.Items, provider.Completion{Task: claim.Token, Message: &message})
	}
	results, err := k.Provider.Complete(k.ctx, c)
	require.NoError(k, err)
	require.Len(k, results, 3)
	require.NoError(k, results[0].Err)
	require.ErrorIs(k, results[1].Err, provider.ErrLockLost)
	require.NoError(k, results[2].Err)
	require.Equal(k, provider.Running, results[0].Existing)
	require.Equal(k, []string{"a2", "a4"}, datas(k.fetch("W").Messages))
}

func badInput(k *kit) {
	_, err := k.Provider.Submit(k.ctx, provider.Submission{
		Messages: []provider.Message{start("X"), {Kind: 99, Instance: "X"}},
	})
	require.ErrorIs(k, err, provider.ErrBadInput)
	k.noTurn()
	k.schedule(activity(2))
	held := k.work(2, anyRoute)
	wrong := raised("W", "not an outcome")
	results, err := k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: held.Token, Message: &wrong}},
	})
	if err == nil {
		require.Len(k, results, 1)
		err = results[0].Err
	}
	require.ErrorIs(k, err, provider.ErrBadInput)
	k.noTurn()
	k.finish(held)
}

func everyField(k *kit) {
	odd := "ü \x00 \"{}' \U0001F600"
	id := "ü \"{}' \U0001F600"
	message := provider.Message{
		Kind: provider.ContinueInstance, Instance: id, Execution: 1 << 40, Source: 1 << 50,
		Name: odd, Version: new(""), Input: odd, Data: odd, CustomStatus: &odd,
		Failure: &history.Failure{
			Category: history.Application, Kind: history.ActivityFailedKind, Message: odd, Details: "{}",
		},
		Parent:  &history.Parent{Instance: odd, Execution: 2, Event: 3},
		Carried: []history.Carried{{Name: odd, Data: ""}},
	}
	k.create(id)
	message.ID = k.submit(message)[0].ID
	message.DueMs = k.Clock.Now().UnixMilli()
	claim := k.fetch(id)
	require.Equal(k, []provider.Message{message}, claim.Messages)
	task := provider.Task{
		Instance: id, Execution: 1, Event: 1 << 50, Name: odd, Input: odd, Session: &id,
		Tag: &id, Orchestration: odd, Version: "1.0.0",
	}
	c := turn(claim)
	c.NewTasks = []provider.NewTask{{Task: task}}
	k.commit(c)
	route := worker("A", long)
	route.Tags = provider.TagFilter{Mode: provider.TagsAny}
	got := k.work(1<<50, route).Task
	task.ID = got.ID
	require.Equal(k, task, got)
}

func nextDueTime(k *kit) {
	k.create("X")
	now := k.Clock.Now()
	k.submit(timer("X", 2, now.Add(3*time.Second)), timer("X", 3, now.Add(2*time.Second)))
	both := provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 1, Tasks: k.holder(long), MaxTasks: 1}
	require.Equal(k, now.Add(2*time.Second).UnixMilli(), k.claim(both).NextDue.UnixMilli())
	k.schedule(activity(2))
	k.giveTaskBack(k.work(2, anyRoute), time.Second, false)
	require.Equal(k, now.Add(time.Second).UnixMilli(), k.claim(both).NextDue.UnixMilli())
	k.finishAt(now.Add(time.Second))
	require.Equal(k, now.Add(2*time.Second).UnixMilli(), k.claim(both).NextDue.UnixMilli())
	k.poke("X")
	k.fetch("X")
	require.True(k, k.claim(both).NextDue.IsZero(), "the holder of X minds its timers")
}

// finishAt moves to a moment and drops the task that is due then.
func (k *kit) finishAt(due time.Time) {
	k.Helper()
	k.Clock.Advance(due.Sub(k.Clock.Now()))
	require.NoError(k, k.complete(k.work(2, anyRoute).Token, nil))
}
