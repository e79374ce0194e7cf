package sqlite

import "time"

// Messages for an instance that was never started wait for its start: hidden for as long as they
// are old, within bounds, so that looking at them stays cheap, and dropped in the end.
const (
	orphanRetention = 10 * time.Minute
	orphanLeast     = time.Second
	orphanMost      = time.Minute
)

var (
	sqlNextStart = &statement{`
SELECT due FROM messages WHERE instance = ?1 + 0 AND kind IN (1, 2) ORDER BY due LIMIT 1`}
	sqlHideUntil = &statement{`
UPDATE messages SET due = ?3 WHERE instance = ?1 + 0 AND due <= ?2`}
	sqlNotQueue = &statement{`
SELECT 1 FROM messages WHERE instance = ?1 + 0 AND kind <> 6 LIMIT 1`}
	sqlDropDue     = &statement{`DELETE FROM messages WHERE instance = ?1 + 0 AND due <= ?2`}
	sqlDropOrphans = &statement{`DELETE FROM messages WHERE instance = ?1 + 0 AND effective <= ?2`}
	sqlHideOrphans = &statement{`
UPDATE messages SET due = ?2 + min(max(?2 - effective, ?3), ?4)
WHERE instance = ?1 + 0 AND due <= ?2`}
	sqlAnyMessage  = &statement{`SELECT 1 FROM messages WHERE instance = ?1 + 0 LIMIT 1`}
	sqlDropPhantom = &statement{`DELETE FROM instances WHERE key = ?1 AND execution = 0`}
)

// hideOrphans deals with due messages of an instance that has no due start. If it has one that is
// delayed, they wait with it. Queue messages alone are dropped: what is sent before an instance
// exists is lost by contract.
func (w *writer) hideOrphans(i *instance) error {
	key := signed(i.key)
	start, err := w.c.one(sqlNextStart, key)
	if err != nil {
		return err
	}
	if start != nil {
		_, err = w.c.exec(sqlHideUntil, key, w.now, start.int(0))
		return err
	}
	other, err := w.c.one(sqlNotQueue, key)
	if err != nil {
		return err
	}
	var dropped int64
	if other == nil {
		dropped, err = w.c.exec(sqlDropDue, key, w.now)
	} else {
		dropped, err = w.c.exec(sqlDropOrphans, key, w.now-orphanRetention.Milliseconds())
	}
	if err != nil {
		return err
	}
	if dropped > 0 {
		w.store.log.Warn("sqlite: dropped messages for an instance that was never started",
			"instance", i.id, "messages", dropped)
	}
	_, err = w.c.exec(sqlHideOrphans,
		key, w.now, orphanLeast.Milliseconds(), orphanMost.Milliseconds())
	if err != nil {
		return err
	}
	return w.dropPhantom(i)
}

// dropPhantom deletes the row of an instance that was never committed and has no messages.
func (w *writer) dropPhantom(i *instance) error {
	if i.execution != 0 || i.lease != 0 {
		return nil
	}
	left, err := w.c.one(sqlAnyMessage, signed(i.key))
	if err != nil || left != nil {
		return err
	}
	w.drop(i)
	_, err = w.c.exec(sqlDropPhantom, signed(i.key))
	return err
}
