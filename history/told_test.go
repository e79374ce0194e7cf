package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
)

func TestWhatIsToldOfAFailureHasItsKindAsAField(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]history.Failure{
		`{"kind":"application","activity":"a","thrown":{"name":"E"}}`: {
			Category: history.Application, Kind: history.ActivityFailedKind, ActivityName: "a",
			Message: "canceled: says the code", Details: `{"name":"E"}`,
		},
		`{"kind":"application"}`: {Category: history.Application, Details: "no JSON"},
		`{"kind":"limit"}`:       {Category: history.Application, Limit: true},
		`{"kind":"cancelled","reason":"r"}`: {
			Category: history.Application, Kind: history.CancelledKind, Reason: "r",
		},
		`{"kind":"terminated","reason":"r"}`: {
			Category: history.Application, Kind: history.TerminatedKind, Reason: "r",
		},
		`{"kind":"nondeterminism"}`: {Category: history.Configuration, Kind: history.NondeterminismKind},
		`{"kind":"infrastructure","operation":"o","retryable":true}`: {
			Category: history.Infrastructure, Operation: "o", Retryable: true,
		},
		`{"kind":"poison","activity":"a","attempts":10}`: {
			Category: history.Poison, Kind: history.PoisonActivityKind, ActivityName: "a", Attempts: 11,
			MaxAttempts: 10,
		},
	} {
		require.Equal(t, want, f.Told().String())
	}
}
