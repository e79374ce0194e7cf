package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
)

func TestAnUnknownLifeFitsEveryOther(t *testing.T) {
	t.Parallel()
	one, other, unknown := history.Life{1}, history.Life{2}, history.Life{}
	require.True(t, one.Fits(one))
	require.False(t, one.Fits(other))
	require.True(t, one.Fits(unknown))
	require.True(t, unknown.Fits(one))
	require.Empty(t, unknown.String())
	require.Equal(t, "01000000000000000000000000000000", one.String())
}

func TestALifeIsDerivedFromItsStarterAndANumber(t *testing.T) {
	t.Parallel()
	one := history.Life{1}
	require.NotEqual(t, one.Started(1), one.Started(2))
	require.NotEqual(t, one.Started(1), history.Life{2}.Started(1))
	// Stored children are known again by this value, so that it may never change.
	require.Equal(t, "1a674ec568e384bafef958bd300edbc1", one.Started(1).String())
}

func TestALinkNamesAPlaceAndALife(t *testing.T) {
	t.Parallel()
	link := history.Parent{Instance: "p", Execution: 1, Event: 2, Life: history.Life{1}}
	same, old, other := link, link, link
	old.Life, other.Life = history.Life{}, history.Life{2}
	require.True(t, link.Is(same))
	require.True(t, link.Is(old))
	require.False(t, link.Is(other))
	other = link
	other.Event = 3
	require.False(t, link.Is(other))
}

func TestALifeIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, l := range []history.Life{{}, {1, 2, 255}, {15: 1}} {
		got, ok := history.ParseLife(l.String())
		require.True(t, ok)
		require.Equal(t, l, got)
	}
	for _, wrong := range []string{"a", "zz020000000000000000000000000000", history.Life{1}.String() + "00"} {
		_, ok := history.ParseLife(wrong)
		require.False(t, ok, wrong)
	}
}
