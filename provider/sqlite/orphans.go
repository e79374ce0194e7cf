package sqlite

import (
	"database/sql/driver"

	"duroxide/provider"
)

// Messages for a place where nobody lives yet wait for a start: hidden for as long as they may wait,
// so that they cost nothing, and dropped when they are next seen. A start waits for nobody.

// patienceCase gives how long a message waits, from the three times that its parameters name.
const patienceCase = `CASE kind WHEN 6 THEN ?3 WHEN 8 THEN ?4 ELSE ?5 END`

var (
	sqlNextStart = &statement{`
SELECT due FROM ` + firstMessages + ` WHERE instance = ?1 + 0 AND ` + isStarting + ` ORDER BY due LIMIT 1`}
	sqlHideUntil = &statement{`
UPDATE messages SET due = ?3 WHERE instance = ?1 + 0 AND due <= ?2`}
	sqlDropLate = &statement{`
DELETE FROM messages
WHERE instance = ?1 + 0 AND kind NOT IN ` + starts + ` AND effective + ` + patienceCase + ` <= ?2`}
	sqlHideWaiting = &statement{`
UPDATE messages SET due = effective + ` + patienceCase + `
WHERE instance = ?1 + 0 AND kind NOT IN ` + starts + ` AND due <= ?2`}
	sqlAnyMessage = &statement{`SELECT 1 FROM messages WHERE instance = ?1 + 0 LIMIT 1`}
	sqlDropPlace  = &statement{`DELETE FROM instances WHERE key = ?1 AND execution = 0`}
)

// hideOrphans deals with due messages of a place that has no due start. If it has one that is delayed,
// they wait with it.
func (w *writer) hideOrphans(i *instance) error {
	start, err := w.c.one(sqlNextStart, signed(i.key))
	if err != nil {
		return err
	}
	if start != nil {
		_, err = w.c.exec(sqlHideUntil, signed(i.key), w.now, start.int(0))
		return err
	}
	if err := w.dropLate(i); err != nil {
		return err
	}
	_, err = w.c.exec(sqlHideWaiting, w.patienceOf(i)...)
	if err != nil {
		return err
	}
	return w.dropPlace(i)
}

// patienceOf are the parameters of statements about what waits at a place.
func (w *writer) patienceOf(i *instance) []driver.Value {
	of := func(k provider.MessageKind) int64 {
		return provider.Patience(k, w.store.options.OrphanRetention).Milliseconds()
	}
	return []driver.Value{
		signed(i.key), w.now, of(provider.QueueEvent), of(provider.CancelInstance), of(provider.EventRaised),
	}
}

// dropLate drops what has waited too long for somebody to live at its place.
func (w *writer) dropLate(i *instance) error {
	dropped, err := w.c.exec(sqlDropLate, w.patienceOf(i)...)
	if err == nil && dropped > 0 {
		w.store.log.Warn("sqlite: dropped messages for an instance that was never started",
			"instance", i.id, "messages", dropped)
	}
	return err
}

// dropPlace deletes the row of a place where nobody lives and no message waits.
func (w *writer) dropPlace(i *instance) error {
	if i.born || i.execution != 0 || i.lease != 0 {
		return nil
	}
	left, err := w.c.one(sqlAnyMessage, signed(i.key))
	if err != nil || left != nil {
		return err
	}
	w.drop(i)
	if _, err := w.c.exec(sqlDropKeys, signed(i.key)); err != nil {
		return err
	}
	_, err = w.c.exec(sqlDropPlace, signed(i.key))
	return err
}
