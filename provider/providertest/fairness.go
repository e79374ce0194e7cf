package providertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var fairness = theme{"fairness", "fairness.go", []Case{
	{ID: "P90", Title: "tasks are taken fairly over instances", run: fairTasks},
	{ID: "P90", Title: "an instance with many tasks is never left out", run: neverLeftOut},
	{ID: "P90", Title: "tasks of sessions are taken fairly over instances", run: fairSessions},
	{ID: "P90", Title: "what waited for its worker does not hold up the rest", run: fairTags},
	{ID: "P91", Title: "what was given back goes first", run: givenBackFirst},
	{ID: "P91", Title: "tasks of an ended lease go first", run: endedFirst},
	{ID: "P92", Title: "a worker opens no more sessions than it may", run: sessionLimit},
	{ID: "P93", Title: "a claim says whether there are more tasks", run: moreTasks},
}}

// scheduled makes an instance whose first turn inserts so many tasks.
func (k *kit) scheduled(instance string, count int, of func(id uint64) provider.NewTask) {
	k.Helper()
	var tasks []provider.NewTask
	for n := range count {
		tasks = append(tasks, of(uint64(n+2)))
	}
	k.create(instance, plan(tasks...))
}

// take claims up to so many tasks and gives them as "instance event".
func (k *kit) take(count int, route provider.Route) []string {
	k.Helper()
	var taken []string
	for _, t := range k.claimTasks(count, route, long).Tasks {
		taken = append(taken, fmt.Sprint(t.Task.Instance, " ", t.Task.Event))
	}
	return taken
}

func (k *kit) claimTasks(count int, route provider.Route, ttl time.Duration) provider.Claimed {
	k.Helper()
	return k.claim(provider.ClaimRequest{Tasks: k.holder(ttl), MaxTasks: count, Route: route})
}

// ofInstance counts what take gave of one instance.
func ofInstance(taken []string, instance string) int {
	count := 0
	for _, t := range taken {
		if t[:len(instance)+1] == instance+" " {
			count++
		}
	}
	return count
}

func fairTasks(k *kit) {
	k.scheduled("wide", 40, activity)
	require.Equal(k, []string{"wide 2", "wide 3", "wide 4"}, k.take(3, anyRoute))
	k.scheduled("late", 2, activity)
	require.Equal(k, []string{"wide 5", "late 2"}, k.take(2, anyRoute))
	k.scheduled("later", 1, activity)
	var taken []string
	for range 4 { // The order does not depend on how many are claimed at a time.
		taken = append(taken, k.take(1, anyRoute)...)
	}
	require.Equal(k, []string{"wide 6", "late 3", "later 2", "wide 7"}, taken)
	require.Len(k, k.take(100, anyRoute), 40-6)
}

func neverLeftOut(k *kit) {
	k.scheduled("wide", 20, activity)
	served := 0
	for n := range 20 {
		k.scheduled(fmt.Sprint("new", n), 3, activity)
		served += ofInstance(k.take(2, anyRoute), "wide")
	}
	require.Greater(k, served, 1)
}

func fairSessions(k *kit) {
	in := func(session string) func(id uint64) provider.NewTask {
		return func(id uint64) provider.NewTask { return inSession(id, session) }
	}
	k.scheduled("wide", 30, in("a"))
	k.take(3, worker("A", long))
	k.scheduled("late", 1, in("b"))
	k.scheduled("same", 1, in("a"))
	k.scheduled("plain", 1, activity)
	taken := k.take(5, worker("A", long))
	for _, instance := range []string{"late", "same", "plain"} {
		require.Equal(k, 1, ofInstance(taken, instance), taken)
	}
}

func fairTags(k *kit) {
	k.scheduled("old", 30, func(id uint64) provider.NewTask { return withTag(id, "gpu") })
	k.scheduled("busy", 40, activity)
	require.Len(k, k.take(40, anyRoute), 40)
	k.scheduled("new", 5, activity)
	taken := k.take(10, tagged(provider.TagsAny))
	require.GreaterOrEqual(k, ofInstance(taken, "new"), 4, taken)
	require.GreaterOrEqual(k, ofInstance(taken, "old"), 4, taken)
}

func givenBackFirst(k *kit) {
	k.scheduled("wide", 10, activity)
	first := k.claimTasks(1, anyRoute, long).Tasks[0]
	k.giveTaskBack(first, 0, true)
	require.Equal(k, []string{"wide 2", "wide 3"}, k.take(2, anyRoute))
	third := k.claimTasks(1, anyRoute, long).Tasks[0]
	k.giveTaskBack(third, time.Second, true)
	require.Equal(k, []string{"wide 5"}, k.take(1, anyRoute))
	k.Clock.Advance(time.Second)
	require.Equal(k, []string{"wide 4", "wide 6"}, k.take(2, anyRoute))
}

func endedFirst(k *kit) {
	k.scheduled("wide", 10, activity)
	require.Len(k, k.claimTasks(3, anyRoute, short).Tasks, 3)
	require.Equal(k, []string{"wide 5"}, k.take(1, anyRoute))
	k.Clock.Advance(short)
	taken := k.take(3, anyRoute)
	slices.Sort(taken)
	require.Equal(k, []string{"wide 2", "wide 3", "wide 4"}, taken)
}

func sessionLimit(k *kit) {
	k.schedule(inSession(2, "a"), inSession(3, "b"), activity(4), inSession(5, "a"), inSession(6, "c"))
	limited := func(most int, open ...string) provider.Route {
		route := worker("A", long)
		route.Session.Most, route.Session.Open = most, open
		return route
	}
	claimed := k.claimTasks(9, limited(1), long)
	require.True(k, claimed.MoreTasks)
	var events []uint64
	for _, t := range claimed.Tasks {
		events = append(events, t.Task.Event)
	}
	require.Equal(k, []uint64{2, 4, 5}, events)
	k.schedule(inSession(7, "a"), activity(8))
	require.Equal(k, []string{"W 7", "W 8"}, k.take(9, limited(1, "a")))
	require.True(k, k.claimTasks(9, limited(1, "a"), long).MoreTasks)
	require.Equal(k, []string{"W 3"}, k.take(9, limited(2, "a")))
	require.Equal(k, []string{"W 6"}, k.take(9, limited(2, "a", "c")))
	require.False(k, k.claimTasks(9, limited(2, "a", "c"), long).MoreTasks)
}

func moreTasks(k *kit) {
	k.schedule(activity(2), activity(3), activity(4), withTag(5, "gpu"), inSession(6, "s"))
	require.True(k, k.claimTasks(2, anyRoute, long).MoreTasks)
	require.False(k, k.claimTasks(2, anyRoute, long).MoreTasks)
	require.False(k, k.claimTasks(2, anyRoute, long).MoreTasks)
	require.False(k, k.claimTasks(9, worker("A", long), long).MoreTasks)
}
