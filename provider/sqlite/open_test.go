package sqlite_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/sqlite"
)

func TestManyMakeOneFileAtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := file(t)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
				require.NoError(t, err)
				require.NoError(t, s.Close(context.Background()))
			})
		}
		for range 2 {
			group.Go(func() { require.Equal(t, "ok", asked(t, path, "PRAGMA integrity_check")) })
		}
		group.Wait()
	}
}
