// Package providertest is the conformance suite of the storage contract. A store's own test calls
// Run; every store passes every case. The cases know only the contract, move time by hand, and
// wait for nothing. Their ids are those of docs/conformance.md.
package providertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"duroxide/provider"
)

// Row is a row that belongs to an instance.
type Row string

// The rows that a committed instance must have.
const (
	ColdRow      Row = "details"
	ExecutionRow Row = "executions"
)

// Harness is one empty, isolated store and what the suite needs besides the contract.
type Harness struct {
	// Provider is the store. The suite closes it at the end of a case.
	Provider provider.Provider
	// Clock is the store's only source of time: of what it shows, and of how much time passes.
	Clock *Clock
	// CorruptHistory makes all stored events of an instance undecodable.
	CorruptHistory func(instance string) error
	// LoseHistory removes the stored row of an execution that begins with an event, and leaves
	// everything else as it is; nil leaves out the cases that need it.
	LoseHistory func(instance string, execution, first uint64) error
	// LoseRow removes the cold row of an instance, or that of its current execution; nil leaves out the
	// cases that need it.
	LoseRow func(instance string, row Row) error
	// MaxAttempts gives the highest number of attempts over the messages of an instance, with the
	// running claim counted.
	MaxAttempts func(instance string) (int, error)
	// CorruptMessages and CorruptTasks make the stored messages and tasks of an instance
	// undecodable; nil leaves out the cases that need them.
	CorruptMessages func(instance string) error
	CorruptTasks    func(instance string) error
	// Reopen closes the store and opens it again on what it stored; nil for stores that forget.
	Reopen func() (provider.Provider, error)
}

// Clock is a time that stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	passed time.Duration
}

// NewClock gives a clock at some fixed moment.
func NewClock() *Clock { return &Clock{now: time.UnixMilli(1_800_000_000_000)} }

// Now gives the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Passed gives the time that has passed, whatever the clock shows.
func (c *Clock) Passed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.passed = c.now.Add(d), c.passed+d
}

// Set changes what the clock shows, as somebody does who sets it. No time passes.
func (c *Clock) Set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// T is the part of *testing.T that cases use, so that a recorder can stand in for it.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// Case is one rule of the contract and the code that checks it.
type Case struct {
	// ID holds one or more ids, separated by spaces.
	ID string
	// Title is a sentence that a broken store makes false.
	Title string
	run   func(k *kit)
	needs need
}

// need says which optional parts of the harness a case uses.
type need uint8

const (
	needMessages need = 1 << iota
	needTasks
	needReopen
	needLoss
	needRowLoss
)

// missing says why a case cannot run on a harness; "" means that it can.
func (c Case) missing(h Harness) string {
	switch {
	case c.needs&needMessages != 0 && h.CorruptMessages == nil:
		return "the harness cannot corrupt messages"
	case c.needs&needTasks != 0 && h.CorruptTasks == nil:
		return "the harness cannot corrupt tasks"
	case c.needs&needReopen != 0 && h.Reopen == nil:
		return "the store does not keep anything"
	case c.needs&needLoss != 0 && h.LoseHistory == nil,
		c.needs&needRowLoss != 0 && h.LoseRow == nil:
		return "the harness cannot lose a part of a history"
	default:
		return ""
	}
}

// Run checks a store against the whole contract. open gives a fresh store for each case; cases run
// in parallel.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, theme := range themes() {
		t.Run(theme.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range theme.cases {
				t.Run(c.ID+" "+c.Title, func(t *testing.T) {
					t.Parallel()
					h := open(t)
					k := newKit(t.Context(), t, h)
					t.Cleanup(k.close)
					if reason := c.missing(h); reason != "" {
						t.Skip(reason)
					}
					c.run(k)
				})
			}
		})
	}
}

// theme is one file of cases.
type theme struct {
	name  string
	file  string
	cases []Case
}

// kit is what a case works with: the harness, the place for failures, and short helpers.
type kit struct {
	T
	Harness
	ctx   context.Context
	nodes *atomic.Uint64
}

func newKit(ctx context.Context, t T, h Harness) *kit {
	return &kit{T: t, Harness: h, ctx: ctx, nodes: new(atomic.Uint64)}
}

// close closes the store; cases that closed it themselves get ErrClosed here, which is right.
func (k *kit) close() {
	_ = k.Provider.Close(context.WithoutCancel(k.ctx))
}
