package engine

import (
	"context"
	"sync"

	"duroxide/history"
	"duroxide/provider"
)

// maxGone bounds how many deleted lives a process remembers.
const maxGone = 100_000

// gone remembers the lives that this process has deleted, so that work of them whose claim was under
// way is not begun after the deletion was acknowledged. It is safe for concurrent use.
type gone struct {
	mu    sync.Mutex
	lives map[history.Life]struct{}
	order []history.Life // the oldest first
}

func (g *gone) add(instances []provider.Gone) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lives == nil {
		g.lives = map[history.Life]struct{}{}
	}
	for _, i := range instances {
		if _, ok := g.lives[i.Life]; ok || i.Life.IsZero() {
			continue
		}
		g.lives[i.Life] = struct{}{}
		g.order = append(g.order, i.Life)
	}
	for len(g.order) > maxGone {
		delete(g.lives, g.order[0])
		g.order = g.order[1:]
	}
}

func (g *gone) has(life history.Life) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.lives[life]
	return ok
}

// deleted ends what this process runs of deleted instances. It returns before the deletion is
// acknowledged. Other processes are told by their stores.
func (e *Engine) deleted(instances []provider.Gone) {
	e.gone.add(instances)
	for _, rt := range e.working() {
		rt.deleted(instances)
		rt.workers.deleted(instances)
	}
}

func (rt *Runtime) deleted(instances []provider.Gone) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, i := range instances {
		if r := rt.residents[i.Instance]; r != nil && r.token.Key == i.Key {
			rt.bury(r)
		}
	}
}

// findDeleted finds out which of the tasks that are held here were deleted, and ends them.
func (e *Engine) findDeleted(ctx context.Context) {
	for _, rt := range e.working() {
		rt.renewTasks(ctx, nil)
		rt.findLostInline(ctx)
	}
}

// dropDeleted is findDeleted for stores, which call it when another process has deleted instances. It
// does not block.
func (e *Engine) dropDeleted() {
	for _, rt := range e.working() {
		rt.spawn("deletions", func() {
			rt.renewTasks(rt.ctx, nil)
			rt.findLostInline(rt.ctx)
		})
	}
}
