package sqlite

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

func TestStatementsHaveTheKindsOfTheContract(t *testing.T) {
	t.Parallel()
	begin := fmt.Sprintf("(%d, %d", provider.StartInstance, provider.ContinueInstance)
	require.Equal(t, starts, begin+")")
	require.Equal(t, firsts, fmt.Sprintf("%s, %d)", begin, provider.CancelInstance))
	require.Equal(t, timers, fmt.Sprintf("%d", provider.TimerDue))
	require.Equal(t, inputs, fmt.Sprintf("(%d, %d, %d)", provider.EventRaised, provider.QueueEvent, provider.PromiseSettled))
	require.Equal(t, ends, fmt.Sprintf("(%d)", provider.CancelInstance))
}
