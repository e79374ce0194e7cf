package sqlite

import (
	"cmp"
	"time"

	"duroxide/provider"
	"duroxide/provider/rules"
	"duroxide/provider/sqlite/files"
)

// readsTrust is how long reads trust that the files are where they were. Commits look every time.
const readsTrust = 100 * time.Millisecond

// verdict ends a store: every call from then on is answered with it.
type verdict struct {
	sentinel error
	message  string
}

// condemn ends the store. Only the first reason counts.
func (s *Store) condemn(sentinel error, message string) {
	if !s.verdict.CompareAndSwap(nil, &verdict{sentinel, message}) {
		return
	}
	s.log.Error("sqlite: the store stops: " + message)
	s.wake()
}

// wake makes an idle writer look around.
func (s *Store) wake() {
	select {
	case s.watched <- struct{}{}:
	default:
	}
}

// sound gives nil, or why nothing may be done any more.
func (s *Store) sound() error {
	v := s.verdict.Load()
	if v == nil {
		return nil
	}
	return rules.Refuse(v.sentinel, "%s", v.message)
}

// verify looks whether the files that are open are still those that the path names. What was written
// into others would be gone with the process, so nothing of it is acknowledged.
func (s *Store) verify() error {
	if s.files == nil || s.verdict.Load() != nil {
		return s.sound()
	}
	s.verified.Store(time.Now().UnixNano())
	return s.replaced(s.files.Check())
}

// replaced ends the store where files are not what they were.
func (s *Store) replaced(err error) error {
	if err != nil {
		s.condemn(provider.ErrReplaced, err.Error()+" while the store was open, so that nothing is "+
			"stored any more; end the process, put the files back together, and open the store again")
	}
	return s.sound()
}

// glance is verify for reads, which lose nothing.
func (s *Store) glance() error {
	if time.Now().UnixNano()-s.verified.Load() < int64(readsTrust) {
		return s.sound()
	}
	return s.verify()
}

// note looks at an error of SQLite, for what is behind it: files that are gone, or a damaged one. Then
// the store stops, because who goes on makes it worse.
func (s *Store) note(err error) error {
	switch code(err) {
	case codeIO, codeCannot, codeReadOnly:
		return cmp.Or(s.verify(), err)
	case codeCorrupt, codeNotADB:
		if gone := s.verify(); gone != nil {
			return gone
		}
		s.condemn(provider.ErrCorrupt, s.options.Path+" is damaged: "+err.Error())
		return s.sound()
	default:
		return err
	}
}

// react does once, on the writer's goroutine, what the end of the store asks for.
func (w *writer) react() {
	if w.reacted || w.store.verdict.Load() == nil {
		return
	}
	w.reacted = true
	w.rescue()
	w.changed.all = true
	w.publish()
}

// rescue moves the log into the database where only the name of the log is lost: while this store is
// open, nobody else can have begun another one.
func (w *writer) rescue() {
	if w.store.files == nil || !files.Owned() || !w.store.files.LogIsGone() {
		return
	}
	if _, err := w.c.one(sqlFull); err != nil {
		w.store.log.Error("sqlite: what the deleted log held is lost", "error", err)
		return
	}
	w.store.log.Warn("sqlite: what the deleted log held was moved into the database")
}

// part closes the writing connection of a store that was ended without writing to files that may
// belong to others by now. Where that cannot be had, the connection stays open.
func (w *writer) part() error {
	if w.store.files != nil && !w.store.files.Freeze() {
		return nil
	}
	return w.c.close()
}
