package main

import (
	"duroxide/engine"
)

// Pulse implements engine.Host.
func (h *runtimeHost) Pulse() *engine.Pulse { return h.host.queue.pulse }

// TakeBack implements engine.Host.
func (h *runtimeHost) TakeBack() {
	host, q := h.host, &h.host.queue
	host.mu.Lock()
	defer host.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	signs := q.pulse.Signs()
	if q.closed || !q.pulse.IsLate() {
		return // It has ended, or came by meanwhile.
	}
	if q.refused == nil {
		q.refused = map[uint32]uint64{}
	}
	q.refused[h.runtime] = signs
	for token, c := range host.calls {
		if c.runtime != h.runtime {
			continue
		}
		if err := q.takeBack(c); err != nil {
			delete(host.calls, token)
			c.answer <- reply{err: err}
		}
	}
}

// takeBack ends one call, if user code has not begun it.
func (h *host) takeBack(token uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue.mu.Lock()
	defer h.queue.mu.Unlock()
	c := h.calls[token]
	if c == nil || h.queue.closed {
		return false
	}
	err := h.queue.takeBack(c)
	if err == nil {
		return false
	}
	delete(h.calls, token)
	c.answer <- reply{err: err}
	return true
}

// Running implements engine.Host.
func (h *runtimeHost) Running() (running []engine.Running, certain bool) {
	all := invocations.of(h.host)
	h.host.mu.Lock()
	defer h.host.mu.Unlock()
	q := &h.host.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	for _, i := range all {
		if q.words.holds(i.of.Token) {
			return []engine.Running{i.running()}, true
		}
		// One that nobody waits for any more has begun too: it is known until its function ends.
		c, waited := h.host.calls[i.of.Token]
		if i.activity != nil && (!waited || c.fetched && q.words.hasBegun(c.word, c.token)) {
			running = append(running, i.running())
		}
	}
	return running, false
}

func (i *invocation) running() engine.Running {
	r := engine.Running{Invocation: i.of}
	if i.activity != nil {
		r.Activity, r.ID = i.activity.Activity, i.activity.ID
	}
	return r
}
