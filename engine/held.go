package engine

import (
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// adopt gives a job that waits or runs here the claim under which its task was claimed again: the
// lease of the former one had ended, because the store or this process stood still, but what lives
// in one process never runs twice. It reports whether there was one. The caller holds w.mu.
func (w *workers) adopt(c provider.TaskClaim) bool {
	if c.Marks == 0 {
		return false // Nobody's lease has ended over it.
	}
	if w.takeLate(c) {
		return true
	}
	key := keyOfTask(&c.Task)
	for former, j := range w.held {
		if keyOfTask(&j.claim.Task) == key && !j.cancelled.Load() && (!j.finished || j.ending) {
			if j.finished {
				w.again[key] = c
				w.held[c.Token] = &job{claim: c, started: true, finished: true}
				return true
			}
			delete(w.held, former)
			j.claim.Token, j.doubtful = c.Token, false
			w.held[c.Token] = j
			return true
		}
	}
	return false
}

// tokenOf gives the token that the store knows a job by.
func (w *workers) tokenOf(j *job) provider.Token {
	w.mu.Lock()
	defer w.mu.Unlock()
	return j.claim.Token
}

// forget lets tasks go whose outcome is stored or that were given back.
func (w *workers) forget(tokens []provider.Token) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range tokens {
		delete(w.held, t)
	}
}

// holds reports whether a task is known here.
func (w *workers) holds(token provider.Token) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held[token] != nil
}

// callOf gives the call of a task that is known here.
func (w *workers) callOf(token provider.Token) (ActivityCall, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.held[token]
	if j == nil {
		return ActivityCall{}, false
	}
	return w.call(j), true
}

// running gives the number of activities that the host has.
func (w *workers) running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.started
}

// tokens lists the held tasks whose results are wanted, by lease.
func (w *workers) tokens() map[provider.LeaseID][]provider.Token {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[provider.LeaseID][]provider.Token{}
	for token, j := range w.held {
		if !j.cancelled.Load() {
			all[token.Lease] = append(all[token.Lease], token)
		}
	}
	return all
}

// lost stops an activity whose task is no longer ours. If its lease may have ended before, a claim of
// our own that is under way may have the task, and only the next renewal is certain.
func (w *workers) lost(token provider.Token, certain bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.held[token]
	switch {
	case j == nil:
	case certain || j.doubtful:
		w.stop(j, "its task was cancelled or taken over")
	default:
		j.doubtful = true
	}
}

// stop tells a running activity, keeps one from beginning that has not, or forgets a finished one.
// The caller holds w.mu.
func (w *workers) stop(j *job, reason string) {
	if j.cancelled.Swap(true) {
		return
	}
	if j.of != nil {
		w.forgetInline(j)
	}
	if !j.started || j.finished {
		delete(w.held, j.claim.Token)
		return
	}
	if !j.called {
		return
	}
	w.rt.host.CancelActivity(j.token, reason)
	w.rt.log.activityCancelled(w.call(j), reason)
	w.rt.e.clock.AfterFunc(w.rt.set.activityGrace, j.abort)
}

// unwanted says of the activities that a turn cancels why their results are no longer wanted.
func unwanted(d replay.Delta, ending *replay.Ending) map[uint64]string {
	cancelled := slices.Concat(d.CancelActivities, d.CancelInline)
	if len(cancelled) == 0 {
		return nil
	}
	reasons := make(map[uint64]string, len(cancelled))
	for _, event := range cancelled {
		reasons[event] = ended(ending)
	}
	for _, e := range d.Events {
		if late, ok := e.Data.(history.ActivityFailed); ok && reasons[e.Source] != "" {
			reasons[e.Source] = late.Failure.Message
		}
		request, ok := e.Data.(history.ActivityCancelRequested)
		if _, running := reasons[e.Source]; ok && running && request.Reason == history.ReasonDropped {
			reasons[e.Source] = ended(nil)
		}
	}
	return reasons
}

// ended says why; nil is an execution that goes on.
func ended(e *replay.Ending) string {
	switch {
	case e == nil:
		return "the orchestration does not wait for it any more"
	case e.Kind == replay.Completed:
		return "the orchestration has completed"
	case e.Kind == replay.Continued:
		return "the orchestration has continued as new"
	case e.Failure != nil && e.Failure.Kind == history.CancelledKind:
		return "the orchestration was canceled: " + e.Failure.Reason
	case e.Failure != nil && e.Failure.Kind == history.TimedOutKind:
		return "the orchestration has timed out: " + e.Failure.Reason
	case e.Failure != nil && e.Failure.Kind == history.TerminatedKind:
		return "the orchestration was terminated: " + e.Failure.Reason
	default:
		return "the orchestration has failed"
	}
}
