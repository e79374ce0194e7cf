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

// Queue is the front of one of several queues, ordered by place and number: tasks of one lane, or of
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
// it has caught up: such queues take turns, and every other task is of one that has kept up.
func Take[T any](
	queues []Queue[T], most int, round int64, of func(T) (place int64, number uint64),
) (taken []T, more bool) {
	c := choice[T]{queues: queues, at: make([]int, len(queues)), round: round, of: of}
	if len(queues) > 1 {
		c.turn = rand.IntN(len(queues))  //nolint:gosec // nobody gains by guessing it
		c.behindNext = rand.IntN(2) == 0 //nolint:gosec // as above
	}
	for len(taken) < most {
		next := c.next()
		if next < 0 {
			return taken, false
		}
		q := &queues[next]
		task := q.Front[c.at[next]]
		taken = append(taken, task)
		place, _ := of(task)
		c.round = max(c.round, place)
		c.at[next]++
		if c.at[next] == len(q.Front) && q.More {
			return taken, true
		}
	}
	for n := range queues {
		more = more || c.at[n] < len(queues[n].Front) || queues[n].More
	}
	return taken, more
}

// choice is where a Take stands.
type choice[T any] struct {
	queues []Queue[T]
	at     []int
	round  int64
	of     func(T) (place int64, number uint64)
	// turn is the first queue to be asked of those that are behind; behindNext says whose turn it is,
	// theirs or that of those that have kept up.
	turn       int
	behindNext bool
}

// next gives the queue whose first task is next, or -1.
func (c *choice[T]) next() int {
	behind, kept, keptPlace, keptNumber := -1, -1, int64(0), uint64(0)
	for n := range c.queues {
		k := (c.turn + n) % len(c.queues)
		if c.at[k] == len(c.queues[k].Front) {
			continue
		}
		place, number := c.of(c.queues[k].Front[c.at[k]])
		switch {
		case place < c.round:
			if behind < 0 {
				behind = k
			}
		case kept < 0, place < keptPlace, place == keptPlace && number < keptNumber:
			kept, keptPlace, keptNumber = k, place, number
		default:
		}
	}
	switch {
	case behind < 0:
		return kept
	case kept < 0 || keptPlace > c.round+1:
		c.turn = behind + 1
		return behind
	case c.behindNext:
		c.turn, c.behindNext = behind+1, false
		return behind
	default:
		c.behindNext = true
		return kept
	}
}
