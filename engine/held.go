package engine

import "duroxide/provider"

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

// tokens lists the held tasks whose results are wanted, by lease.
func (w *workers) tokens() map[provider.LeaseID][]provider.Token {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[provider.LeaseID][]provider.Token{}
	for token, j := range w.held {
		if !j.cancelled {
			all[token.Lease] = append(all[token.Lease], token)
		}
	}
	return all
}

// lost stops an activity whose task is no longer ours.
func (w *workers) lost(token provider.Token) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if j := w.held[token]; j != nil {
		w.stop(j, "its task was cancelled or taken over")
	}
}

// stop tells a running activity, takes a waiting one off the queue, or forgets a finished one. The
// caller holds w.mu.
func (w *workers) stop(j *job, reason string) {
	if j.cancelled {
		return
	}
	j.cancelled = true
	if !j.started || j.finished {
		delete(w.held, j.claim.Token)
		return
	}
	if !j.called {
		return
	}
	w.rt.host.CancelActivity(j.token, reason)
	w.rt.log.activityCancelled(w.call(j), reason)
	w.rt.e.clock.AfterFunc(w.rt.set.activityGrace, func() {
		// Once more: the host may not have known the token yet.
		w.rt.host.CancelActivity(j.token, reason)
		j.abort()
	})
}
