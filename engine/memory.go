package engine

import (
	"context"
	"fmt"
	"slices"

	"duroxide/history"
	"duroxide/provider"
)

// generatorBytes is what a living generator takes besides what it was given, by a rough estimate.
const generatorBytes = 4 << 10

// size estimates the memory of a resident.
func (r *resident) size() int64 {
	bytes := r.bytes
	if r.resident != 0 {
		bytes += generatorBytes
	}
	for key, v := range r.values {
		bytes += int64(len(key) + len(v.Data))
	}
	return bytes
}

// idle lists the residents that do not run, those that were used last first. The caller holds rt.mu.
func (rt *Runtime) idle() []*resident {
	var idle []*resident
	for _, r := range rt.residents {
		if !r.running {
			idle = append(idle, r)
		}
	}
	slices.SortFunc(idle, func(a, b *resident) int { return b.used.Compare(a.used) })
	return idle
}

// evictIdle lets residents go that were idle for long, and gives back those that are still held.
func (rt *Runtime) evictIdle(ctx context.Context) {
	var a provider.Abandonment
	rt.mu.Lock()
	now := rt.e.clock.Now()
	var bytes int64
	for _, r := range rt.idle() {
		bytes += r.size()
		if now.Sub(r.used) < rt.set.residentIdle && bytes < rt.set.residentBytes {
			continue
		}
		if rt.keepsInline(r) {
			continue
		}
		if rt.leases.holds(r.token.Lease) {
			a.Instances = append(a.Instances, provider.AbandonedInstance{Token: r.token, IgnoreAttempt: true})
		}
		bytes -= r.size()
		rt.unload(r)
		r.dropTimers()
		delete(rt.residents, r.instance)
	}
	rt.mu.Unlock()
	if len(a.Instances) == 0 {
		return
	}
	result, err := rt.e.store.Abandon(ctx, a)
	if err != nil {
		rt.storeFailed("abandon", err, 0)
		return
	}
	if result.Work {
		rt.poller.wake()
	}
}

// keepsInline reports whether a resident must stay, because inline activities of it are in hand. What they do
// not need of it is let go.
func (rt *Runtime) keepsInline(r *resident) bool {
	needed, inHand := rt.workers.needsCode(r)
	if inHand && !needed {
		rt.unload(r)
	}
	return inHand
}

// eventBytes estimates the memory of an event that a resident stands for.
func eventBytes(e history.Event) int64 {
	const fixed = 64
	switch d := e.Data.(type) {
	case history.ActivityCompleted:
		return fixed + int64(len(d.Result))
	case history.SubOrchestrationCompleted:
		return fixed + int64(len(d.Result))
	case history.PromiseResolved:
		return fixed + int64(len(d.Value))
	case history.SubOrchestrationScheduled:
		return fixed + int64(len(d.Input))
	case history.KeyValueSet:
		return fixed + int64(len(d.Key)+len(d.Value))
	case history.CustomStatusUpdated:
		if d.Status == nil {
			return fixed
		}
		return fixed + int64(len(*d.Status))
	case history.ActivityScheduled:
		return fixed + int64(len(d.Input))
	case history.OrchestrationStarted:
		return fixed + int64(len(d.Input)+len(d.Headers))
	case history.ExternalEvent:
		return fixed + int64(len(d.Data))
	case history.QueueEventDelivered:
		return fixed + int64(len(d.Data))
	case history.Schedule, history.Answer, history.Cancellation, history.Input, history.Change,
		history.Ending, history.OrchestrationChained, history.MessageSent, history.PatchDecided,
		history.CleanupFailed, history.Repair:
		return fixed
	default:
		panic(fmt.Sprintf("unknown event data %T", d))
	}
}
