package providertest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var repairing = theme{"repairing", "repairing.go", []Case{
	{ID: "P210", Title: "a repaired instance runs with its other history, tasks, and messages", run: repaired},
	{ID: "P211", Title: "a repair changes all of its instances or none", run: repairedTogether},
	{ID: "P212", Title: "a claim from before a repair can do nothing", run: repairedUnderClaim},
	{ID: "P213", Title: "a repaired execution starts from the values that it is given, and keeps the live ones", run: repairedValues},
	{ID: "P214", Title: "a repair is kept by the store", needs: needReopen, run: repairedOverReopening},
	{ID: "P215", Title: "a child that is waited for must run, and nobody may have asked it to stop", run: repairedAround},
	{ID: "P216", Title: "messages from outside wait over a repair, and no others", run: repairedMessages},
	{ID: "P217", Title: "a repair can bring back other live values and another custom status", run: repairedState},
	{ID: "P218", Title: "what has not ended is counted by version", run: countedInUse},
	{ID: "P265", Title: "answers at patches are counted, as long as they are those of the current execution", run: countedPatches},
	{ID: "P219", Title: "settlements wait over a repair, and keys that it forgets are new", run: repairedPromises},
}}

// over makes an instance that has failed.
func (k *kit) over(instance string, change ...func(*provider.Commit)) {
	k.Helper()
	k.create(instance, change...)
	k.step(instance, func(c *provider.Commit) { c.Events = events(5, 6) }, ends(provider.Failed, "boom"))
}

// rewriting gives what replaces the history of an instance that has failed.
func (k *kit) rewriting(instance string) provider.Rewrite {
	k.Helper()
	info := k.info(instance)
	return provider.Rewrite{
		Place: provider.Place{Instance: instance, Life: info.Life}, Execution: info.Execution, LastEvent: 6,
		Status: provider.Failed, Events: append([]history.Event{firstEvent()}, events(5, 7)...),
		Send: []provider.Message{provider.Resumption(instance, info.Life, info.Execution)},
	}
}

func (k *kit) repairs(r provider.Repair, want error) {
	k.Helper()
	err := k.Provider.Repair(k.ctx, r)
	if want == nil {
		require.NoError(k, err)
		return
	}
	require.ErrorIs(k, err, want)
	require.False(k, provider.IsRetryable(err))
}

func repairOf(all ...provider.Rewrite) provider.Repair { return provider.Repair{Rewrites: all} }

func repaired(k *kit) {
	k.over("X", plan(activity(2)))
	w := k.rewriting("X")
	w.Tasks = []provider.Task{{Instance: "X", Execution: 1, Event: 5, Name: "a5", Input: "in"}}
	w.Send = append(w.Send, timer("X", 9, k.Clock.Now().Add(time.Hour)), startFor("child", "Other", "1.0.0"))
	k.repairs(repairOf(w), nil)
	require.Equal(k, w.Events, k.history("X", 1))
	info := k.info("X")
	require.Equal(k, provider.Running, info.Status)
	require.Empty(k, info.Output)
	execution, err := k.Provider.Execution(k.ctx, "X", 1)
	require.NoError(k, err)
	require.True(k, execution.Completed.IsZero())
	require.Equal(k, 3, execution.Events)
	require.Equal(k, "a5", k.work(5, anyRoute).Task.Name)
	require.Nil(k, k.taskFor(doing("a2"), anyRoute))
	claim := k.fetchAs("X", having("TestOrch", "1.0.0"))
	require.Equal(k, uint64(7), claim.LastEvent)
	require.Equal(k, []string{"timer 0"}, datas(claim.Messages))
	c := turn(claim)
	c.Events = events(8)
	k.commit(c)
	k.fetchAs("child", having("Other", "1.0.0"))
	k.Clock.Advance(time.Hour)
	require.Equal(k, []string{"timer 9"}, datas(k.fetchAs("X", having("TestOrch", "1.0.0")).Messages))
	require.Len(k, k.history("X", 1), 4)
}

func repairedTogether(k *kit) {
	k.over("X")
	y := start("Y")
	y.Life = history.Life{1}
	k.createFrom(y)
	k.step("Y", func(c *provider.Commit) { c.Events = events(5, 6) }, ends(provider.Failed, "boom"))
	before := k.history("X", 1)
	for _, change := range []func(w *provider.Rewrite){
		func(w *provider.Rewrite) { w.LastEvent = 5 },
		func(w *provider.Rewrite) { w.Execution = 2 },
		func(w *provider.Rewrite) { w.Status = provider.Running },
		func(w *provider.Rewrite) { w.Life = history.Life{9} },
		func(w *provider.Rewrite) { w.Instance = "nobody" },
	} {
		w := k.rewriting("Y")
		change(&w)
		k.repairs(repairOf(k.rewriting("X"), w), provider.ErrChanged)
	}
	require.Equal(k, before, k.history("X", 1))
	require.Equal(k, provider.Failed, k.info("X").Status)
	k.noTurn()
	k.repairs(repairOf(k.rewriting("X"), k.rewriting("Y")), nil)
	require.Equal(k, provider.Running, k.info("X").Status)
	require.Equal(k, provider.Running, k.info("Y").Status)
	k.repairs(repairOf(k.rewriting("X")), provider.ErrChanged)
}

func repairedUnderClaim(k *kit) {
	k.over("X")
	k.poke("X")
	claim := k.fetch("X") // It would swallow the message.
	k.repairs(repairOf(k.rewriting("X")), nil)
	k.refused(turn(claim), provider.ErrLockLost)
	again := k.fetch("X")
	require.ElementsMatch(k, []string{"poke", "timer 0"}, datas(again.Messages))
}

func repairedValues(k *kit) {
	set := func(key, value string) provider.ValueChange {
		return provider.ValueChange{Key: key, Value: &value, UpdatedAtMs: 7}
	}
	k.create("X")
	k.step("X", func(c *provider.Commit) {
		c.Events = events(5, 6)
		c.Values = []provider.ValueChange{set("a", "2"), set("b", "1")}
	}, ends(provider.Failed, "boom"))
	w := k.rewriting("X")
	w.Base = map[string]provider.Value{"a": {Data: "1", UpdatedAtMs: 3}, "gone": {Data: "0", UpdatedAtMs: 3}}
	k.repairs(repairOf(w), nil)
	record, err := k.Provider.Load(k.ctx, "X", 1)
	require.NoError(k, err)
	require.Equal(k, w.Base, record.Values)
	live, err := k.Provider.Values(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, map[string]string{"a": "2", "b": "1"}, live)
	// Its end makes the live ones the base again.
	c := turn(k.fetch("X"))
	c.Events = events(8)
	ends(provider.ContinuedAsNew, "")(&c)
	k.commit(c)
	record, err = k.Provider.Load(k.ctx, "X", 2)
	require.NoError(k, err)
	require.Equal(k, map[string]provider.Value{
		"a": {Data: "2", UpdatedAtMs: 7}, "b": {Data: "1", UpdatedAtMs: 7},
	}, record.Values)
}

func repairedOverReopening(k *kit) {
	k.over("X")
	w := k.rewriting("X")
	for id := uint64(8); id < 8+3*provider.RowEvents; id++ {
		w.Events = append(w.Events, events(id)...)
	}
	k.repairs(repairOf(w), nil)
	again, err := k.Reopen()
	require.NoError(k, err)
	k.Provider = again
	require.Equal(k, w.Events, k.history("X", 1))
	require.Equal(k, provider.Running, k.info("X").Status)
	k.fetch("X")
}

func repairedAround(k *kit) {
	k.over("X")
	k.create("runs")
	k.create("ended")
	k.step("ended", ends(provider.Completed, "1"))
	r := repairOf(k.rewriting("X"))
	for _, id := range []string{"nobody", "ended"} {
		r.Running = []provider.Place{{Instance: id}}
		k.repairs(r, provider.ErrChanged)
	}
	r.Running = []provider.Place{{Instance: "runs"}}
	k.submit(provider.Message{Kind: provider.CancelInstance, Instance: "runs", Data: "stop"})
	k.repairs(r, provider.ErrChanged)
	k.commit(turn(k.fetch("runs")))
	k.repairs(r, nil)
}

func repairedMessages(k *kit) {
	k.over("X")
	k.submit(raised("X", "1"), queued("X", "2"), done("X", 5, "late"),
		provider.Message{Kind: provider.CancelInstance, Instance: "X", Data: "stop"})
	k.repairs(repairOf(k.rewriting("X")), nil)
	require.ElementsMatch(k, []string{"1", "2", "timer 0"}, datas(k.fetchAs("X", having("TestOrch", "1.0.0")).Messages))
}

func repairedState(k *kit) {
	status := "late"
	k.create("X")
	k.step("X", func(c *provider.Commit) {
		c.Events = events(5, 6)
		c.CustomStatus = &provider.CustomStatusChange{Status: &status}
		value := "2"
		c.Values = []provider.ValueChange{{Key: "a", Value: &value}, {Key: "b", Value: &value}}
	}, ends(provider.Failed, "boom"))
	w := k.rewriting("X")
	early := "early"
	w.Live = map[string]provider.Value{"a": {Data: "1", UpdatedAtMs: 3}, "c": {Data: "0", UpdatedAtMs: 3}}
	w.CustomStatus = &provider.CustomStatusChange{Status: &early}
	k.repairs(repairOf(w), nil)
	live, err := k.Provider.Values(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, map[string]string{"a": "1", "c": "0"}, live)
	got, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.Equal(k, &early, got.CustomStatus)
	require.Equal(k, uint64(2), got.CustomStatusVersion)
}

func countedInUse(k *kit) {
	since := k.Clock.Now()
	as := func(id, name, version string) {
		k.createFrom(startFor(id, name, version), startedAs(name, version))
		k.Clock.Advance(time.Second)
	}
	as("1", "O", "1.0.0")
	as("2", "O", "1.0.0")
	as("3", "O", "2.0.0")
	as("4", "P", "1.0.0")
	as("5", "P", "1.0.0")
	k.step("5", ends(provider.Completed, "1"))
	k.poke("3")
	k.held(*k.fetchWith(long, coded("a")), "a")
	c := turn(k.fetchAs("3", coded("b")))
	c.Events = events(2)
	k.commit(c)
	k.poke("2")
	k.held(*k.fetchWith(long, coded("a")), "a")
	k.submit(startFor("6", "Q", ""))
	at := func(seconds int) time.Time { return since.Add(time.Duration(seconds) * time.Second) }
	all := []provider.InUse{
		{Name: "O", Version: "1.0.0", Running: 2, Held: 1, Oldest: at(0)},
		{Name: "O", Version: "2.0.0", Running: 1, Oldest: at(2)},
		{Name: "P", Version: "1.0.0", Running: 1, Oldest: at(3)},
		{Name: "Q", Running: 1, Oldest: at(5)},
	}
	for name, want := range map[string][]provider.InUse{"": all, "O": all[:2], "nobody": nil} {
		got, err := k.Provider.InUse(k.ctx, name)
		require.NoError(k, err)
		require.Equal(k, want, got)
	}
}

func countedPatches(k *kit) {
	answers := func(given map[string]bool) func(*provider.Commit) {
		return func(c *provider.Commit) { c.Patches = given }
	}
	counts := func() (all []map[string]provider.PatchUse) {
		found, err := k.Provider.InUse(k.ctx, "")
		require.NoError(k, err)
		for _, u := range found {
			all = append(all, u.Patches)
		}
		return all
	}
	use := func(yes, no int) provider.PatchUse { return provider.PatchUse{True: yes, False: no} }
	k.create("1", answers(map[string]bool{"p": true}))
	k.create("2", answers(map[string]bool{"p": false}))
	k.create("3")
	k.createFrom(startFor("4", "Z", "1.0.0"), startedAs("Z", "1.0.0"))
	require.Equal(k, []map[string]provider.PatchUse{{"p": use(1, 1)}, nil}, counts())
	k.step("1", answers(map[string]bool{"p": true, "q": true}))
	k.step("1")
	require.Equal(k, map[string]provider.PatchUse{"p": use(1, 1), "q": use(1, 0)}, counts()[0])
	k.renewed("1")
	k.step("2", func(c *provider.Commit) { c.Events = events(5, 6) }, ends(provider.Failed, "boom"))
	require.Equal(k, []map[string]provider.PatchUse{nil, nil}, counts())
	w := k.rewriting("2")
	decided := func(name string) history.Event { return event(9, history.PatchDecided{Name: name, Applied: true}) }
	w.Events = append(w.Events, decided("r"))
	founded := fresh("5")
	founded.Events = append(founded.Events, decided("s"))
	k.repairs(repairOf(w, founded), nil)
	require.Equal(k, []map[string]provider.PatchUse{{"s": use(1, 0)}, {"r": use(1, 0)}, nil}, counts())
	k.delete(true, "5")
	k.commit(turn(k.fetch("2")))
	k.createFrom(startFor("5", "Other", "2.0.0"), startedAs("Other", "2.0.0"))
	many := map[string]bool{}
	for n := range 150 {
		many[fmt.Sprintf("%03d", n)] = true
	}
	k.step("4", answers(many))
	require.Nil(k, counts()[0])
	require.Len(k, counts()[2], 100)
}

func repairedPromises(k *kit) {
	settled := func(source uint64) provider.Message {
		return withKey(provider.Message{
			Kind: provider.PromiseSettled, Instance: "X", Execution: 1, Source: source, Data: fmt.Sprint("settled ", source),
		}, strconv.FormatUint(source, 10))
	}
	k.create("X")
	k.step("X", func(c *provider.Commit) { c.Events = events(5, 6) })
	one, two := settled(1), settled(2)
	k.submit(one, two)
	w := k.rewriting("X")
	w.Status, w.Forget = provider.Running, [][]byte{two.KeyHash()}
	k.repairs(repairOf(w), nil)
	require.Equal(k, provider.Repeated, k.one(one).Fate)
	require.Equal(k, provider.Stored, k.one(two).Fate)
	require.ElementsMatch(k, []string{"settled 1", "settled 2", "settled 2", "timer 0"},
		datas(k.fetchAs("X", having("TestOrch", "1.0.0")).Messages))
}
