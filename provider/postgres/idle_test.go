package postgres_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
)

func TestAStoreThatIsNotUsedKeepsTheListeningConnectionOnly(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	other := open(t, o)
	name := "idle of " + o.Schema
	o.URL += "&application_name=" + url.QueryEscape(name)
	s := open(t, postgres.WithIdle(o, 200*time.Millisecond))
	require.Eventually(t, s.IsListening, hangs, time.Millisecond)
	var calls sync.WaitGroup
	for n := range 100 {
		calls.Go(func() { submit(t, s, start(fmt.Sprint("i", n)), nil) })
	}
	calls.Wait()
	require.Eventually(t, func() bool {
		found, err := other.Number(t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, name)
		return err == nil && found == 1
	}, hangs, 10*time.Millisecond)
	require.True(t, s.IsListening())
	submit(t, s, start("later"), nil)
}
