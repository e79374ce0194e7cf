package postgres_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// faults are what the network does while nodes work.
var faults = []struct {
	name  string
	fault fault
	// enough says when the network has done its worst.
	enough func(p *proxy, ended int64) bool
}{
	{"connections are cut", cutting, func(p *proxy, ended int64) bool {
		return p.hits.Load() >= 15 && ended >= 4*callers
	}},
	{"answers are lost", losingAnswers, func(p *proxy, ended int64) bool {
		return p.hits.Load() >= 30 && ended >= 4*callers
	}},
	{"packets are late", delaying, func(_ *proxy, ended int64) bool { return ended >= 4*callers }},
	{"nothing arrives", swallowing, func(p *proxy, _ int64) bool { return p.hits.Load() >= 10 }},
	{"calls are not answered", swallowingAnswers, func(p *proxy, _ int64) bool {
		return p.hits.Load() >= 4
	}},
}

// Two nodes on one schema, with a network between them and the server that has each of the faults.
func TestNoInstanceFailsWhile(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p, through := newProxy(t, direct)
			o := postgres.Options{URL: direct, Schema: pgtest.Schema(t, direct), MaxConns: 4}
			via := o
			via.URL = through
			n := startNodes(t, open(t, via), open(t, via))
			n.work(t, o, func(ended *atomic.Int64) {
				reached(t, ended, callers)
				// What fails here is to be seen, and stores cannot close behind such a network.
				defer p.set(noFault)
				p.set(f.fault)
				require.Eventually(t, func() bool { return f.enough(p, ended.Load()) },
					hangs, time.Millisecond)
				p.set(noFault)
				reached(t, ended, ended.Load()+2*callers)
			})
			t.Log("connections hit:", p.hits.Load())
		})
	}
}

func TestNothingIsLostOrDoubledWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	p, through := newProxy(t, direct)
	o := postgres.Options{URL: through, Schema: pgtest.Schema(t, direct), MaxConns: 2}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	traffic(t, stores, func(steps *atomic.Int64) {
		defer p.set(noFault)
		p.set(cutting)
		reached(t, steps, 150)
		p.set(losingAnswers)
		reached(t, steps, 300)
	})
	require.Positive(t, p.hits.Load())
	t.Log("connections cut:", p.hits.Load())
}
