package providertest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/memory"
)

var model = theme{"model", "model.go", []Case{
	{ID: "N14", Title: "random calls give what the model gives, seed 1", run: randomCalls(1)},
	{ID: "N14", Title: "random calls give what the model gives, seed 2", run: randomCalls(2)},
	{ID: "N14", Title: "random calls give what the model gives, seed 3", run: randomCalls(3)},
	{ID: "N14", Title: "random calls give what the model gives, seed 4", run: randomCalls(4)},
}}

// modelCalls is the number of random calls of one case.
const modelCalls = 600

// twins are the model and the store under test, which receive the same calls. What a store numbers
// itself (tokens, messages, leases) differs between the two, so claims are kept in pairs and
// compared without the numbers.
type twins struct {
	*kit
	random *rand.Rand
	stores [2]provider.Provider
	turns  map[string][2]provider.InstanceClaim
	tasks  map[string][2]provider.TaskClaim
	// fed holds the instances that have or had a start, so that no orphans are made: when those are
	// dropped is a store's own choice within limits.
	fed    map[string]bool
	events uint64
	log    []string
}

func randomCalls(seed uint64) func(k *kit) {
	return func(k *kit) {
		w := &twins{
			kit:    k,
			random: rand.New(rand.NewPCG(seed, 0)),
			stores: [2]provider.Provider{
				memory.New(memory.Options{Clock: k.Clock.Now}), k.Provider,
			},
			turns: map[string][2]provider.InstanceClaim{},
			tasks: map[string][2]provider.TaskClaim{},
			fed:   map[string]bool{},
			// The first event ids, with room below them for what a turn cancels.
			events: 10,
		}
		calls := []func() string{
			w.start, w.start, w.send, w.send, w.timer, w.claimTurns, w.claimTurns, w.claimTasks,
			w.commit, w.commit, w.commit, w.complete, w.abandon, w.abandonTask, w.renew, w.advance,
			w.delete, w.prune,
		}
		for range modelCalls {
			w.log = append(w.log, calls[w.random.IntN(len(calls))]())
			w.compare()
		}
	}
}

// same requires two results to be equal, and says which calls led there.
func (w *twins) same(model, store any, what string) {
	w.Helper()
	require.Equal(w, model, store, "%s after:\n%s", what,
		strings.Join(w.log[max(0, len(w.log)-25):], "\n"))
}

// sameError requires the same sentinel, or none, from both.
func (w *twins) sameError(errs [2]error, what string) bool {
	w.Helper()
	w.same(sentinel(errs[0]), sentinel(errs[1]), what)
	return errs[0] == nil
}

func sentinel(err error) string {
	for _, known := range []error{
		provider.ErrLockLost, provider.ErrDuplicateEvent, provider.ErrAlreadyCommitted,
		provider.ErrTaskLost, provider.ErrMessageLost, provider.ErrStillRunning,
		provider.ErrOrphanedChild, provider.ErrInstanceNotFound,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "another error: " + err.Error()
	}
	return ""
}

func (w *twins) instance() string { return fmt.Sprint("i", w.random.IntN(5)) }

// pick gives a key of a map, in a reproducible way; "" if there is none.
func pick[V any](w *twins, m map[string]V) string {
	keys := slices.Sorted(maps.Keys(m))
	if len(keys) == 0 {
		return ""
	}
	return keys[w.random.IntN(len(keys))]
}

func (w *twins) submitBoth(m provider.Message) string {
	var results [2][]provider.Submitted
	var errs [2]error
	for i, p := range w.stores {
		results[i], errs[i] = p.Submit(w.ctx, provider.Submission{Messages: []provider.Message{m}})
	}
	if w.sameError(errs, "submit") {
		w.same(results[0][0].Existing, results[1][0].Existing, "status of the target")
		w.same(results[0][0].Held == 0, results[1][0].Held == 0, "target is free")
	}
	return fmt.Sprintf("submit kind %d to %s", m.Kind, m.Instance)
}

func (w *twins) start() string {
	id := w.instance()
	w.fed[id] = true
	return w.submitBoth(start(id))
}

func (w *twins) send() string {
	id := w.instance()
	if !w.fed[id] {
		return "nothing to send to"
	}
	return w.submitBoth(raised(id, strconv.Itoa(w.random.IntN(100))))
}

func (w *twins) timer() string {
	id := w.instance()
	if !w.fed[id] {
		return "no instance for a timer"
	}
	after := time.Duration(w.random.IntN(5000)-1000) * time.Millisecond
	return w.submitBoth(timer(id, uint64(w.random.IntN(9)+1), w.Clock.Now().Add(after)))
}

func (w *twins) claimTurns() string {
	ttl := time.Duration(1+w.random.IntN(10)) * time.Second
	holder := w.holder(ttl)
	var claims [2]map[string]provider.InstanceClaim
	for i, p := range w.stores {
		got, err := p.Claim(w.ctx, provider.ClaimRequest{Turns: holder, MaxTurns: 100})
		require.NoError(w, err)
		claims[i] = map[string]provider.InstanceClaim{}
		for _, claim := range got.Instances {
			claims[i][claim.Instance] = claim
		}
	}
	w.same(slices.Sorted(maps.Keys(claims[0])), slices.Sorted(maps.Keys(claims[1])), "claims")
	for id, claim := range claims[0] {
		w.same(plainClaim(claim), plainClaim(claims[1][id]), "claim of "+id)
		w.turns[id] = [2]provider.InstanceClaim{claim, claims[1][id]}
	}
	return fmt.Sprintf("claim for %v: %d instances", ttl, len(claims[0]))
}

// plainClaim leaves out what a store numbers itself.
func plainClaim(c provider.InstanceClaim) provider.InstanceClaim {
	c.Token = provider.Token{}
	c.Messages = plainMessages(c.Messages)
	return c
}

func plainMessages(messages []provider.Message) []provider.Message {
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i].ID = 0
	}
	return messages
}

func (w *twins) claimTasks() string {
	route := tagged(provider.TagMode(w.random.IntN(4)), "t")
	if w.random.IntN(2) == 0 {
		route.Session = &provider.SessionHolder{
			Owner: string(rune('A' + w.random.IntN(2))), TTL: 2 * time.Second,
		}
	}
	ttl := time.Duration(1+w.random.IntN(10)) * time.Second
	holder := w.holder(ttl)
	var claims [2]map[string]provider.TaskClaim
	for i, p := range w.stores {
		got, err := p.Claim(w.ctx,
			provider.ClaimRequest{Tasks: holder, MaxTasks: 100, Route: route})
		require.NoError(w, err)
		claims[i] = map[string]provider.TaskClaim{}
		for _, claim := range got.Tasks {
			claims[i][claim.Task.Name] = claim
		}
	}
	w.same(slices.Sorted(maps.Keys(claims[0])), slices.Sorted(maps.Keys(claims[1])), "tasks")
	for name, claim := range claims[0] {
		w.same(plainTask(claim), plainTask(claims[1][name]), "task "+name)
		w.tasks[name] = [2]provider.TaskClaim{claim, claims[1][name]}
	}
	return fmt.Sprintf("claim tasks for %v: %d", ttl, len(claims[0]))
}

func plainTask(c provider.TaskClaim) provider.TaskClaim {
	c.Token, c.Task.ID = provider.Token{}, 0
	return c
}
