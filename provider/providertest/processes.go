package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/process"
)

// OpenProcess opens one store as a process with a clock of its own. Nothing is known of processes
// without a host.
type OpenProcess func(t *testing.T, clock *Clock, here process.ID) provider.Provider

// RunProcesses checks when a process takes what another one holds. share gives a fresh store that
// several processes open.
func RunProcesses(t *testing.T, share func(t *testing.T) OpenProcess) {
	t.Helper()
	for name, run := range map[string]func(t *testing.T, p *processes){
		"a lease of a living process is taken one length after its end":            livingHolder,
		"a lease of a living process is kept whatever happens to the clock":        steppedClock,
		"a lease of a dead process is taken at once":                               deadHolder,
		"a lease of another machine is taken when it is over":                      farHolder,
		"a lease that is renewed is not taken by a process whose clock is another": clocksApart,
		"a process that starts believes what it finds":                             newcomer,
		"a runtime is there as long as its process lives":                          livingRuntime,
		"a runtime of another machine is there until it is silent":                 farRuntime,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, among(t, share))
		})
	}
}

// processes are two of them on one store.
type processes struct {
	t        *testing.T
	share    func(t *testing.T) OpenProcess
	process  OpenProcess
	one, two *Clock
}

// among gives processes on a fresh store.
func among(t *testing.T, share func(t *testing.T) OpenProcess) *processes {
	t.Helper()
	return &processes{t: t, share: share, process: share(t), one: NewClock(), two: NewClock()}
}

// open opens the store as a process, which ends with the test.
func (p *processes) open(clock *Clock, here process.ID) provider.Provider {
	p.t.Helper()
	s := p.process(p.t, clock, here)
	p.t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// pass lets time pass for both.
func (p *processes) pass(d time.Duration) {
	p.one.Advance(d)
	p.two.Advance(d)
}

// holds starts an instance and claims it for a node.
func (p *processes) holds(s provider.Provider) provider.LeaseID {
	p.t.Helper()
	m := start("X")
	m.DueMs = 1 // by whatever clock
	sent, err := s.Submit(p.t.Context(), provider.Submission{
		Messages: []provider.Message{m}, Claim: &provider.Holder{Node: "holder", TTL: short},
	})
	require.NoError(p.t, err)
	require.NotNil(p.t, sent[0].Claim)
	return sent[0].Claim.Token.Lease
}

// taken reports whether another node can take the instance.
func (p *processes) taken(s provider.Provider) bool {
	p.t.Helper()
	claimed, err := s.Claim(p.t.Context(), provider.ClaimRequest{
		Turns: &provider.Holder{Node: "another node", TTL: short}, MaxTurns: 9,
	})
	require.NoError(p.t, err)
	return len(claimed.Instances) == 1
}

func (p *processes) renewed(s provider.Provider, lease provider.LeaseID) {
	p.t.Helper()
	_, err := s.Renew(p.t.Context(), provider.Renewal{Lease: lease, Extend: short})
	require.NoError(p.t, err)
}

// known gives this process, or skips where nothing is known of it.
func known(t *testing.T) process.ID {
	t.Helper()
	here := process.This()
	if here.Host == "" {
		t.Skip("this machine does not tell whether a process lives")
	}
	return here
}

func far(name string) process.ID { return process.ID{Host: name, PID: 1, Start: 1} }

func livingHolder(t *testing.T, p *processes) {
	t.Helper()
	here := known(t)
	holder, other := p.open(p.one, here), p.open(p.two, here)
	p.holds(holder)
	require.False(t, p.taken(other))
	p.pass(short)
	require.False(t, p.taken(other), "it is over, and that is seen for the first time")
	p.pass(short - time.Millisecond)
	require.False(t, p.taken(other))
	p.pass(time.Millisecond)
	require.True(t, p.taken(other))
}

func steppedClock(t *testing.T, p *processes) {
	t.Helper()
	for _, owner := range []process.ID{process.This(), far("one")} {
		p := among(t, p.share)
		holder, other := p.open(p.one, owner), p.open(p.two, process.This())
		lease := p.holds(holder)
		for _, step := range []time.Duration{day, -2 * day, 0} {
			require.False(t, p.taken(other))
			p.pass(short / 3)
			p.one.Set(step)
			p.two.Set(step)
			for range 10 {
				require.False(t, p.taken(other))
				p.renewed(holder, lease)
				p.pass(short / 3)
			}
		}
	}
}

func deadHolder(t *testing.T, p *processes) {
	t.Helper()
	here := known(t)
	other := p.open(p.two, here)
	p.holds(p.open(p.one, process.ID{Host: here.Host, PID: 1 << 40, Start: 1}))
	if !p.taken(other) { // A store may have to see the lease first.
		require.True(t, p.taken(other))
	}
}

func farHolder(t *testing.T, p *processes) {
	t.Helper()
	holder, other := p.open(p.one, far("one")), p.open(p.two, far("two"))
	p.holds(holder)
	require.False(t, p.taken(other))
	p.pass(short - time.Millisecond)
	require.False(t, p.taken(other))
	p.pass(time.Millisecond)
	require.True(t, p.taken(other))
}

func clocksApart(t *testing.T, p *processes) {
	t.Helper()
	for _, by := range []time.Duration{day, -day} {
		p := among(t, p.share)
		p.two.Set(by)
		holder, other := p.open(p.one, far("one")), p.open(p.two, far("two"))
		lease := p.holds(holder)
		for range 20 {
			require.False(t, p.taken(other))
			p.pass(short / 3)
			p.renewed(holder, lease)
		}
		require.False(t, p.taken(other))
		p.pass(short)
		require.True(t, p.taken(other), "nobody renews it any more")
	}
}

func newcomer(t *testing.T, p *processes) {
	t.Helper()
	p.holds(p.open(p.one, far("one")))
	p.pass(short - time.Millisecond)
	second := p.open(p.two, far("two"))
	require.False(t, p.taken(second))
	p.pass(time.Millisecond)
	require.True(t, p.taken(second), "it need not see the whole lease pass")
}
