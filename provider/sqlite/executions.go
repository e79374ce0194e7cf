package sqlite

import (
	"errors"

	"duroxide/history"
	"duroxide/provider"
)

// errForgotten means that what the writer remembers of a row is wrong. The group is rolled back
// and everything is read again.
var errForgotten = errors.New("a stored row is not as remembered")

var (
	sqlCreate = &statement{`
INSERT INTO details (instance, name, version, created, life, parent, parent_execution, parent_event,
  parent_life)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`}
	sqlRename    = &statement{`UPDATE details SET name = ?2, version = ?3 WHERE instance = ?1`}
	sqlAdopt     = &statement{`UPDATE details SET life = ?2 WHERE instance = ?1`}
	sqlStarts    = &statement{`UPDATE details SET starts = ?2 WHERE instance = ?1`}
	sqlExecution = &statement{`
INSERT INTO executions (instance, execution, status, started) VALUES (?1, ?2, 1, ?3)`}
	sqlOutcome = &statement{`
UPDATE executions SET status = ?3, output = ?4, completed = ?5, failure = ?6 WHERE instance = ?1 AND execution = ?2`}
	sqlSizes = &statement{`
UPDATE executions SET events = ?3, bytes = ?4 WHERE instance = ?1 AND execution = ?2`}
	sqlCustomStatus = &statement{`
UPDATE details SET custom_status = ?2, custom_status_version = custom_status_version + 1
WHERE instance = ?1`}
)

// commitExecution creates the instance and the execution with their first turn, and writes what
// changed of them.
func (w *writer) commitExecution(i *instance, t *turn) error {
	if t.Execution > i.execution {
		if err := w.nextExecution(i, t); err != nil {
			return err
		}
	}
	if err := w.describe(i, t.Started); err != nil {
		return err
	}
	if err := w.commitLife(i, t); err != nil {
		return err
	}
	if t.CustomStatus != nil {
		_, err := w.c.exec(sqlCustomStatus, signed(i.key), optionalBlob(t.CustomStatus.Status))
		if err != nil {
			return err
		}
	}
	if t.Cancelling != nil {
		if err := w.cancelling(i, t.Cancelling); err != nil {
			return err
		}
	}
	if err := w.commitValues(i, t); err != nil {
		return err
	}
	if t.IsAwaited() {
		w.touch(i.id)
	}
	if err := w.commitOutcome(i, t); err != nil {
		return err
	}
	if t.Hold != nil || i.hold != nil {
		return w.commitHold(i, t)
	}
	return w.commitLane(i, t)
}

// commitLane moves an instance to where it belongs after a turn; commitRow stores that. What begins the
// next execution moves it on.
func (w *writer) commitLane(i *instance, t *turn) error {
	if i.lane != unsorted && t.Started == nil && t.Outcome == nil && t.Level <= i.pin {
		return nil
	}
	i.pin = max(i.pin, t.Level)
	if i.status == provider.ContinuedAsNew && t.Outcome != nil {
		return w.move(i, provider.TurnLane(i.name, i.version, i.pin))
	}
	lane, err := w.wanted(i)
	if err != nil {
		return err
	}
	return w.move(i, lane)
}

func (w *writer) describe(i *instance, s *provider.Started) error {
	if s == nil {
		return nil
	}
	if s.Name == i.name && s.Version == i.version {
		return nil
	}
	i.name, i.version = s.Name, s.Version
	_, err := w.c.exec(sqlRename, signed(i.key), s.Name, s.Version)
	return err
}

// create makes the cold row of an instance.
func (w *writer) create(i *instance) error {
	parent := history.Parent{}
	if i.parent != nil {
		parent = *i.parent
	}
	_, err := w.c.exec(sqlCreate, signed(i.key), i.name, i.version, w.now, lifeBlob(i.life),
		parent.Instance, signed(parent.Execution), signed(parent.Event), lifeBlob(parent.Life))
	return err
}

// lifeBlob binds a life; an unknown one is null.
func lifeBlob(life history.Life) any {
	if life.IsZero() {
		return nil
	}
	return life[:]
}

// commitLife writes what a turn tells of the life itself, and of patches, which is rare.
func (w *writer) commitLife(i *instance, t *turn) error {
	if i.life.IsZero() && !t.Life.IsZero() {
		i.life = t.Life
		if _, err := w.c.exec(sqlAdopt, signed(i.key), lifeBlob(i.life)); err != nil {
			return err
		}
	}
	if t.Patches != nil {
		if err := w.answered(i, t); err != nil {
			return err
		}
	}
	if t.Starts <= i.starts {
		return nil
	}
	i.starts = t.Starts
	_, err := w.c.exec(sqlStarts, signed(i.key), signed(i.starts))
	return err
}

func (w *writer) nextExecution(i *instance, t *turn) error {
	if !i.born { // An older release stored the start.
		i.born = true
		if s := t.Started; s != nil {
			i.name, i.version, i.parent = s.Name, s.Version, s.Parent
		}
		if err := w.create(i); err != nil {
			return err
		}
	}
	if i.execution > 0 {
		_, err := w.c.exec(sqlSizes, signed(i.key), signed(i.execution), i.events, i.bytes)
		if err != nil {
			return err
		}
	}
	i.execution, i.status = t.Execution, provider.Running
	i.lastEvent, i.events, i.bytes = 0, 0, 0
	_, err := w.c.exec(sqlExecution, signed(i.key), signed(i.execution), w.now)
	return err
}

func (w *writer) commitOutcome(i *instance, t *turn) error {
	o := t.Outcome
	if o == nil {
		return nil
	}
	i.status = o.Status
	var completed, output, failed any
	if class := provider.FailureOf(&t.Commit); class != "" {
		failed = string(class)
	}
	if o.Status.IsFinal() {
		completed = w.now
	}
	if !provider.OutputIsLast(t.Events, o) {
		output = blob(o.Output)
	}
	_, err := w.c.exec(sqlOutcome,
		signed(i.key), signed(i.execution), int64(o.Status), output, completed, failed)
	return err
}

// lastRow is, for executions that have ended and whose output is not in their row, the row of their history
// that tells it. A large output there would be copied whenever the tree of the executions is searched.
const lastRow = `CASE WHEN e.output IS NULL AND e.completed IS NOT NULL THEN (
  SELECT h.body FROM histories h WHERE h.instance = e.instance AND h.execution = e.execution
  ORDER BY h.first DESC LIMIT 1) END`

// output gives the output of an execution of that status from its own column or from that of lastRow.
func (r *rows) output(status provider.ExecutionStatus, own, last int) (string, error) {
	if !r.null(own) || !status.IsFinal() {
		return r.text(own), nil
	}
	return provider.LastOutput(r.text(last))
}
