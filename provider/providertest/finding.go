package providertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

// finding has cases about lists of instances and counts of them.
var finding = theme{file: "finding.go", cases: []Case{
	{ID: "P251", Title: "instances are listed oldest first and by id, page by page", run: listedInOrders},
	{ID: "P252", Title: "what has failed is found by how", run: foundByFailure},
	{ID: "P253", Title: "what is held is found, and what is not", run: foundHeld},
	{ID: "P254", Title: "what starts, runs and continues is each found once", run: foundByStatus},
	{ID: "P255", Title: "instances are found by the bytes of their ids", run: foundByPrefix},
	{ID: "P256", Title: "instances are counted in groups", run: countedInGroups},
}}

// pages gives all that a query selects, by pages of so many, each once.
func (k *kit) pages(q provider.ListQuery, limit int) (ids []string) {
	k.Helper()
	q.Limit = limit
	for {
		page, err := k.Provider.Summaries(k.ctx, q)
		require.NoError(k, err)
		require.LessOrEqual(k, len(page.Instances), limit)
		for _, s := range page.Instances {
			ids = append(ids, s.Instance)
		}
		if page.Next == nil {
			return ids
		}
		q.After = page.Next
	}
}

func listedInOrders(k *kit) {
	for _, id := range []string{"b", "é", "a", "B", "c"} {
		k.create(id)
	}
	for limit := 1; limit < 7; limit++ {
		require.Equal(k, []string{"c", "B", "a", "é", "b"}, k.pages(provider.ListQuery{}, limit))
		require.Equal(k, []string{"b", "é", "a", "B", "c"}, k.pages(provider.ListQuery{Order: provider.OldestFirst}, limit))
		require.Equal(k, []string{"B", "a", "b", "c", "é"}, k.pages(provider.ListQuery{Order: provider.ByID}, limit))
	}
	q := provider.ListQuery{Order: provider.ByID, Limit: 2}
	page, err := k.Provider.Summaries(k.ctx, q)
	require.NoError(k, err)
	require.Equal(k, &provider.Cursor{ID: "a"}, page.Next)
	_, err = k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{"a", "b"}, Force: true})
	require.NoError(k, err)
	q.After = page.Next
	require.Equal(k, []string{"c", "é"}, k.summaries(q), "the last one of the page before may be gone")
}

// endsFailed ends an execution in failure.
func endsFailed(f history.Failure) func(*provider.Commit) {
	return func(c *provider.Commit) {
		c.Outcome = outcome(provider.Failed, f.Display())
		c.Events = append(c.Events, history.Event{ID: c.LastEvent + 1, Data: history.OrchestrationFailed{Failure: f}})
	}
}

func foundByFailure(k *kit) {
	failures := map[string]history.Failure{
		"thrown":    {Category: history.Application, Kind: history.OrchestrationFailedKind, Message: "no"},
		"late":      {Category: history.Application, Message: "late", Details: `{"kind":"timeout"}`},
		"cancelled": *history.Cancelled("stop"),
	}
	for _, id := range []string{"thrown", "late", "cancelled", "done", "again"} {
		k.create(id)
		if f, ok := failures[id]; ok {
			k.step(id, endsFailed(f))
		}
	}
	k.step("done", ends(provider.Completed, "1"))
	found := func(class history.Class) []string { return k.summaries(provider.ListQuery{Failure: class}) }
	require.Equal(k, []string{"thrown"}, found(history.ApplicationClass))
	require.Equal(k, []string{"late"}, found(history.TimeoutClass))
	require.Equal(k, []string{"cancelled"}, found(history.CancelledClass))
	require.Empty(k, found(history.PoisonClass))
	require.Empty(k, k.summaries(provider.ListQuery{Failure: history.CancelledClass, Status: provider.Completed}))
	page, err := k.Provider.Summaries(k.ctx, provider.ListQuery{IDs: []string{"late", "done"}})
	require.NoError(k, err)
	require.Empty(k, page.Instances[0].Failure)
	require.Equal(k, history.TimeoutClass, page.Instances[1].Failure)
}

func foundHeld(k *kit) {
	k.create("Y")
	k.hold("X", "a")
	yes, no := true, false
	require.Equal(k, []string{"X"}, k.summaries(provider.ListQuery{Held: &yes}))
	require.Equal(k, []string{"Y"}, k.summaries(provider.ListQuery{Held: &no}))
	_, err := k.Provider.Resume(k.ctx, "X")
	require.NoError(k, err)
	require.Empty(k, k.summaries(provider.ListQuery{Held: &yes}))
	require.Equal(k, []string{"X", "Y"}, k.summaries(provider.ListQuery{Held: &no}))
}

func foundByStatus(k *kit) {
	k.create("runs")
	k.create("renewed")
	k.renewed("renewed")
	k.create("ended")
	k.step("ended", ends(provider.Completed, "1"))
	k.create("continues")
	k.step("continues", ends(provider.ContinuedAsNew, "1"), func(c *provider.Commit) {
		c.Send = []provider.Message{{Kind: provider.ContinueInstance, Instance: "continues", Name: "O", Execution: 2}}
	})
	k.submit(provider.Message{Kind: provider.CancelInstance, Instance: "runs", Data: "stop"})
	k.submit(startFor("starts", "O", ""))
	k.submit(startFor("starts", "O", ""), provider.Message{Kind: provider.CancelInstance, Instance: "starts", Data: "stop"})
	k.submit(provider.Message{Kind: provider.EventRaised, Instance: "nobody", Name: "e", Data: "1"})
	for limit := 1; limit < 5; limit++ {
		require.Equal(k, []string{"starts", "renewed", "runs"}, k.pages(provider.ListQuery{Status: provider.Running}, limit))
		require.Equal(k, []string{"continues"}, k.pages(provider.ListQuery{Status: provider.ContinuedAsNew}, limit))
		require.Equal(k, []string{"ended"}, k.pages(provider.ListQuery{Status: provider.Completed}, limit))
		require.Equal(k, []string{"starts", "continues", "ended", "renewed", "runs"}, k.pages(provider.ListQuery{}, limit))
	}
}

func foundByPrefix(k *kit) {
	all := []string{"a", "a\U0010ffff", "a\U0010ffff!", "a\ud7ff", "ab", "aé", "b", "A", "a%"}
	for _, id := range all {
		k.create(id)
	}
	for _, prefix := range []string{"a", "a\U0010ffff", "a\ud7ff", "A", "b", "%"} {
		var want []string
		for _, id := range all {
			if len(id) >= len(prefix) && id[:len(prefix)] == prefix {
				want = append(want, id)
			}
		}
		require.Equal(k, want, k.pages(provider.ListQuery{IDPrefix: prefix, Order: provider.OldestFirst}, 2), "%q", prefix)
		slices.Sort(want)
		require.Equal(k, want, k.pages(provider.ListQuery{IDPrefix: prefix, Order: provider.ByID}, 2), "%q", prefix)
	}
}

func (k *kit) counts(q provider.ListQuery, by provider.Grouping) map[string]int {
	k.Helper()
	counts := map[string]int{}
	for {
		part, err := k.Provider.Count(k.ctx, q, by)
		require.NoError(k, err)
		for _, g := range part.Groups {
			counts[fmt.Sprint(g.Status, g.Name, g.Version, g.Failure)] += g.Count
		}
		if part.Next == nil {
			return counts
		}
		q.After = part.Next
	}
}

func countedInGroups(k *kit) {
	began := k.Clock.Now()
	k.create("a", startedAs("O", "1.0.0"))
	k.create("b", startedAs("O", "2.0.0"))
	k.Clock.Advance(time.Second)
	k.createChild("c", "a", startedAs("P", "1.0.0"))
	k.step("b", endsFailed(*history.Cancelled("stop")))
	k.submit(startFor("new", "O", ""))
	k.submit(provider.Message{Kind: provider.EventRaised, Instance: "nobody", Name: "e", Data: "1"})
	all := provider.ListQuery{}
	require.Equal(k, map[string]int{"Unknown": 4}, k.counts(all, provider.Grouping{}))
	require.Equal(k, map[string]int{"Running": 3, "Failed": 1}, k.counts(all, provider.Grouping{Status: true}))
	require.Equal(k, map[string]int{"UnknownO": 3, "UnknownP": 1}, k.counts(all, provider.Grouping{Name: true}))
	require.Equal(k, map[string]int{"UnknownO1.0.0": 1, "UnknownO2.0.0": 1, "UnknownO": 1},
		k.counts(provider.ListQuery{Name: "O"}, provider.Grouping{Name: true, Version: true}))
	require.Equal(k, map[string]int{"Unknowncancelled": 1},
		k.counts(provider.ListQuery{Failure: history.CancelledClass}, provider.Grouping{Failure: true}))
	require.Equal(k, map[string]int{"Unknown": 3}, k.counts(provider.ListQuery{Status: provider.Running}, provider.Grouping{}))
	require.Equal(k, map[string]int{"Unknown": 1}, k.counts(provider.ListQuery{Parent: "a"}, provider.Grouping{}))
	require.Equal(k, map[string]int{"Unknown": 2},
		k.counts(provider.ListQuery{CreatedFrom: began, CreatedBefore: began.Add(time.Second)}, provider.Grouping{}))
	require.Empty(k, k.counts(provider.ListQuery{Status: provider.Completed}, provider.Grouping{Status: true}))
}
