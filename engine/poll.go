package engine

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"duroxide/provider"
)

// poller claims work that was not handed over directly: what other processes left, what becomes
// due by time, what was waiting at the start. It is woken by whoever knows of work (wakeups); its own
// timer is armed for the next due time, and for a safety net.
type poller struct {
	rt *Runtime
	wakeups
	leftUntil atomic.Int64 // see left, in Unix nanoseconds
	unserved  unserved
}

// Pauses after an error of the store.
const (
	firstErrorPause = 200 * time.Millisecond
	lastErrorPause  = 3 * time.Second
)

func newPoller(rt *Runtime) *poller { return &poller{rt: rt, wakeups: newWakeups()} }

func (p *poller) run(ctx context.Context) {
	pause := time.Duration(0)
	for {
		select {
		case <-p.rt.stop:
			return
		default:
		}
		if err := p.poll(ctx); err != nil {
			pause = min(max(2*pause, firstErrorPause), lastErrorPause)
			p.rt.storeFailed("claim", err, pause)
			if !p.rt.pause(ctx, pause) {
				return
			}
			continue
		}
		pause = 0
		p.lookedFor()
		if !p.wait(ctx) {
			return
		}
	}
}

// wait returns when there may be work, or false at the end.
func (p *poller) wait(ctx context.Context) bool {
	over := make(chan struct{})
	stop := p.rt.e.clock.AfterFunc(p.untilNext(), func() { close(over) })
	defer stop()
	defer p.rt.e.test.ring(p.due(), p.wake)()
	defer p.rt.e.test.rest()()
	select {
	case <-p.signal:
	case <-over:
	case <-p.rt.stop:
		return false
	case <-ctx.Done():
		return false
	}
	return true
}

func (p *poller) untilNext() time.Duration {
	d := p.rt.set.pollInterval
	if next := p.due(); !next.IsZero() {
		d = min(d, max(next.Sub(p.rt.e.store.Now()), 0))
	}
	return d
}

// request asks for as much as there is room for. The room is reserved, until done is called.
func (p *poller) request() (r provider.ClaimRequest, done func()) {
	rt := p.rt
	r.MaxTurns = rt.room()
	if r.MaxTurns > 0 {
		r.Turns = rt.leases.holder()
	} else {
		p.full(turnRoom)
	}
	w := rt.workers
	if w != nil {
		// The other half is for the tasks of turns that commit meanwhile: what they do not take would
		// have to be claimed again.
		r.MaxTasks = w.reserve((w.room() + 1) / 2)
	}
	if r.MaxTasks == 0 {
		p.full(taskRoom)
		return r, func() {}
	}
	mayOpen := w.beginOpening()
	if !mayOpen {
		p.crowded(taskRoom)
		if !w.isOpening() { // It may have ended before that was noted (W2).
			p.wake()
		}
	}
	r.Tasks, r.Route = rt.taskLeases.holder(), rt.taskRoute(mayOpen)
	return r, func() {
		w.unreserve(r.MaxTasks)
		if mayOpen {
			w.endOpening()
		}
	}
}

// poll claims once, as much as there is room for.
func (p *poller) poll(ctx context.Context) error {
	rt := p.rt
	told := p.begin()
	request, done := p.request()
	if request.MaxTurns == 0 && request.MaxTasks == 0 {
		return nil
	}
	defer rt.claiming()()
	asked := rt.e.clock.Now()
	request.Unserved = p.unserved.asks(asked)
	claimed, err := rt.e.store.Claim(ctx, request)
	if err != nil {
		done()
		p.found(told)
		return err
	}
	p.found(claimed.NextDue)
	rt.holdsTurns(claimed.TurnLease, asked)
	rt.taskLeases.opened(claimed.TaskLease, asked)
	rt.found(&p.unserved, claimed.Unserved)
	p.hand(claimed, request.Turns)
	done() // before more, which would be woken by it
	p.more(&request, &claimed)
	return rt.endUnreadableTasks(ctx, claimed.Undecodable)
}

// more takes note of what a claim has left in the store.
func (p *poller) more(r *provider.ClaimRequest, claimed *provider.Claimed) {
	turns, tasks := len(claimed.Instances), len(claimed.Tasks)
	if claimed.MoreTurns || turns > 0 && turns >= r.MaxTurns || tasks > 0 && claimed.MoreTasks {
		p.wake()
	}
	if r.Tasks != nil {
		p.left(tasks > 0 && claimed.MoreTasks)
	}
	if tasks == 0 && claimed.MoreTasks {
		p.fullOfSessions(r.Route.Session)
	}
}

// fullOfSessions notes that there are tasks which would be of one session too many, and looks whether
// any of the open ones has ended since (W2).
func (p *poller) fullOfSessions(s *provider.SessionHolder) {
	p.crowded(taskRoom)
	if s == nil || len(s.Open) == 0 || !slices.Equal(s.Open, p.rt.workers.openSessions()) {
		p.wake()
	}
}

// leftFor is how long a claim that left tasks behind keeps turns from taking their own new ones.
const leftFor = 100 * time.Millisecond

// left notes whether a claim has left tasks that this runtime can run.
func (p *poller) left(tasks bool) {
	until := int64(0)
	if tasks {
		until = p.rt.e.clock.Now().Add(leftFor).UnixNano()
	}
	p.leftUntil.Store(until)
}

// hasLeft reports whether older tasks wait that this runtime can run. Then a new task takes its place
// among them instead of the next free slot.
func (p *poller) hasLeft() bool { return p.rt.e.clock.Now().UnixNano() < p.leftUntil.Load() }

// full notes that there is no room, and looks for it once more (W2).
func (p *poller) full(what room) {
	p.crowded(what)
	if p.rt.hasRoomFor(what) {
		p.wake()
	}
}

func (p *poller) hand(claimed provider.Claimed, turns *provider.Holder) {
	rt := p.rt
	rt.counters.tasksFetched(len(claimed.Tasks))
	if len(claimed.Tasks) > 0 {
		rt.workers.add(claimed.Tasks)
	}
	for _, c := range claimed.Instances {
		rt.adopt(c)
	}
	for _, w := range claimed.Waiting {
		if !rt.knows(w) {
			rt.refill(w.Instance, turns.Lease)
		}
	}
}
