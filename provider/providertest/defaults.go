package providertest

import "github.com/stretchr/testify/require"

var defaults = theme{"defaults", "defaults.go", []Case{
	{ID: "P250", Title: "what starts take is kept by orchestration until it is forgotten", run: keptDefaults},
}}

func keptDefaults(k *kit) {
	all := func() map[string][]byte {
		found, err := k.Provider.Defaults(k.ctx)
		require.NoError(k, err)
		return found
	}
	set := func(name string, body []byte) { require.NoError(k, k.Provider.SetDefault(k.ctx, name, body)) }
	require.Empty(k, all())
	set("A", []byte("\x00one"))
	set("B", []byte("two"))
	set("A", []byte("three"))
	require.Equal(k, map[string][]byte{"A": []byte("three"), "B": []byte("two")}, all())
	set("B", nil)
	set("nobody", nil)
	require.Equal(k, map[string][]byte{"A": []byte("three")}, all())
}
