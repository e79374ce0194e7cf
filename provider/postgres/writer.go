package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"duroxide/provider/clock"
	"duroxide/provider/rules"
)

// Bounds of one group of requests: all that wait while a group is written make the next one.
const (
	groupLimit = 64
	groupBytes = 4 << 20
)

// groupTries is how often a group is run that was rolled back by a conflict or a lost connection.
const groupTries = 8

// request is one call that waits for a committer.
type request struct {
	ctx  context.Context
	size int
	// alone, if not zero, is an instance of which a group takes one such request only.
	alone uint64
	// needs tells what apply will look at; apply checks everything before it changes anything in
	// the group. Both may run more than once and must assign their results afresh.
	needs func(n *needs)
	apply func(g *group) error
	err   error
	done  chan struct{}
}

// write has a request done by the committer of its route, and waits for the commit.
func (s *Store) write(ctx context.Context, op string, route uint64, r *request) error {
	if err := ctx.Err(); err != nil {
		return failure(op, err)
	}
	r.ctx, r.done = ctx, make(chan struct{})
	if err := s.enqueue(r, route); err != nil {
		return failure(op, err)
	}
	select {
	case <-r.done:
		return failure(op, r.err)
	case <-ctx.Done():
		return failure(op, ctx.Err())
	}
}

func (s *Store) enqueue(r *request, route uint64) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return rules.Closed("")
	}
	select {
	case s.committers[route%uint64(len(s.committers))] <- r:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// barrier waits until everything that was accepted before it has an outcome.
func (s *Store) barrier(ctx context.Context) error {
	for n := range s.committers {
		empty := &request{needs: func(*needs) {}, apply: func(*group) error { return nil }}
		if err := s.write(ctx, "", uint64(n), empty); err != nil {
			return err
		}
	}
	s.claims.Lock()
	defer s.claims.Unlock()
	return nil
}

// commits is the loop of a committer.
func (s *Store) commits(requests <-chan *request, w *writer) {
	var carried *request
	for {
		first := carried
		if first == nil {
			r, ok := <-requests
			if !ok {
				return
			}
			first = r
		}
		var batch []*request
		batch, carried = gather(first, requests)
		s.serve(w, batch)
		for _, r := range batch {
			close(r.done)
		}
	}
}

// gather takes what waits already. The request that it gives back begins the next group.
func gather(first *request, requests <-chan *request) (batch []*request, carried *request) {
	batch = append(batch, first)
	size := first.size
	alone := map[uint64]bool{first.alone: true}
	for len(batch) < groupLimit && size < groupBytes {
		select {
		case r, ok := <-requests:
			if !ok {
				return batch, nil
			}
			if r.alone != 0 && alone[r.alone] {
				return batch, r
			}
			alone[r.alone] = true
			batch = append(batch, r)
			size += r.size
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// serve writes a group and sets the errors of its requests. Conflicts with other processes and lost
// connections are met by running the group again, as long as it is known not to be committed.
func (s *Store) serve(w *writer, batch []*request) {
	for try := 1; ; try++ {
		live := batch[:0:0]
		for _, r := range batch {
			if r.err = r.ctx.Err(); r.err == nil {
				live = append(live, r)
			}
		}
		if len(live) == 0 {
			return
		}
		write := s.leases.Try()
		wrote, err := s.attempt(w, live, try == 1)
		done(write, wrote, err)
		if err = lostNetwork(err); err == nil {
			s.count(wrote, len(live))
			return
		}
		s.renewPool(err)
		if try >= groupTries || !again(err) || rest(s.background, pauseBefore(try)) != nil {
			s.refuseAll(w, live, err)
			return
		}
		s.log.Debug("postgres: a group is run again", "tries", try, "error", err.Error())
	}
}

// count takes note of a transaction with that many calls.
func (s *Store) count(wrote bool, calls int) {
	if wrote {
		s.groups.Add(1)
		s.grouped.Add(uint64(calls)) //nolint:gosec // a length
	}
}

// Written implements provider.Counting.
func (s *Store) Written() (commits, calls uint64) { return s.groups.Load(), s.grouped.Load() }

func again(err error) bool {
	return (isTransient(err) || isConnection(err)) && !errors.Is(err, errUnknown) &&
		!errors.Is(err, errAcquire)
}

func pauseBefore(try int) time.Duration { return 5 * time.Millisecond << min(try, 6) }

// refuseAll gives all requests of a group its error. If it came from one of several, each is run
// alone, so that one that the server refuses does not take the others with it.
func (s *Store) refuseAll(w *writer, batch []*request, err error) {
	if len(batch) > 1 && !errors.Is(err, errUnknown) && !isConnection(err) {
		for _, r := range batch {
			s.serve(w, []*request{r})
		}
		return
	}
	for _, r := range batch {
		r.err = err
	}
}

// done says what became of a write.
func done(write *clock.Try, wrote bool, err error) {
	switch {
	case err != nil:
		write.Failed()
	case wrote:
		write.Wrote()
	default:
		write.Passed()
	}
}

// attempt runs a group once, the short way where that may do, and reports whether it has written. It
// gives an error where nothing of it was committed, or errUnknown.
func (s *Store) attempt(w *writer, batch []*request, short bool) (wrote bool, err error) {
	var n needs
	for _, r := range batch {
		r.needs(&n)
	}
	if n.isEmpty() {
		return false, s.newGroup(nil).applyAll(batch)
	}
	if err := s.endOver(s.background); err != nil {
		return false, err
	}
	conn, err := s.acquire(s.background)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.background), groupTime)
	defer cancel()
	if short {
		if done, err := s.short(ctx, conn, w, &n, batch); done {
			return err == nil, err
		}
	}
	g := s.newGroup(conn)
	g.writer, g.needs = w, n
	defer func() {
		g.release(ctx)
		if err != nil {
			s.opening.forget(g.writes.opened.node)
		}
	}()
	if err := g.lock(ctx); err != nil {
		return false, err
	}
	if err := g.applyAll(batch); err != nil {
		return false, err
	}
	err = g.finish(ctx)
	return !g.opened, err
}

// groupTime bounds a group: it is for lost networks, in which nobody answers.
const groupTime = 15 * time.Second

// lostNetwork tells the end of our own patience from that of a caller.
func lostNetwork(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &connectionError{text: err.Error(), err: joined(err)}
	}
	return err
}

func joined(err error) error {
	if errors.Is(err, errUnknown) {
		return fmt.Errorf("%w: %w", errUnknown, errBroken)
	}
	return errBroken
}

// errRestart says that a request has failed in the middle of its changes.
var errRestart = errors.New("a request failed in the middle")

func (g *group) applyAll(batch []*request) error {
	for _, r := range batch {
		if r.err = g.guarded(r); r.err != nil && !rules.IsRefusal(r.err) {
			return fmt.Errorf("%w: %w", errRestart, r.err)
		}
	}
	return nil
}

// guarded turns a panic, which a broken event can cause, into an error.
func (g *group) guarded(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.apply(g)
}

// routes remembers which committer cares for an instance, by the key that tokens carry.
type routes struct {
	mu    sync.Mutex
	byKey map[uint64]uint64
}

const routeLimit = 100_000

func (r *routes) clear() { r.byKey = map[uint64]uint64{} }

func (r *routes) learn(key uint64, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byKey) >= routeLimit {
		r.clear()
	}
	r.byKey[key] = routeOf(id)
}

// of gives the route of a key. An unknown one costs nothing but a wait for a row now and then.
func (r *routes) of(key uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if route, ok := r.byKey[key]; ok {
		return route
	}
	return key
}

// routeOf hashes an instance id (FNV-1a).
func routeOf(id string) uint64 {
	hash := uint64(14695981039346656037)
	for n := range len(id) {
		hash = (hash ^ uint64(id[n])) * 1099511628211
	}
	return hash
}
