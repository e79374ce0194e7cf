package replay

import (
	"encoding/json"
	"slices"
)

// Limits of activities. Who runs an attempt keeps the time that this may take. What counts while nobody runs
// it is kept by the instance, as messages that are due then (NewTimer.Limit). They are no events: what they
// lead to is the failure of the activity, and they are dropped when that has its answer.

// The limits that an instance keeps. The texts are those that users see.
const (
	// QueueLimit is how long an activity may wait until it begins.
	QueueLimit = "queueTimeoutMs"
	// UnservedLimit is the time for one attempt. Where nothing is said of the wait before, it counts from the
	// start as long as there is no runtime that could take the activity.
	UnservedLimit = "timeoutMs"
	// TotalLimit is for everything.
	TotalLimit = "totalTimeoutMs"
)

// Limits are those of a policy in milliseconds; nil is none.
type Limits struct {
	QueueMs   *int64 `json:"queueTimeoutMs"`
	AttemptMs *int64 `json:"timeoutMs"`
	TotalMs   *int64 `json:"totalTimeoutMs"`
	// HeartbeatMs has no alarm: the host sees to it.
	HeartbeatMs *int64 `json:"heartbeatMs"`
}

// LimitsOf reads the limits in a policy; "" has none.
func LimitsOf(policy string) Limits {
	var l Limits
	if policy == "" || json.Unmarshal([]byte(policy), &l) != nil {
		return Limits{}
	}
	return l
}

// Ms gives a limit by its name, or nil.
func (l Limits) Ms(name string) *int64 {
	switch name {
	case QueueLimit:
		return l.QueueMs
	case UnservedLimit:
		return l.AttemptMs
	default:
		return l.TotalMs
	}
}

// Timers gives the alarms of an activity that was scheduled at a time.
func (l Limits) Timers(event uint64, sinceMs int64) []NewTimer {
	var timers []NewTimer
	if l.QueueMs != nil {
		timers = append(timers, NewTimer{Event: event, FireAtMs: sinceMs + *l.QueueMs, Limit: QueueLimit})
	} else if l.AttemptMs != nil {
		timers = append(timers, NewTimer{Event: event, FireAtMs: sinceMs + *l.AttemptMs, Limit: UnservedLimit})
	}
	if l.TotalMs != nil {
		timers = append(timers, NewTimer{Event: event, FireAtMs: sinceMs + *l.TotalMs, Limit: TotalLimit})
	}
	return timers
}

// leastRearm keeps short limits from costing a turn each time.
const leastRearm = 1000

// again gives the first alarm after now of a limit that counts from anew.
func (l Limits) again(event uint64, sinceMs, nowMs int64) NewTimer {
	every := max(*l.AttemptMs, leastRearm)
	passed := max(nowMs-sinceMs, 0) / every
	return NewTimer{Event: event, FireAtMs: sinceMs + (passed+1)*every, Limit: UnservedLimit}
}

// limited is an activity with a policy.
type limited struct {
	policy string
	tag    *string
	// sinceMs is when it was scheduled.
	sinceMs int64
	// timed means that it has alarms.
	timed bool
}

func (s *schedule) isTimed() bool { return s.limited != nil && s.limited.timed }

// limit sets the alarms of an activity that begins to wait.
func (x *Execution) limit(s *schedule, a *Action, nowMs int64) {
	if a.Value == nil {
		return
	}
	timers := LimitsOf(*a.Value).Timers(s.event, nowMs)
	s.limited = &limited{policy: *a.Value, tag: a.Tag, sinceMs: nowMs, timed: len(timers) > 0}
	x.delta.Timers = append(x.delta.Timers, timers...)
	x.delta.Activities[len(x.delta.Activities)-1].SinceMs = nowMs
}

// openLimits notes which activities of a loaded history have alarms.
func (x *Execution) openLimits() {
	for _, s := range x.open {
		if l := s.limited; l != nil {
			l.sinceMs = max(l.sinceMs, x.repairedMs)
			l.timed = len(LimitsOf(l.policy).Timers(s.event, 0)) > 0
		}
	}
}

// unlimit drops the alarms of an activity that does not wait any more.
func (x *Execution) unlimit(s *schedule) {
	if !s.isTimed() {
		return
	}
	x.delta.Timers = slices.DeleteFunc(x.delta.Timers, func(t NewTimer) bool { return t.Event == s.event })
	if !s.fresh {
		x.delta.DropTimers = append(x.delta.DropTimers, s.event)
	}
}

// limitTimers gives the alarms that an open activity may have.
func (s *schedule) limitTimers(nowMs int64) []NewTimer {
	l := LimitsOf(s.limited.policy)
	timers := l.Timers(s.event, s.limited.sinceMs)
	for i, t := range timers {
		if t.Limit == UnservedLimit && t.FireAtMs <= nowMs {
			timers[i] = l.again(s.event, s.limited.sinceMs, nowMs)
		}
	}
	return timers
}

// Limited is an activity with a policy that is waited for.
type Limited struct {
	Name   string
	Tag    *string
	Limits Limits
}

// Limited gives an activity with a policy; false where nobody waits for it any more.
func (x *Execution) Limited(event uint64) (Limited, bool) {
	s := x.open[event]
	if s == nil || s.limited == nil {
		return Limited{}, false
	}
	return Limited{Name: s.name, Tag: s.limited.tag, Limits: LimitsOf(s.limited.policy)}, true
}

// Rearm sets the alarm of the UnservedLimit of such an activity anew.
func (x *Execution) Rearm(event uint64, nowMs int64) {
	l := x.open[event].limited
	x.delta.Timers = append(x.delta.Timers, LimitsOf(l.policy).again(event, l.sinceMs, nowMs))
}
