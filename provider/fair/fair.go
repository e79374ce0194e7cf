// Package fair decides in which order waiting tasks are taken, so that nobody who has much to do
// holds up those who have little.
//
// Each task gets a place when it begins to wait: one after the current round, or one after the last
// task of its instance, whichever is later. The round is the highest place that was ever taken. So
// whoever comes new gets a place beside the next task of those who have waited for long, however many
// more they have. Nothing has to be skipped for that: the order of places is the order of taking.
package fair

import "math/rand/v2"

// Place gives the place of a task in the given round, after the last place of its instance. It is
// never zero, which stores may use for what has no place.
func Place(round, last int64) int64 { return max(round, last) + 1 }

// Queue is the front of one of several queues, ordered by place and number: tasks of one tag, or of
// one session.
type Queue[T any] struct {
	Front []T
	// More says that there is more than Front.
	More bool
}

// Take chooses the tasks to be taken next from all queues, at most so many. Where more is true there
// is something left, or may be: then it pays to look again.
//
// A queue that nobody has served for long is behind the round. It does not go before all others until
// it has caught up: such queues take turns with those that have kept up.
func Take[T any](
	queues []Queue[T], most int, round int64, of func(T) (place int64, number uint64),
) (taken []T, more bool) {
	at := make([]int, len(queues))
	turn := 0
	if len(queues) > 1 {
		turn = rand.IntN(len(queues)) //nolint:gosec // nobody gains by guessing it
	}
	for len(taken) < most {
		next := choose(queues, at, turn, round, of)
		if next < 0 {
			return taken, false
		}
		q := &queues[next]
		task := q.Front[at[next]]
		taken = append(taken, task)
		place, _ := of(task)
		round = max(round, place)
		turn = next + 1
		at[next]++
		if at[next] == len(q.Front) && q.More {
			return taken, true
		}
	}
	for n := range queues {
		more = more || at[n] < len(queues[n].Front) || queues[n].More
	}
	return taken, more
}

// choose gives the queue whose first task is next, or -1. Of several that could be, those that are
// behind the round take turns.
func choose[T any](
	queues []Queue[T], at []int, turn int, round int64, of func(T) (int64, uint64),
) int {
	best, bestPlace, bestNumber, bestBehind := -1, int64(0), uint64(0), false
	for n := range queues {
		k := (turn + n) % len(queues)
		if at[k] == len(queues[k].Front) {
			continue
		}
		place, number := of(queues[k].Front[at[k]])
		behind := place <= round
		if behind {
			place = round + 1
		}
		first := best < 0 || place < bestPlace ||
			place == bestPlace && !behind && !bestBehind && number < bestNumber
		if first {
			best, bestPlace, bestNumber, bestBehind = k, place, number, behind
		}
	}
	return best
}
