package engine

import (
	"context"
	"time"

	"duroxide/provider"
)

// poller claims work that was not handed over directly: what other processes left, what becomes
// due by time, what was waiting at the start. It is woken by whoever knows of work (wakeups); its own
// timer is armed for the next due time, and for a safety net.
type poller struct {
	rt *Runtime
	wakeups
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

// poll claims once, as much as there is room for.
func (p *poller) poll(ctx context.Context) error {
	rt := p.rt
	told := p.begin()
	request := provider.ClaimRequest{MaxTurns: rt.room()}
	if request.MaxTurns > 0 {
		request.Turns = rt.leases.holder()
	}
	reserved := 0
	if rt.workers != nil {
		// The other half is for the tasks of turns that commit meanwhile: what they do not take would
		// have to be claimed again.
		reserved = rt.workers.reserve((rt.workers.room() + 1) / 2)
		defer func() { rt.workers.unreserve(reserved) }()
	}
	if reserved > 0 {
		request.Tasks, request.MaxTasks = rt.taskLeases.holder(), reserved
		request.Route = rt.taskRoute()
	}
	if request.MaxTurns == 0 {
		p.full(turnRoom)
	}
	if reserved == 0 {
		p.full(taskRoom)
	}
	if request.MaxTurns == 0 && reserved == 0 {
		return nil
	}
	defer rt.claiming()()
	asked := rt.e.clock.Now()
	claimed, err := rt.e.store.Claim(ctx, request)
	if err != nil {
		p.found(told)
		return err
	}
	p.found(claimed.NextDue)
	rt.holdsTurns(claimed.TurnLease, asked)
	rt.taskLeases.opened(claimed.TaskLease, asked)
	turns, tasks := len(claimed.Instances), len(claimed.Tasks)
	if turns > 0 && turns >= request.MaxTurns || tasks > 0 && tasks >= request.MaxTasks {
		p.wake() // There may be more.
	}
	p.hand(claimed, request.Turns)
	return nil
}

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
