package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

func rowOf(ids ...uint64) []byte {
	events := make([]history.Event, len(ids))
	for n, id := range ids {
		events[n] = history.Event{
			ID: id, TimeMs: 1, Engine: "1.0.0", Data: history.ExternalSubscribed{Name: "e"},
		}
	}
	return history.EncodeRow(events)
}

func TestAHistoryOfANewerReleaseIsNotDamaged(t *testing.T) {
	t.Parallel()
	stored := provider.NewHistoryRows(7)
	stored.Add(1, rowOf(1, 2))
	stored.Add(5, append([]byte{31}, rowOf(5)[1:]...))
	events, err := stored.Complete(3, 5)
	require.ErrorIs(t, err, provider.ErrNewer)
	require.NotErrorIs(t, err, provider.ErrCorrupt)
	require.ErrorContains(t, err, "the history of execution 7 cannot be read by this release")
	require.Empty(t, events)
}

func TestAHistoryIsGivenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	type row struct {
		first uint64
		body  []byte
	}
	for name, c := range map[string]struct {
		rows   []row
		events int64
		last   uint64
		want   string
	}{
		"whole":                {[]row{{1, rowOf(1, 2)}, {5, rowOf(5)}}, 3, 5, ""},
		"its end is not known": {[]row{{1, rowOf(1, 2)}, {5, rowOf(5)}}, 3, 0, ""},
		"nothing was written":  {nil, 0, 0, ""},
		"a row is missing":     {[]row{{1, rowOf(1, 2)}}, 3, 0, "3 events were written, and 2 are there"},
		"all is missing":       {nil, 2, 2, "2 events were written, and 0 are there"},
		"there is too much":    {[]row{{1, rowOf(1, 2)}}, 1, 2, "1 events were written, and 2 are there"},
		"another end":          {[]row{{1, rowOf(1, 2)}}, 2, 3, "event 3 was written last, and event 2 is there"},
		"a row is empty":       {[]row{{1, rowOf()}}, 0, 0, "the row of event 1 holds something else"},
		"rows are exchanged":   {[]row{{1, rowOf(5)}, {5, rowOf(1, 2)}}, 3, 0, "the row of event 1 holds something else"},
		"ids go back":          {[]row{{4, rowOf(4)}, {1, rowOf(1)}}, 2, 0, "event 1 follows event 4"},
		"no bytes":             {[]row{{1, nil}}, 1, 1, "decode history row"},
		"bytes are cut":        {[]row{{1, rowOf(1, 2)[:12]}}, 2, 2, "decode history row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := provider.NewHistoryRows(7)
			for _, row := range c.rows {
				stored.Add(row.first, row.body)
			}
			events, err := stored.Complete(c.events, c.last)
			if c.want == "" {
				require.NoError(t, err)
				require.Len(t, events, int(c.events))
				return
			}
			require.ErrorIs(t, err, provider.ErrCorrupt)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "history of execution 7")
			require.Empty(t, events)
		})
	}
}
