package providertest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

// commit commits a random turn of a claim, which may have been lost or committed long ago.
func (w *twins) commit() string {
	id := pick(w, w.turns)
	if id == "" {
		return "no turn to commit"
	}
	pair := w.turns[id]
	fusedTask := ""
	if w.random.IntN(3) == 0 {
		fusedTask = pick(w, w.tasks)
	}
	draw := w.random.Uint64()
	var results [2]provider.Committed
	var errs [2]error
	for i, p := range w.stores {
		c := w.randomTurn(pair[i], draw)
		if fusedTask != "" {
			c.Tasks = []provider.Token{w.tasks[fusedTask][i].Token}
		}
		results[i], errs[i] = p.Commit(w.ctx, c)
	}
	if w.sameError(errs, "commit "+id) {
		w.same(results[0].Work, results[1].Work, "work left in "+id)
		w.same(claimedTasks(results[0]), claimedTasks(results[1]), "tasks taken by "+id)
		w.remember(results)
		delete(w.tasks, fusedTask)
	}
	w.events += 10
	delete(w.turns, id)
	return fmt.Sprintf("commit %s (%x) with task %q: %v", id, draw, fusedTask, errs[0])
}

// randomTurn makes the same turn for both stores from one random number.
func (w *twins) randomTurn(claim provider.InstanceClaim, draw uint64) provider.Commit {
	bit := func(n int) bool { return draw>>n&1 == 1 }
	c := turn(claim)
	switch {
	case claim.Execution == 0:
		c = firstTurn(claim)
	case claim.Status == provider.ContinuedAsNew:
		c = nextTurn(claim)
	case bit(0):
		c.Events = events(claim.LastEvent+1, claim.LastEvent+3)
	}
	if bit(1) && bit(2) && len(c.Messages) > 0 {
		c.Messages = c.Messages[1:]
	}
	if bit(3) {
		c.Values = []provider.ValueChange{set("k", strconv.FormatUint(draw%7, 10)), unset("l")}
	}
	if bit(4) && bit(5) {
		c.Values = append(c.Values, clearAll, set("l", "x"))
	}
	if bit(6) && bit(7) {
		c.Outcome = outcome(provider.ExecutionStatus(2+draw>>8%3), "out")
	}
	if bit(12) {
		c.CustomStatus = &provider.CustomStatusChange{Status: new("s")}
	}
	w.randomTasks(&c, draw>>16)
	if bit(40) && bit(41) {
		c.Send = []provider.Message{raised(claim.Instance, "self")}
	}
	c.CancelTasks = []uint64{w.events - 9}
	c.DropTimers = []uint64{draw >> 44 % 9}
	return c
}

func (w *twins) randomTasks(c *provider.Commit, draw uint64) {
	for i := range draw % 3 {
		n := activity(w.events + i)
		switch draw >> (4 + 2*i) % 4 {
		case 0:
			n.Task.Session = new("s")
		case 1:
			n.Task.Tag = new("t")
		case 2:
			n = claimed(n, anyRoute)
		}
		plan(n)(c)
	}
	c.TaskHolder = &provider.Holder{Node: "tasks", TTL: 3 * time.Second}
}

func claimedTasks(result provider.Committed) []string {
	var names []string
	for _, claim := range result.Tasks {
		if claim != nil {
			names = append(names, claim.Task.Name)
		}
	}
	return names
}

func (w *twins) remember(results [2]provider.Committed) {
	for i, claim := range results[0].Tasks {
		if claim != nil {
			w.tasks[claim.Task.Name] = [2]provider.TaskClaim{*claim, *results[1].Tasks[i]}
		}
	}
}

func (w *twins) complete() string {
	name := pick(w, w.tasks)
	if name == "" {
		return "no task to complete"
	}
	pair := w.tasks[name]
	message := done(pair[0].Task.Instance, pair[0].Task.Event, "result")
	var errs [2]error
	for i, p := range w.stores {
		results, err := p.Complete(w.ctx, provider.Completions{
			Items: []provider.Completion{{Task: pair[i].Token, Message: &message}},
		})
		require.NoError(w, err)
		errs[i] = results[0].Err
	}
	w.sameError(errs, "complete "+name)
	delete(w.tasks, name)
	return fmt.Sprintf("complete %s: %v", name, errs[0])
}

func (w *twins) abandon() string {
	id := pick(w, w.turns)
	if id == "" {
		return "no turn to abandon"
	}
	delay := time.Duration(w.random.IntN(3)) * time.Second
	ignore := w.random.IntN(2) == 0
	var results [2]provider.Abandoned
	for i, p := range w.stores {
		claim := w.turns[id][i]
		result, err := p.Abandon(w.ctx, provider.Abandonment{
			Instances: []provider.AbandonedInstance{{
				Token: claim.Token, Messages: turn(claim).Messages, Delay: delay, IgnoreAttempt: ignore,
			}},
		})
		require.NoError(w, err)
		results[i] = result
	}
	w.sameAbandoned(results)
	delete(w.turns, id)
	return fmt.Sprintf("abandon %s for %v, ignore %v: %d lost", id, delay, ignore, len(results[0].Lost))
}

func (w *twins) abandonTask() string {
	name := pick(w, w.tasks)
	if name == "" {
		return "no task to abandon"
	}
	delay := time.Duration(w.random.IntN(3)) * time.Second
	ignore := w.random.IntN(2) == 0
	var results [2]provider.Abandoned
	for i, p := range w.stores {
		result, err := p.Abandon(w.ctx, provider.Abandonment{Tasks: []provider.AbandonedTask{
			{Token: w.tasks[name][i].Token, Delay: delay, IgnoreAttempt: ignore},
		}})
		require.NoError(w, err)
		results[i] = result
	}
	w.sameAbandoned(results)
	delete(w.tasks, name)
	return fmt.Sprintf("abandon task %s for %v, ignore %v: %d lost",
		name, delay, ignore, len(results[0].Lost))
}

func (w *twins) sameAbandoned(results [2]provider.Abandoned) {
	w.same(len(results[0].Lost), len(results[1].Lost), "lost claims")
	w.same(results[0].Work, results[1].Work, "work given back")
}

func (w *twins) renew() string {
	id := pick(w, w.turns)
	if id == "" {
		return "no lease to renew"
	}
	by := time.Duration(w.random.IntN(6)) * time.Second
	var errs [2]error
	for i, p := range w.stores {
		_, errs[i] = p.Renew(w.ctx, provider.Renewal{Lease: w.turns[id][i].Token.Lease, Extend: by})
	}
	w.sameError(errs, "renew")
	return fmt.Sprintf("renew the lease of %s by %v: %v", id, by, errs[0])
}

func (w *twins) advance() string {
	by := time.Duration(w.random.IntN(4000)) * time.Millisecond
	w.Clock.Advance(by)
	return fmt.Sprint("advance ", by)
}

func (w *twins) delete() string {
	id, force := w.instance(), w.random.IntN(4) == 0
	if w.random.IntN(3) > 0 {
		return "no deletion"
	}
	var results [2]provider.Deleted
	var errs [2]error
	for i, p := range w.stores {
		results[i], errs[i] = p.Delete(w.ctx, provider.Deletion{Instances: []string{id}, Force: force})
	}
	if w.sameError(errs, "delete "+id) {
		w.same(results[0].Instances, results[1].Instances, "deleted instances")
		w.same(results[0].Executions, results[1].Executions, "deleted executions")
		w.same(results[0].Events, results[1].Events, "deleted events")
		if results[0].Instances > 0 {
			w.fed[id] = false
		}
	}
	return fmt.Sprintf("delete %s, force %v: %v", id, force, errs[0])
}

func (w *twins) prune() string {
	id, keep := w.instance(), w.random.IntN(3)
	var results [2]provider.Pruned
	var errs [2]error
	for i, p := range w.stores {
		results[i], errs[i] = p.Prune(w.ctx, id, provider.PruneOptions{KeepLast: keep})
	}
	if w.sameError(errs, "prune "+id) {
		w.same(results[0], results[1], "pruned")
	}
	return fmt.Sprintf("prune %s to %d: %+v", id, keep, results[0])
}

// compare reads everything that both stores show.
func (w *twins) compare() {
	for n := range 5 {
		id := fmt.Sprint("i", n)
		var views [2][]any
		for i, p := range w.stores {
			views[i] = w.view(p, id)
		}
		w.same(views[0], views[1], "state of "+id)
	}
}

func (w *twins) view(p provider.Provider, id string) []any {
	status, err := p.Status(w.ctx, id)
	require.NoError(w, err)
	if status == nil || status.Status == provider.NotCommitted {
		return []any{status}
	}
	live, err := p.Values(w.ctx, id)
	require.NoError(w, err)
	record, err := p.Load(w.ctx, id, status.Execution)
	require.NoError(w, err)
	numbers, err := p.Executions(w.ctx, id)
	require.NoError(w, err)
	stats, err := p.Stats(w.ctx, id)
	require.NoError(w, err)
	info, err := p.Instance(w.ctx, id)
	require.NoError(w, err)
	stats.Bytes = 0
	return []any{
		*status, live, len(record.Values), record.Events, numbers, *stats,
		info.Created.UnixMilli(), info.Updated.UnixMilli(), info.Name, info.Parent,
	}
}
