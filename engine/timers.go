package engine

import (
	"duroxide/provider"
)

// timer is the alarm of one durable timer of a resident. The message that it delivers is stored;
// the alarm only makes it arrive in time.
type timer struct {
	stop func()
	// msg is the stored message, or nil where only the time is known (after a cold start).
	msg *provider.Message
}

// timerID names an alarm: that of a timer, with a limit that of an activity, or that of the instance.
type timerID struct {
	event uint64
	limit string
}

// timeoutAlarm names the alarm of the time limit of an instance, whose message came with the start.
const timeoutAlarm = "timeout"

// setTimer arms the alarm of a timer. The caller is the resident's goroutine.
func (rt *Runtime) setTimer(r *resident, a timerID, fireAtMs int64, msg *provider.Message) {
	if old := r.timers[a]; old != nil {
		old.stop()
	}
	t := &timer{msg: msg}
	t.stop = rt.at(fireAtMs, func() { rt.fire(r.instance, t) })
	r.timers[a] = t
}

// dropTimer disarms the alarm of a timer that was dropped or has fired.
func (r *resident) dropTimer(a timerID) {
	if t := r.timers[a]; t != nil {
		t.stop()
		delete(r.timers, a)
	}
}

// dropTimers disarms all alarms.
func (r *resident) dropTimers() {
	for _, t := range r.timers {
		t.stop()
	}
	clear(r.timers)
}

// fire delivers a timer that is due.
func (rt *Runtime) fire(instance string, t *timer) {
	if t.msg != nil {
		rt.route(*t.msg, t.msg.Life)
		return
	}
	if lease, held := rt.heldUnder(instance); held {
		rt.refill(instance, lease)
		return
	}
	rt.poller.wake()
}

// heldUnder gives the lease under which an instance is held here, if it is.
func (rt *Runtime) heldUnder(instance string) (provider.LeaseID, bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r := rt.residents[instance]
	if r == nil || !rt.leases.holds(r.token.Lease) {
		return 0, false
	}
	return r.token.Lease, true
}
