package engine

import (
	"context"
	"sync"
	"time"

	"duroxide/provider"
)

// poller claims work that was not handed over directly: what other processes left, what becomes
// due by time, what was waiting at the start. It is woken by whoever knows of work; its own timer
// is armed for the next due time, and for a safety net.
type poller struct {
	rt     *Runtime
	signal chan struct{}

	mu    sync.Mutex
	next  time.Time // earliest known due time; zero means none
	more  bool      // there is work that did not fit
	quiet chan struct{}
}

// Pauses after an error of the store.
const (
	firstErrorPause = 200 * time.Millisecond
	lastErrorPause  = 3 * time.Second
)

func newPoller(rt *Runtime) *poller {
	return &poller{rt: rt, signal: make(chan struct{}, 1), quiet: make(chan struct{})}
}

// wake makes the poller look for work now.
func (p *poller) wake() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// wakeAt makes the poller look for work when something becomes due.
func (p *poller) wakeAt(due time.Time) {
	p.mu.Lock()
	earlier := p.next.IsZero() || due.Before(p.next)
	if earlier {
		p.next = due
	}
	p.mu.Unlock()
	if earlier {
		p.wake() // The loop arms its timer anew; that costs one look at the store, which reads only.
	}
}

// freed is called when a turn ended or a worker slot came free.
func (p *poller) freed() {
	p.mu.Lock()
	more := p.more
	close(p.quiet)
	p.quiet = make(chan struct{})
	p.mu.Unlock()
	if more {
		p.wake()
	}
}

// quietSignal gives a channel that is closed by the next freed.
func (p *poller) quietSignal() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quiet
}

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
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.rt.set.pollInterval
	if !p.next.IsZero() {
		d = min(d, max(p.next.Sub(p.rt.e.store.Now()), 0))
	}
	return d
}

// poll claims once, as much as there is room for.
func (p *poller) poll(ctx context.Context) error {
	rt := p.rt
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
	if request.MaxTurns == 0 && reserved == 0 {
		p.took(true, time.Time{})
		return nil
	}
	asked := rt.e.store.Now()
	claimed, err := rt.e.store.Claim(ctx, request)
	if err != nil {
		return err
	}
	rt.leases.opened(claimed.TurnLease, asked)
	rt.taskLeases.opened(claimed.TaskLease, asked)
	full := len(claimed.Instances) >= request.MaxTurns || len(claimed.Tasks) >= request.MaxTasks
	p.took(full, claimed.NextDue)
	if full && (len(claimed.Instances) > 0 || len(claimed.Tasks) > 0) {
		p.wake()
	}
	p.hand(claimed)
	return nil
}

// took takes note of what a claim left behind.
func (p *poller) took(more bool, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more = more
	p.next = next
}

func (p *poller) hand(claimed provider.Claimed) {
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
			rt.refill(w.Instance)
		}
	}
}

// leftOver takes note of tasks that a commit left unclaimed for lack of room.
func (p *poller) leftOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more = true
}
