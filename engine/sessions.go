package engine

import (
	"context"
	"sync"
	"time"

	"duroxide/provider"
)

// sessions looks after the sticky routes of activities. The store keeps them; this keeps those of
// the runtime alive while they are used.
type sessions struct {
	rt    *Runtime
	owner string

	mu      sync.Mutex
	used    time.Time // of the last activity on a session; zero means never
	renewed time.Time
	cleaned time.Time
}

func newSessions(rt *Runtime) *sessions {
	owner := rt.set.workerNodeID
	if owner == "" {
		owner = rt.node
	}
	return &sessions{rt: rt, owner: owner}
}

// taskRoute says which tasks this runtime takes now. At its limit of sessions it takes only tasks
// without one.
func (rt *Runtime) taskRoute() provider.Route {
	route := provider.Route{Tags: rt.set.tags}
	if rt.workers != nil && rt.workers.sessions() < rt.set.maxSessions {
		route.Session = &provider.SessionHolder{Owner: rt.sessions.owner, TTL: rt.set.sessionLease}
	}
	return route
}

// sessionPause is how long a task waits that would have been of one session too many.
const sessionPause = 100 * time.Millisecond

// sessions counts the distinct sessions with an activity in flight.
func (w *workers) sessions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.activeSessions())
}

// activeSessions gives the sessions with an activity in flight. The caller holds w.mu.
func (w *workers) activeSessions() map[string]struct{} {
	active := map[string]struct{}{}
	for _, j := range w.held {
		if s := j.claim.Task.Session; s != nil {
			active[*s] = struct{}{}
		}
	}
	if len(active) > 0 {
		w.rt.sessions.touch()
	}
	return active
}

func (s *sessions) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = s.rt.e.clock.Now()
}

// upkeep renews the sessions while they are in use or were not idle for too long, and then cleans
// up once. A runtime that never ran an activity on a session writes nothing.
func (s *sessions) upkeep(ctx context.Context) {
	rt := s.rt
	if rt.workers == nil {
		return
	}
	rt.workers.sessions()
	now := rt.e.clock.Now()
	s.mu.Lock()
	inUse := !s.used.IsZero() && now.Sub(s.used) < rt.set.sessionIdle
	renew := inUse && now.Sub(s.renewed) >= rt.set.sessionLease/3
	clean := !s.used.IsZero() && now.Sub(s.cleaned) >= rt.set.sessionCleanup
	s.mu.Unlock()
	if renew {
		_, err := rt.e.store.RenewSessions(ctx, provider.SessionRenewal{
			Owners: []string{s.owner}, Extend: rt.set.sessionLease, Idle: rt.set.sessionIdle,
		})
		s.done(&s.renewed, now, "renew_sessions", err)
	}
	if clean {
		_, err := rt.e.store.CleanupSessions(ctx)
		s.done(&s.cleaned, now, "cleanup_sessions", err)
		if !inUse {
			s.mu.Lock()
			s.used = time.Time{}
			s.mu.Unlock()
		}
	}
}

// release lets others have the sessions that this runtime owns. Those of a configured worker stay:
// it may come back, or have other runtimes.
func (s *sessions) release(ctx context.Context) {
	s.mu.Lock()
	used := !s.used.IsZero()
	s.mu.Unlock()
	if !used || s.owner != s.rt.node {
		return
	}
	err := s.rt.insist(ctx, "release_sessions", func() error {
		_, err := s.rt.e.store.ReleaseSessions(ctx, s.owner)
		return err
	})
	if err != nil {
		s.rt.storeFailed("release_sessions", err, 0)
	}
}

func (s *sessions) done(at *time.Time, now time.Time, op string, err error) {
	if err != nil {
		s.rt.storeFailed(op, err, 0)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	*at = now
}
