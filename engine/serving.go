package engine

import (
	"time"

	"duroxide/provider"
)

// hasCodeFor reports whether what some messages begin can go on here. Other messages are for instances
// that have their code already.
func (rt *Runtime) hasCodeFor(msgs []provider.Message) bool {
	for n := range msgs {
		m := &msgs[n]
		if m.Kind != provider.StartInstance && m.Kind != provider.ContinueInstance {
			continue
		}
		if _, ok := rt.reg.Resolve(m.Name, m.Version); !ok {
			return false
		}
	}
	return true
}

// When work is reported that nobody here has code for: not before another process has had the time to
// take it, and then with growing pauses.
const (
	unservedAfter     = 10 * time.Second
	firstUnservedWait = 10 * time.Minute
	lastUnservedWait  = 4 * time.Hour
	// maxUnserved bounds what is remembered of it.
	maxUnserved = 1000
)

// unserved looks for ready work that this runtime has no code for, and warns of it. It is owned by the
// poller.
type unserved struct {
	asked time.Time
	lanes map[provider.Lane]*silence
}

// silence is how long a lane is not reported again.
type silence struct {
	until time.Time
	pause time.Duration
}

// asks reports whether it is time to look.
func (u *unserved) asks(now time.Time) bool {
	if now.Sub(u.asked) < unservedAfter/2 {
		return false
	}
	u.asked = now
	return true
}

// found warns of what a claim has left, where it has waited for long.
func (rt *Runtime) found(u *unserved, all []provider.Unserved) {
	now, nowMs := rt.e.clock.Now(), rt.nowMs()
	for _, left := range all {
		if left.Lane.Kind == provider.HeldTurn {
			continue // That was said when it was held.
		}
		waits := time.Duration(nowMs-left.DueMs) * time.Millisecond
		if waits < unservedAfter {
			continue
		}
		s := u.lanes[left.Lane]
		if s == nil {
			if u.lanes == nil || len(u.lanes) >= maxUnserved {
				u.lanes = map[provider.Lane]*silence{}
			}
			s = &silence{pause: firstUnservedWait / 2}
			u.lanes[left.Lane] = s
		}
		if now.Before(s.until) {
			continue
		}
		s.pause = min(2*s.pause, lastUnservedWait)
		s.until = now.Add(s.pause)
		rt.log.unserved(left, waits)
	}
}
