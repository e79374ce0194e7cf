package providertest

import (
	"strings"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var values = theme{"values", "values.go", []Case{
	{ID: "C172 C173 C174 C175 C176", Title: "each change of the custom status raises its version by one", run: customStatus},
	{ID: "C177 C178", Title: "an instance without a custom status has version zero", run: noCustomStatus},
	{ID: "C189 C190", Title: "a value is set and overwritten", run: setAndOverwrite},
	{ID: "C191 C192 C204", Title: "one key or all keys are cleared", run: clearKeys},
	{ID: "C193 C205", Title: "an unknown key or instance has no value", run: unknownKey},
	{ID: "C194 C195 C196 C210", Title: "the end of an execution makes its values the base", run: baseAtEnd},
	{ID: "C197 C198 C200 C201 C223", Title: "values outlive the executions that set them", run: outliveExecutions},
	{ID: "C199", Title: "a key is set, cleared and set again over executions", run: setClearSet},
	{ID: "C202 C214", Title: "instances have values of their own", run: ownValues},
	{ID: "C203 C213 C222", Title: "deletion removes all values", run: deleteValues},
	{ID: "C206 C219", Title: "clearing all keys keeps what is set after it", run: clearThenSet},
	{ID: "C207 C208 C209", Title: "keys and values are any text", run: anyText},
	{ID: "C211 C215 C216 C221", Title: "the base is that of the execution's start", run: baseAtStart},
	{ID: "C212", Title: "prune leaves values alone", run: pruneValues},
	{ID: "C217 C218 C220", Title: "changes hide the base until they are merged", run: overBase},
	{ID: "P39", Title: "the time of a value comes back", run: valueTime},
}}

func set(key, value string) provider.ValueChange {
	return provider.ValueChange{Key: key, Value: &value, UpdatedAtMs: 1}
}

func unset(key string) provider.ValueChange { return provider.ValueChange{Key: key} }

func store(changes ...provider.ValueChange) func(*provider.Commit) {
	return func(c *provider.Commit) { c.Values = append(c.Values, changes...) }
}

var clearAll = provider.ValueChange{All: true}

// live requires the live values, asked for one by one and all together.
func (k *kit) live(id string, want map[string]string) {
	k.Helper()
	all, err := k.Provider.Values(k.ctx, id)
	require.NoError(k, err)
	require.Len(k, all, len(want))
	for key, value := range want {
		require.Equal(k, value, all[key], "key %q", key)
		one, err := k.Provider.Value(k.ctx, id, key)
		require.NoError(k, err)
		require.NotNil(k, one, "key %q", key)
		require.Equal(k, value, *one)
	}
}

// base requires the values that an execution starts from.
func (k *kit) base(id string, execution uint64, want map[string]string) {
	k.Helper()
	record, err := k.Provider.Load(k.ctx, id, execution)
	require.NoError(k, err)
	require.Len(k, record.Values, len(want))
	for key, value := range want {
		require.Equal(k, value, record.Values[key].Data, "key %q", key)
	}
}

func (k *kit) noValue(id, key string) {
	k.Helper()
	value, err := k.Provider.Value(k.ctx, id, key)
	require.NoError(k, err)
	require.Nil(k, value)
}

type texts = map[string]string

func (k *kit) custom(want *string, version uint64) {
	k.Helper()
	status, err := k.Provider.Status(k.ctx, "X")
	require.NoError(k, err)
	require.NotNil(k, status)
	require.Equal(k, want, status.CustomStatus)
	require.Equal(k, version, status.CustomStatusVersion)
}

func custom(status *string) func(*provider.Commit) {
	return func(c *provider.Commit) { c.CustomStatus = &provider.CustomStatusChange{Status: status} }
}

func customStatus(k *kit) {
	k.create("X", custom(new("one")))
	k.custom(new("one"), 1)
	k.step("X")
	k.custom(new("one"), 1)
	k.step("X", custom(new("")))
	k.custom(new(""), 2)
	k.step("X", custom(nil))
	k.custom(nil, 3)
	k.renewed("X", custom(new("next")))
	k.custom(new("next"), 4)
}

func noCustomStatus(k *kit) {
	status, err := k.Provider.Status(k.ctx, "nobody")
	require.NoError(k, err)
	require.Nil(k, status)
	k.create("X")
	k.custom(nil, 0)
}

func setAndOverwrite(k *kit) {
	k.create("X", store(set("k", "1")))
	k.live("X", texts{"k": "1"})
	k.step("X", store(set("k", "2"), set("k", "3")))
	k.live("X", texts{"k": "3"})
}

func clearKeys(k *kit) {
	k.create("X", store(set("a", "1"), set("b", "2"), set("c", "3")))
	k.step("X", store(unset("a"), unset("unknown")))
	k.noValue("X", "a")
	k.live("X", texts{"b": "2", "c": "3"})
	k.step("X", store(clearAll))
	k.noValue("X", "b")
	k.live("X", texts{})
}

func unknownKey(k *kit) {
	k.noValue("nobody", "k")
	k.live("nobody", texts{})
	k.create("X")
	k.noValue("X", "k")
}

func baseAtEnd(k *kit) {
	k.create("none", ends(provider.Completed, ""))
	k.base("none", 1, texts{})
	k.create("X", store(set("x", "1"), set("y", "2"), set("z", "3")))
	k.base("X", 1, texts{})
	k.step("X", store(unset("z")), ends(provider.Completed, ""))
	k.base("X", 1, texts{"x": "1", "y": "2"})
	k.create("Y", store(set("x", "1")))
	k.step("Y", store(clearAll), ends(provider.Failed, ""))
	k.base("Y", 1, texts{})
	k.live("Y", texts{})
}

func outliveExecutions(k *kit) {
	k.create("X", store(set("both", "1"), set("first", "1")))
	k.renewed("X", store(set("both", "2"), set("second", "2")))
	k.live("X", texts{"both": "2", "first": "1", "second": "2"})
	k.renewed("X")
	k.prune("X", provider.PruneOptions{KeepLast: 1})
	k.live("X", texts{"both": "2", "first": "1", "second": "2"})
	k.base("X", 3, texts{"both": "2", "first": "1", "second": "2"})
}

func setClearSet(k *kit) {
	k.create("X", store(set("k", "1")))
	k.renewed("X", store(unset("k")))
	k.noValue("X", "k")
	k.renewed("X", store(set("k", "3")))
	k.live("X", texts{"k": "3"})
	k.base("X", 3, texts{})
}

func ownValues(k *kit) {
	k.create("X", store(set("k", "x")))
	k.create("Y", store(set("k", "y")))
	k.step("X", store(clearAll))
	k.live("X", texts{})
	k.live("Y", texts{"k": "y"})
}

func deleteValues(k *kit) {
	k.create("X", store(set("base", "1")))
	k.renewed("X", store(set("change", "2")))
	k.createChild("child", "X", store(set("k", "v")), ends(provider.Completed, ""))
	k.delete(true, "X", "child")
	k.live("X", texts{})
	k.live("child", texts{})
	k.create("X")
	k.live("X", texts{})
	k.base("X", 1, texts{})
}

func clearThenSet(k *kit) {
	k.create("X", store(set("a", "1"), set("b", "2")))
	k.renewed("X", store(set("c", "3")))
	k.step("X", store(clearAll, set("new", "n"), set("b", "again")))
	k.live("X", texts{"new": "n", "b": "again"})
	k.noValue("X", "a")
	k.step("X", ends(provider.Completed, ""))
	k.live("X", texts{"new": "n", "b": "again"})
}

func anyText(k *kit) {
	want := texts{
		"a b": "", "ü/é.\U0001F600": "x", "a.b/c": "\"quoted\"", "A B": "other",
		"big": strings.Repeat("x", 64*1024), "ü%_'": "nul \x00",
	}
	var changes []provider.ValueChange
	for key, value := range want {
		changes = append(changes, set(key, value))
	}
	k.create("X", store(changes...))
	k.live("X", want)
	k.noValue("X", "a%")
	k.noValue("X", "BIG")
}

func baseAtStart(k *kit) {
	k.create("X", store(set("a", "1"), set("b", "1")))
	k.base("X", 1, texts{})
	k.live("X", texts{"a": "1", "b": "1"})
	k.step("X", store(set("a", "2")))
	k.renewed("X", store(set("c", "3")))
	k.base("X", 2, texts{"a": "2", "b": "1"})
	k.live("X", texts{"a": "2", "b": "1", "c": "3"})
}

func pruneValues(k *kit) {
	k.create("X", store(set("k", "v")))
	k.prune("X", provider.PruneOptions{KeepLast: 1})
	k.live("X", texts{"k": "v"})
}

func overBase(k *kit) {
	k.create("X", store(set("color", "red"), set("size", "large"), set("gone", "x")))
	k.renewed("X", store(set("color", "blue"), set("new", "n"), unset("gone")))
	want := texts{"color": "blue", "size": "large", "new": "n"}
	k.live("X", want)
	k.noValue("X", "gone")
	k.base("X", 2, texts{"color": "red", "size": "large", "gone": "x"})
	k.step("X", ends(provider.Completed, ""))
	k.live("X", want)
	k.base("X", 2, want)
}

func valueTime(k *kit) {
	change := set("k", "v")
	change.UpdatedAtMs = 123_456
	k.create("X", store(change))
	k.renewed("X")
	record, err := k.Provider.Load(k.ctx, "X", 2)
	require.NoError(k, err)
	require.Equal(k, map[string]provider.Value{"k": {Data: "v", UpdatedAtMs: 123_456}}, record.Values)
}
