package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/process"
)

var presence = theme{"presence", "presence.go", []Case{
	{ID: "P220", Title: "runtimes are listed from when they join until they leave, with what they said last", run: joinsAndLeaves},
	{ID: "P221", Title: "a renewal carries what a runtime says of its load", run: carriedLoad},
	{ID: "P222", Title: "a sweep leaves runtimes alone that live, however quiet they are", run: sweptRuntimes},
}}

func (k *kit) runtimes() map[string]provider.Presence {
	k.Helper()
	all, err := k.Provider.Runtimes(k.ctx)
	require.NoError(k, err)
	byNode := map[string]provider.Presence{}
	for _, p := range all {
		byNode[p.Node] = p
	}
	require.Len(k, byNode, len(all))
	return byNode
}

func joinsAndLeaves(k *kit) {
	require.Empty(k, k.runtimes())
	began := k.Clock.Now()
	require.NoError(k, k.Provider.Join(k.ctx, "a", []byte("\x00one")))
	require.NoError(k, k.Provider.Join(k.ctx, "b", []byte("two")))
	k.Clock.Advance(time.Second)
	require.NoError(k, k.Provider.Join(k.ctx, "a", []byte("three")))
	all := k.runtimes()
	require.Len(k, all, 2)
	require.Equal(k, "three", string(all["a"].Body))
	require.Equal(k, "two", string(all["b"].Body))
	require.Nil(k, all["a"].Load)
	require.Equal(k, began.UnixMilli(), all["a"].Started.UnixMilli())
	require.Equal(k, began.Add(time.Second).UnixMilli(), all["a"].Seen.UnixMilli())
	require.NoError(k, k.Provider.Leave(k.ctx, "a"))
	require.NoError(k, k.Provider.Leave(k.ctx, "a"))
	require.NoError(k, k.Provider.Leave(k.ctx, "never"))
	require.Len(k, k.runtimes(), 1)
}

func carriedLoad(k *kit) {
	require.NoError(k, k.Provider.Join(k.ctx, "a", []byte("one")))
	k.submit(start("X"))
	claim := k.fetch("X")
	k.Clock.Advance(time.Second)
	for _, node := range []string{"a", "nobody"} {
		_, err := k.Provider.Renew(k.ctx, provider.Renewal{
			Lease: claim.Token.Lease, Extend: long, Load: &provider.Load{Node: node, Body: []byte("busy")},
		})
		require.NoError(k, err)
	}
	all := k.runtimes()
	require.Len(k, all, 1)
	require.Equal(k, "busy", string(all["a"].Load))
	require.Equal(k, k.Clock.Now().UnixMilli(), all["a"].Seen.UnixMilli())
	require.NoError(k, k.Provider.Join(k.ctx, "a", []byte("two")))
	require.Equal(k, "busy", string(k.runtimes()["a"].Load))
}

func sweptRuntimes(k *kit) {
	require.NoError(k, k.Provider.SweepRuntimes(k.ctx))
	require.NoError(k, k.Provider.Join(k.ctx, "a", []byte("one")))
	require.NoError(k, k.Provider.Join(k.ctx, "b", []byte("one")))
	require.NoError(k, k.Provider.Leave(k.ctx, "b"))
	k.Clock.Advance(24 * time.Hour)
	require.NoError(k, k.Provider.SweepRuntimes(k.ctx))
	require.Len(k, k.runtimes(), 1)
}

// present lists who lives by a store.
func (p *processes) present(s provider.Provider) []string {
	p.t.Helper()
	all, err := s.Runtimes(p.t.Context())
	require.NoError(p.t, err)
	nodes := []string{}
	for _, r := range all {
		nodes = append(nodes, r.Node)
	}
	return nodes
}

func livingRuntime(t *testing.T, p *processes) {
	t.Helper()
	here := known(t)
	other := p.open(p.two, here)
	require.NoError(t, p.open(p.one, here).Join(t.Context(), "lives", []byte("1")))
	dead := p.open(p.one, process.ID{Host: here.Host, PID: 1 << 40, Start: 1})
	require.NoError(t, dead.Join(t.Context(), "dead", []byte("2")))
	require.Equal(t, []string{"lives"}, p.present(other))
	p.pass(day)
	require.NoError(t, other.SweepRuntimes(t.Context()))
	require.Equal(t, []string{"lives"}, p.present(other))
}

func farRuntime(t *testing.T, p *processes) {
	t.Helper()
	quiet, other := p.open(p.one, far("one")), p.open(p.two, far("two"))
	require.NoError(t, quiet.Join(t.Context(), "quiet", []byte("1")))
	require.Equal(t, []string{"quiet"}, p.present(other))
	for range 10 {
		p.pass(provider.SignOfLife)
		require.NoError(t, other.SweepRuntimes(t.Context()))
		require.NoError(t, quiet.SweepRuntimes(t.Context()))
		require.Equal(t, []string{"quiet"}, p.present(other))
	}
	require.NoError(t, quiet.Close(context.Background()))
	p.pass(day)
	require.Eventually(t, func() bool { return len(p.present(other)) == 0 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, other.SweepRuntimes(t.Context()))
}
