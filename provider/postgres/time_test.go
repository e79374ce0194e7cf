package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/process"
	"duroxide/provider/providertest"
)

func TestProcessesThatShareASchema(t *testing.T) {
	t.Parallel()
	providertest.RunProcesses(t, func(t *testing.T) providertest.OpenProcess {
		t.Helper()
		o := fresh(t)
		o.MaxConns = 4
		return func(t *testing.T, clock *providertest.Clock, here process.ID) provider.Provider {
			t.Helper()
			o.Clock, o.Passed = clock.Now, clock.Passed
			s, err := postgres.OpenAs(t.Context(), o, here)
			require.NoError(t, err)
			return s
		}
	})
}
