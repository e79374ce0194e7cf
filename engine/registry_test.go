package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
)

func registryWith(t *testing.T, name string, versions ...string) *engine.Registry {
	t.Helper()
	g := engine.NewRegistry()
	for _, v := range versions {
		require.NoError(t, g.AddOrchestration(name, v))
	}
	return g
}

func TestVersionsResolve(t *testing.T) {
	t.Parallel()
	g := registryWith(t, "order", "1.0.0", "10.0.0", "11.0.0-beta.1")
	for name, c := range map[string]struct {
		orchestration string
		version       *string
		want          string
		ok            bool
	}{
		"no version takes the highest, pre-releases count": {"order", nil, "11.0.0-beta.1", true},
		"an explicit version is exact":                     {"order", new("1.0.0"), "1.0.0", true},
		"an explicit pre-release is exact":                 {"order", new("11.0.0-beta.1"), "11.0.0-beta.1", true},
		"a version in between is not registered":           {"order", new("2.0.0"), "", false},
		"0.0.0 counts as no version":                       {"order", new("0.0.0"), "11.0.0-beta.1", true},
		"what is no semver is not registered":              {"order", new("latest"), "", false},
		"a short version is not registered":                {"order", new("1"), "", false},
		"an unknown name":                                  {"other", nil, "", false},
		"an unknown name with a version":                   {"other", new("1.0.0"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := g.Resolve(c.orchestration, c.version)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.want, got)
		})
	}
}

func TestWrongVersionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ version, want string }{
		"no version at all": {"", "Version '' is not valid semver"},
		"two parts":         {"1.0", "Version '1.0' is not valid semver"},
		"a leading v":       {"v3.0.0", "Version 'v3.0.0' is not valid semver"},
		"the latest again":  {"2.0.0", "duplicate orchestration registration: order@2.0.0"},
		"an older one again": {
			"1.0.0", "duplicate orchestration registration: order@1.0.0",
		},
		"an older one": {
			"1.5.0",
			"non-monotonic orchestration version for order: 1.5.0 is not later than existing latest 2.0.0",
		},
		"a pre-release of the latest": {
			"2.0.0-rc.1",
			"non-monotonic orchestration version for order: 2.0.0-rc.1 is not later than existing latest 2.0.0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := registryWith(t, "order", "1.0.0", "2.0.0")
			err := g.AddOrchestration("order", c.version)
			var input *engine.InputError
			require.ErrorAs(t, err, &input)
			require.Equal(t, c.want, input.Message)
			latest, ok := g.Resolve("order", nil)
			require.True(t, ok)
			require.Equal(t, "2.0.0", latest)
		})
	}
}

func TestVersionsOfDifferentNamesAreIndependent(t *testing.T) {
	t.Parallel()
	g := registryWith(t, "a", "2.0.0")
	require.NoError(t, g.AddOrchestration("b", "1.0.0"))
	got, ok := g.Resolve("b", nil)
	require.True(t, ok)
	require.Equal(t, "1.0.0", got)
}

func TestActivityNamesAreUniqueAndNotReserved(t *testing.T) {
	t.Parallel()
	g := engine.NewRegistry()
	require.NoError(t, g.AddActivity("charge"))
	require.EqualError(t, g.AddActivity("charge"), "Invalid input: duplicate activity registration: charge")
	require.EqualError(t, g.AddActivity("__duroxide_syscall:new_guid"), "Invalid input: "+
		"activity name '__duroxide_syscall:new_guid' uses reserved prefix '__duroxide_syscall:'")
	require.True(t, g.HasActivity("charge"))
	require.False(t, g.HasActivity("refund"))
	require.False(t, g.HasActivity("__duroxide_syscall:new_guid"))
}
