package replay

import (
	"slices"
	"sort"

	"duroxide/history"
)

// queue holds the unread messages and the open subscriptions of one queue name.
type queue struct {
	unread        []arrival
	subscriptions []*schedule
}

// arrival is an unread queue message; number orders arrivals over all queues.
type arrival struct {
	number uint64
	data   string
}

func (q *queue) push(number uint64, data string) {
	q.unread = append(q.unread, arrival{number: number, data: data})
}

func (q *queue) take() string {
	data := q.unread[0].data
	q.unread[0] = arrival{}
	q.unread = q.unread[1:]
	return data
}

func (x *Execution) queue(name string) *queue {
	q := x.queues[name]
	if q == nil {
		q = &queue{}
		x.queues[name] = q
	}
	return q
}

func (x *Execution) nextArrival() uint64 {
	x.arrived++
	return x.arrived
}

// subscribe registers an open subscription; one that finds a message waiting becomes ready (I4).
func (x *Execution) subscribe(s *schedule) {
	q := x.queue(s.name)
	q.subscriptions = append(q.subscriptions, s)
	if len(q.unread) > 0 {
		x.ready = append(x.ready, s)
	}
}

// arrive takes a queue message: the oldest open subscription gets it, or it waits unread (I4).
func (x *Execution) arrive(name, data string) (Delivery, bool) {
	q := x.queue(name)
	q.push(x.nextArrival(), data)
	if len(q.subscriptions) == 0 {
		return Delivery{}, false
	}
	s := q.subscriptions[0]
	x.close(s)
	return Delivery{Token: s.token, OK: true, Value: q.take()}, true
}

// withdraw takes the message of a request out of a queue, if it is unread.
func (x *Execution) withdraw(name, request string) bool {
	q := x.queue(name)
	n := slices.IndexFunc(q.unread, func(a arrival) bool {
		e, _ := history.OpenEnvelope(a.data)
		return e.Request == request
	})
	if request == "" || n < 0 {
		return false
	}
	q.unread = slices.Delete(q.unread, n, n+1)
	return true
}

// NextReady gives the delivery for the oldest subscription that found a message waiting. It must
// be asked after every step until it has none, before anything else is taken (I4). It has no event
// of its own, so its time is that of the step before.
func (x *Execution) NextReady() (Delivery, bool) {
	for len(x.ready) > 0 {
		s := x.ready[0]
		x.ready = x.ready[1:]
		q := x.queue(s.name)
		if s.closed || len(q.unread) == 0 {
			continue
		}
		x.close(s)
		return x.deliver(Delivery{Token: s.token, OK: true, Value: q.take()}, x.stepMs), true
	}
	return Delivery{}, false
}

// Unread gives the unread queue messages, oldest first over all queues.
func (x *Execution) Unread() []history.Carried {
	type numbered struct {
		number  uint64
		carried history.Carried
	}
	var all []numbered
	for name, q := range x.queues {
		for _, a := range q.unread {
			all = append(all, numbered{a.number, history.Carried{Name: name, Data: a.data}})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].number < all[j].number })
	carried := make([]history.Carried, len(all))
	for i, n := range all {
		carried[i] = n.carried
	}
	return carried
}
