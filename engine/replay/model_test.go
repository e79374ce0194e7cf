package replay_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// arms are what a race of the small model can consist of.
var arms = map[string]func(*context) *handle{
	"queue":    func(c *context) *handle { return c.dequeue("q") },
	"other":    func(c *context) *handle { return c.dequeue("p") },
	"signal":   func(c *context) *handle { return c.event("s") },
	"timer":    func(c *context) *handle { return c.timer(1) },
	"activity": func(c *context) *handle { return c.activity("a", "1") },
	"child":    func(c *context) *handle { return c.child("c", "1") },
}

var armNames = []string{"queue", "other", "signal", "timer", "activity", "child"}

// racer races the arms in a loop and then waits for a signal that never comes.
func racer(names []string, iterations int) code {
	return func(c *context) (string, error) {
		for range iterations {
			var handles []*handle
			for _, name := range names {
				handles = append(handles, arms[name](c))
			}
			won := handles[c.race(handles...)]
			c.must(won)
		}
		return c.must(c.event("never")), nil
	}
}

// answerTo gives a message for an arm: a numbered one for queues and signals, else the answer to
// the arm's oldest schedule without one.
func (s *sim) answerTo(arm string, number int) (replay.Arrival, bool) {
	data := strconv.Itoa(number)
	switch arm {
	case "queue":
		return queued("q", data), true
	case "other":
		return queued("p", data), true
	case "signal":
		return raised("s", data), true
	default:
	}
	answered := map[uint64]bool{}
	for _, e := range s.committed {
		answered[e.Source] = true
	}
	for _, e := range s.committed {
		_, timer := e.Data.(history.TimerCreated)
		_, activity := e.Data.(history.ActivityScheduled)
		_, child := e.Data.(history.SubOrchestrationScheduled)
		switch {
		case answered[e.ID]:
		case timer && arm == "timer":
			return fired(e.ID), true
		case activity && arm == "activity":
			return done(e.ID, data), true
		case child && arm == "child":
			return childDone(e.ID, data), true
		}
	}
	return replay.Arrival{}, false
}

// checkModel asserts what must hold of every history of a racer.
func checkModel(t *testing.T, s *sim) {
	t.Helper()
	cancels := map[uint64]int{}
	answers := map[uint64]int{}
	queues := map[string][]string{}
	for _, e := range s.committed {
		switch d := e.Data.(type) {
		case history.QueueEventDelivered:
			queues[d.Name] = append(queues[d.Name], d.Data)
		case history.ActivityCancelRequested, history.SubOrchestrationCancelRequested,
			history.ExternalSubscribedCancelled, history.QueueSubscriptionCancelled:
			cancels[e.Source]++
		default:
			if e.Source != 0 {
				answers[e.Source]++
			}
		}
	}
	for id, n := range cancels {
		require.Equal(t, 1, n, "event %d cancelled twice in %v", id, kinds(s.committed))
		require.Zero(t, answers[id], "event %d cancelled and answered in %v", id, kinds(s.committed))
	}
	unread := map[string]int{}
	for _, m := range s.x.Unread() {
		unread[m.Name]++
	}
	reads := queueReads(s)
	for name, arrived := range queues {
		// What was read and what waits unread make up what arrived, in order.
		read := arrived[:len(arrived)-unread[name]]
		require.Equal(t, strings.Join(read, ","), strings.Join(reads[name], ","), "queue %s of %v", name, kinds(s.committed))
	}
}

// queueReads gives what the code was handed from each queue, by a replay of the history.
func queueReads(s *sim) map[string][]string {
	queueOf := map[uint64]string{}
	token := uint64(0)
	for _, e := range s.committed {
		switch d := e.Data.(type) {
		case history.ActivityScheduled, history.TimerCreated, history.ExternalSubscribed,
			history.SubOrchestrationScheduled:
			token++
		case history.QueueSubscribed:
			token++
			queueOf[token] = d.Name
		}
	}
	_, deliveries, err := replay.Load(s.committed, params)
	require.NoError(s.t, err)
	reads := map[string][]string{}
	for _, d := range deliveries {
		if name, ok := queueOf[d.Token]; ok {
			reads[name] = append(reads[name], d.Value)
		}
	}
	return reads
}

// sequences gives every sequence of at most n of the words, the empty one included.
func sequences(words []string, n int) [][]string {
	all := [][]string{nil}
	for from := 0; n > 0; n-- {
		to := len(all)
		for _, prefix := range all[from:to] {
			for _, word := range words {
				all = append(all, append(append([]string{}, prefix...), word))
			}
		}
		from = to
	}
	return all
}

func TestEveryRaceOfTheSmallModelIsReplayable(t *testing.T) {
	t.Parallel()
	for _, names := range sequences(armNames, 2) {
		if len(names) == 0 {
			continue
		}
		words := append([]string{"queue", "timer"}, names...)
		t.Run(strings.Join(names, " or "), func(t *testing.T) {
			t.Parallel()
			for _, iterations := range []int{1, 3} {
				for _, order := range sequences(unique(words), 3) {
					playModel(t, racer(names, iterations), order)
				}
			}
		})
	}
}

func TestRacesOfThreeAreReplayable(t *testing.T) {
	t.Parallel()
	for _, names := range sequences(armNames, 3) {
		if len(names) < 3 {
			continue
		}
		t.Run(strings.Join(names, " or "), func(t *testing.T) {
			t.Parallel()
			for _, order := range sequences(unique(names), 2) {
				playModel(t, racer(names, 2), order)
			}
		})
	}
}

// playModel gives the messages of an order one by one, all in one turn, and one by one with a
// crash before each; the histories must be the same.
func playModel(t *testing.T, run code, order []string) {
	t.Helper()
	apart, crashed, together := start(t, run), start(t, run), start(t, run)
	crashed.quick, together.quick = true, true
	var all []replay.Arrival
	for i, arm := range order {
		m, ok := apart.answerTo(arm, i)
		if !ok {
			continue
		}
		all = append(all, m)
		apart.take(m)
		crashed.crash()
		crashed.take(m)
	}
	together.take(all...)
	checkModel(t, apart)
	require.Equal(t, kinds(apart.committed), kinds(crashed.committed))
	require.Equal(t, kinds(apart.committed), kinds(together.committed))
	require.Equal(t, stateOf(apart.x, apart.g).Seen, stateOf(crashed.x, crashed.g).Seen)
	require.Equal(t, stateOf(apart.x, apart.g).Seen, stateOf(together.x, together.g).Seen)
	for _, s := range []*sim{apart, crashed, together} {
		s.forget()
	}
}

func unique(words []string) []string {
	var all []string
	for _, word := range words {
		if !strings.Contains(strings.Join(all, " "), word) {
			all = append(all, word)
		}
	}
	return all
}
