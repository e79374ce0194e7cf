package providertest

import (
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var wakeups = theme{"wakeups", "wakeups.go", []Case{
	{ID: "N20 P51", Title: "watchers hear of work that nobody holds", run: watchWork},
	{ID: "N22 P52", Title: "watchers hear when delayed work is due", run: watchDelayed},
	{ID: "P53", Title: "watchers hear whose state changed", run: watchState},
	{ID: "P54", Title: "a stopped watcher hears nothing", run: watchStopped},
}}

// patience is how long a case waits for a watcher to be called before it fails.
const patience = 10 * time.Second

// ear collects what a watcher hears.
type ear struct {
	news chan struct{}
	mu   sync.Mutex
	// heard is what came since the last await, guarded by mu.
	heard []provider.Change
}

// listen gives an ear for a store and the function that closes it.
func (k *kit) listen() (e *ear, stop func()) {
	e = &ear{news: make(chan struct{}, 1)}
	return e, k.Provider.Watch(e.changed)
}

func (e *ear) changed(c provider.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, c)
	select {
	case e.news <- struct{}{}:
	default:
	}
}

func (e *ear) take() []provider.Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// await waits for a change that matches.
func (k *kit) await(e *ear, what string, matches func(provider.Change) bool) {
	k.Helper()
	deadline := time.After(patience)
	var heard []provider.Change
	for {
		heard = append(heard, e.take()...)
		if slices.ContainsFunc(heard, matches) {
			return
		}
		select {
		case <-e.news:
		case <-deadline:
			require.Fail(k, "nobody told of "+what, "heard: %+v", heard)
		}
	}
}

func isWork(c provider.Change) bool { return c.Work }

func isDue(due time.Time) func(provider.Change) bool {
	return func(c provider.Change) bool { return c.NextDue.UnixMilli() == due.UnixMilli() }
}

func concerns(instance string) func(provider.Change) bool {
	return func(c provider.Change) bool { return c.All || slices.Contains(c.Instances, instance) }
}

func watchWork(k *kit) {
	e, stop := k.listen()
	defer stop()
	k.submit(start("X"))
	k.await(e, "a message for a free instance", isWork)
	claim := k.fetch("X")
	c := firstTurn(claim)
	plan(activity(2))(&c)
	k.commit(c)
	k.await(e, "a task that nobody took", isWork)
	k.giveTaskBack(k.work(2, anyRoute), 0, false)
	k.await(e, "a task given back", isWork)
	message := done("X", 2, "result")
	require.NoError(k, k.complete(k.work(2, anyRoute).Token, &message))
	k.await(e, "a completion", isWork)
	k.giveBack(k.fetch("X"), 0, false)
	k.await(e, "an instance given back", isWork)
	claim = k.fetch("X")
	k.poke("X")
	e.take()
	k.commit(turn(claim))
	k.await(e, "a release with messages left", isWork)
}

func watchDelayed(k *kit) {
	e, stop := k.listen()
	defer stop()
	k.create("X", plan(activity(2)))
	held := k.work(2, anyRoute)
	due := k.Clock.Now().Add(time.Second)
	k.submit(timer("X", 5, due))
	k.await(e, "a timer", isDue(due))
	k.giveTaskBack(held, time.Second, false)
	k.await(e, "a delayed task", isDue(due))
	k.poke("X")
	k.giveBack(k.fetch("X"), time.Second, false)
	k.await(e, "a delayed instance", isDue(due))
}

func watchState(k *kit) {
	e, stop := k.listen()
	defer stop()
	k.create("X")
	k.step("X", custom(new("s")))
	k.await(e, "a custom status", concerns("X"))
	k.step("X", store(set("k", "v")))
	k.await(e, "a value", concerns("X"))
	k.step("X", ends(provider.Completed, ""))
	k.await(e, "an outcome", concerns("X"))
	k.delete(false, "X")
	k.await(e, "a deletion", concerns("X"))
}

func watchStopped(k *kit) {
	stopped, stop := k.listen()
	other, stopOther := k.listen()
	defer stopOther()
	k.create("X", custom(new("s")))
	k.await(stopped, "X", concerns("X"))
	stop()
	stopped.take()
	k.create("Y", custom(new("s")))
	k.await(other, "Y", concerns("Y"))
	for _, c := range stopped.take() {
		require.NotContains(k, c.Instances, "Y")
	}
	stop()
}
