// Package memory is the storage contract as plain Go: one mutex, maps, and nothing that lasts. It
// explains the contract in its simplest form, is the model that other stores are compared with,
// and serves tests of the engine. It is not meant for production.
//
// Every operation checks all that can refuse it before it changes anything, so a refused call has
// no effect without any need to undo.
package memory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"sync"
	"time"

	"duroxide/provider"
	"duroxide/provider/clock"
)

// Options configures a store.
type Options struct {
	// Clock gives the time base; nil means the real time. It may be called at any moment and from
	// any goroutine. The store's own time never goes back.
	Clock func() time.Time
	// OrphanRetention is how long queue messages wait for their instance; zero means
	// provider.OrphanRetention.
	OrphanRetention time.Duration
	// ReplyRetention is how long answers are kept; zero means provider.ReplyRetention.
	ReplyRetention time.Duration
	// Passed gives the time that passes, whatever Clock shows: leases and sessions last by it. Nil
	// means as much as Clock goes forward, if that is given.
	Passed func() time.Duration
	// Leases gives the time that leases and sessions last by where that is not Passed: a test may move
	// everything else by days.
	Leases func() time.Duration
}

// Provider is a store in memory. It implements provider.Provider.
type Provider struct {
	clock  *clock.Clock
	leases func() time.Duration

	// Guarded by mu.
	mu       sync.Mutex
	closed   bool
	state    store
	watchers map[int]func(provider.Change)
	watches  int
}

var _ provider.Provider = (*Provider)(nil)

// New gives an empty store.
func New(o Options) *Provider {
	switch {
	case o.Clock == nil:
		o.Clock = time.Now
	case o.Passed == nil:
		o.Passed = func() time.Duration { return time.Duration(o.Clock().UnixNano()) }
	}
	times := clock.New(o.Clock, o.Passed)
	if o.Leases == nil {
		o.Leases = times.Passed
	}
	return &Provider{
		clock:  times,
		leases: o.Leases,
		state: newStore(provider.Retention{
			Queue: cmp.Or(o.OrphanRetention, provider.OrphanRetention),
			Reply: cmp.Or(o.ReplyRetention, provider.ReplyRetention),
		}),
		watchers: make(map[int]func(provider.Change)),
	}
}

// Name gives "memory" and a version text.
func (p *Provider) Name() (name, version string) { return "memory", "1" }

// Now gives the time of the store.
func (p *Provider) Now() time.Time { return p.clock.Now() }

// Close forgets everything. The second call returns ErrClosed.
func (p *Provider) Close(ctx context.Context) error {
	return p.do(ctx, "close", func(*store) error {
		p.closed = true
		p.state = newStore(provider.Retention{})
		clear(p.watchers)
		return nil
	})
}

// Watch calls changed after each change, on the goroutine that made it.
func (p *Provider) Watch(changed func(provider.Change)) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches++
	number := p.watches
	p.watchers[number] = changed
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, number)
	}
}

// do runs one operation alone, at one moment, and tells the watchers what it changed.
func (p *Provider) do(ctx context.Context, op string, operation func(s *store) error) error {
	change, watchers, err := p.locked(ctx, operation)
	for _, changed := range watchers {
		changed(change)
	}
	if typed, ok := errors.AsType[*provider.Error](err); ok {
		if typed.Op == "" {
			typed.Op = op
		}
		return err
	}
	if err == nil {
		return nil
	}
	return &provider.Error{Op: op, Err: err}
}

func (p *Provider) locked(
	ctx context.Context, operation func(s *store) error,
) (provider.Change, []func(provider.Change), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return provider.Change{}, nil, provider.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return provider.Change{}, nil, err
	}
	s := &p.state
	s.now, s.at, s.change = p.clock.Ms(), p.leases(), provider.Change{}
	if err := operation(s); err != nil {
		return provider.Change{}, nil, err
	}
	var watchers []func(provider.Change)
	if s.changed() {
		for _, changed := range p.watchers {
			watchers = append(watchers, changed)
		}
	}
	return s.change, watchers, nil
}

// store is everything that is stored, and the moment of the running operation.
type store struct {
	// now is the one time, in Unix milliseconds, that the running operation compares with.
	now int64
	// at is how much time has passed by then: leases and sessions are compared with it.
	at time.Duration
	// change collects what the running operation tells the watchers.
	change provider.Change
	// lastID numbers instances, messages, tasks and leases; nothing is numbered twice.
	lastID    uint64
	round     int64 // the highest place that a claim has taken
	instances map[string]*instance
	tasks     map[uint64]*task
	leases    map[provider.LeaseID]time.Duration // the end of each lease
	nodes     map[provider.LeaseID]string        // whose lease it is
	sessions  map[string]*session
	announced map[string]bool // names of activities
	present   map[string]*presence
	defaults  map[string][]byte
	retention provider.Retention
}

func newStore(retention provider.Retention) store {
	return store{
		retention: retention,
		instances: make(map[string]*instance),
		tasks:     make(map[uint64]*task),
		leases:    make(map[provider.LeaseID]time.Duration),
		nodes:     make(map[provider.LeaseID]string),
		sessions:  make(map[string]*session),
		announced: make(map[string]bool),
		present:   make(map[string]*presence),
		defaults:  make(map[string][]byte),
	}
}

func (s *store) nextID() uint64 {
	s.lastID++
	return s.lastID
}

func (s *store) changed() bool {
	return s.change.Work || !s.change.NextDue.IsZero() || len(s.change.Instances) > 0
}

// visible notes that the state that clients wait for may have changed.
func (s *store) visible(instance string) {
	if !slices.Contains(s.change.Instances, instance) {
		s.change.Instances = append(s.change.Instances, instance)
	}
}

// offered notes work that nobody holds and that is due then.
func (s *store) offered(dueMs int64) {
	if dueMs <= s.now {
		s.change.Work = true
		return
	}
	s.change.NextDue = earlier(s.change.NextDue, dueMs)
}

// sortBy sorts in code that all types share: a sorting function for each would be weight in every package,
// for a store that need not be fast.
func sortBy[T any](all []T, compare func(a, b T) int) {
	sort.Slice(all, func(i, j int) bool { return compare(all[i], all[j]) < 0 })
}

// earlier gives the earlier of a time, zero meaning none, and a moment in milliseconds.
func earlier(t time.Time, ms int64) time.Time {
	if due := time.UnixMilli(ms); t.IsZero() || due.Before(t) {
		return due
	}
	return t
}
