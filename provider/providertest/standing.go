package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var standing = theme{"standing", "standing.go", []Case{
	{ID: "P240", Title: "what an instance waits for names the tasks of its execution, and who has them", run: standingTasks},
	{ID: "P246", Title: "a task that is tried again says how far that is", run: standingAttempts},
	{ID: "P245", Title: "a task that waits says how many go first", run: standingPlace},
	{ID: "P241", Title: "it says since when there is something to do, and what a node must serve for it", run: standingReady},
	{ID: "P242", Title: "it is bounded, whatever waits", run: standingBounded},
	{ID: "P243", Title: "a store says how large it is", run: toldSize},
	{ID: "P244", Title: "instances are listed with what is said of each, in pages that outlast deletions", run: listedSummaries},
}}

func (k *kit) standing(instance string) provider.Standing {
	k.Helper()
	s, err := k.Provider.Standing(k.ctx, instance, 0)
	require.NoError(k, err)
	require.NotNil(k, s)
	return *s
}

func standingTasks(k *kit) {
	none, err := k.Provider.Standing(k.ctx, "unknown", 0)
	require.NoError(k, err)
	require.Nil(k, none)
	k.submit(raised("early", "1"))
	none, err = k.Provider.Standing(k.ctx, "early", 0)
	require.NoError(k, err)
	require.Nil(k, none, "nobody lives there")

	k.create("X", plan(activity(2), inSession(3, "s"), inSession(4, "s"), activity(5)))
	since := k.Clock.Now().UnixMilli()
	k.work(2, anyRoute)
	k.work(3, worker("A", long))
	late := k.work(5, anyRoute)
	_, err = k.Provider.Abandon(k.ctx, provider.Abandonment{
		Tasks: []provider.AbandonedTask{{Token: late.Token, Delay: time.Minute}},
	})
	require.NoError(k, err)
	tasks := k.standing("X").Tasks
	require.Len(k, tasks, 4)
	require.NotEmpty(k, tasks[0].Node)
	require.NotEmpty(k, tasks[1].Node)
	require.NotEqual(k, tasks[0].Node, tasks[1].Node)
	require.Equal(k, "A", tasks[1].Owner)
	require.Equal(k, provider.TaskStanding{Event: 4, DueMs: since, Owner: "A"}, tasks[2])
	require.Equal(k, provider.TaskStanding{Event: 5, DueMs: since + time.Minute.Milliseconds(), Attempts: 1}, tasks[3])
}

func standingAttempts(k *kit) {
	k.schedule(retried(2), retried(3), retried(4))
	since := k.Clock.Now().UnixMilli()
	k.fail(k.work(2, anyRoute), time.Minute, after(1, "failure"))
	require.NoError(k, k.ask(k.work(3, anyRoute), after(2, "asked about")))
	tasks := k.standing("W").Tasks
	require.Equal(k, []provider.TaskStanding{
		{Event: 2, DueMs: since + time.Minute.Milliseconds(), Progress: after(1, "failure")},
		{Event: 3, DueMs: provider.Undecided, Progress: after(2, "asked about")},
		{Event: 4, DueMs: since, Progress: &provider.Progress{Policy: policyText}},
	}, tasks)
}

func standingPlace(k *kit) {
	for _, id := range []string{"A", "B", "C"} {
		k.create(id, plan(activity(2)))
	}
	require.Equal(k, 2, k.standing("C").Tasks[0].Ahead)
	k.work(2, anyRoute)
	require.Zero(k, k.standing("B").Tasks[0].Ahead)
	require.Equal(k, 1, k.standing("C").Tasks[0].Ahead)
}

func standingReady(k *kit) {
	k.submit(startFor("new", "O", "2.0.0"))
	since := k.Clock.Now().UnixMilli()
	s := k.standing("new")
	require.Equal(k, provider.TurnLane("O", "2.0.0", 0), s.Lane)
	require.Equal(k, since, s.ReadySinceMs)
	require.Empty(k, s.Node)
	claim := k.fetch("new")
	require.NotEmpty(k, k.standing("new").Node)
	c := firstTurn(claim)
	startedAs("O", "2.0.0")(&c)
	c.Release = true
	k.commit(c)
	s = k.standing("new")
	require.Empty(k, s.Node)
	require.Zero(k, s.ReadySinceMs)
	k.submit(timer("new", 7, k.Clock.Now().Add(time.Hour)))
	require.Zero(k, k.standing("new").ReadySinceMs, "it is not due")
	k.Clock.Advance(2 * time.Hour)
	k.poke("new")
	require.Equal(k, since+time.Hour.Milliseconds(), k.standing("new").ReadySinceMs)
}

func standingBounded(k *kit) {
	const many = provider.MostStanding + 20
	var tasks []provider.NewTask
	for n := range uint64(many) {
		tasks = append(tasks, activity(2+n))
	}
	k.create("X", plan(tasks...))
	k.create("Y", plan(inSession(2, "s")))
	s := k.standing("X")
	require.Len(k, s.Tasks, provider.MostStanding)
	for n, t := range s.Tasks {
		require.Equal(k, uint64(2+n), t.Event)
	}
	require.Len(k, k.standing("Y").Tasks, 1)
	rest, err := k.Provider.Standing(k.ctx, "X", many-4)
	require.NoError(k, err)
	require.Len(k, rest.Tasks, 6, "from an event on")
	require.Equal(k, uint64(many-4), rest.Tasks[0].Event)
}

func toldSize(k *kit) {
	before, err := k.Provider.Size(k.ctx)
	require.NoError(k, err)
	require.GreaterOrEqual(k, before, int64(0))
}

func (k *kit) summaries(q provider.ListQuery) []string {
	k.Helper()
	page, err := k.Provider.Summaries(k.ctx, q)
	require.NoError(k, err)
	ids := []string{}
	for _, s := range page.Instances {
		info, err := k.Provider.Instance(k.ctx, s.Instance)
		require.NoError(k, err)
		info.Output = ""
		require.Equal(k, info, s.InstanceInfo)
		ids = append(ids, s.Instance)
	}
	return ids
}

func listedSummaries(k *kit) {
	began := k.Clock.Now()
	k.create("a", startedAs("O", "1.0.0"))
	k.Clock.Advance(time.Second)
	k.create("b", startedAs("O", "2.0.0"))
	k.createChild("c", "a", startedAs("P", "1.0.0"))
	k.Clock.Advance(time.Second)
	k.step("a", ends(provider.Completed, "1"))
	k.submit(startFor("new", "O", ""))
	require.Equal(k, []string{"new", "c", "b", "a"}, k.summaries(provider.ListQuery{}))
	require.Equal(k, []string{"b"}, k.summaries(provider.ListQuery{Name: "O", Version: "2.0.0"}))
	require.Equal(k, []string{"c"}, k.summaries(provider.ListQuery{Parent: "a"}))
	require.Equal(k, []string{"a"}, k.summaries(provider.ListQuery{Status: provider.Completed}))
	late := began.Add(2 * time.Second)
	require.Equal(k, []string{"new", "a"}, k.summaries(provider.ListQuery{UpdatedFrom: late}))
	require.Equal(k, []string{"c", "b"}, k.summaries(provider.ListQuery{UpdatedBefore: late}))
	require.Equal(k, []string{"b", "a"}, k.summaries(provider.ListQuery{UpdatedFrom: began, IDs: []string{"a", "b"}}))

	page, err := k.Provider.Summaries(k.ctx, provider.ListQuery{Limit: 2})
	require.NoError(k, err)
	require.Len(k, page.Instances, 2)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"a", "c"}, Force: true})
	require.NoError(k, err)
	require.Equal(k, []string{"b"}, k.summaries(provider.ListQuery{Limit: 2, After: page.Next}),
		"the last one of the page before may be gone")
}
