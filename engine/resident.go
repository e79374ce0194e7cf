package engine

import (
	"math/rand/v2"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// resident is an instance that lives on this node. Its goroutine runs only while there is work; in
// between the resident waits in memory, with or without a live lease. A claim that finds the same
// execution and last event goes on where the resident stopped, without replay.
type resident struct {
	instance string

	// Guarded by Runtime.mu:
	token   provider.Token
	life    history.Life
	mailbox []item
	// known are the ids of messages in the mailbox or in the running turn, and of a few consumed
	// ones that were read from the store: whoever submitted them may still be about to route them.
	known   map[uint64]struct{}
	read    []uint64
	running bool
	// trying is what the running turn would be charged with, if its code never came back.
	trying trial
	// refill asks the goroutine to read the due messages from the store.
	refill bool
	pages
	used time.Time

	// Owned by the goroutine while it runs, and by whoever holds Runtime.mu while it does not:
	starts    uint64 // the highest number of a start that was committed
	parent    *history.Parent
	execution uint64
	last      uint64
	status    provider.ExecutionStatus
	name      string
	version   string
	attempt   int
	marks     int
	hold      *provider.Hold // what it was held for when it was claimed
	patched   int            // how many answers at patches the store surely knows of
	// reminder is the message that stays while inline activities are open. Those up to the event recovered
	// were open when a process ended, and charged is the suspect that its attempts are counted for.
	reminder  *item
	recovered uint64
	charged   uint64
	x         *replay.Execution
	resident  uint64 // the generator's number in the host; zero means none
	events    int
	bytes     int64
	lastMs    int64 // latest recorded time of the executions before this one
	timers    map[timerID]*timer
	// values is the live key-value store; nil means unknown.
	values map[string]provider.Value
}

// item is one message for an instance. With a task, the message is the outcome of an activity
// that was handed over in memory: it is not stored, and the commit deletes the task instead.
type item struct {
	msg  provider.Message
	task *provider.Token
	// kept is set where the outcome is that of an attempt only: its task stays.
	kept *provider.Progress
	// inline: the message is the outcome of an inline activity, and nobody else has it.
	inline bool
	// read means that the message was read from the store, not routed by who submitted it.
	read bool
	// unreadable is set where nobody will read the message any more: only its number is known.
	unreadable *provider.Unreadable
}

// adopt takes a claimed instance in. A resident that fits goes on; any other is replaced.
func (rt *Runtime) adopt(c provider.InstanceClaim) {
	rt.holdsTurns(c.Token.Lease, rt.e.clock.Now())
	for _, bad := range c.Undecodable {
		rt.log.messageUndecodable(c.Instance, bad)
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.stopping {
		return // giveBack has it.
	}
	r := rt.residents[c.Instance]
	if r != nil && r.token.Key != c.Token.Key {
		rt.bury(r)
		r = nil
	}
	if r == nil {
		r = &resident{instance: c.Instance, known: map[uint64]struct{}{}, timers: map[timerID]*timer{}}
		rt.residents[c.Instance] = r
	}
	if !r.running {
		rt.fit(r, c)
	}
	r.token = c.Token
	for _, m := range c.Messages {
		if m.IsReminder() {
			delete(r.known, m.ID) // It says that what is open has to be looked at once more.
		}
		rt.put(r, item{msg: m})
	}
	for _, m := range c.Undecodable {
		rt.adoptUnreadable(r, m)
	}
	r.refill = r.refill || rt.arrivals.take(c.Instance)
	r.more = r.more || c.More
	rt.start(r)
}

// bury lets the resident of a deleted life go, whose id lives again or not. What runs of it still
// finds out with its next call to the store. The caller holds rt.mu.
func (rt *Runtime) bury(r *resident) {
	r.mailbox, r.refill, r.pages = nil, false, pages{}
	rt.workers.stopInline(r, "its instance was deleted")
	if !r.running {
		rt.unload(r)
		r.dropTimers()
	}
	delete(rt.residents, r.instance)
	delete(rt.troubles, r.instance)
}

// fit brings a resident that does not run to the state of a claim. The caller holds rt.mu.
func (rt *Runtime) fit(r *resident, c provider.InstanceClaim) {
	if r.execution != c.Execution || r.last != c.LastEvent {
		rt.unload(r)
		r.dropTimers()
	}
	if r.life = c.Life; c.Life.IsZero() {
		r.life = newLife() // Its first commit stores it.
	}
	r.starts, r.pages, r.hold = c.Starts, pages{}, c.Hold
	if c.Parent != nil { // Else the history may tell.
		r.parent = c.Parent
	}
	r.execution, r.last, r.status = c.Execution, c.LastEvent, c.Status
	r.name, r.version = c.Name, c.Version
	r.attempt, r.marks = countsOf(c)
}

// start runs the resident's goroutine if there is work and none runs. The caller holds rt.mu.
func (rt *Runtime) start(r *resident) {
	if r.running || (len(r.mailbox) == 0 && !r.refill && !r.more) {
		return
	}
	if rt.spawn("instance", func() { rt.live(r) }) {
		r.running = true
		rt.active++
	}
}

// deliver hands over a message to an instance that is held here. It is false where it is not. A
// message for another life of the same id is not for what lives here.
func (rt *Runtime) deliver(instance string, life history.Life, it item) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r := rt.residents[instance]
	if r == nil || !r.life.Fits(life) || rt.stopping && !r.running || !rt.leases.holds(r.token.Lease) {
		return false
	}
	if (it.task != nil || it.inline) && !r.hasRoom(it) {
		return false
	}
	rt.put(r, it)
	rt.start(r)
	return true
}

// route hands over a message that is stored for a life, or makes the poller look for it.
func (rt *Runtime) route(m provider.Message, life history.Life) {
	if !rt.deliver(m.Instance, life, item{msg: m}) {
		rt.missed(m.Instance)
		rt.poller.wake()
	}
}

// refill makes an instance that is held under a lease read its due messages. Where it is not known
// here, its claim is on its way, and they are read with that.
func (rt *Runtime) refill(instance string, lease provider.LeaseID) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r := rt.residents[instance]
	if r == nil || r.token.Lease != lease {
		rt.arrivals.mark(instance)
		return
	}
	if !rt.stopping {
		r.refill = true
		rt.start(r)
	}
}

// live is the goroutine of a resident: one turn after the other until there is nothing to do.
func (rt *Runtime) live(r *resident) {
	defer rt.poller.freed()
	ended := false
	defer func() {
		if !ended {
			rt.broke(r)
		}
	}()
	for {
		items, refill, ok := rt.next(r)
		if !ok {
			ended = true
			return
		}
		if refill {
			items = append(items, rt.pending(r)...)
		}
		if len(items) == 0 {
			rt.stuck(r, refill)
			continue
		}
		if left, takenBack := rt.turn(r, items); takenBack {
			rt.handBack(r, left)
			ended = true
			return
		}
		if rt.set.evictEveryTurn || rt.set.evictAfterTurn && rand.IntN(2) == 0 { //nolint:gosec // not a secret
			rt.evict(r)
		}
	}
}

// broke lets a resident go whose goroutine ends with a panic. What the store holds of it for this
// node is found among the strays.
func (rt *Runtime) broke(r *resident) {
	rt.remove(r)
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r.running = false
	rt.active--
}

// next takes the mailbox, or ends the goroutine.
func (rt *Runtime) next(r *resident) (items []item, refill, ok bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	items, refill = r.mailbox, r.refill || r.more && len(r.mailbox) == 0
	r.mailbox, r.refill = nil, false
	r.used = rt.e.clock.Now()
	rt.lastTurn = r.used
	if rt.ctx.Err() != nil || len(items) == 0 && !refill {
		rt.end(r)
		return nil, false, false
	}
	return items, refill, true
}

// end is the end of a resident's goroutine. The caller holds rt.mu.
func (rt *Runtime) end(r *resident) {
	r.running = false
	rt.active--
	switch {
	case rt.residents[r.instance] != r: // It was buried meanwhile.
		rt.unload(r)
		r.dropTimers()
	case rt.isOut():
		rt.release(r)
	default:
	}
}

// evict is for tests: it lets the memory of an instance go, as it may go at any time.
func (rt *Runtime) evict(r *resident) {
	if needed, _ := rt.workers.needsCode(r); !needed {
		rt.unload(r)
	}
}

// leaveInline ends the inline activities of an instance that is let go: whoever takes it runs them. It is called
// by the resident's goroutine, or by the holder of rt.mu while none runs.
func (rt *Runtime) leaveInline(r *resident) {
	rt.workers.stopInline(r, "its instance is let go")
	r.reminder, r.recovered, r.charged = nil, 0, 0
}

// unload forgets what is in memory of an instance; the next turn replays. It is called by the
// resident's goroutine, or by the holder of rt.mu while none runs.
func (rt *Runtime) unload(r *resident) {
	if r.resident != 0 {
		rt.host.Drop(r.resident)
	}
	r.x, r.resident, r.events, r.bytes, r.values = nil, 0, 0, 0, nil
	rt.workers.unloaded(r)
}

// remove lets a resident go altogether; the caller is its goroutine. Outcomes of activities that
// were handed over meanwhile are stored: nobody else has them.
func (rt *Runtime) remove(r *resident) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, it := range r.mailbox {
		rt.keepOutcome(it)
	}
	rt.leaveInline(r)
	rt.unload(r)
	r.dropTimers()
	r.mailbox, r.refill, r.pages, r.read = nil, false, pages{}, nil
	clear(r.known)
	if rt.residents[r.instance] == r {
		delete(rt.residents, r.instance)
	}
	// A claim that arrives from now on makes a new resident; this goroutine ends with next.
}
