package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

// family writes root → a → a1, root → b: the root completed, b still runs.
func family(t *testing.T, f *fixture, root string) {
	t.Helper()
	f.commit(t, root, completed("1"))
	for _, child := range []struct{ id, parent string }{
		{root + "/a", root}, {root + "/b", root}, {root + "/a1", root + "/a"},
	} {
		c := completed("1")
		if child.id == root+"/b" {
			c = turn{}
		}
		c.parent = child.parent
		f.commit(t, child.id, c)
	}
}

func TestATreeListsEachInstanceAfterItsParent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	family(t, f, "r")
	tree, err := f.Tree(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, []string{"r", "r/a", "r/b", "r/a1"}, tree)
	tree, err = f.Tree(t.Context(), "r/a")
	require.NoError(t, err)
	require.Equal(t, []string{"r/a", "r/a1"}, tree)
	tree, err = f.Tree(t.Context(), "unknown")
	require.NoError(t, err)
	require.Equal(t, []string{"unknown"}, tree)
}

func TestDeletionsAreRefusedWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	family(t, f, "r")
	f.commit(t, "runs", turn{})
	for name, c := range map[string]struct {
		instance string
		force    bool
		want     error
		text     string
	}{
		"unknown": {"x", true, provider.ErrInstanceNotFound, "Instance x not found"},
		"a child": {
			"r/a", false, provider.ErrIsSubOrchestration,
			"Cannot delete sub-orchestration r/a directly. Delete the root orchestration instead.",
		},
		"a child, forced": {
			"r/a", true, provider.ErrIsSubOrchestration,
			"Cannot delete sub-orchestration r/a directly. Delete the root orchestration instead.",
		},
		"it runs": {
			"runs", false, provider.ErrStillRunning,
			"Instance runs is still running. Use force=true or cancel first.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deleted, err := f.Delete(t.Context(), c.instance, c.force)
			require.ErrorIs(t, err, c.want)
			require.EqualError(t, err, c.text)
			require.Zero(t, deleted)
		})
	}
}

func TestADeletionWaitsForDescendantsThatCleanUp(t *testing.T) {
	t.Parallel()
	cleansUp := turn{parent: "r", cancelling: &provider.Cancelling{Reason: "why", UntilMs: 1}}
	for name, c := range map[string]struct {
		child turn
		then  func(t *testing.T, f *fixture)
		want  error
	}{
		"until they have ended": {cleansUp, func(t *testing.T, f *fixture) {
			t.Helper()
			f.commit(t, "r/a", completed("1"))
		}, nil},
		"for half a minute": {cleansUp, func(t *testing.T, f *fixture) {
			t.Helper()
			f.clock.Advance(30 * time.Second)
		}, provider.ErrStillRunning},
		"shortly for those that have not heard": {turn{parent: "r"}, func(t *testing.T, f *fixture) {
			t.Helper()
			f.clock.Advance(2 * time.Second)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.commit(t, "r", completed("1"))
			f.commit(t, "r/a", c.child)
			done := inBackground(func() (provider.Deleted, error) { return f.Delete(t.Context(), "r", false) })
			f.awaitWaiter(t)
			c.then(t, f)
			got := <-done
			require.ErrorIs(t, got.err, c.want)
			left, err := f.List(t.Context(), provider.ListQuery{})
			require.NoError(t, err)
			require.Equal(t, c.want == nil, len(left) == 0)
		})
	}
	f := newFixture(t, nil)
	f.commit(t, "r", completed("1"))
	f.commit(t, "r/a", cleansUp)
	bulk, err := f.DeleteBulk(t.Context(), engine.Filter{})
	require.NoError(t, err)
	require.Zero(t, bulk.Instances, "a bulk call does not wait")
	_, err = f.Delete(t.Context(), "r", true)
	require.NoError(t, err, "with force nothing is waited for")
}

func TestAForcedDeletionTakesTheWholeTree(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	family(t, f, "r")
	family(t, f, "s")
	deleted, err := f.Delete(t.Context(), "r", true)
	require.NoError(t, err)
	require.Len(t, deleted.Gone, 4)
	deleted.Gone = nil
	require.Equal(t, provider.Deleted{Instances: 4, Executions: 4, Events: 7}, deleted)
	left, err := f.List(t.Context(), provider.ListQuery{})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"s", "s/a", "s/b", "s/a1"}, left)
}

// growing gives birth to a child whenever a tree has been read.
type growing struct {
	provider.Provider
	births chan func()
}

func (g *growing) Delete(ctx context.Context, d provider.Deletion) (provider.Deleted, error) {
	select {
	case birth := <-g.births:
		birth()
	default:
	}
	return g.Provider.Delete(ctx, d)
}

func TestADeletionTakesChildrenBornMeanwhile(t *testing.T) {
	t.Parallel()
	store := &growing{births: make(chan func(), 2)}
	f := newFixture(t, func(p provider.Provider) provider.Provider {
		store.Provider = p
		return store
	})
	f.commit(t, "r", completed("1"))
	for _, child := range []string{"c1", "c2"} {
		store.births <- func() {
			c := completed("1")
			c.parent = "r"
			f.commit(t, child, c)
		}
	}
	deleted, err := f.Delete(t.Context(), "r", false)
	require.NoError(t, err)
	require.Equal(t, 3, deleted.Instances)
}

func TestBulkDeletionTakesFinishedRootsThatMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter engine.Filter
		want   []string // what is left of the roots
	}{
		"everything": {engine.Filter{}, []string{"running", "between"}},
		"by id": {
			engine.Filter{IDs: []string{"r", "running", "unknown", "late/a"}},
			[]string{"late", "running", "between"},
		},
		"no ids":    {engine.Filter{IDs: []string{}}, []string{"r", "late", "running", "between"}},
		"by time":   {engine.Filter{CompletedBefore: time.Date(2024, 3, 1, 12, 30, 0, 0, time.UTC)}, []string{"late", "running", "between"}},
		"the limit": {engine.Filter{Limit: 1}, []string{"r", "running", "between"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			family(t, f, "r")
			f.clock.Advance(time.Hour)
			family(t, f, "late")
			f.commit(t, "running", turn{})
			f.commit(t, "between", turn{outcome: ended(provider.ContinuedAsNew, "")})
			before, err := f.Metrics(t.Context())
			require.NoError(t, err)
			deleted, err := f.DeleteBulk(t.Context(), c.filter)
			require.NoError(t, err)
			left, err := f.List(t.Context(), provider.ListQuery{RootsOnly: true})
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, left)
			after, err := f.Metrics(t.Context())
			require.NoError(t, err)
			require.Equal(t, before.Instances-after.Instances, deleted.Instances)
			require.Equal(t, before.Events-after.Events, deleted.Events)
		})
	}
}

func TestABulkCallThatFailsTellsWhatItDid(t *testing.T) {
	t.Parallel()
	broken := &provider.Error{Op: "delete_instances", Message: "disk full"}
	store := newFlaky()
	f := newFixture(t, store.wrap)
	f.commit(t, "a", completed("1"))
	store.failures <- broken
	deleted, err := f.DeleteBulk(t.Context(), engine.Filter{})
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "delete a: delete_instances: disk full")
	require.Zero(t, deleted)
}

// eternal writes an instance with four executions that ended an hour apart, and a fifth.
func eternal(t *testing.T, f *fixture, id string) {
	t.Helper()
	for range 4 {
		f.commit(t, id, turn{
			fresh: true, outcome: ended(provider.ContinuedAsNew, ""),
			events: []history.Data{history.OrchestrationContinuedAsNew{}},
		})
		f.clock.Advance(time.Hour)
	}
	f.commit(t, id, turn{fresh: true})
}

func TestPruningKeepsWhatItIsToldToKeep(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		options provider.PruneOptions
		want    []uint64
	}{
		"nothing but the current one": {provider.PruneOptions{}, []uint64{5}},
		"the last one":                {provider.PruneOptions{KeepLast: 1}, []uint64{5}},
		"the last three":              {provider.PruneOptions{KeepLast: 3}, []uint64{3, 4, 5}},
		"what ended late":             {provider.PruneOptions{CompletedBefore: start.Add(90 * time.Minute)}, []uint64{3, 4, 5}},
		"both": {
			provider.PruneOptions{KeepLast: 4, CompletedBefore: start.Add(90 * time.Minute)},
			[]uint64{2, 3, 4, 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			eternal(t, f, "i")
			pruned, err := f.Prune(t.Context(), "i", c.options)
			require.NoError(t, err)
			left, err := f.Executions(t.Context(), "i")
			require.NoError(t, err)
			require.Equal(t, c.want, left)
			gone := 5 - len(left)
			require.Equal(t, engine.PruneResult{Instances: 1, Executions: gone, Events: 2 * gone}, pruned)
		})
	}
}

func TestBulkPruningTakesEveryInstanceThatMatches(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	eternal(t, f, "a")
	eternal(t, f, "b")
	f.commit(t, "once", completed("1"))
	pruned, err := f.PruneBulk(t.Context(), engine.Filter{IDs: []string{"a", "once", "unknown"}}, provider.PruneOptions{})
	require.NoError(t, err)
	require.Equal(t, engine.PruneResult{Instances: 2, Executions: 4, Events: 8}, pruned)
	pruned, err = f.PruneBulk(t.Context(), engine.Filter{}, provider.PruneOptions{})
	require.NoError(t, err)
	require.Equal(t, engine.PruneResult{Instances: 3, Executions: 4, Events: 8}, pruned)
}

func TestUnknownAndSenselessPrunesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	_, err := f.Prune(t.Context(), "x", provider.PruneOptions{})
	require.ErrorIs(t, err, provider.ErrInstanceNotFound)
	_, err = f.Prune(t.Context(), "x", provider.PruneOptions{KeepLast: -1})
	require.EqualError(t, err, "Invalid input: keepLast must not be negative")
	_, err = f.PruneBulk(t.Context(), engine.Filter{Limit: -1}, provider.PruneOptions{})
	require.EqualError(t, err, "Invalid input: limit must not be negative")
	_, err = f.DeleteBulk(t.Context(), engine.Filter{Limit: -1})
	require.EqualError(t, err, "Invalid input: limit must not be negative")
}

func TestStatsCountUnreadQueueMessages(t *testing.T) {
	t.Parallel()
	arrived := func(q string) history.Data { return history.QueueEventDelivered{Name: q, Data: "1"} }
	wanted := func(q string) history.Data { return history.QueueSubscribed{Name: q} }
	for name, c := range map[string]struct {
		events []history.Data
		want   int
	}{
		"none":                               {nil, 0},
		"two unread":                         {[]history.Data{arrived("a"), arrived("b")}, 2},
		"one read":                           {[]history.Data{arrived("a"), wanted("a"), arrived("a")}, 1},
		"read on arrival":                    {[]history.Data{wanted("a"), arrived("a")}, 0},
		"waiting for another queue":          {[]history.Data{wanted("b"), arrived("a")}, 1},
		"more waits than messages elsewhere": {[]history.Data{wanted("b"), wanted("b"), arrived("a")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, nil)
			f.commit(t, "i", turn{events: c.events, values: []provider.ValueChange{{Key: "key", Value: new("é")}}})
			got, err := f.Stats(t.Context(), "i")
			require.NoError(t, err)
			require.Equal(t, 1+len(c.events), got.Events)
			require.Positive(t, got.Bytes)
			require.Equal(t, c.want, got.Pending)
			require.Equal(t, 1, got.Keys)
			require.Equal(t, int64(2), got.ValueBytes)
		})
	}
}

func TestACancelledSubscriptionLeavesItsMessageUnread(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	f.commit(t, "i", turn{
		events: []history.Data{
			history.QueueSubscribed{Name: "a"},
			history.QueueSubscriptionCancelled{Reason: history.ReasonDropped},
			history.QueueSubscriptionCancelled{Reason: history.ReasonDropped},
			history.QueueEventDelivered{Name: "a", Data: "1"},
		},
		answers: map[uint64]uint64{3: 2, 4: 2},
	})
	got, err := f.Stats(t.Context(), "i")
	require.NoError(t, err)
	require.Equal(t, 1, got.Pending)
}

func TestReadsOfUnknownInstances(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx := t.Context()
	stats, err := f.Stats(ctx, "x")
	require.NoError(t, err)
	require.Nil(t, stats)
	_, err = f.Instance(ctx, "x")
	require.ErrorIs(t, err, provider.ErrInstanceNotFound)
	f.commit(t, "i", turn{})
	_, err = f.Execution(ctx, "i", 2)
	require.ErrorIs(t, err, provider.ErrExecutionNotFound)
	executions, err := f.Executions(ctx, "x")
	require.NoError(t, err)
	require.Empty(t, executions)
	events, err := f.History(ctx, "x", 1)
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestDescriptionsComeFromTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	ctx := t.Context()
	f.commit(t, "i", completed("1"))
	info, err := f.Instance(ctx, "i")
	require.NoError(t, err)
	require.Equal(t, "test", info.Name)
	require.Equal(t, provider.Completed, info.Status)
	execution, err := f.Execution(ctx, "i", 1)
	require.NoError(t, err)
	require.Equal(t, 2, execution.Events)
	events, err := f.History(ctx, "i", 1)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.NoError(t, errOf(f.Raise(ctx, "i", "late", "")))
	depths, err := f.Depths(ctx)
	require.NoError(t, err)
	require.Equal(t, provider.Depths{Messages: 1}, depths)
}
