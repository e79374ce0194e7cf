package providertest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var backlogs = theme{"backlogs", "pages.go", []Case{
	{ID: "P131", Title: "a backlog is given in pages, in order", run: pagesInOrder},
	{ID: "P132", Title: "what begins or ends an instance is in the first page", run: firstPage},
	{ID: "P133", Title: "a page is bounded in bytes, and has one message at least", run: pageBytes},
	{ID: "P134", Title: "what was delayed keeps its place over pages", run: delayedPage},
	{ID: "P135", Title: "a hand-off gives a page as well", run: handedPage},
	{ID: "P136", Title: "a claim that ends at a bound says so, and the next one goes on", run: boundedClaim},
}}

// pending gives the messages of the first page of a held instance.
func (k *kit) pending(t provider.Token) []provider.Message {
	k.Helper()
	page, err := k.Provider.Pending(k.ctx, t)
	require.NoError(k, err)
	return page.Messages
}

// backlog gives messages for an instance with these numbers.
func backlog(instance string, from, to int) []provider.Message {
	var messages []provider.Message
	for n := from; n < to; n++ {
		messages = append(messages, queued(instance, strconv.Itoa(n)))
	}
	return messages
}

// consume takes a page of a held instance, and keeps the claim.
func (k *kit) consume(t provider.Token, last uint64, messages []provider.Message) {
	k.Helper()
	c := provider.Commit{Token: t, Execution: 1, LastEvent: last, Events: events(last + 1)}
	for _, m := range messages {
		c.Messages = append(c.Messages, m.ID)
	}
	k.commit(c)
}

func pagesInOrder(k *kit) {
	const all = 2*provider.PageMessages + 10
	k.create("A")
	k.submit(backlog("A", 0, all)...)
	claim := k.fetch("A")
	require.True(k, claim.More)
	require.Len(k, claim.Messages, provider.PageMessages)
	got, more := datas(claim.Messages), true
	k.consume(claim.Token, 1, claim.Messages)
	for last := uint64(2); more && len(got) < all; last++ {
		page, err := k.Provider.Pending(k.ctx, claim.Token)
		require.NoError(k, err)
		require.LessOrEqual(k, len(page.Messages), provider.PageMessages)
		k.consume(claim.Token, last, page.Messages)
		got, more = append(got, datas(page.Messages)...), page.More
	}
	require.Equal(k, datas(backlog("A", 0, all)), got)
}

func firstPage(k *kit) {
	const many = provider.PageMessages + 10
	k.submit(backlog("A", 0, many)...)
	k.submit(start("A"))
	claim := k.fetch("A")
	require.True(k, claim.More)
	require.Len(k, claim.Messages, provider.PageMessages)
	require.Equal(k, "start", datas(claim.Messages)[provider.PageMessages-1])

	k.create("B")
	k.submit(backlog("B", 0, many)...)
	cancel := provider.Message{Kind: provider.CancelInstance, Instance: "B", Data: "cancel"}
	k.submit(cancel)
	claim = k.fetch("B")
	require.Equal(k, "cancel", claim.Messages[provider.PageMessages-1].Data)
	cancel.Data = "another"
	k.submit(cancel)
	require.Equal(k, []string{"cancel", "another"}, datas(k.pending(claim.Token)[provider.PageMessages-2:]))
}

func pageBytes(k *kit) {
	const half, huge = "half", "huge"
	big := func(name string, size int) provider.Message {
		m := raised("A", name)
		m.Input = strings.Repeat("x", size)
		return m
	}
	k.create("A")
	k.submit(big(half, provider.PageBytes/2), big(half, provider.PageBytes/2), big(half, 1), big(huge, 2*provider.PageBytes))
	claim := k.fetch("A")
	require.True(k, claim.More)
	require.Equal(k, []string{half, half}, datas(claim.Messages))
	k.consume(claim.Token, 1, claim.Messages)
	page, err := k.Provider.Pending(k.ctx, claim.Token)
	require.NoError(k, err)
	require.Equal(k, []string{half, huge}, datas(page.Messages))
	require.False(k, page.More)
	k.consume(claim.Token, 2, page.Messages[:1])
	require.Equal(k, []string{huge}, datas(k.pending(claim.Token)))
}

func delayedPage(k *kit) {
	k.create("A")
	due := k.Clock.Now().Add(time.Second)
	k.submit(queued("A", "0"), timer("A", 7, due))
	k.giveBack(k.fetch("A"), time.Hour, true)
	k.Clock.Advance(2 * time.Second)
	k.submit(backlog("A", 1, provider.PageMessages+1)...)
	k.Clock.Advance(2 * time.Hour)
	k.submit(queued("A", "last"))
	got := datas(k.fetch("A").Messages)
	want := slices.Concat([]string{"0", "timer 7"}, datas(backlog("A", 1, provider.PageMessages-1)))
	require.Equal(k, want, got)
}

func handedPage(k *kit) {
	messages := append(backlog("new", 0, provider.PageMessages+5), start("new"))
	k.create("old")
	k.submit(backlog("old", 0, provider.PageMessages)...)
	messages = append(messages, queued("old", "last"))
	for instance, claim := range handed(k.submitFor(k.holder(long), messages...)) {
		require.True(k, claim.More, instance)
		require.Len(k, claim.Messages, provider.PageMessages, instance)
	}
}

func boundedClaim(k *kit) {
	const instances = 3 * provider.ClaimMessages / provider.PageMessages
	for n := range instances {
		k.create(strconv.Itoa(n))
	}
	for n := range instances {
		k.submit(backlog(strconv.Itoa(n), 0, provider.PageMessages)...)
	}
	var got []string
	for more := true; more; {
		claimed := k.claim(provider.ClaimRequest{Turns: k.holder(long), MaxTurns: 2 * instances})
		for _, claim := range claimed.Instances {
			require.Len(k, claim.Messages, provider.PageMessages)
			got = append(got, claim.Instance)
		}
		more = claimed.MoreTurns
		require.False(k, more && len(claimed.Instances) == 0, "there is more, and nothing is claimed")
	}
	require.Len(k, got, instances)
}
