package provider_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

func TestARowThatCannotBeReadIsTriedForAnHour(t *testing.T) {
	t.Parallel()
	tried, row := time.Duration(0), provider.UnreadableRow(errors.New("bad"), 0)
	require.Equal(t, 1, row.Tries)
	for !row.IsFinal() {
		require.LessOrEqual(t, row.Pause(), time.Minute)
		tried += row.Pause()
		row = provider.UnreadableRow(errors.New("bad"), row.Tries)
	}
	require.GreaterOrEqual(t, tried, time.Hour)
	require.Less(t, tried, 2*time.Hour)
	require.False(t, provider.UnreadableRow(provider.ErrNewer, 1_000_000).IsFinal(), "somebody can read it")
}
