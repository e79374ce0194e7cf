package providertest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var management = theme{"management", "management.go", []Case{
	{ID: "C053", Title: "created instances are listed, newest first", run: listed},
	{ID: "C054", Title: "instances are listed by the status of the current execution", run: listedByStatus},
	{ID: "C055", Title: "executions are listed for undescribed turns too", run: listedExecutions},
	{ID: "C056", Title: "an instance is described", run: describedInstance},
	{ID: "C057", Title: "an execution is described", run: describedExecution},
	{ID: "C058", Title: "metrics count instances, executions and events", run: countedStore},
	{ID: "C059 N19", Title: "depths count what nobody holds", run: countedDepths},
	{ID: "C060 C061", Title: "a fresh instance has events and bytes and nothing else", run: freshStats},
	{ID: "C062 C064 C065", Title: "stats count live keys and the bytes of their values", run: valueStats},
	{ID: "C063", Title: "stats count the messages that wait", run: messageStats},
	{ID: "C115 C116 C117 C118", Title: "a list can be cut down to what a bulk deletion takes", run: bulkCandidates},
	{ID: "N19", Title: "times are those of the clock", run: storedTimes},
	{ID: "P40", Title: "a list comes in pages", run: pages},
	{ID: "P41", Title: "a list is cut down by prefix, name and creation", run: filters},
	{ID: "P42", Title: "status gives the state that clients wait for", run: statusOfInstance},
	{ID: "P60", Title: "the last event of an execution is read alone", run: lastEvent},
	{ID: "P247", Title: "an output of any size is given back, whatever the last event tells", run: outputs},
}}

func listed(k *kit) {
	require.Empty(k, k.list(provider.ListQuery{}))
	for _, id := range []string{"b", "c", "a"} {
		k.create(id)
		k.Clock.Advance(time.Second)
	}
	k.submit(raised("never", "1"))
	require.Equal(k, []string{"a", "c", "b"}, k.list(provider.ListQuery{}))
}

func listedByStatus(k *kit) {
	k.create("running")
	k.create("done", ends(provider.Completed, "x"))
	k.create("failed", ends(provider.Failed, "x"))
	k.create("continued", ends(provider.ContinuedAsNew, "x"))
	for status, want := range map[provider.ExecutionStatus]string{
		provider.Running: "running", provider.Completed: "done", provider.Failed: "failed",
		provider.ContinuedAsNew: "continued",
	} {
		require.Equal(k, []string{want}, k.list(provider.ListQuery{Status: status}))
	}
	k.renewed("running", ends(provider.Completed, ""))
	require.ElementsMatch(k, []string{"running", "done"},
		k.list(provider.ListQuery{Status: provider.Completed}))
}

func listedExecutions(k *kit) {
	require.Empty(k, k.executions("X"))
	k.submit(start("X"))
	k.bare(1, events(1))
	require.Equal(k, []uint64{1}, k.executions("X"))
}

func describedInstance(k *kit) {
	k.create("X", func(c *provider.Commit) {
		c.Started.Name, c.Started.Version = "InfoOrch", "2.0.0"
	})
	info := k.info("X")
	require.Equal(k, "X", info.Instance)
	require.Equal(k, "InfoOrch", info.Name)
	require.Equal(k, "2.0.0", info.Version)
	require.Equal(k, uint64(1), info.Execution)
	require.Equal(k, provider.Running, info.Status)
	require.Empty(k, info.Output)
	require.Empty(k, info.Parent)
}

func describedExecution(k *kit) {
	k.create("X")
	k.step("X", ends(provider.Completed, "result"), func(c *provider.Commit) {
		c.Events = events(2, 3)
	})
	info, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, uint64(1), info.Execution)
	require.Equal(k, provider.Completed, info.Status)
	require.Equal(k, "result", info.Output)
	require.Equal(k, 3, info.Events)
}

func countedStore(k *kit) {
	k.create("running")
	k.create("done", ends(provider.Completed, ""))
	k.create("failed", ends(provider.Failed, ""))
	k.renewed("running")
	k.submit(raised("never", "1"))
	m, err := k.Provider.Metrics(k.ctx)
	require.NoError(k, err)
	require.Equal(k, provider.Metrics{
		Instances: 3, Executions: 4, Running: 1, Completed: 1, Failed: 1, Events: 4,
	}, m)
}

func (k *kit) depths() provider.Depths {
	k.Helper()
	d, err := k.Provider.Depths(k.ctx)
	require.NoError(k, err)
	return d
}

func countedDepths(k *kit) {
	require.Equal(k, provider.Depths{}, k.depths())
	k.submit(start("X"), start("Y"))
	require.Equal(k, provider.Depths{Messages: 2}, k.depths())
	k.fetchFor("X", short)
	require.Equal(k, provider.Depths{Messages: 1}, k.depths())
	k.Clock.Advance(short)
	require.Equal(k, provider.Depths{Messages: 2}, k.depths())
	for range 2 {
		claim := k.fetchWith(long, nil)
		c := firstTurn(*claim)
		plan(activity(2))(&c)
		k.commit(c)
	}
	require.Equal(k, provider.Depths{Tasks: 2}, k.depths())
	k.work(2, anyRoute)
	require.Equal(k, provider.Depths{Tasks: 1}, k.depths())
	k.submit(timer("X", 3, k.Clock.Now().Add(time.Second)))
	require.Equal(k, 1, k.depths().Timers)
	k.Clock.Advance(time.Second)
	require.Equal(k, provider.Depths{Messages: 1, Tasks: 1}, k.depths())
}

func (k *kit) stats(id string) provider.Stats {
	k.Helper()
	stats, err := k.Provider.Stats(k.ctx, id)
	require.NoError(k, err)
	require.NotNil(k, stats)
	return *stats
}

func freshStats(k *kit) {
	stats, err := k.Provider.Stats(k.ctx, "nobody")
	require.NoError(k, err)
	require.Nil(k, stats)
	k.create("X")
	fresh := k.stats("X")
	require.Equal(k, 1, fresh.Events)
	require.Positive(k, fresh.Bytes)
	fresh.Events, fresh.Bytes = 0, 0
	require.Equal(k, provider.Stats{}, fresh)
}

func (k *kit) sizes(keys int, bytes int64) {
	k.Helper()
	stats := k.stats("X")
	require.Equal(k, keys, stats.Keys)
	require.Equal(k, bytes, stats.ValueBytes)
}

func valueStats(k *kit) {
	k.create("X", store(set("a", "123"), set("b", "12")))
	k.sizes(2, 5)
	k.step("X", store(set("a", "äöx")))
	k.sizes(2, 7)
	k.step("X", ends(provider.Completed, ""))
	k.sizes(2, 7)
	k.create("Y")
	k.poke("X")
	claim := k.fetch("X")
	c := nextTurn(claim)
	store(set("a", "1"), unset("b"), set("c", ""))(&c)
	k.commit(c)
	k.sizes(2, 1)
}

func messageStats(k *kit) {
	k.create("X")
	k.submit(raised("X", "1"), raised("X", "2"), timer("X", 2, k.Clock.Now().Add(time.Hour)))
	require.Equal(k, 3, k.stats("X").Messages)
}

func bulkCandidates(k *kit) {
	k.create("root1", ends(provider.Completed, ""))
	k.createChild("child1", "root1", ends(provider.Completed, ""))
	k.create("running")
	k.create("window", ends(provider.ContinuedAsNew, ""))
	created := k.Clock.Now()
	k.Clock.Advance(time.Second)
	k.create("root2", ends(provider.Failed, ""))
	bulk := provider.ListQuery{RootsOnly: true, FinalOnly: true}
	require.Equal(k, []string{"root2", "root1"}, k.list(bulk))
	bulk.CompletedBefore = created
	require.Empty(k, k.list(bulk), "strictly before")
	bulk.CompletedBefore = created.Add(time.Millisecond)
	require.Equal(k, []string{"root1"}, k.list(bulk))
	bulk.CompletedBefore, bulk.Limit = time.Time{}, 1
	require.Len(k, k.list(bulk), 1)
	bulk.Limit, bulk.IDs = 0, []string{"root1", "running", "nobody"}
	require.Equal(k, []string{"root1"}, k.list(bulk))
	bulk.IDs = []string{}
	require.Empty(k, k.list(bulk), "an empty list is not no list")
	require.Equal(k, []string{"running"}, k.list(provider.ListQuery{IDs: []string{"running"}}))
}

func storedTimes(k *kit) {
	created := k.Clock.Now()
	require.Equal(k, created.UnixMilli(), k.Provider.Now().UnixMilli())
	k.create("X")
	k.Clock.Advance(time.Second)
	k.step("X", ends(provider.Completed, ""))
	info := k.info("X")
	require.Equal(k, created.UnixMilli(), info.Created.UnixMilli())
	require.Equal(k, k.Clock.Now().UnixMilli(), info.Updated.UnixMilli())
	execution, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, created.UnixMilli(), execution.Started.UnixMilli())
	require.Equal(k, k.Clock.Now().UnixMilli(), execution.Completed.UnixMilli())
	k.create("Y")
	execution, err = k.Provider.Execution(k.ctx, "Y", 1)
	require.NoError(k, err)
	require.True(k, execution.Completed.IsZero(), "a running execution has not completed")
}

func pages(k *kit) {
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		k.create(id)
	}
	all := k.list(provider.ListQuery{})
	require.Len(k, all, 5)
	var paged []string
	q := provider.ListQuery{Limit: 2}
	for range 3 {
		page := k.list(q)
		paged = append(paged, page...)
		q.Before = page[len(page)-1]
	}
	require.Equal(k, all, paged)
	require.Empty(k, k.list(q))
}

func filters(k *kit) {
	k.create("a1")
	k.create("a_2", func(c *provider.Commit) { c.Started.Name = "Other" })
	k.Clock.Advance(time.Second)
	k.create("ab3")
	now := k.Clock.Now()
	require.Equal(k, []string{"a_2"}, k.list(provider.ListQuery{IDPrefix: "a_"}))
	require.Empty(k, k.list(provider.ListQuery{IDPrefix: "A"}))
	require.Equal(k, []string{"a_2"}, k.list(provider.ListQuery{Name: "Other"}))
	require.Equal(k, []string{"ab3"}, k.list(provider.ListQuery{CreatedFrom: now}))
	require.ElementsMatch(k, []string{"a1", "a_2"}, k.list(provider.ListQuery{CreatedBefore: now}))
	require.Equal(k, []string{"a1"},
		k.list(provider.ListQuery{CreatedBefore: now, Name: "TestOrch", Limit: 5}))
}

func statusOfInstance(k *kit) {
	k.create("X")
	k.renewed("X", ends(provider.Failed, "text"))
	status, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, &provider.Status{
		Execution: 2, Status: provider.Failed, Output: "text",
	}, status)
}

func lastEvent(k *kit) {
	last := func(execution uint64) uint64 {
		k.Helper()
		e, err := k.Provider.LastEvent(k.ctx, "X", execution)
		require.NoError(k, err)
		if e == nil {
			return 0
		}
		return e.ID
	}
	require.Zero(k, last(0))
	k.submit(start("X"))
	require.Zero(k, last(0))
	k.bare(1, events(1, 2, 3))
	require.Equal(k, uint64(3), last(0))
	k.renewed("X", ends(provider.Failed, "text"))
	all := k.history("X", 2)
	require.Equal(k, all[len(all)-1].ID, last(0))
	require.Equal(k, all[len(all)-1].ID, last(2))
	past := k.history("X", 1)
	require.Equal(k, past[len(past)-1].ID, last(1))
	require.Zero(k, last(3))
}

// outputs ends executions with outputs that stores may leave to the last event, and with ones that it does
// not tell.
func outputs(k *kit) {
	told := func(status provider.ExecutionStatus, output string, data history.Data) func(*provider.Commit) {
		return func(c *provider.Commit) {
			c.Events = append(c.Events, event(c.LastEvent+2, data))
			c.Outcome = outcome(status, output)
		}
	}
	for n, size := range []int{1, 1023, 1024, 100_000} {
		id, output := string(rune('a'+n)), strings.Repeat("x", size)
		k.create(id)
		k.step(id, told(provider.ContinuedAsNew, output, history.OrchestrationContinuedAsNew{Input: output}))
		require.Equal(k, output, k.info(id).Output)
		k.poke(id)
		c := nextTurn(k.fetch(id))
		told(provider.Completed, output+"2", history.OrchestrationCompleted{Output: output + "2"})(&c)
		k.commit(c)
		k.create(id+" else", told(provider.Completed, output, history.OrchestrationCompleted{Output: "other"}))
		for instance, want := range map[string][]string{id: {output, output + "2"}, id + " else": {output}} {
			last := want[len(want)-1]
			status, err := k.Provider.Status(k.ctx, instance)
			require.NoError(k, err)
			require.Equal(k, last, status.Output)
			require.Equal(k, last, k.info(instance).Output)
			for n := range want {
				info, err := k.Provider.Execution(k.ctx, instance, uint64(n+1))
				require.NoError(k, err)
				require.Equal(k, want[n], info.Output)
			}
		}
	}
}
