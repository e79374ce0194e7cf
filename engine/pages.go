package engine

import (
	"errors"
	"slices"

	"duroxide/provider"
)

// The store gives the messages of an instance in pages, and a mailbox holds about a page. While there is
// more in the store than was read, what arrives stays there too: else it would overtake what was stored
// before it. The next page is read once the mailbox is empty.

// pages is what a resident knows of its messages in the store. It is guarded by Runtime.mu.
type pages struct {
	// more means that there are due messages in the store that were not read yet.
	more bool
	// left means that a message has arrived, and was left in the store, since the last page was asked for.
	left bool
}

// mostWaiting is how many items a mailbox has before messages stay in the store; what goes first is put in
// nevertheless. mostOutcomes is how many before outcomes are stored, which only are in memory, and
// mostLarge the bytes of all items before a large one is.
const (
	mostWaiting  = 2 * provider.PageMessages
	mostOutcomes = 4 * provider.PageMessages
	large        = 64 << 10
	mostLarge    = 16 << 20
)

// hasRoom reports whether an outcome may be in memory only. The caller holds rt.mu.
func (r *resident) hasRoom(it item) bool {
	if len(r.mailbox) >= mostOutcomes {
		return false
	}
	bytes := len(it.msg.Data)
	if bytes <= large {
		return true
	}
	for _, other := range r.mailbox {
		bytes += len(other.msg.Data)
	}
	return bytes <= mostLarge
}

// put adds a message unless it is there already, or has to wait in the store. The caller holds rt.mu.
func (rt *Runtime) put(r *resident, it item) {
	if it.msg.ID != 0 {
		if _, ok := r.known[it.msg.ID]; ok {
			return
		}
		if !it.msg.Kind.GoesFirst() && (r.more || len(r.mailbox) >= mostWaiting) {
			r.more, r.left = true, true
			return
		}
		r.known[it.msg.ID] = struct{}{}
	}
	r.mailbox = append(r.mailbox, it)
}

// knows reports whether a held instance has all these messages already, or will read them.
func (rt *Runtime) knows(w provider.Waiting) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r := rt.residents[w.Instance]
	return r != nil && (r.more || !slices.ContainsFunc(w.Messages, func(id uint64) bool {
		_, known := r.known[id]
		return !known
	}))
}

// pending reads the next due messages of a held instance that are not known yet.
func (rt *Runtime) pending(r *resident) []item {
	rt.mu.Lock()
	token := r.token
	r.left = false
	rt.mu.Unlock()
	page, err := rt.e.store.Pending(rt.ctx, token)
	if err != nil {
		rt.giveUp(r, token, nil, err)
		return nil
	}
	items := rt.unknown(r, page)
	if len(items) == 0 && page.Undecodable {
		rt.giveUp(r, token, nil, errUnreadable)
	}
	return items
}

// unknown gives those messages of a page that a resident has not seen.
func (rt *Runtime) unknown(r *resident, page provider.Page) []item {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	r.more = page.More || r.left
	var items []item
	for _, m := range page.Messages {
		if _, ok := r.known[m.ID]; !ok {
			r.known[m.ID] = struct{}{}
			items = append(items, item{msg: m, read: true})
		}
	}
	return items
}

// hasMore reports whether there are messages in the store that the turn does not know.
func (t *turn) hasMore() bool {
	t.rt.mu.Lock()
	defer t.rt.mu.Unlock()
	return t.r.more
}

var errUnreadable = errors.New("none of the next messages can be read")

// stuck gives a resident back that has read a page for nothing though there is more: the next claim hides
// what cannot be read.
func (rt *Runtime) stuck(r *resident, read bool) {
	rt.mu.Lock()
	token, stuck := r.token, read && r.more && !r.left && rt.residents[r.instance] == r
	rt.mu.Unlock()
	if stuck {
		rt.giveUp(r, token, nil, errUnreadable)
	}
}

// maxRead is how many consumed messages a resident remembers: more than one turn takes.
const maxRead = 2 * turnEvents

// consumed forgets messages that a commit has deleted. The caller holds rt.mu.
func (r *resident) consumed(items []item) {
	for _, it := range items {
		if !it.read {
			delete(r.known, it.msg.ID)
			continue
		}
		if len(r.read) == maxRead {
			delete(r.known, r.read[0])
			r.read = r.read[1:]
		}
		r.read = append(r.read, it.msg.ID)
	}
}
