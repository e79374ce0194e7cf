package sqlite

import (
	"cmp"
	"context"
	"slices"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// batch is the page of messages of one instance that a claim, or Pending, gives.
type batch struct {
	messages    []provider.Message
	undecodable []provider.UndecodableMessage
	more        bool
	attempts    int
	marks       int
	last        uint64
	start       bool
}

// row is a stored message.
type row struct {
	id        uint64
	effective int64
	attempts  int64
	marks     int64
	kind      provider.MessageKind
	body      []byte
}

// due reads the first page of the messages of an instance that are due, ordered by effective time.
func due(c *conn, key uint64, id string, now int64) (batch, error) {
	var all []row
	seen := map[uint64]bool{}
	full := false
	for _, s := range []*statement{sqlPending, sqlFirst, sqlHidden} {
		count, bytes := 0, 0
		err := c.each(s, func(r *rows) bool {
			if count == provider.PageMessages || bytes >= provider.PageBytes {
				full = true
				return false
			}
			m := row{
				id: r.uint(0), effective: r.int(1), attempts: r.int(2), marks: r.int(5),
				kind: provider.MessageKind(r.int(3)), body: r.blob(4), //nolint:gosec // a kind
			}
			count, bytes = count+1, bytes+len(m.body)
			if !seen[m.id] {
				seen[m.id] = true
				all = append(all, m)
			}
			return true
		}, signed(key), now)
		if err != nil {
			return batch{}, err
		}
		if !full {
			break // That was everything.
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.effective, b.effective), cmp.Compare(a.id, b.id))
	})
	page, more := provider.CutPage(all, func(m *row) (provider.MessageKind, int) { return m.kind, len(m.body) })
	b := batch{more: more || full}
	for _, m := range page {
		b.add(m, id)
	}
	return b, nil
}

func (b *batch) add(r row, instance string) {
	b.last = max(b.last, r.id)
	b.start = b.start || rules.IsStart(r.kind)
	m, err := provider.DecodeMessage(r.body)
	if err != nil {
		bad := provider.UnreadableRow(err, int(r.attempts))
		b.undecodable = append(b.undecodable, provider.UndecodableMessage{ID: r.id, Unreadable: bad})
		return
	}
	m.ID, m.Instance, m.DueMs = r.id, instance, r.effective
	m.Attempts, m.Marks = int(r.attempts), int(r.marks)
	b.attempts, b.marks = max(b.attempts, m.Attempts), max(b.marks, m.Marks)
	b.messages = append(b.messages, m)
}

// Pending gives the first page of the due messages of a held instance. What cannot be read is left to the
// next claim.
func (s *Store) Pending(ctx context.Context, token provider.Token) (provider.Page, error) {
	var page provider.Page
	err := s.write(ctx, "pending", 0, func(w *writer) error {
		page = provider.Page{}
		i, err := w.held(token)
		if err != nil {
			return err
		}
		b, err := due(w.c, i.key, i.id, w.now)
		page = provider.Page{Messages: b.messages, More: b.more, Undecodable: len(b.undecodable) > 0}
		return err
	})
	if err != nil {
		return provider.Page{}, err
	}
	return page, nil
}
