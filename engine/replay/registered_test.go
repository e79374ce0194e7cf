package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// What code does not say of how an activity is run may have been another at the time; what it says is compared.
func TestRegisteredOptionsAreNotCompared(t *testing.T) {
	t.Parallel()
	said, other, tag := `{"maxAttempts":3}`, `{"maxAttempts":4}`, "t"
	registered := `{"maxAttempts":5,"registered":true}`
	runs := func(policy, tag *string) code {
		return one(func(c *context) {
			c.ask(replay.Action{Kind: replay.Activity, Name: "a", Input: "1", Value: policy, Tag: tag})
		})
	}
	for name, c := range map[string]struct {
		before, after code
		diverges      bool
	}{
		"the same":         {runs(&said, nil), runs(&said, nil), false},
		"another policy":   {runs(&said, nil), runs(&other, nil), true},
		"another tag":      {runs(&said, nil), runs(&said, &tag), true},
		"registered then":  {runs(&registered, nil), runs(&other, &tag), false},
		"registered never": {runs(&registered, &tag), runs(nil, nil), false},
		"registered now":   {runs(nil, nil), runs(&registered, &tag), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, c.before, under(history.NewestRules, true))
			err := s.upgrade(c.after)
			if c.diverges {
				_ = divergence(t, err)
			} else {
				require.NoError(t, err)
			}
		})
	}
}
