package providertest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var serving = theme{"serving", "serving.go", []Case{
	{ID: "P110", Title: "a claim gives only versions that the node has", run: servedVersions},
	{ID: "P111", Title: "a claim gives only activities that the node has", run: servedActivities},
	{ID: "P112", Title: "a submission hands nothing to a node that cannot run it", run: servedSubmission},
	{ID: "P113", Title: "a turn hands no target to a node that cannot run it", run: servedSends},
	{ID: "P114", Title: "a turn hands no task to a node that cannot run it", run: servedTasks},
	{ID: "P115", Title: "a completion hands nothing to a node that cannot run it", run: servedCompletion},
	{ID: "P116", Title: "what continues as another version goes to who has it, with all its messages", run: servedSuccessor},
	{ID: "P117", Title: "whoever claims gets what an ended instance is sent", run: servedEnded},
	{ID: "P118", Title: "what a node cannot run hides nothing that it can", run: servedBehind},
	{ID: "P118", Title: "sessions that a node cannot serve hide none that it can, however many", run: servedBehindSessions},
	{ID: "P119", Title: "a miss is no attempt", run: missedOften},
	{ID: "P120", Title: "a claim tells what it has left because the node cannot run it", run: toldUnserved},
	{ID: "P121", Title: "what came back and what waits for a time is served by name too", run: servedAgain},
	{ID: "P122", Title: "tasks of several activities go in the order of arrival", run: servedInOrder},
	{ID: "P123", Title: "what waits for a name that was never announced is overdue, and can be ended", run: overdueTasks},
	{ID: "P124", Title: "what has been ready for long goes to who asks for it without having the code", run: overdueTurns},
	{ID: "P125", Title: "whoever claims gets what ends an instance that has not begun, with all its messages", run: endedUnbegun},
	{ID: "P125", Title: "what one parent says ends no child of another that has not begun", run: endedByAnother},
	{ID: "P126", Title: "what ends a delayed start brings it forward", run: endedDelayed},
	{ID: "P127", Title: "a time limit ends who has not begun once it is over, and brings nothing forward", run: timedUnbegun},
	{ID: "P128", Title: "a time limit outlasts executions, and goes with the end", run: timedOut},
}}

// having serves an orchestration in some versions; an empty one is the registry's choice.
func having(name string, versions ...string) *provider.Serves {
	return &provider.Serves{
		Orchestration: func(n, v string) bool { return n == name && slices.Contains(versions, v) },
		Activity:      func(string) bool { return false },
	}
}

// doing serves some activities.
func doing(names ...string) *provider.Serves {
	return &provider.Serves{
		Orchestration: func(string, string) bool { return false },
		Activity:      func(name string) bool { return slices.Contains(names, name) },
	}
}

func startFor(instance, name, version string) provider.Message {
	m := start(instance)
	m.Name, m.Version = name, &version
	if version == "" {
		m.Version = nil
	}
	return m
}

func startedAs(name, version string) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Started = &provider.Started{Name: name, Version: version} }
}

func (k *kit) taskFor(s *provider.Serves, route provider.Route) *provider.TaskClaim {
	k.Helper()
	claimed := k.claim(provider.ClaimRequest{Tasks: k.serving(s), MaxTasks: 1, Route: route})
	if len(claimed.Tasks) == 0 {
		require.False(k, claimed.MoreTasks)
		return nil
	}
	return &claimed.Tasks[0]
}

func servedVersions(k *kit) {
	k.submit(startFor("any", "O", ""))
	k.submit(startFor("two", "O", "2.0.0"))
	k.noTurnFor(having("P", "", "1.0.0", "2.0.0"))
	k.noTurnFor(having("O", "1.0.0"))
	k.fetchAs("two", having("O", "2.0.0"))
	k.noTurnFor(having("O", "2.0.0"))
	c := firstTurn(k.fetchAs("any", having("O", "", "1.0.0")))
	startedAs("O", "1.0.0")(&c)
	k.commit(c)
	k.poke("any")
	k.noTurnFor(having("O", "", "2.0.0"))
	k.fetchAs("any", having("O", "1.0.0"))
}

func servedActivities(k *kit) {
	k.schedule(activity(2), withTag(3, "gpu"), inSession(4, "s"))
	all := provider.Route{
		Tags: provider.TagFilter{Mode: provider.TagsAny}, Session: worker("A", long).Session,
	}
	require.Nil(k, k.taskFor(doing("b"), all))
	require.Equal(k, "a4", k.taskFor(doing("a4"), all).Task.Name)
	require.Equal(k, "on gpu", k.taskFor(doing("on gpu", "a2"), tagged(provider.TagsOnly, "gpu")).Task.Name)
	require.Nil(k, k.taskFor(doing("a4", "on gpu"), all))
	require.Equal(k, "a2", k.taskFor(doing("a2"), anyRoute).Task.Name)
}

func servedSubmission(k *kit) {
	submit := func(s *provider.Serves, m provider.Message) *provider.InstanceClaim {
		results, err := k.Provider.Submit(k.ctx, provider.Submission{
			Messages: []provider.Message{m}, Claim: k.serving(s),
		})
		require.NoError(k, err)
		return results[0].Claim
	}
	require.Nil(k, submit(having("P", ""), startFor("X", "O", "")))
	require.Nil(k, submit(having("P", "1.0.0"), raised("X", "1")))
	claim := submit(having("O", ""), raised("X", "2"))
	require.NotNil(k, claim)
	require.Equal(k, []string{"start", "1", "2"}, datas(claim.Messages))
	c := firstTurn(*claim)
	startedAs("O", "3.0.0")(&c)
	k.commit(c)
	require.Nil(k, submit(having("O", ""), raised("X", "3")))
	require.NotNil(k, submit(having("O", "3.0.0"), raised("X", "4")))
	require.NotNil(k, submit(having("Q", ""), startFor("Y", "Q", "")))
}

func servedSends(k *kit) {
	k.create("free", startedAs("O", "1.0.0"))
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	c.Send = []provider.Message{
		startFor("child", "P", "1.0.0"), raised("free", "1"), startFor("other", "Q", ""),
	}
	c.TurnHolder = k.serving(having("Q", ""))
	sent := k.commit(c).Sent
	require.Nil(k, sent[0].Claim)
	require.Nil(k, sent[1].Claim)
	require.NotNil(k, sent[2].Claim)
	k.fetchAs("child", having("P", "1.0.0"))
	k.fetchAs("free", having("O", "1.0.0"))
}

func servedTasks(k *kit) {
	k.submit(start("X"))
	c := firstTurn(k.fetch("X"))
	c.TaskHolder = k.serving(doing("a3"))
	plan(claimed(activity(2), anyRoute), claimed(activity(3), anyRoute))(&c)
	result := k.commit(c)
	require.Nil(k, result.Tasks[0])
	require.NotNil(k, result.Tasks[1])
	require.Equal(k, 1, k.taskFor(doing("a2"), anyRoute).Attempt)
}

func servedCompletion(k *kit) {
	k.create("X", startedAs("O", "1.0.0"), plan(activity(2), activity(3)))
	complete := func(s *provider.Serves, id uint64, data string) *provider.InstanceClaim {
		message := done("X", id, data)
		results, err := k.Provider.Complete(k.ctx, provider.Completions{
			Items: []provider.Completion{{Task: k.work(id, anyRoute).Token, Message: &message}},
			Claim: k.serving(s),
		})
		require.NoError(k, err)
		return results[0].Claim
	}
	require.Nil(k, complete(doing("a2"), 2, "1"))
	require.NotNil(k, complete(having("O", "1.0.0"), 3, "2"))
}

func servedSuccessor(k *kit) {
	k.create("X", startedAs("O", "1.0.0"))
	k.submit(timer("X", 7, k.Clock.Now().Add(time.Hour)))
	k.poke("X")
	claim := k.fetchAs("X", having("O", "1.0.0"))
	k.submit(raised("X", "early"))
	next := startFor("X", "O", "2.0.0")
	next.Kind, next.Execution = provider.ContinueInstance, 2
	c := turn(claim)
	ends(provider.ContinuedAsNew, "")(&c)
	c.Send, c.TurnHolder = []provider.Message{next}, k.serving(having("O", "1.0.0"))
	result := k.commit(c)
	require.Nil(k, result.Sent[0].Claim)
	require.True(k, result.Work)
	k.noTurnFor(having("O", "1.0.0"))
	claim = k.fetchAs("X", having("O", "2.0.0"))
	require.Equal(k, []string{"early", "start"}, datas(claim.Messages))
	c = nextTurn(claim)
	startedAs("O", "2.0.0")(&c)
	k.commit(c)
	k.Clock.Advance(time.Hour)
	k.noTurnFor(having("O", "1.0.0"))
	require.Equal(k, []string{"timer 7"}, datas(k.fetchAs("X", having("O", "2.0.0")).Messages))
}

func servedEnded(k *kit) {
	k.create("X", startedAs("O", "1.0.0"))
	k.submit(timer("X", 7, k.Clock.Now().Add(time.Hour)))
	k.step("X", ends(provider.Completed, "1"))
	k.poke("X")
	k.commit(turn(k.fetchAs("X", doing())))
	k.Clock.Advance(time.Hour)
	require.Equal(k, []string{"timer 7"}, datas(k.fetchAs("X", doing()).Messages))
}

func servedBehind(k *kit) {
	const many = 70
	k.create("V", plan(activity(2), inSession(3, "s")))
	var tasks []provider.NewTask
	for n := range uint64(many) {
		tasks = append(tasks, activity(10+n), inSession(100+n, fmt.Sprint("s", n)))
	}
	k.create("W", plan(tasks...))
	for n := range many {
		id := fmt.Sprint("waiting", n)
		k.submit(startFor(id, "unknown", ""), raised(id, "1"), raised(id, "2"))
	}
	k.submit(startFor("known", "O", ""))
	k.fetchAs("known", having("O", ""))
	require.Equal(k, "a2", k.taskFor(doing("a2", "a3"), anyRoute).Task.Name)
	require.Equal(k, "a3", k.taskFor(doing("a2", "a3"), worker("A", long)).Task.Name)
}

func servedBehindSessions(k *kit) {
	const many = 1100
	var tasks []provider.NewTask
	for n := range uint64(many) {
		far := inSession(10+n, fmt.Sprint("s", n))
		far.Task.Name = "far"
		tasks = append(tasks, far)
	}
	tasks = append(tasks, inSession(2, "t"), inSession(3, "t")) // The last of one instance have the last places.
	k.create("W", plan(tasks...))
	near := doing("a2", "a3")
	require.Nil(k, k.taskFor(near, anyRoute))
	require.Equal(k, "a2", k.taskFor(near, worker("A", long)).Task.Name)
	require.Nil(k, k.taskFor(near, worker("B", long)), "it is the other's session")
	require.Equal(k, "a3", k.taskFor(near, worker("A", long)).Task.Name)
	require.Nil(k, k.taskFor(near, worker("A", long)))
	require.Equal(k, "far", k.taskFor(doing("far"), worker("B", long)).Task.Name)
}

func missedOften(k *kit) {
	k.create("X", startedAs("O", "1.0.0"), plan(activity(2)))
	k.poke("X")
	for range 12 {
		k.Clock.Advance(time.Minute)
		k.noTurnFor(having("O", "2.0.0"))
		require.Nil(k, k.taskFor(doing("b"), anyRoute))
	}
	require.Equal(k, 1, k.fetchAs("X", having("O", "1.0.0")).Attempt)
	require.Equal(k, 1, k.taskFor(doing("a2"), anyRoute).Attempt)
}

func toldUnserved(k *kit) {
	k.create("W", startedAs("R", "1.0.0"), plan(activity(2), withTag(3, "gpu")))
	since := k.Clock.Now().UnixMilli()
	k.Clock.Advance(time.Second)
	k.submit(startFor("first", "O", "2.0.0"))
	k.Clock.Advance(time.Second)
	k.submit(startFor("second", "O", "2.0.0"))
	k.submit(startFor("served", "P", ""))
	r := provider.ClaimRequest{
		Turns: k.serving(having("P", "")), MaxTurns: 9, Tasks: k.serving(doing("b")), MaxTasks: 9,
	}
	require.Empty(k, k.claim(r).Unserved)
	r.Unserved = true
	claimed := k.claim(r)
	require.ElementsMatch(k, []provider.Unserved{
		{Lane: provider.Lane{Kind: provider.FreeTask, Name: "a2"}, Instance: "W", DueMs: since},
		{Lane: provider.TurnLane("O", "2.0.0", 0), Instance: "first", DueMs: since + 1000},
	}, claimed.Unserved)
	require.True(k, claimed.NextDue.IsZero())
}

func servedAgain(k *kit) {
	k.create("X", startedAs("O", "1.0.0"), plan(activity(2)))
	k.poke("X")
	k.giveBack(k.fetchAs("X", having("O", "1.0.0")), time.Minute, true)
	task := k.work(2, anyRoute)
	_, err := k.Provider.Abandon(k.ctx, provider.Abandonment{
		Tasks: []provider.AbandonedTask{{Token: task.Token, Delay: time.Minute, IgnoreAttempt: true}},
	})
	require.NoError(k, err)
	k.Clock.Advance(time.Minute)
	k.noTurnFor(having("O", "2.0.0"))
	require.Nil(k, k.taskFor(doing("a1"), anyRoute))
	k.fetchAs("X", having("O", "1.0.0"))
	require.NotNil(k, k.taskFor(doing("a2"), anyRoute))
}

func servedInOrder(k *kit) {
	k.schedule(activity(2), activity(3), activity(4), activity(5))
	var got []string
	claimed := k.claim(provider.ClaimRequest{Tasks: k.serving(doing("a2", "a3", "a5")), MaxTasks: 9})
	for _, t := range claimed.Tasks {
		got = append(got, t.Task.Name)
	}
	require.Equal(k, []string{"a2", "a3", "a5"}, got)
}

func (k *kit) overdue(q provider.OverdueQuery) []provider.TaskClaim {
	k.Helper()
	q.Before, q.Limit = k.Clock.Now().Add(-time.Minute), 9
	found, err := k.Provider.Overdue(k.ctx, q)
	require.NoError(k, err)
	return found
}

func overdueTasks(k *kit) {
	require.NoError(k, k.Provider.Announce(k.ctx, []string{"a3", "other"}))
	require.NoError(k, k.Provider.Announce(k.ctx, []string{"a3"}))
	k.create("X", plan(activity(2), activity(3), inSession(4, "s"), activity(5)))
	mine := doing("a5")
	require.Empty(k, k.overdue(provider.OverdueQuery{Serves: mine}))
	k.Clock.Advance(time.Minute)
	late := k.overdue(provider.OverdueQuery{Serves: mine})
	var names []string
	for _, t := range late {
		require.Equal(k, "X", t.Task.Instance)
		names = append(names, t.Task.Name)
	}
	require.ElementsMatch(k, []string{"a2", "a4"}, names)
	require.Len(k, k.overdue(provider.OverdueQuery{Serves: mine, Announced: true}), 3)

	first := late[slices.IndexFunc(late, func(t provider.TaskClaim) bool { return t.Task.Name == "a2" })]
	message := done("X", 2, "over")
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Tasks = []provider.Token{first.Token}
	k.refused(c, provider.ErrTaskLost)
	require.NoError(k, k.complete(first.Token, &message))
	require.ErrorIs(k, k.complete(first.Token, &message), provider.ErrLockLost)
	held := k.taskFor(doing("a4"), worker("A", long))
	second := late[slices.IndexFunc(late, func(t provider.TaskClaim) bool { return t.Task.Name == "a4" })]
	message = done("X", 4, "over")
	require.ErrorIs(k, k.complete(second.Token, &message), provider.ErrLockLost, "somebody has it now")
	require.NoError(k, k.complete(held.Token, &message))
}

// takeOverdue takes what has been ready for a minute.
func (k *kit) takeOverdue(s *provider.Serves, limit int) map[string]provider.InstanceClaim {
	k.Helper()
	claims, err := k.Provider.TakeOverdue(k.ctx, provider.OverdueTurns{
		Before: k.Clock.Now().Add(-time.Minute), Holder: k.serving(s), Limit: limit,
	})
	require.NoError(k, err)
	byID := map[string]provider.InstanceClaim{}
	for _, c := range claims {
		byID[c.Instance] = c
	}
	require.Len(k, byID, len(claims))
	return byID
}

func overdueTurns(k *kit) {
	k.create("run", startedAs("O", "1.0.0"))
	k.create("quiet", startedAs("O", "1.0.0"))
	k.create("newer", startedAs("O", "1.0.0"), func(c *provider.Commit) { c.Level = 9 })
	k.create("ended", startedAs("O", "1.0.0"))
	k.step("ended", ends(provider.Completed, "1"))
	for _, id := range []string{"run", "newer", "ended"} {
		k.poke(id)
	}
	k.submit(startFor("any", "O", ""), startFor("two", "O", "2.0.0"), startFor("own", "P", ""))
	k.submit(raised("nobody", "1"))
	mine := having("P", "")
	require.Empty(k, k.takeOverdue(mine, 9), "nothing has waited for long")
	k.Clock.Advance(time.Minute)
	k.submit(startFor("young", "O", ""))
	require.Empty(k, k.takeOverdue(nil, 9), "who serves everything ends nothing")
	require.Len(k, k.takeOverdue(having("O", "2.0.0"), 1), 1)
	k.Clock.Advance(long)
	taken := k.takeOverdue(mine, 9)
	require.ElementsMatch(k, []string{"run", "any", "two"}, slices.Collect(maps.Keys(taken)))
	require.Empty(k, k.takeOverdue(mine, 9), "they are taken")
	k.fetchAs("ended", having("O", "", "1.0.0", "2.0.0"))
	k.fetchAs("young", having("O", "", "1.0.0", "2.0.0"))
	k.noTurnFor(having("O", "", "1.0.0", "2.0.0"))

	c := firstTurn(taken["two"])
	startedAs("O", "2.0.0")(&c)
	ends(provider.Failed, "no code")(&c)
	k.commit(c)
	status, err := k.Provider.Status(k.ctx, "two")
	require.NoError(k, err)
	require.Equal(k, provider.Failed, status.Status)
	k.giveBack(taken["run"], 0, true)
	k.fetchAs("run", having("O", "1.0.0"))
}
