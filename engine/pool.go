package engine

import "time"

// keepIdle is how long a goroutine without work is kept.
const keepIdle = 100 * time.Millisecond

// Pool runs functions on goroutines that it keeps for a while. Turns, activities and requests are
// short and many, and a fresh goroutine would grow its stack anew for each of them, which costs a
// tenth of the whole. It is safe for concurrent use and needs no closing.
type Pool struct {
	jobs chan func()
}

// NewPool gives a pool without goroutines.
func NewPool() *Pool { return &Pool{jobs: make(chan func())} }

// Go runs f on a goroutine that is idle, or on a new one. It does not wait. f must not panic.
func (p *Pool) Go(f func()) {
	select {
	case p.jobs <- f:
	default:
		go p.work(f)
	}
}

func (p *Pool) work(f func()) {
	timer := time.NewTimer(keepIdle)
	defer timer.Stop()
	for {
		f()
		timer.Reset(keepIdle)
		select {
		case f = <-p.jobs:
		case <-timer.C:
			return
		}
	}
}
