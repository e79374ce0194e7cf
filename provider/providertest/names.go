package providertest

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var names = theme{"names", "names.go", []Case{
	{ID: "P100", Title: "ids and names are kept up to their limits though nothing can be compressed", run: longestNames},
	{ID: "P101", Title: "ids that differ in their last byte are different", run: lastByte},
}}

// incompressible gives a text of so many bytes that no store can make shorter; the same for a seed.
func incompressible(size int, seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 0))
	var text strings.Builder
	for text.Len() < size {
		// Characters of one byte and of two, none of which means anything in a pattern.
		c := rune('à' + random.IntN(200))
		if random.IntN(2) == 0 {
			c = rune('0' + random.IntN(70))
		}
		if text.Len()+utf8.RuneLen(c) > size {
			c = '.'
		}
		text.WriteRune(c)
	}
	return text.String()
}

func longestNames(k *kit) {
	id, child := incompressible(history.MaxIDBytes, 1), incompressible(history.MaxIDBytes, 2)
	longest := func(seed uint64) string { return incompressible(history.MaxNameBytes, seed) }
	name, session, key, queue := longest(3), longest(4), longest(5), longest(6)
	version, tag := incompressible(history.MaxVersionBytes, 7), incompressible(256, 8)

	begin := start(id)
	begin.Name, begin.Version = name, &version
	k.submit(begin, provider.Message{Kind: provider.EventRaised, Instance: id, Name: longest(9)},
		provider.Message{Kind: provider.QueueEvent, Instance: id, Name: queue})
	claim := k.fetch(id)
	require.Len(k, claim.Messages, 3)
	require.Equal(k, name, claim.Messages[0].Name)
	require.Equal(k, queue, claim.Messages[2].Name)

	c := firstTurn(claim)
	c.Started = &provider.Started{Name: name, Version: version}
	c.Values = []provider.ValueChange{set(key, "v")}
	c.NewTasks = []provider.NewTask{{Task: provider.Task{Event: 2, Name: name, Session: &session, Tag: &tag}}}
	first := start(child)
	first.Parent = &history.Parent{Instance: id, Execution: 1, Event: 3}
	c.Send = []provider.Message{first}
	k.commit(c)
	c = firstTurn(k.fetch(child))
	c.Started = &provider.Started{Name: name, Version: version, Parent: first.Parent}
	k.commit(c)

	k.live(id, map[string]string{key: "v"})
	require.Equal(k, name, k.info(id).Name)
	require.Equal(k, version, k.info(id).Version)
	require.Equal(k, id, k.info(child).Parent)
	tasks := k.claim(provider.ClaimRequest{
		Tasks: k.holder(long), MaxTasks: 1, Route: provider.Route{
			Tags: provider.TagFilter{Mode: provider.TagsAny}, Session: &provider.SessionHolder{Owner: longest(10), TTL: long},
		},
	}).Tasks
	require.Len(k, tasks, 1)
	require.Equal(k, session, *tasks[0].Task.Session)
	require.Equal(k, tag, *tasks[0].Task.Tag)

	children, err := k.Provider.Children(k.ctx, id)
	require.NoError(k, err)
	require.Equal(k, []string{child}, children)
	prefix := strings.ToValidUTF8(id[:len(id)-10], "")
	require.Equal(k, []string{id}, k.list(provider.ListQuery{IDPrefix: prefix}))
	deleted, err := k.Provider.Delete(k.ctx, provider.Deletion{Instances: []string{id, child}, Force: true})
	require.NoError(k, err)
	require.Equal(k, 2, deleted.Instances)
}

// lastByte would fail on a store that keeps the beginning of an id, or a short digest of it.
func lastByte(k *kit) {
	shared := incompressible(history.MaxIDBytes-1, 1)
	for _, last := range []string{"a", "b"} {
		k.create(shared+last, store(set("k", last)))
	}
	for _, last := range []string{"a", "b"} {
		k.live(shared+last, map[string]string{"k": last})
	}
	require.Len(k, k.list(provider.ListQuery{}), 2)
}
