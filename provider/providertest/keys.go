package providertest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
)

var keys = theme{name: "keys", cases: []Case{
	{ID: "K1", Title: "a message with a known key is stored once", run: storedOnce},
	{ID: "K2", Title: "a key counts for its instance, kind and name", run: keyScope},
	{ID: "K3", Title: "a key counts before the start, across executions and after the end", run: keyOfLife},
	{ID: "K4", Title: "a key of an earlier life is new to the next one", run: keyOfEarlierLife},
	{ID: "K5", Title: "a key counts for seven days", run: keyRetention},
	{ID: "K6", Title: "an instance has the latest ten thousand keys", run: mostKeys},
	{ID: "K7", Title: "a turn sends a message with a known key once", run: sentOnce},
	{ID: "K8", Title: "a key counts no longer than its message waits for a start", run: keyOfLateMessage},
	{ID: "K9", Title: "a key that comes again counts anew", run: keyAnew},
	{ID: "K10", Title: "an answer to a promise is stored while its execution runs", run: lateAnswer},
	{ID: "K11", Title: "a promise is answered once, also where that comes late", run: answeredOnce},
	{ID: "K12", Title: "an answer stays with its request, the first one, and goes to nobody", run: answerKept},
	{ID: "K13", Title: "an answer is kept for a day, across executions and after the end", run: answerRetention},
	{ID: "K14", Title: "an answer is for a life that is there", run: answerOfLife},
}}

func withKey(m provider.Message, key string) provider.Message {
	m.Key = key
	return m
}

func storedOnce(k *kit) {
	k.create("X")
	first := k.one(withKey(queued("X", "first"), "a"))
	require.Equal(k, provider.Stored, first.Fate)
	second := k.one(withKey(queued("X", "second"), "a"))
	require.Equal(k, provider.Repeated, second.Fate)
	require.Zero(k, second.ID)
	require.Equal(k, provider.Running, second.Existing)
	both := k.submit(withKey(queued("X", "third"), "b"), withKey(queued("X", "fourth"), "b"))
	require.Equal(k, provider.Stored, both[0].Fate)
	require.Equal(k, provider.Repeated, both[1].Fate)
	k.submit(queued("X", "fifth"), queued("X", "sixth"))
	claim := k.fetch("X")
	require.Equal(k, []string{"first", "third", "fifth", "sixth"}, datas(claim.Messages))
	require.Empty(k, claim.Messages[0].Key, "it is not stored with the message")
	k.commit(turn(claim))
	require.Equal(k, provider.Repeated, k.one(withKey(queued("X", "late"), "a")).Fate, "also when it was taken")
	k.noTurn()
}

func keyScope(k *kit) {
	k.create("X")
	k.create("Y")
	other := queued("X", "")
	other.Name = "another queue"
	for _, m := range []provider.Message{queued("X", ""), queued("Y", ""), raised("X", ""), other} {
		require.Equal(k, provider.Stored, k.one(withKey(m, "a")).Fate)
		require.Equal(k, provider.Repeated, k.one(withKey(m, "a")).Fate)
		require.Equal(k, provider.Stored, k.one(withKey(m, "b")).Fate)
	}
}

func keyOfLife(k *kit) {
	m := withKey(queued("X", "early"), "a")
	require.Equal(k, provider.Stored, k.one(m).Fate)
	require.Equal(k, provider.Repeated, k.one(m).Fate)
	k.submit(startOf("X", oneLife))
	require.Equal(k, provider.Repeated, k.one(m).Fate)
	claim := k.fetch("X")
	require.ElementsMatch(k, []string{"early", "start"}, datas(claim.Messages))
	k.commit(firstTurn(claim))
	k.step("X", ends(provider.ContinuedAsNew, ""))
	require.Equal(k, provider.Repeated, k.one(m).Fate)
	k.step("X", ends(provider.Completed, ""))
	require.Equal(k, provider.Repeated, k.one(m).Fate)
}

func keyOfEarlierLife(k *kit) {
	m := withKey(queued("X", "text"), "a")
	for range 2 {
		k.create("X")
		require.Equal(k, provider.Stored, k.one(m).Fate)
		require.Equal(k, provider.Repeated, k.one(m).Fate)
		k.delete(true, "X")
	}
}

func keyRetention(k *kit) {
	k.create("X")
	m := withKey(queued("X", "text"), "a")
	k.submit(m)
	k.Clock.Advance(provider.KeyRetention - time.Second)
	require.Equal(k, provider.Repeated, k.one(m).Fate)
	k.Clock.Advance(2 * time.Second)
	require.Equal(k, provider.Stored, k.one(m).Fate)
	require.Equal(k, provider.Repeated, k.one(m).Fate)
}

func mostKeys(k *kit) {
	k.create("X")
	key := func(n int) provider.Message { return withKey(queued("X", ""), fmt.Sprint("key ", n)) }
	const more = 20
	for n := 0; n < provider.MostKeys+more; n += 1000 {
		group := make([]provider.Message, min(1000, provider.MostKeys+more-n))
		for i := range group {
			group[i] = key(n + i)
		}
		k.submit(group...)
	}
	require.Equal(k, provider.Repeated, k.one(key(more)).Fate, "the oldest that counts")
	require.Equal(k, provider.Stored, k.one(key(more-1)).Fate)
	require.Equal(k, provider.Repeated, k.one(key(provider.MostKeys)).Fate)
}

func sentOnce(k *kit) {
	k.create("X")
	k.create("Y")
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Send = []provider.Message{withKey(queued("Y", "first"), "a"), withKey(queued("Y", "second"), "a")}
	sent := k.commit(c).Sent
	require.Equal(k, provider.Stored, sent[0].Fate)
	require.Equal(k, provider.Repeated, sent[1].Fate)
	require.Equal(k, provider.Repeated, k.one(withKey(queued("Y", "third"), "a")).Fate)
	require.Equal(k, []string{"first"}, datas(k.fetch("Y").Messages))
}

func keyOfLateMessage(k *kit) {
	m := withKey(raised("X", "text"), "a")
	require.Equal(k, provider.Stored, k.one(m).Fate)
	k.Clock.Advance(provider.SignalPatience + time.Second)
	require.Equal(k, provider.Stored, k.one(m).Fate, "the first one will never be taken")
	k.submit(start("X"))
	require.ElementsMatch(k, []string{"text", "start"}, datas(k.fetch("X").Messages))
}

func keyAnew(k *kit) {
	k.create("X")
	first, second := withKey(queued("X", ""), "a"), withKey(queued("X", ""), "b")
	k.submit(first)
	k.Clock.Advance(provider.KeyRetention + time.Second)
	k.submit(first, second)
	k.Clock.Advance(provider.KeyRetention - time.Second)
	require.Equal(k, provider.Repeated, k.one(first).Fate)
	require.Equal(k, provider.Repeated, k.one(second).Fate)
}

// settled answers the promise with the number 1 of an execution of one life.
func settled(execution uint64) provider.Message {
	return withKey(provider.Message{
		Instance: "X", Life: oneLife, Kind: provider.PromiseSettled, Execution: execution, Source: 1, Data: "1",
	}, strconv.FormatUint(execution, 10))
}

func lateAnswer(k *kit) {
	require.Equal(k, provider.Dropped, k.one(settled(1)).Fate)
	k.createFrom(startOf("X", oneLife))
	require.Equal(k, provider.Stored, k.one(settled(1)).Fate)
	claim := k.fetch("X")
	require.Equal(k, provider.PromiseSettled, claim.Messages[0].Kind)
	require.Equal(k, uint64(1), claim.Messages[0].Source)
	c := turn(claim)
	c.Outcome = outcome(provider.ContinuedAsNew, "")
	c.Send = []provider.Message{
		{Instance: "X", Life: oneLife, Kind: provider.ContinueInstance, Execution: 2, Name: "TestOrch"},
	}
	k.commit(c)
	late := settled(1)
	late.Key, late.Source = "another", 2
	require.Equal(k, provider.Late, k.one(late).Fate)
	k.commit(nextTurn(k.fetch("X")))
	require.Equal(k, provider.Late, k.one(late).Fate)
	require.Equal(k, provider.Stored, k.one(settled(2)).Fate)
	k.step("X", ends(provider.Completed, ""))
	late.Execution = 2
	require.Equal(k, provider.Late, k.one(late).Fate)
	k.delete(true, "X")
	k.createFrom(startOf("X", otherLife))
	require.Equal(k, provider.Dropped, k.one(settled(1)).Fate)
}

func answeredOnce(k *kit) {
	k.createFrom(startOf("X", oneLife))
	require.Equal(k, provider.Stored, k.one(settled(1)).Fate)
	require.Equal(k, provider.Repeated, k.one(settled(1)).Fate)
	k.step("X", ends(provider.Completed, ""))
	require.Equal(k, provider.Repeated, k.one(settled(1)).Fate)
}

// answeredWith answers the request r.
func answeredWith(life history.Life, data string) provider.Message {
	return withKey(provider.Message{Instance: "X", Life: life, Kind: provider.RequestAnswered, Data: data}, "r")
}

func (k *kit) answer(request string) *provider.Message {
	m, err := k.Provider.Answer(k.ctx, "X", request)
	require.NoError(k, err)
	return m
}

func answerKept(k *kit) {
	require.Nil(k, k.answer("r"))
	k.createFrom(startOf("X", oneLife))
	heard, stop := k.listen()
	defer stop()
	require.Equal(k, provider.Stored, k.one(answeredWith(oneLife, "1")).Fate)
	k.await(heard, "an answer", func(c provider.Change) bool {
		return c.All || slices.Contains(c.Instances, "X")
	})
	require.Equal(k, provider.Repeated, k.one(answeredWith(oneLife, "2")).Fate)
	got := k.answer("r")
	require.Equal(k, "1", got.Data)
	require.Equal(k, oneLife, got.Life)
	require.Nil(k, k.answer("another"))
	k.noTurn()
	k.poke("X")
	c := turn(k.fetch("X"))
	c.Outcome = outcome(provider.Completed, "")
	no := withKey(answeredWith(oneLife, ""), "s")
	no.Failure = &history.Failure{Category: history.Application, Message: "no"}
	c.Send = []provider.Message{no}
	require.Equal(k, provider.Stored, k.commit(c).Sent[0].Fate, "with the end")
	require.Equal(k, no.Failure, k.answer("s").Failure)
	late := withKey(answeredWith(oneLife, "3"), "t")
	late.IfRunning = true
	require.Equal(k, provider.Dropped, k.one(late).Fate)
}

func answerRetention(k *kit) {
	k.createFrom(startOf("X", oneLife))
	k.submit(answeredWith(oneLife, "1"))
	k.poke("X")
	k.step("X", ends(provider.Completed, ""))
	k.Clock.Advance(provider.ReplyRetention - time.Second)
	require.NotNil(k, k.answer("r"))
	k.Clock.Advance(2 * time.Second)
	require.Nil(k, k.answer("r"))
}

func answerOfLife(k *kit) {
	require.Equal(k, provider.Dropped, k.one(answeredWith(history.Life{}, "1")).Fate)
	k.createFrom(startOf("X", oneLife))
	require.Equal(k, provider.Dropped, k.one(answeredWith(otherLife, "1")).Fate)
	k.submit(answeredWith(oneLife, "1"))
	k.delete(true, "X")
	require.Nil(k, k.answer("r"))
	k.createFrom(startOf("X", otherLife))
	require.Nil(k, k.answer("r"))
}
