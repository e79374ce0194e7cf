package providertest

import (
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var founding = theme{"founding", "founding.go", []Case{
	{ID: "P260", Title: "a repair can make an instance, with history, values, tasks and messages", run: founded},
	{ID: "P261", Title: "an instance is made where nobody lives, or nothing is", run: foundedAlone},
	{ID: "P262", Title: "messages that wait at a place are there for an instance that a repair makes", run: foundedAmongMessages},
	{ID: "P263", Title: "a repair goes back to an execution, and those after it are gone", run: repairedOverExecutions},
	{ID: "P266", Title: "a repair does not go back to an execution that was pruned meanwhile", run: repairedPruned},
	{ID: "P267", Title: "an inert instance is looked at: nobody claims it, and nothing reaches it", run: inert},
	{ID: "P267", Title: "what a repair gives back is in front of a backlog", run: givenBack},
	{ID: "P264", Title: "what a repair makes or takes back is kept by the store", needs: needReopen, run: foundedOverReopening},
}}

// fresh gives an instance to be made, in its third execution.
func fresh(instance string) provider.Rewrite {
	life := history.Life{7}
	return provider.Rewrite{
		Place: provider.Place{Instance: instance, Life: life}, Execution: 3, Fresh: true,
		Started: &provider.Started{Name: "Other", Version: "2.0.0"},
		Events:  append([]history.Event{firstEvent()}, events(5, 7)...),
		Send:    []provider.Message{provider.Resumption(instance, life, 3)},
	}
}

func founded(k *kit) {
	status := "early"
	w := fresh("X")
	w.Tasks = []provider.Task{{Instance: "X", Life: w.Life, Execution: 3, Event: 5, Name: "a5", Input: "in"}}
	w.Base = map[string]provider.Value{"a": {Data: "1", UpdatedAtMs: 3}}
	w.Live = map[string]provider.Value{"a": {Data: "2", UpdatedAtMs: 4}, "b": {Data: "0", UpdatedAtMs: 4}}
	w.CustomStatus = &provider.CustomStatusChange{Status: &status}
	k.repairs(repairOf(w), nil)
	info := k.info("X")
	require.Equal(k, []any{"Other", "2.0.0", uint64(3), provider.Running, "", w.Life},
		[]any{info.Name, info.Version, info.Execution, info.Status, info.Parent, info.Life})
	require.Equal(k, []string{"X"}, k.list(provider.ListQuery{Name: "Other", RootsOnly: true}))
	executions, err := k.Provider.Executions(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, []uint64{3}, executions)
	require.Equal(k, w.Events, k.history("X", 3))
	record, err := k.Provider.Load(k.ctx, "X", 3)
	require.NoError(k, err)
	require.Equal(k, w.Base, record.Values)
	live, err := k.Provider.Values(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, map[string]string{"a": "2", "b": "0"}, live)
	got, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, &status, got.CustomStatus)
	require.Equal(k, "a5", k.work(5, anyRoute).Task.Name)
	require.Nil(k, k.fetchWith(long, having("Other", "1.0.0")))
	claim := k.fetchAs("X", having("Other", "2.0.0"))
	require.Equal(k, []string{"timer 0"}, datas(claim.Messages))
	require.Equal(k, []uint64{3, 7}, []uint64{claim.Execution, claim.LastEvent})
	c := turn(claim)
	c.Events = events(8)
	ends(provider.Completed, "1")(&c)
	k.commit(c)
	require.Len(k, k.history("X", 3), 4)
	require.Equal(k, provider.Completed, k.info("X").Status)
}

func foundedAlone(k *kit) {
	k.over("X")
	k.create("lives")
	k.submit(start("starts"))
	before := k.history("X", 1)
	for _, id := range []string{"lives", "starts", "X"} {
		k.repairs(repairOf(k.rewriting("X"), fresh(id)), provider.ErrChanged)
	}
	require.Equal(k, before, k.history("X", 1))
	require.Equal(k, "TestOrch", k.info("lives").Name)
	k.repairs(repairOf(k.rewriting("X"), fresh("new")), nil)
	require.Equal(k, provider.Running, k.info("X").Status)
	k.repairs(repairOf(fresh("new")), provider.ErrChanged)
	k.fetchAs("new", having("Other", "2.0.0"))
}

func inert(k *kit) {
	k.submit(queued("X", "early"))
	w := fresh("X")
	w.Level, w.Send = provider.Inert, nil
	k.repairs(repairOf(w), nil)
	sent, err := k.Provider.Submit(k.ctx, provider.Submission{
		Messages: []provider.Message{provider.Resumption("X", w.Life, 3)}, Claim: &provider.Holder{Node: "importer", TTL: long},
	})
	require.NoError(k, err)
	claim := sent[0].Claim
	require.NotNil(k, claim)
	require.ElementsMatch(k, []string{"early", "timer 0"}, datas(claim.Messages))
	c := turn(*claim)
	c.Events, c.Level, c.Release = events(8), provider.Inert, true
	k.commit(c)
	for _, m := range []provider.Message{
		raised("X", "1"), queued("X", "2"),
		{Instance: "X", Kind: provider.CancelInstance},
		{Instance: "X", Life: w.Life, Kind: provider.ActivityDone, Execution: 3, Source: 5},
	} {
		require.Equal(k, provider.Unheard, k.one(m).Fate)
	}
	require.Equal(k, provider.Taken, k.one(start("X")).Fate)
	require.Nil(k, k.fetchWith(long, having("Other", "2.0.0")))
	info := k.info("X")
	require.True(k, info.Imported)
	require.Equal(k, provider.Running, info.Status)
	all, err := k.Provider.Summaries(k.ctx, provider.ListQuery{})
	require.NoError(k, err)
	require.True(k, all.Instances[0].Imported)
	used, err := k.Provider.InUse(k.ctx, "")
	require.NoError(k, err)
	require.Empty(k, used)
	require.Len(k, k.history("X", 3), 4)
	k.delete(false, "X")
	k.create("X")
	require.False(k, k.info("X").Imported)
}

func foundedAmongMessages(k *kit) {
	k.submit(raised("X", "1"), queued("X", "2"))
	k.repairs(repairOf(fresh("X")), nil)
	require.ElementsMatch(k, []string{"1", "2", "timer 0"}, datas(k.fetchAs("X", having("Other", "2.0.0")).Messages))
}

// back gives what takes an instance that was renewed back to its first execution.
func (k *kit) back(instance string) provider.Rewrite {
	k.Helper()
	info := k.info(instance)
	return provider.Rewrite{
		Place: provider.Place{Instance: instance, Life: info.Life}, Current: info.Execution, Execution: 1,
		LastEvent: 1, Status: provider.Running, Events: append([]history.Event{firstEvent()}, events(9)...),
		Started: &provider.Started{Name: "TestOrch", Version: "1.0.0"},
		Send:    []provider.Message{provider.Resumption(instance, info.Life, 1)},
	}
}

func repairedOverExecutions(k *kit) {
	k.create("X")
	k.renewed("X")
	k.renewed("X", startedAs("TestOrch", "2.0.0"))
	w := k.back("X")
	wrong := w
	wrong.Current = 2
	k.repairs(repairOf(wrong), provider.ErrChanged)
	k.repairs(repairOf(w), nil)
	info := k.info("X")
	require.Equal(k, []any{uint64(1), provider.Running, "1.0.0"}, []any{info.Execution, info.Status, info.Version})
	executions, err := k.Provider.Executions(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, []uint64{1}, executions)
	require.Equal(k, w.Events, k.history("X", 1))
	require.Empty(k, k.history("X", 2))
	require.Nil(k, k.fetchWith(long, having("TestOrch", "2.0.0")))
	claim := k.fetchAs("X", having("TestOrch", "1.0.0"))
	require.Equal(k, []uint64{1, 9}, []uint64{claim.Execution, claim.LastEvent})
	c := turn(claim)
	c.Events = events(10)
	ends(provider.ContinuedAsNew, "")(&c)
	k.commit(c)
	require.Len(k, k.history("X", 1), 3)
	execution, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, 3, execution.Events)
}

func repairedPruned(k *kit) {
	k.over("Y")
	k.create("X")
	k.renewed("X")
	w := k.back("X")
	pruned, err := k.Provider.Prune(k.ctx, "X", provider.PruneOptions{KeepLast: 1})
	require.NoError(k, err)
	require.Equal(k, 1, pruned.Executions)
	before := k.history("X", 2)
	k.repairs(repairOf(k.rewriting("Y"), w), provider.ErrChanged)
	require.Equal(k, []any{uint64(2), provider.Running}, []any{k.info("X").Execution, k.info("X").Status})
	require.Equal(k, before, k.history("X", 2))
	require.Equal(k, provider.Failed, k.info("Y").Status)
}

func givenBack(k *kit) {
	k.over("X")
	var want []string
	for n := range provider.PageMessages + 50 {
		want = append(want, strconv.Itoa(n))
		k.submit(queued("X", want[n]))
	}
	k.Clock.Advance(time.Minute)
	w := k.rewriting("X")
	for _, data := range []string{"-2", "-1"} {
		m := queued("X", data)
		m.Life, m.DueMs = w.Life, 5
		w.Send = append(w.Send, m)
	}
	k.repairs(repairOf(w), nil)
	got := datas(k.fetch("X").Messages)
	require.Equal(k, append([]string{"-2", "-1"}, want...)[:len(got)], got)
}

func foundedOverReopening(k *kit) {
	k.create("X")
	k.renewed("X")
	w := k.back("X")
	k.repairs(repairOf(w, fresh("Y")), nil)
	again, err := k.Reopen()
	require.NoError(k, err)
	k.Provider = again
	require.Equal(k, w.Events, k.history("X", 1))
	require.Empty(k, k.history("X", 2))
	require.Equal(k, fresh("Y").Events, k.history("Y", 3))
	k.fetchAs("Y", having("Other", "2.0.0"))
	k.fetchAs("X", having("TestOrch", "1.0.0"))
}
