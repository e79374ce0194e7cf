package replay

import (
	"cmp"
	"fmt"

	"duroxide/history"
)

// Failed attempts. An activity with a policy is one schedule, however often it is tried: its attempts live
// with its task, and the history has their final outcome only. Where the policy has a function, the failure
// of an attempt comes here first, and code decides. What it decides is no event: it is done with the commit
// of the turn that asked, so that it is asked once for each failure, and never at a replay.

// decideAttempt takes what code says of the failure that it was asked about.
func (x *Execution) decideAttempt(a *Action) error {
	s := x.byToken[a.Token]
	if s == nil || s.failed == nil {
		return x.diverged(0, fmt.Sprintf("%s, which nobody has asked about", a))
	}
	if a.Kind == TryAgain {
		x.delta.Retries = append(x.delta.Retries, Retried{Event: s.event, DelayMs: *s.failed.PauseMs})
		s.failed = nil
		return nil
	}
	if a.Value != nil {
		s.failed = &history.Failure{
			Category: history.Application, Kind: history.ActivityFailedKind, Message: a.Input, Details: *a.Value,
			Attempts: s.failed.Attempts, ActivityName: s.failed.ActivityName,
		}
	}
	x.givenUp = append(x.givenUp, s)
	return nil
}

// NextGivenUp records the failure of the next activity whose attempt was the last one, and gives it to the
// code. It must be asked before anything else is taken, so that a replay has the same order.
func (x *Execution) NextGivenUp(nowMs int64) (Delivery, bool) {
	for len(x.givenUp) > 0 {
		s := x.givenUp[0]
		x.givenUp = x.givenUp[1:]
		if s.closed {
			continue
		}
		failed := *s.failed
		failed.PauseMs = nil
		last := Arrival{Kind: ActivityDone, Failure: &failed}
		x.append(s.event, nowMs, last.event())
		x.close(s)
		x.delta.CancelActivities = append(x.delta.CancelActivities, s.event)
		return x.deliver(last.delivery(s), nowMs), true
	}
	return Delivery{}, false
}

// failedAttempt takes the failure of an attempt of an open activity.
func (x *Execution) failedAttempt(s *schedule, f *history.Failure) {
	pause := cmp.Or(f.PauseMs, new(uint64))
	s.failed = new(history.Failure)
	*s.failed = *f
	s.failed.PauseMs = pause
}
