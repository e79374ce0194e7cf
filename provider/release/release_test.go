package release_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/release"
)

func TestAReleaseOpensWhatItIsNotTooOldFor(t *testing.T) {
	t.Parallel()
	s := release.Schema{Place: "a.db", Found: 9, Known: 7, Oldest: "0.3.0"}
	for _, this := range []string{"0.3.0", "0.3.1", "1.0.0-rc.1"} {
		require.Empty(t, s.Refusal(this), this)
	}
	for _, this := range []string{"0.2.9", "0.3.0-rc.1", "0.0.0-unstamped"} {
		require.Equal(t, "a.db was written by a newer version (schema 9, this version knows 7); the oldest "+
			"release that may open it is 0.3.0, and this is "+this, s.Refusal(this))
	}
	require.Contains(t, s.Refusal(""), "and this is one without a number")
	s.Oldest = ""
	require.Equal(t, "a.db was written by a newer version (schema 9, this version knows 7)", s.Refusal("9.9.9"))
}
