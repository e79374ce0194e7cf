package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
	"duroxide/provider/providertest"
)

func benchStore(b *testing.B) *postgres.Store {
	b.Helper()
	url := pgtest.URL(b)
	s, err := postgres.Open(b.Context(), postgres.Options{URL: url, Schema: pgtest.Schema(b, url)})
	require.NoError(b, err)
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func BenchmarkStep(b *testing.B) {
	s := benchStore(b)
	c, err := providertest.NewChain(b.Context(), s, "chain")
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, c.Step(b.Context()))
	}
}

// BenchmarkInstances runs instances of one activity each: three commits.
func BenchmarkInstances(b *testing.B) {
	for _, flight := range []int{1, 64} {
		b.Run(fmt.Sprint(flight, " in flight"), func(b *testing.B) {
			s := benchStore(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			for range flight {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						c, err := providertest.NewChain(b.Context(), s, fmt.Sprint("i", n))
						if err == nil {
							err = c.End(b.Context())
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
