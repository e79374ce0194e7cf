package engine

import (
	"context"

	"duroxide/provider"
)

// strays are claims under our leases that this runtime does not know of. They come from calls that
// took effect although they reported an error: nobody would ever work on them, because our lease
// lives. What is unknown in two looks, one renewal apart, is given back; a claim whose call is
// still on its way is known by then.
type strays struct {
	instances map[provider.Token]struct{}
	tasks     map[provider.Token]struct{}
}

// findStrays looks for strays after the store had trouble.
func (rt *Runtime) findStrays(ctx context.Context) {
	if len(rt.strays.instances)+len(rt.strays.tasks) == 0 && !rt.doubt.Swap(false) {
		return
	}
	found := strays{instances: map[provider.Token]struct{}{}, tasks: map[provider.Token]struct{}{}}
	held, err := rt.held(ctx)
	if err != nil {
		rt.storeFailed("held", err, 0)
		return
	}
	rt.addUnknown(&found, held)
	var a provider.Abandonment
	for token := range found.instances {
		if _, again := rt.strays.instances[token]; again {
			a.Instances = append(a.Instances, provider.AbandonedInstance{Token: token, IgnoreAttempt: true})
			delete(found.instances, token)
		}
	}
	for token := range found.tasks {
		if _, again := rt.strays.tasks[token]; again {
			a.Tasks = append(a.Tasks, provider.AbandonedTask{Token: token, IgnoreAttempt: true})
			delete(found.tasks, token)
		}
	}
	rt.strays = found
	rt.giveBackStrays(ctx, a)
}

// held lists all claims of this runtime.
func (rt *Runtime) held(ctx context.Context) (provider.Held, error) {
	turns, err := rt.e.store.Held(ctx, rt.node)
	if err != nil {
		return provider.Held{}, err
	}
	tasks, err := rt.e.store.Held(ctx, taskNode(rt.node))
	return provider.Held{Instances: turns.Instances, Tasks: tasks.Tasks}, err
}

// taskNode names a node as a holder of tasks, whose leases have another length.
func taskNode(node string) string { return node + "/tasks" }

func (rt *Runtime) giveBackStrays(ctx context.Context, a provider.Abandonment) {
	if len(a.Instances)+len(a.Tasks) == 0 {
		return
	}
	if _, err := rt.e.store.Abandon(ctx, a); err != nil {
		rt.storeFailed("abandon", err, 0) // The next look finds them again.
		return
	}
	rt.poller.wake()
}

func (rt *Runtime) addUnknown(found *strays, held provider.Held) {
	rt.mu.Lock()
	known := make(map[provider.Token]struct{}, len(rt.residents))
	for _, r := range rt.residents {
		known[r.token] = struct{}{}
	}
	rt.mu.Unlock()
	for _, token := range held.Instances {
		if _, ok := known[token]; !ok {
			found.instances[token] = struct{}{}
		}
	}
	for _, token := range held.Tasks {
		if !rt.workers.holds(token) {
			found.tasks[token] = struct{}{}
		}
	}
}
