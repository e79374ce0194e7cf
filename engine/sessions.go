package engine

import (
	"context"
	"slices"
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

// taskRoute says which tasks this runtime takes now. Where it may not open a session, it takes only
// tasks of those that it works on, and tasks without one.
func (rt *Runtime) taskRoute(mayOpen bool) provider.Route {
	route := provider.Route{Tags: rt.set.tags}
	open, most := rt.workers.openSessions(), rt.set.maxSessions
	if !mayOpen {
		most = len(open)
	}
	if most > 0 {
		route.Session = &provider.SessionHolder{
			Owner: rt.sessions.owner, TTL: rt.set.sessionLease, Open: open, Most: most,
		}
	}
	return route
}

// beginOpening lets one call at a time open sessions, so that together they open no more than the
// runtime may have. It reports whether the caller is that one; then endOpening must follow, once the
// tasks that it got are held.
func (w *workers) beginOpening() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opening {
		return false
	}
	w.opening = true
	return true
}

func (w *workers) endOpening() {
	w.mu.Lock()
	w.opening = false
	w.mu.Unlock()
	w.rt.poller.roomy(taskRoom)
}

func (w *workers) isOpening() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opening
}

// openSessions gives the sessions with an activity in flight, in order. One that has ended is in flight
// no more, though its outcome may not be stored yet.
func (w *workers) openSessions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var open []string
	for _, j := range w.held {
		if s := j.claim.Task.Session; s != nil && !j.finished {
			open = append(open, *s)
		}
	}
	if len(open) == 0 {
		return nil
	}
	w.rt.sessions.touch()
	slices.Sort(open)
	return slices.Compact(open)
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
	if open := rt.workers.openSessions(); len(open) == 0 && rt.isOut() {
		s.leave(ctx)
		return
	}
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

// leave lets others have the sessions of a runtime whose thread is out, as soon as nothing on them
// has begun here. Those of a configured worker end by themselves, because nobody renews them.
func (s *sessions) leave(ctx context.Context) {
	s.mu.Lock()
	used := s.used
	s.mu.Unlock()
	if used.IsZero() || s.owner != s.rt.node ||
		len(s.rt.workers.openSessions()) > 0 {
		return
	}
	if _, err := s.rt.e.store.ReleaseSessions(ctx, s.owner); err != nil {
		s.rt.storeFailed("release_sessions", err, 0) // upkeep comes here again
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used.Equal(used) {
		s.used = time.Time{}
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
