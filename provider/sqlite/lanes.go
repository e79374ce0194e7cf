package sqlite

import (
	"database/sql/driver"

	"duroxide/provider"
)

// Lanes that are no rows of work.
const (
	// unsorted is the lane of what nobody has looked at yet, or where nobody lives.
	unsorted = 0
	// anyTurn is the lane of instances that have ended.
	anyTurn = 1
	// sortLimit is how much one claim sorts.
	sortLimit = 1000
)

var (
	sqlFindLane = &statement{`
SELECT id FROM duroxide_lanes
WHERE kind = ?1 + 0 AND name = CAST(?2 AS TEXT) AND version = CAST(?3 AS TEXT) AND level = ?4 + 0
  AND ifnull(tag, 0) = ifnull(?5, 0)`}
	sqlAddLane = &statement{`
INSERT INTO duroxide_lanes (kind, name, version, level, tag) VALUES (?1, ?2, ?3, ?4, ?5)`}
	sqlLane         = &statement{`SELECT kind, name, version, level, tag FROM duroxide_lanes WHERE id = ?1 + 0`}
	sqlInstanceLane = &statement{`UPDATE instances SET lane = ?2, pin = ?3 WHERE key = ?1`}
	sqlMessageLanes = &statement{`UPDATE messages SET lane = ?2 WHERE instance = ?1 + 0 AND lane <> ?2`}
	// Anybody may take what ends an instance that is held or has not begun.
	sqlFreeEnds = &statement{`UPDATE ` + firstMessages + ` SET lane = 1 WHERE instance = ?1 + 0 AND ` + isEnding}
	sqlTaskLane = &statement{`UPDATE tasks SET lane = ?2 WHERE id = ?1`}

	// One step through the index for each lane, however much is in it.
	sqlNextTurnLane = &statement{`SELECT lane FROM messages WHERE lane > ?1 + 0 ORDER BY lane LIMIT 1`}
	sqlNextTaskLane = &statement{`
SELECT lane FROM tasks WHERE lease = 0 AND place > 0 AND lane > ?1 + 0 ORDER BY lane LIMIT 1`}
	sqlNextSessionLane = &statement{`
SELECT lane FROM tasks
WHERE lease = 0 AND place > 0 AND session IS NOT NULL AND session = CAST(?2 AS TEXT) AND lane > ?1 + 0
ORDER BY lane LIMIT 1`}

	sqlUnsortedTurns = &statement{`
SELECT DISTINCT m.instance FROM messages m CROSS JOIN instances i ON i.key = m.instance
WHERE m.lane = 0 AND m.due <= ?1 AND i.lease = 0 LIMIT ?2`}
	sqlUnsortedTasks = &statement{`
SELECT id, attempts, tag, session, body FROM tasks WHERE lease = 0 AND place > 0 AND lane = 0 LIMIT ?1`}
	sqlWaitingStart = &statement{`
SELECT body FROM ` + firstMessages + ` WHERE instance = ?1 + 0 AND ` + isStarting + ` ORDER BY due, id LIMIT 1`}

	sqlOldestTurn = &statement{`
SELECT m.due, i.id FROM (
  SELECT instance, due FROM messages WHERE lane = ?1 + 0 AND due <= ?2 ORDER BY due LIMIT 500) m
CROSS JOIN instances i ON i.key = m.instance WHERE i.lease = 0 LIMIT 1`}
	sqlOldestTask = &statement{`
SELECT t.due, i.id FROM (
  SELECT instance, due FROM tasks WHERE lease = 0 AND place > 0 AND lane = ?1 + 0 ORDER BY place LIMIT 1) t
CROSS JOIN instances i ON i.key = t.instance`}
)

// lanes are those whose numbers are known. They never change, so that what others write does not matter.
type lanes struct {
	numbers map[provider.Lane]int64
	byID    map[int64]provider.Lane
}

// lanesLimit bounds how many are remembered. Forgetting costs a few reads, nothing else.
const lanesLimit = 20_000

func (l *lanes) forget() {
	l.numbers, l.byID = map[provider.Lane]int64{}, map[int64]provider.Lane{}
}

func (l *lanes) learn(lane provider.Lane, number int64) {
	if len(l.byID) >= lanesLimit {
		l.forget()
	}
	l.numbers[lane], l.byID[number] = number, lane
}

// laneNumber gives the number of a lane, which is made where there is none.
func (w *writer) laneNumber(lane provider.Lane) (int64, error) {
	if number, ok := w.lanes.numbers[lane]; ok {
		return number, nil
	}
	var tag any
	if lane.Tagged {
		tag = lane.Tag
	}
	for range 2 {
		r, err := w.c.one(sqlFindLane, int64(lane.Kind), lane.Name, lane.Version, signed(lane.Level), tag)
		if err != nil {
			return 0, err
		}
		if r != nil {
			w.lanes.learn(lane, r.int(0))
			return r.int(0), nil
		}
		_, err = w.c.exec(sqlAddLane, int64(lane.Kind), lane.Name, lane.Version, signed(lane.Level), tag)
		if err != nil {
			return 0, err
		}
	}
	return 0, errForgotten
}

// laneOf gives the lane of a number.
func (w *writer) laneOf(number int64) (provider.Lane, error) {
	if lane, ok := w.lanes.byID[number]; ok {
		return lane, nil
	}
	r, err := w.c.one(sqlLane, number)
	if err != nil || r == nil {
		return provider.Lane{}, err
	}
	lane := provider.Lane{
		Kind: provider.LaneKind(r.uint(0)), //nolint:gosec // written by this package
		Name: r.text(1), Version: r.text(2), Level: r.uint(3), Tagged: !r.null(4), Tag: r.text(4),
	}
	w.lanes.learn(lane, number)
	return lane, nil
}

// lanesOf walks over lanes by a statement that gives the next one.
func (w *writer) lanesOf(next *statement, args ...driver.Value) ([]int64, error) {
	var all []int64
	at := int64(-1)
	for {
		r, err := w.c.one(next, append([]driver.Value{at}, args...)...)
		if err != nil || r == nil {
			return all, err
		}
		at = r.int(0)
		all = append(all, at)
	}
}

// move gives an instance and its messages another lane. The row of the instance is the caller's.
func (w *writer) move(i *instance, lane provider.Lane) error {
	number, err := w.laneNumber(lane)
	if err != nil || number == i.lane {
		return err
	}
	i.lane = number
	return w.moveMessages(i)
}

// moveMessages gives the messages of an instance their lanes.
func (w *writer) moveMessages(i *instance) error {
	if i.messages == 0 {
		return nil
	}
	if _, err := w.c.exec(sqlMessageLanes, signed(i.key), i.lane); err != nil || !i.endsForAll() {
		return err
	}
	_, err := w.c.exec(sqlFreeEnds, signed(i.key))
	return err
}

// resettle moves an instance and stores that.
func (w *writer) resettle(i *instance, lane provider.Lane) error {
	if err := w.move(i, lane); err != nil {
		return err
	}
	_, err := w.c.exec(sqlInstanceLane, signed(i.key), i.lane, signed(i.pin))
	return err
}

// raise takes note of a message of a higher format level.
func (w *writer) raise(i *instance, level uint64) error {
	if level <= i.pin {
		return nil
	}
	i.pin = level
	lane, err := w.wanted(i)
	if err != nil {
		return err
	}
	return w.resettle(i, lane)
}

// wanted gives the lane where an instance belongs. What a start asks for is known by the lane that it has;
// where it has none, by the start itself.
func (w *writer) wanted(i *instance) (provider.Lane, error) {
	switch i.status {
	case provider.Completed, provider.Failed:
		return provider.Lane{Kind: provider.AnyTurn}, nil
	case provider.Running:
		return i.held().Held(provider.TurnLane(i.name, i.version, i.pin)), nil
	case provider.NotCommitted, provider.ContinuedAsNew:
	}
	if i.lane > anyTurn {
		lane, err := w.laneOf(i.lane)
		lane.Level = i.pin
		return lane, err
	}
	r, err := w.c.one(sqlWaitingStart, signed(i.key))
	if err != nil {
		return provider.Lane{}, err
	}
	if r != nil {
		if m, err := provider.DecodeMessage(r.blob(0)); err == nil {
			return m.LaneOf(i.pin), nil
		}
	}
	return provider.TurnLane(i.name, i.version, i.pin), nil
}

// sorted gives the lane of an instance, which it is given where it is not there: what an older release has
// written since does not say it.
func (w *writer) sorted(i *instance) (provider.Lane, error) {
	lane, err := w.wanted(i)
	if err != nil {
		return lane, err
	}
	if number, err := w.laneNumber(lane); err != nil || number == i.lane {
		return lane, err
	}
	return lane, w.resettle(i, lane)
}

// sortTurns gives due messages without a lane that of their instance.
func (w *writer) sortTurns() error {
	var keys []uint64
	err := w.c.each(sqlUnsortedTurns, func(r *rows) bool {
		keys = append(keys, r.uint(0))
		return true
	}, w.now, int64(sortLimit))
	if err != nil {
		return err
	}
	for _, key := range keys {
		i, err := w.withKey(key)
		if err != nil {
			return err
		}
		if err := w.sortTurn(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) sortTurn(i *instance) error {
	if i.execution == 0 {
		start, err := w.anyDue(i)
		if err != nil {
			return err
		}
		if !start {
			return w.hideOrphans(i)
		}
	}
	i.lane = unsorted // What it was may be what an older release has changed since.
	if _, err := w.sorted(i); err != nil {
		return err
	}
	return w.moveMessages(i)
}

// sortTasks gives waiting tasks their lanes that an older release has stored.
func (w *writer) sortTasks() error {
	var all []readyTask
	err := w.c.each(sqlUnsortedTasks, func(r *rows) bool {
		t := readyTask{attempts: r.int(1), body: r.blob(4)}
		t.ID, t.Tag, t.Session = r.uint(0), r.optional(2), r.optional(3)
		all = append(all, t)
		return true
	}, int64(sortLimit))
	if err != nil {
		return err
	}
	for _, t := range all {
		decoded, err := provider.DecodeTask(t.body)
		if err != nil {
			if _, err := w.hideTask(t, err); err != nil {
				return err
			}
			continue
		}
		decoded.Tag, decoded.Session = t.Tag, t.Session
		number, err := w.laneNumber(provider.LaneOf(&decoded))
		if err != nil {
			return err
		}
		if _, err := w.c.exec(sqlTaskLane, signed(t.ID), number); err != nil {
			return err
		}
	}
	return nil
}

// choose divides lanes into those that a holder takes and those that it cannot run.
func (w *writer) choose(all []int64, takes func(provider.Lane) bool) (served, left []int64, err error) {
	for _, number := range all {
		lane, err := w.laneOf(number)
		switch {
		case err != nil:
			return nil, nil, err
		case number == unsorted:
		case takes(lane):
			served = append(served, number)
		default:
			left = append(left, number)
		}
	}
	return served, left, nil
}

// report gives the oldest of what was left in some lanes.
func (w *writer) report(oldest *statement, left []int64, claimed *provider.Claimed, args ...driver.Value) error {
	for _, number := range left {
		if len(claimed.Unserved) == provider.MostUnserved {
			return nil
		}
		lane, err := w.laneOf(number)
		if err != nil {
			return err
		}
		r, err := w.c.one(oldest, append([]driver.Value{number}, args...)...)
		if err != nil {
			return err
		}
		if r != nil {
			claimed.Unserved = append(claimed.Unserved,
				provider.Unserved{Lane: lane, DueMs: r.int(0), Instance: r.text(1)})
		}
	}
	return nil
}
