package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
)

// Whoever has made up a token, or has an old one, changes nothing and ends nobody.
func TestATokenOfNoPromiseChangesNothing(t *testing.T) {
	t.Parallel()
	x := replay.Start(params, 1000)
	_, err := x.Apply([]replay.Action{
		{Kind: replay.Timer, Token: 1, DelayMs: 5}, {Kind: replay.MakePromise, Token: 2},
	}, 1000)
	require.NoError(t, err)
	settled := replay.Arrival{Kind: replay.PromiseSettled, Execution: params.Execution, Source: 2, Data: "1"}
	for name, change := range map[string]func(a *replay.Arrival){
		"of a timer":            func(a *replay.Arrival) { a.Source = 1 },
		"of what is not there":  func(a *replay.Arrival) { a.Source = 99 },
		"of another execution":  func(a *replay.Arrival) { a.Execution++ },
		"of an event's number":  func(a *replay.Arrival) { a.Source = 3 },
		"of no number whatever": func(a *replay.Arrival) { a.Source = 0 },
	} {
		made := settled
		change(&made)
		before := x.LastEvent()
		_, ok := x.Peek(made, 1001)
		require.False(t, ok, name)
		_, ok = x.PeekInput(made, 1001)
		require.False(t, ok, name)
		_, ok, err = x.Accept(made, 1001)
		require.NoError(t, err, name)
		require.False(t, ok, name)
		require.Equal(t, before, x.LastEvent(), name)
	}
	d, ok, err := x.Accept(settled, 1002)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, replay.Delivery{Token: 2, OK: true, Value: "1", TimeMs: 1002}, d)
	_, ok, err = x.Accept(settled, 1003)
	require.NoError(t, err)
	require.False(t, ok, "once")
	require.Equal(t, 1, x.Open())
}
