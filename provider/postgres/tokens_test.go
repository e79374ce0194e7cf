package postgres

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"
)

// issuer counts the tokens that it gives, each with the life that comes next.
type issuer struct {
	start time.Time
	lives []time.Duration
	at    []time.Duration
}

func (i *issuer) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	now := time.Now()
	i.at = append(i.at, now.Sub(i.start))
	if len(i.lives) == 0 {
		return azcore.AccessToken{}, errors.New("no tokens")
	}
	life := i.lives[0]
	i.lives = i.lives[1:]
	if life == 0 {
		panic("no tokens")
	}
	return azcore.AccessToken{Token: "t", ExpiresOn: now.Add(life)}, nil
}

// pass lets time pass on the clock of a synctest, which takes none.
func pass(d time.Duration) { <-time.After(d) }

func TestTokensAreRenewedInTime(t *testing.T) {
	t.Parallel()
	const half = 30 * time.Second
	for name, c := range map[string]struct {
		ceiling time.Duration
		lives   []time.Duration
		want    []time.Duration
	}{
		"long lives": {
			0,
			[]time.Duration{time.Hour, time.Hour, time.Hour},
			[]time.Duration{0, 20 * time.Minute, 40 * time.Minute, 60 * time.Minute, 60*time.Minute + half},
		},
		"five minutes before the end": {
			time.Hour,
			[]time.Duration{35 * time.Minute, 65 * time.Minute},
			[]time.Duration{0, 30 * time.Minute, 90 * time.Minute, 90*time.Minute + half},
		},
		"never more often than each half minute": {
			time.Second,
			[]time.Duration{time.Hour, 5*time.Minute + time.Second, time.Hour},
			[]time.Duration{0, half, time.Minute, 90 * time.Second, 2 * time.Minute},
		},
		"after a panic, and after a token that is too short": {
			0,
			[]time.Duration{time.Hour, 0, 5 * time.Minute, time.Hour},
			[]time.Duration{0, 20 * time.Minute, 20*time.Minute + half, 21 * time.Minute, 41 * time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{start: time.Now(), lives: c.lives}
				tokens, err := newTokens(
					&Entra{Credential: i, Refresh: c.ceiling}, slog.New(slog.DiscardHandler))
				require.NoError(t, err)
				require.NoError(t, tokens.renew(t.Context()))
				ctx, stop := context.WithCancel(t.Context())
				go tokens.run(ctx)
				pass(c.want[len(c.want)-1] + time.Second)
				stop()
				synctest.Wait()
				require.Equal(t, c.want, i.at)
			})
		})
	}
}

func TestATokenServesToItsEndWhereThereIsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{lives: []time.Duration{time.Hour}}
		tokens, err := newTokens(&Entra{Credential: i}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.NoError(t, tokens.renew(t.Context()))
		for _, passed := range []time.Duration{54 * time.Minute, 5 * time.Minute} {
			pass(passed)
			password, err := tokens.password(t.Context())
			require.NoError(t, err)
			require.Equal(t, "t", password)
		}
		pass(time.Minute)
		_, err = tokens.password(t.Context())
		require.ErrorContains(t, err, "could not be renewed")
		require.True(t, isConnection(err), "the call is repeated")
	})
}
