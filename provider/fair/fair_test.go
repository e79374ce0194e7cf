package fair_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/fair"
)

// waiting is a task as Take sees it.
type waiting struct {
	owner  string
	place  int64
	number uint64
}

func of(w waiting) (place int64, number uint64) { return w.place, w.number }

// line is a queue in which tasks get their places as in a store.
type line struct {
	round  int64
	number uint64
	last   map[string]int64
	tasks  []waiting
}

func (l *line) add(owner string, count int) {
	if l.last == nil {
		l.last = map[string]int64{}
	}
	for range count {
		l.number++
		l.last[owner] = fair.Place(l.round, l.last[owner])
		l.tasks = append(l.tasks, waiting{owner, l.last[owner], l.number})
	}
	slices.SortFunc(l.tasks, func(a, b waiting) int {
		return int(a.place-b.place)*1000 + int(a.number) - int(b.number)
	})
}

func (l *line) take(most int) []string {
	taken, _ := fair.Take([]fair.Queue[waiting]{{Front: l.tasks}}, most, l.round, of)
	l.tasks = l.tasks[len(taken):]
	var owners []string
	for _, w := range taken {
		l.round = max(l.round, w.place)
		owners = append(owners, w.owner)
	}
	return owners
}

func TestWhoComesLateDoesNotWaitForAllOfTheOthers(t *testing.T) {
	t.Parallel()
	l := &line{}
	l.add("wide", 100)
	require.Equal(t, []string{"wide", "wide", "wide"}, l.take(3))
	l.add("late", 2)
	require.Equal(t, []string{"wide", "late", "wide", "late", "wide"}, l.take(5))
}

func TestWhoHasMuchIsNeverLeftOut(t *testing.T) {
	t.Parallel()
	l := &line{}
	l.add("wide", 100)
	served := 0
	for n := range 60 {
		// More arrive all the time than are taken.
		l.add(string(rune('A'+n)), 3)
		for _, owner := range l.take(2) {
			if owner == "wide" {
				served++
			}
		}
	}
	require.Greater(t, served, 1)
}

func TestTheTasksOfOneOwnerKeepTheirOrder(t *testing.T) {
	t.Parallel()
	queues := []fair.Queue[waiting]{
		{Front: []waiting{{"a", 2, 1}, {"a", 5, 4}}},
		{Front: []waiting{{"a", 3, 2}, {"a", 4, 3}, {"a", 6, 5}}},
	}
	taken, more := fair.Take(queues, 4, 1, of)
	require.False(t, slices.IsSortedFunc(taken, func(a, b waiting) int { return int(b.number) - int(a.number) }))
	require.True(t, slices.IsSortedFunc(taken, func(a, b waiting) int { return int(a.number) - int(b.number) }))
	require.True(t, more)
}

func TestAQueueThatWasNotServedForLongTakesTurns(t *testing.T) {
	t.Parallel()
	for range 20 {
		old := fair.Queue[waiting]{}
		for n := range 100 {
			old.Front = append(old.Front, waiting{"old", int64(n + 1), uint64(n + 1)})
		}
		fresh := fair.Queue[waiting]{}
		for n := range 10 {
			fresh.Front = append(fresh.Front, waiting{"fresh", int64(1001 + n), uint64(1001 + n)})
		}
		taken, _ := fair.Take([]fair.Queue[waiting]{old, fresh}, 20, 1000, of)
		count := 0
		for _, w := range taken {
			if w.owner == "fresh" {
				count++
			}
		}
		require.InDelta(t, 10, count, 1)
	}
}

func TestTakingStopsWhereAQueueWasNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	queues := []fair.Queue[waiting]{
		{Front: []waiting{{"a", 2, 1}}, More: true},
		{Front: []waiting{{"b", 4, 9}}},
	}
	taken, more := fair.Take(queues, 5, 1, of)
	require.Len(t, taken, 1, "the next of the first queue may come before the other one")
	require.True(t, more)
	taken, more = fair.Take(queues[1:], 5, 1, of)
	require.Len(t, taken, 1)
	require.False(t, more)
	taken, more = fair.Take(nil, 5, 1, of)
	require.Empty(t, taken)
	require.False(t, more)
}
