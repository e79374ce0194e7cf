package providertest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder stands in for *testing.T and remembers that a case failed.
type recorder struct{ failed bool }

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func (r *recorder) FailNow() {
	r.failed = true
	runtime.Goexit()
}

// fails reports whether a case fails on a store. A panic of a store is a failure too.
func fails(ctx context.Context, c Case, h Harness) bool {
	r := new(recorder)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if recover() != nil {
				r.failed = true
			}
		}()
		k := newKit(ctx, r, h)
		defer func() { _ = h.Provider.Close(ctx) }()
		c.run(k)
	}()
	<-ended
	return r.failed
}

func cases() []Case {
	var all []Case
	for _, theme := range themes() {
		all = append(all, theme.cases...)
	}
	return all
}

func sound() (Harness, *memory.Provider) {
	clock := NewClock()
	p := memory.New(memory.Options{Clock: clock.Now, Passed: clock.Passed})
	return Harness{
		Provider: p, Clock: clock,
		CorruptHistory: func(id string) error { p.CorruptHistory(id); return nil },
		LoseHistory: func(id string, execution, first uint64) error {
			p.LoseHistory(id, execution, first)
			return nil
		},
		CorruptMessages: func(id string) error { p.CorruptMessages(id); return nil },
		CorruptTasks:    func(id string) error { p.CorruptTasks(id); return nil },
		MaxAttempts:     func(id string) (int, error) { return p.MaxAttempts(id), nil },
	}, p
}

func TestTheRecorderSeesNoFailureInASoundStore(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		h, _ := sound()
		if c.missing(h) == "" {
			require.False(t, fails(t.Context(), c, h), c.ID)
		}
	}
}

func TestEachBrokenStoreIsCaught(t *testing.T) {
	t.Parallel()
	for name, wrap := range brokenStores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var caught []string
			for _, c := range cases() {
				// The model finds everything, but says less about it.
				if slices.ContainsFunc(model.cases, func(m Case) bool { return m.Title == c.Title }) ||
					slices.ContainsFunc(wakeups.cases, func(m Case) bool { return m.Title == c.Title }) {
					continue
				}
				// It takes longer than all others together, and looks at nothing but keys.
				if c.ID == "K6" && !strings.Contains(name, "key") {
					continue
				}
				h, p := sound()
				if c.missing(h) != "" {
					continue
				}
				h.Provider = wrap(&broken{Provider: p, clock: h.Clock, last: map[uint64]provider.Token{}})
				if fails(t.Context(), c, h) {
					caught = append(caught, c.ID)
				}
			}
			require.NotEmpty(t, caught, "no case fails on a store that %s", name)
			t.Logf("caught by %v", caught)
		})
	}
}

// broken is a sound store whose operations can be replaced, and what the replacements need.
type broken struct {
	*memory.Provider
	clock *Clock

	// mu lets one replaced operation run at a time.
	mu sync.Mutex
	// last is the newest token of each instance.
	last     map[uint64]provider.Token
	claims   []provider.InstanceClaim
	ends     map[provider.LeaseID]time.Time
	bases    map[string]map[string]provider.Value
	waiting  map[string]bool
	onSubmit func(provider.Submission) ([]provider.Submitted, error)
	onClaim  func(provider.ClaimRequest) (provider.Claimed, error)
	onCommit func(provider.Commit) (provider.Committed, error)
	onDone   func(provider.Completions) ([]provider.Submitted, error)
	onGive   func(provider.Abandonment) (provider.Abandoned, error)
	onRenew  func(provider.Renewal) ([]provider.Token, error)
	onRead   func(provider.Token) (provider.Page, error)
	onLoad   func(string, uint64) (provider.Record, error)
	onEvents func(string, uint64) ([]history.Event, error)
	onDelete func(provider.Deletion) (provider.Deleted, error)
	onPrune  func(string, provider.PruneOptions) (provider.Pruned, error)
	onList   func(provider.ListQuery) ([]string, error)
	onPage   func(*provider.ListQuery)
	onCount  func(*provider.ListQuery, *provider.Grouping)
	onClose  func() error
	onValue  func(string, string) (*string, error)

	onRelease func(string) (int, error)
}

var background = context.Background()

func (b *broken) Submit(
	ctx context.Context, s provider.Submission,
) ([]provider.Submitted, error) {
	if b.onSubmit != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onSubmit(s)
	}
	return b.Provider.Submit(ctx, s)
}

func (b *broken) Claim(
	ctx context.Context, r provider.ClaimRequest,
) (provider.Claimed, error) {
	if b.onClaim != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onClaim(r)
	}
	return b.Provider.Claim(ctx, r)
}

func (b *broken) Pending(ctx context.Context, t provider.Token) (provider.Page, error) {
	if b.onRead != nil {
		return b.onRead(t)
	}
	return b.Provider.Pending(ctx, t)
}

func (b *broken) Commit(ctx context.Context, c provider.Commit) (provider.Committed, error) {
	if b.onCommit != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onCommit(c)
	}
	return b.Provider.Commit(ctx, c)
}

func (b *broken) Complete(
	ctx context.Context, c provider.Completions,
) ([]provider.Submitted, error) {
	if b.onDone != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onDone(c)
	}
	return b.Provider.Complete(ctx, c)
}

func (b *broken) Abandon(
	ctx context.Context, a provider.Abandonment,
) (provider.Abandoned, error) {
	if b.onGive != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onGive(a)
	}
	return b.Provider.Abandon(ctx, a)
}

func (b *broken) Renew(ctx context.Context, r provider.Renewal) ([]provider.Token, error) {
	if b.onRenew != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onRenew(r)
	}
	return b.Provider.Renew(ctx, r)
}

func (b *broken) Load(ctx context.Context, id string, n uint64) (provider.Record, error) {
	if b.onLoad != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onLoad(id, n)
	}
	return b.Provider.Load(ctx, id, n)
}

func (b *broken) History(ctx context.Context, id string, n uint64) ([]history.Event, error) {
	if b.onEvents != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onEvents(id, n)
	}
	return b.Provider.History(ctx, id, n)
}

func (b *broken) Delete(
	ctx context.Context, d provider.Deletion,
) (provider.Deleted, error) {
	if b.onDelete != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onDelete(d)
	}
	return b.Provider.Delete(ctx, d)
}

func (b *broken) Prune(
	ctx context.Context, id string, o provider.PruneOptions,
) (provider.Pruned, error) {
	if b.onPrune != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onPrune(id, o)
	}
	return b.Provider.Prune(ctx, id, o)
}

func (b *broken) List(ctx context.Context, q provider.ListQuery) ([]string, error) {
	if b.onList != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onList(q)
	}
	return b.Provider.List(ctx, q)
}

func (b *broken) Summaries(ctx context.Context, q provider.ListQuery) (provider.SummaryPage, error) {
	if b.onPage != nil {
		b.onPage(&q)
	}
	return b.Provider.Summaries(ctx, q)
}

func (b *broken) Count(ctx context.Context, q provider.ListQuery, by provider.Grouping) (provider.Counted, error) {
	if b.onCount != nil {
		b.onCount(&q, &by)
	}
	return b.Provider.Count(ctx, q, by)
}

func (b *broken) Close(ctx context.Context) error {
	if b.onClose != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onClose()
	}
	return b.Provider.Close(ctx)
}

func (b *broken) Value(ctx context.Context, id, key string) (*string, error) {
	if b.onValue != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onValue(id, key)
	}
	return b.Provider.Value(ctx, id, key)
}

func (b *broken) ReleaseSessions(ctx context.Context, owner string) (int, error) {
	if b.onRelease != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.onRelease(owner)
	}
	return b.Provider.ReleaseSessions(ctx, owner)
}

// claimAll claims everything that is free and remembers it.
func (b *broken) claimAll(r provider.ClaimRequest) (provider.Claimed, error) {
	claimed, err := b.Provider.Claim(background, r)
	for _, claim := range claimed.Instances {
		b.last[claim.Token.Key] = claim.Token
		b.claims = append(b.claims, claim)
	}
	return claimed, err
}

type breaker func(b *broken) provider.Provider

// changed makes a store that changes what a commit asks for.
func changed(change func(b *broken, c *provider.Commit)) breaker {
	return func(b *broken) provider.Provider {
		b.onCommit = func(c provider.Commit) (provider.Committed, error) {
			change(b, &c)
			return b.Provider.Commit(background, c)
		}
		return b
	}
}

// asked makes a store that changes what a claim asks for.
func asked(change func(r *provider.ClaimRequest)) breaker {
	return func(b *broken) provider.Provider {
		b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
			change(&r)
			return b.Provider.Claim(background, r)
		}
		return b
	}
}

// answered makes a store that changes what a claim gives.
func answered(change func(c *provider.Claimed)) breaker {
	return func(b *broken) provider.Provider {
		b.onClaim = func(r provider.ClaimRequest) (provider.Claimed, error) {
			claimed, err := b.Provider.Claim(background, r)
			change(&claimed)
			return claimed, err
		}
		return b
	}
}

// claimsOf gives no more than the claims of instances that are wanted for what the holder serves.
func claimsOf(
	b *broken, wanted func(*provider.Serves, *provider.InstanceClaim) bool,
) func(provider.ClaimRequest) (provider.Claimed, error) {
	return func(r provider.ClaimRequest) (provider.Claimed, error) {
		claimed, err := b.Provider.Claim(background, r)
		claimed.Instances = slices.DeleteFunc(claimed.Instances, func(c provider.InstanceClaim) bool {
			return !wanted(r.Turns.Serves, &c)
		})
		return claimed, err
	}
}

func mapped(from, to error) breaker {
	return func(b *broken) provider.Provider {
		b.onCommit = func(c provider.Commit) (provider.Committed, error) {
			result, err := b.Provider.Commit(background, c)
			if errors.Is(err, from) {
				err = &provider.Error{Op: "commit", Err: to}
			}
			return result, err
		}
		return b
	}
}

var errOther = errors.New("another error")
