package provider

import (
	"errors"
	"fmt"

	"duroxide/history"
)

// The bytes of messages and tasks hold what a store does not need in columns of its own.

// EncodeMessage gives the stored bytes of a message, without ID, Instance, DueMs and Attempts.
func EncodeMessage(m Message) []byte {
	return history.Encode(func(w *history.Wire) {
		w.Has(m.Headers != "", !m.Timeout.IsZero())
		w.Format()
		messageFields(w, &m)
	})
}

// DecodeMessage gives back what EncodeMessage wrote. Errors wrap ErrCorrupt, or ErrNewer for a format or
// a kind that this version does not know.
func DecodeMessage(data []byte) (Message, error) {
	w := history.NewDecoder(data)
	var m Message
	w.Format()
	messageFields(&w, &m)
	switch {
	case m.Kind < StartInstance:
		w.Fail("message kind %d", m.Kind)
	case !m.Kind.IsKnown():
		w.Newer("message kind %d", m.Kind)
	}
	if err := w.Finish(); err != nil {
		return Message{}, fmt.Errorf("decode message: %w", unreadable(err))
	}
	return m, nil
}

// unreadable tells damage from what is merely newer.
func unreadable(err error) error {
	if errors.Is(err, ErrNewer) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

func messageFields(w *history.Wire, m *Message) {
	kind := storedKind(m)
	w.Byte(&kind)
	m.Kind, m.Stop = MessageKind(kind), AsRegistered
	if stop := kind - uint8(CancelInstance); m.Kind > CancelInstance && Stop(stop) <= TimedOut {
		m.Kind, m.Stop = CancelInstance, Stop(stop)
	}
	if m.Stop == InTime {
		w.Uint(&m.GraceMs)
	}
	w.Uint(&m.Execution)
	w.Uint(&m.Source)
	w.Text(&m.Name)
	w.OptionalText(&m.Version)
	w.Text(&m.Input)
	w.Text(&m.Data)
	w.Failure(&m.Failure)
	w.Parent(&m.Parent)
	w.CarriedList(&m.Carried)
	w.OptionalText(&m.CustomStatus)
	if w.Since(2) {
		w.Life(&m.Life)
		w.Life(&m.From)
	}
	if w.Since(4) {
		w.Text(&m.Headers)
	}
	w.Timeout(&m.Timeout)
}

// storedKind is the first byte of a message. A way to stop that is not the first one has a number that
// older releases do not know, so that they leave it to others instead of cancelling; the kind by which
// stores select messages is the same.
func storedKind(m *Message) uint8 {
	if m.Kind != CancelInstance {
		return uint8(m.Kind)
	}
	return uint8(m.Kind) + uint8(m.Stop)
}

// EncodeTask gives the stored bytes of a task, without ID, Instance, Execution, Event, Session and
// Tag.
func EncodeTask(t Task) []byte {
	return history.Encode(func(w *history.Wire) {
		w.Has(t.Headers != "", false)
		w.Format()
		taskFields(w, &t)
	})
}

// DecodeTask gives back what EncodeTask wrote. Errors wrap ErrCorrupt or ErrNewer.
func DecodeTask(data []byte) (Task, error) {
	w := history.NewDecoder(data)
	var t Task
	w.Format()
	taskFields(&w, &t)
	if err := w.Finish(); err != nil {
		return Task{}, fmt.Errorf("decode task: %w", unreadable(err))
	}
	return t, nil
}

func taskFields(w *history.Wire, t *Task) {
	w.Text(&t.Name)
	w.Text(&t.Input)
	w.Text(&t.Orchestration)
	w.Text(&t.Version)
	if w.Since(2) {
		w.Life(&t.Life)
	}
	if w.Since(4) {
		w.Text(&t.Headers)
	}
}
