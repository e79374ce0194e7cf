package engine

import (
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// arrival gives a message in the words of replay, with the time that a cancellation leaves: what it says
// itself, else what the code was registered with. Code that has not begun, or that is not asked, needs none.
func (t *turn) arrival(m provider.Message) replay.Arrival {
	a := arrivalOf(m)
	if a.Kind != replay.CancelRequested || a.Terminates || t.codeless {
		return a
	}
	if a.GraceMs = m.GraceMs; m.Stop != provider.InTime {
		p := t.r.x.Params()
		a.GraceMs = t.rt.reg.grace(p.Name, p.Version)
	}
	return a
}

// thrown gives the failure of code that has thrown.
func (t *turn) thrown(answer replay.Answer) history.Failure {
	if f := t.r.x.ToldFailure(); f != nil && answer.Stopped {
		f.Details = answer.Details
		return *f
	}
	return history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind,
		Message: answer.Message, Details: answer.Details,
	}
}

// waitingAtEnd names what the code waits for where a message may end its time to clean up.
func (t *turn) waitingAtEnd(m provider.Message) []string {
	c := t.r.x.Cancelling()
	if c == nil || m.Kind != provider.TimerDue && m.Kind != provider.CancelInstance {
		return nil
	}
	return t.r.x.Waiting()
}

// graceMs makes whole milliseconds of a time to clean up: a part of one is one.
func graceMs(d time.Duration) uint64 {
	return uint64((max(d, 0) + time.Millisecond - 1) / time.Millisecond)
}
