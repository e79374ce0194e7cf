package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// wakeups is what a poller was told and has not looked for yet.
//
// Whatever hands work over relies on one invariant: who stores work that nobody here has in memory
// tells of it after it is stored, and what was told is kept until a look at the store that began
// after that. So no work waits for the safety poll. In parts:
//
//   - W1 A look takes everything that was told when it begins (begin). What is told while it is
//     under way stays beside what it finds (found): the answer of a look never replaces what that
//     look cannot have seen.
//   - W2 Who finds no room notes that first and looks for room again then (crowded, and what calls
//     it). Who makes room does so first and asks then whether somebody found none (freed). So one
//     of them sees the other.
//   - W3 A message for a held instance goes to its resident. Where there is none because the claim
//     is still on its way here, the message leaves a mark, and who adopts the claim has the
//     resident read what is stored (arrivals). Messages that other processes store are found by a
//     look that names the lease, and there is one after each new lease (holdsTurns).
//   - W4 A resident ends its goroutine under the lock under which it is given work (Runtime.next).
//   - W5 An alarm looks at the store's time before it tells: what is not due yet by then is not
//     told, and the alarm is set again (alarm).
type wakeups struct {
	signal chan struct{}
	told   atomic.Uint64 // how often wake was called
	looked atomic.Uint64 // how many of those calls a look has answered that is over
	asked  uint64        // how many were made before the running look; owned by who looks

	mu    sync.Mutex
	next  time.Time // earliest due time that was told; zero means none
	lacks room      // there may be work for which there was no such room
	quiet chan struct{}
}

// room is a set of what work needs on a runtime.
type room uint8

const (
	turnRoom room = 1 << iota // for one more instance
	taskRoom                  // for one more activity
)

func newWakeups() wakeups {
	return wakeups{signal: make(chan struct{}, 1), quiet: make(chan struct{})}
}

// wake tells that there may be work now.
func (w *wakeups) wake() {
	w.told.Add(1)
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// wakeAt tells when something becomes due.
func (w *wakeups) wakeAt(due time.Time) {
	w.mu.Lock()
	sooner := w.next.IsZero() || due.Before(w.next)
	if sooner {
		w.next = due
	}
	w.mu.Unlock()
	if sooner {
		w.wake() // The loop arms its timer anew; that costs one look at the store, which reads only.
	}
}

// begin takes what was told, for a look that begins now. A look that fails gives it back with found.
func (w *wakeups) begin() (next time.Time) {
	w.asked = w.told.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	next, w.next, w.lacks = w.next, time.Time{}, 0
	return next
}

// lookedFor says that a look is over.
func (w *wakeups) lookedFor() { w.looked.Store(w.asked) }

// found adds what a look has found to what was told meanwhile: when something becomes due (zero:
// nothing).
func (w *wakeups) found(next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !next.IsZero() && (w.next.IsZero() || next.Before(w.next)) {
		w.next = next
	}
}

// crowded notes that there may be work without room for it: who makes room will tell of it. The
// caller looks for room once more after that, and wakes if there is some.
func (w *wakeups) crowded(what room) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lacks |= what
}

// isCrowded reports whether something has found no room.
func (w *wakeups) isCrowded(what room) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lacks&what != 0
}

// freed is called when a turn ended or a worker slot came free.
func (w *wakeups) freed() {
	w.mu.Lock()
	close(w.quiet)
	w.quiet = make(chan struct{})
	w.mu.Unlock()
	w.roomy(turnRoom | taskRoom)
}

// roomy is called when there is more room than before.
func (w *wakeups) roomy(what room) {
	w.mu.Lock()
	lacked := w.lacks & what
	w.mu.Unlock()
	if lacked != 0 {
		w.wake()
	}
}

// quietSignal gives a channel that is closed by the next freed.
func (w *wakeups) quietSignal() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.quiet
}

// due gives the earliest time that was told; zero means none.
func (w *wakeups) due() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// maxMarks bounds the marks of arrivals. Beyond it every claim that arrives is read again.
const maxMarks = 4096

// arrivals are the calls on their way that may claim instances, and the marks of messages that
// found no resident meanwhile (W3). It is guarded by Runtime.mu.
type arrivals struct {
	under int // calls on their way
	marks map[string]struct{}
	all   bool
}

// mark notes a message. Without a call on its way there is no need: later calls find it stored.
func (a *arrivals) mark(instance string) {
	switch {
	case a.under == 0:
	case len(a.marks) >= maxMarks:
		a.all = true
	default:
		if a.marks == nil {
			a.marks = map[string]struct{}{}
		}
		a.marks[instance] = struct{}{}
	}
}

// take reports whether a message for an instance was marked.
func (a *arrivals) take(instance string) bool {
	_, marked := a.marks[instance]
	delete(a.marks, instance)
	return marked || a.all
}

// claiming says that a call is on its way that may claim instances. The function that it gives must
// be called once they are adopted.
func (rt *Runtime) claiming() (arrived func()) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.arrivals.under++
	return func() {
		rt.mu.Lock()
		defer rt.mu.Unlock()
		rt.arrivals.under--
		if rt.arrivals.under == 0 {
			rt.arrivals.marks, rt.arrivals.all = nil, false
		}
	}
}

// missed notes a message for an instance that is held, but not known here: its claim may be on its
// way.
func (rt *Runtime) missed(instance string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.arrivals.mark(instance)
}
