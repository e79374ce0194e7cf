package engine

import (
	"sync"

	"duroxide/provider"
)

// maxReturned bounds the claims that are given back in one call.
const maxReturned = 256

// returns gives claims back in groups: what arrives while a group is written makes the next one.
// Nothing of it was begun, so no attempt is counted.
type returns struct {
	rt *Runtime

	mu        sync.Mutex
	instances []provider.AbandonedInstance
	tasks     []provider.AbandonedTask
	asked     bool // for another group
	running   bool
}

func (r *returns) instance(token provider.Token) {
	r.mu.Lock()
	r.instances = append(r.instances, provider.AbandonedInstance{Token: token, IgnoreAttempt: true})
	r.mu.Unlock()
	r.flush()
}

func (r *returns) task(token provider.Token) {
	r.mu.Lock()
	r.tasks = append(r.tasks, provider.AbandonedTask{Token: token, IgnoreAttempt: true})
	r.mu.Unlock()
	r.flush()
}

// flush has everything written that was given to it. It does not wait.
func (r *returns) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = true
	if !r.running {
		r.running = r.rt.spawn("give back", r.run) // Else the shutdown has them.
	}
}

func (r *returns) run() {
	rt := r.rt
	for {
		a, ok := r.group()
		if !ok {
			return
		}
		if len(a.Instances)+len(a.Tasks) > 0 {
			r.write(a)
		}
		if rt.isOut() {
			rt.sessions.leave(rt.ctx)
		}
	}
}

// group takes what is to be written next. It is false when the goroutine ends.
func (r *returns) group() (a provider.Abandonment, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked {
		r.running = false
		return a, false
	}
	a.Instances, r.instances = firstOf(r.instances, maxReturned)
	a.Tasks, r.tasks = firstOf(r.tasks, maxReturned-len(a.Instances))
	r.asked = len(r.instances)+len(r.tasks) > 0
	return a, true
}

func firstOf[T any](list []T, n int) (first, rest []T) {
	n = min(n, len(list))
	return list[:n:n], list[n:]
}

func (r *returns) write(a provider.Abandonment) {
	rt := r.rt
	defer rt.poller.freed() // a shutdown may wait for it
	tokens := make([]provider.Token, len(a.Tasks))
	for i := range a.Tasks {
		tokens[i] = a.Tasks[i].Token
	}
	rt.workers.forget(tokens)
	var result provider.Abandoned
	err := rt.insist(rt.ctx, "abandon", func() (err error) {
		result, err = rt.e.store.Abandon(rt.ctx, a)
		return err
	})
	if err != nil {
		rt.storeFailed("abandon", err, 0) // The strays are found, or the leases end by themselves.
		return
	}
	if !result.NextDue.IsZero() {
		rt.poller.wakeAt(result.NextDue)
	}
	if result.Work {
		rt.poller.wake()
	}
}

// returnQueue lets go of the tasks that were not given to the host. The caller holds w.mu.
func (w *workers) returnQueue() {
	for _, j := range w.queue {
		if !j.cancelled.Load() {
			w.rt.returns.task(j.claim.Token)
		}
	}
	w.queue = nil
}

// resume looks at the queue anew, because the thread is out, or lives again.
func (w *workers) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pump()
}

// giveBackIdle lets go of the residents that have nothing to do: their next message must find
// somebody who can take it.
func (rt *Runtime) giveBackIdle() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, r := range rt.residents {
		if !r.running {
			rt.release(r)
		}
	}
}

// release gives the claim of a resident back and keeps its memory, if it has one. The caller holds
// rt.mu, and the resident does not run.
func (rt *Runtime) release(r *resident) {
	if rt.workers.hasBegun(r) {
		return // N1
	}
	rt.leaveInline(r)
	if rt.leases.holds(r.token.Lease) {
		rt.returns.instance(r.token)
	}
	r.token.Lease = 0
}

// handBack ends the goroutine of a resident whose turn could not begin. What it was given is in the
// store, or is stored now: outcomes of activities, which nobody else has.
func (rt *Runtime) handBack(r *resident, items []item) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, it := range append(items, r.mailbox...) {
		rt.keepOutcome(it)
	}
	r.mailbox, r.refill, r.pages, r.read = nil, false, pages{}, nil
	clear(r.known)
	rt.end(r)
	if rt.residents[r.instance] == r { // also if the thread lives again: its messages are in no memory
		rt.release(r)
	}
}
