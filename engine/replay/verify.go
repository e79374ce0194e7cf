package replay

import (
	"fmt"

	"duroxide/history"
)

// Verify compares what the code asked for, step by step, with what the history recorded. It gives
// the actions that the code asked for beyond the end of the history: they are new work. Code that
// returned before the recorded end (done) is accepted, unless the replay is strict. An error is a
// *Divergence; what is let pass stands in Differences.
func (x *Execution) Verify(steps [][]Action, done bool) (extra []Action, err error) {
	extra, left, err := x.verify(steps, done)
	if err != nil || left == nil {
		return extra, err
	}
	d := x.diverged(left.ID, "the code has ended, and the history goes on with event="+describe(*left))
	d.Asked, d.Recorded = "the end", describe(*left)
	return extra, x.tolerate(d, x.params.StrictReplay)
}

// Differences gives what the last comparison has let pass, the first few of each replay.
func (x *Execution) Differences() []*Divergence { return x.differences }

// mostDifferences bounds what is kept of them.
const mostDifferences = 16

// tolerate keeps a difference, or gives it as an error where it must not be.
func (x *Execution) tolerate(d *Divergence, refuse bool) error {
	if refuse {
		return d
	}
	if len(x.differences) < mostDifferences {
		x.differences = append(x.differences, d)
	}
	return nil
}

// Rehearse is Verify for code that is only tried: it may not return before the recorded end either, and
// must end as the recorded execution has ended.
func (x *Execution) Rehearse(steps [][]Action, a Answer, end history.Event) error {
	extra, left, err := x.verify(steps, a.Done)
	switch {
	case err != nil:
		return err
	case left != nil:
		d := x.diverged(left.ID, fmt.Sprintf("the code %s, and the history goes on with event=%s", a.end(), describe(*left)))
		d.Asked, d.Recorded = a.end(), describe(*left)
		return d
	default:
		return x.endsAs(withoutPatches(extra), len(steps)-1, a, end)
	}
}

// endsAs compares the end of code with the recorded one, if that was the code's own.
func (x *Execution) endsAs(extra []Action, step int, a Answer, end history.Event) error {
	asked := a.end()
	if len(extra) > 0 {
		asked = extra[0].String()
	}
	if fitsEnd(extra, a, end) {
		return nil
	}
	recorded := end.Kind().String()
	d := x.diverged(end.ID, fmt.Sprintf("the ends differ: the code %s vs event=%s", asked, recorded))
	d.Asked, d.Recorded = asked, recorded
	if len(extra) > 0 {
		d.Reason = fmt.Sprintf("the code goes on behind the recorded end: action=%s vs event=%s", asked, recorded)
		d.Step = step
	}
	return d
}

// fitsEnd reports whether code has ended as it is recorded, with actions that are not.
func fitsEnd(extra []Action, a Answer, end history.Event) bool {
	switch e := end.Data.(type) {
	case history.OrchestrationCompleted:
		return len(extra) == 0 && a.Done && a.OK
	case history.OrchestrationFailed:
		own := e.Failure.Category == history.Application && !e.Failure.IsStop()
		return !own || len(extra) == 0 && a.Done && !a.OK
	case history.OrchestrationContinuedAsNew:
		return len(extra) > 0 && extra[0].Kind == ContinueAsNew
	case history.OrchestrationStarted, history.OrchestrationChained, history.MessageSent, history.PatchDecided,
		history.CleanupFailed, history.Schedule, history.Answer, history.Change, history.Cancellation, history.Input, history.Repair:
		return true // It goes on.
	default:
		panic(unknownEvent(end))
	}
}

// end says in words how code has ended.
func (a *Answer) end() string {
	switch {
	case !a.Done:
		return "waits"
	case a.OK:
		return "returns"
	default:
		return "throws " + shorten(a.Message)
	}
}

// verify is Verify; left is the first recorded event that code which has returned did not ask for.
func (x *Execution) verify(steps [][]Action, done bool) (extra []Action, left *history.Event, err error) {
	segments := x.segments
	x.segments, x.differences = nil, nil
	defer func() { x.tokenEvents, x.drops = nil, nil }()
	next := 0
	for i, seg := range segments {
		end := min(next+seg.steps, len(steps))
		rest := seg.events
		for ; next < end; next++ {
			var more []Action
			rest, more, err = x.verifyStep(steps, next, rest, i == len(segments)-1)
			if err != nil {
				return nil, nil, err
			}
			extra = append(extra, more...)
		}
		if len(rest) > 0 && (!done || next < len(steps)) {
			d := x.diverged(rest[0].ID,
				"history schedule but no emitted action: action=none vs event="+describe(rest[0]))
			d.Asked, d.Recorded = "nothing", describe(rest[0])
			return nil, nil, d
		}
		if len(rest) > 0 && left == nil {
			left = &rest[0]
		}
	}
	return extra, left, nil
}

// verifyStep takes the events of one step off the segment's.
func (x *Execution) verifyStep(
	steps [][]Action, step int, events []history.Event, last bool,
) (rest []history.Event, extra []Action, err error) {
	actions := steps[step]
	for i := range actions {
		a := &actions[i]
		if a.Kind == Patch {
			if _, known := x.patches[a.Name]; !known {
				extra = append(extra, *a)
			}
			continue
		}
		// What does not stand in the history yet is scheduled, and dropped, behind its end.
		isNew := last && len(events) == 0 && a.Token > uint64(len(x.tokenEvents))
		if a.Kind == Drop && !isNew && x.dropsSilently(a.Token) {
			continue
		}
		if len(events) == 0 {
			if last {
				return nil, append(extra, actions[i:]...), nil
			}
			d := x.divergedAt(step, i, x.last, fmt.Sprintf(
				"schedule mismatch: action=%s vs event=none: the history goes on with the answer to an earlier step", a))
			d.Asked, d.Recorded = a.String(), "the answer to an earlier step"
			return nil, nil, d
		}
		if err := x.compare(a, events[0], step, i); err != nil {
			return nil, nil, err
		}
		events = events[1:]
	}
	return events, extra, nil
}

// compare gives an error where an action is not what the history recorded in its place.
func (x *Execution) compare(a *Action, e history.Event, step, action int) error {
	f := x.fits(a, e)
	if f == same {
		return nil
	}
	d := x.divergedAt(step, action, e.ID, fmt.Sprintf("%s: action=%s vs event=%s", mismatchWord(e), a, describe(e)))
	d.Asked, d.Recorded = a.String(), describe(e)
	return x.tolerate(d, x.params.StrictReplay || f.diverges(x.params.Rules))
}

// dropsSilently closes a dropped schedule that leaves no event: a timer, a promise, or an unanswered system
// call. It is also true for one that was answered before it was dropped.
func (x *Execution) dropsSilently(token uint64) bool {
	s := x.byToken[token]
	if s == nil {
		return !x.recordedDrop(token)
	}
	if s.kind == Timer || s.kind == Syscall || s.kind == MakePromise {
		x.close(s)
		return true
	}
	return false
}

// recordedDrop reports whether the history holds a cancellation of the token's schedule.
func (x *Execution) recordedDrop(token uint64) bool {
	if token == 0 || token > uint64(len(x.tokenEvents)) {
		return false
	}
	_, ok := x.drops[x.tokenEvents[token-1]]
	return ok
}
