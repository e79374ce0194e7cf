package enginetest

import (
	"context"
	"slices"

	"duroxide/engine"
)

// thread is what a Host has in place of a JavaScript thread: code runs on the goroutines that call
// for it, unless a test blocks the thread. Its fields are guarded by Host.mu.
type thread struct {
	pulse    *engine.Pulse
	blocked  bool
	withheld bool             // code runs, but its answers stay with the thread
	running  []engine.Running // what a test said to hold it
	// refuses means that calls were taken back since the last sign of life.
	refuses bool
	waiting []*call
	// changed is closed and replaced when a call begins to wait.
	changed chan struct{}
}

// call waits for a blocked thread.
type call struct {
	begun    bool
	activity *engine.ActivityCall // nil for a run
	over     chan error
}

func newThread(c engine.Clock) thread {
	return thread{pulse: engine.NewPulse(c), changed: make(chan struct{})}
}

// UseClock makes the host take the time of its silences from a clock. It is called before the
// host is used.
func (h *Host) UseClock(c engine.Clock) { h.thread = newThread(c) }

// Block makes the thread give no sign of life: what is called from now on waits, not begun, until
// Unblock. running is what holds the thread, as far as the test wants that known.
func (h *Host) Block(running ...engine.Running) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.thread.blocked, h.thread.running = true, running
}

// Withhold makes the thread give no sign of life from the next run on: runs go to their end, but
// their answers are not sent until Unblock.
func (h *Host) Withhold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.thread.withheld = true
}

// Unblock lets the thread go on. What waits and was not taken back begins.
func (h *Host) Unblock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.thread
	t.blocked, t.withheld, t.running, t.refuses = false, false, nil, false
	t.pulse.Sign()
	t.pulse.Rest()
	for _, c := range t.waiting {
		c.over <- nil
	}
	t.waiting = nil
}

// AwaitWaiting returns when at least n calls wait for the thread, or with the context's error.
func (h *Host) AwaitWaiting(ctx context.Context, n int) error {
	for {
		h.mu.Lock()
		waiting, changed := len(h.thread.waiting), h.thread.changed
		h.mu.Unlock()
		if waiting >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Pulse implements engine.Host.
func (h *Host) Pulse() *engine.Pulse { return h.thread.pulse }

// Running implements engine.Host. More than one thing that may hold the thread is not certain.
func (h *Host) Running() (running []engine.Running, certain bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.thread.running, len(h.thread.running) == 1
}

// TakeBack implements engine.Host.
func (h *Host) TakeBack() {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.thread
	if !t.pulse.IsLate() {
		return // It has given a sign of life meanwhile.
	}
	t.refuses = true
	for _, c := range t.waiting {
		c.over <- takenBack(c.begun)
	}
	t.waiting = nil
}

func takenBack(begun bool) error {
	if begun {
		return engine.ErrUnheard
	}
	return engine.ErrTakenBack
}

// takeBackOne ends the call of an activity that waits. The caller holds h.mu.
func (h *Host) takeBackOne(token uint64) {
	t := &h.thread
	t.waiting = slices.DeleteFunc(t.waiting, func(c *call) bool {
		mine := c.activity != nil && c.activity.Invocation.Token == token
		if mine {
			c.over <- engine.ErrTakenBack
		}
		return mine
	})
}

// enter waits until the thread can begin a call; activity is nil for a run.
func (h *Host) enter(ctx context.Context, activity *engine.ActivityCall) error {
	return h.await(ctx, &call{activity: activity, over: make(chan error, 1)})
}

// send waits until the thread can give an answer.
func (h *Host) send(ctx context.Context) error {
	return h.await(ctx, &call{begun: true, over: make(chan error, 1)})
}

func (h *Host) await(ctx context.Context, c *call) error {
	h.mu.Lock()
	t := &h.thread
	switch {
	case t.refuses || c.activity != nil && c.activity.IsUnwanted():
		h.mu.Unlock()
		return takenBack(c.begun)
	case !t.blocked && (!t.withheld || !c.begun):
		h.mu.Unlock()
		return nil
	}
	t.waiting = append(t.waiting, c)
	t.pulse.Owe()
	close(t.changed)
	t.changed = make(chan struct{})
	h.mu.Unlock()
	select {
	case err := <-c.over:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
