package sqlite

import (
	"errors"

	"duroxide/provider"
)

// errForgotten means that what the writer remembers of a row is wrong. The group is rolled back
// and everything is read again.
var errForgotten = errors.New("a stored row is not as remembered")

var (
	sqlCreate = &statement{`
INSERT INTO details (instance, name, version, parent, created) VALUES (?1, ?2, ?3, ?4, ?5)`}
	// The parent is stored once, with the first description of an execution.
	sqlRename = &statement{`
UPDATE details SET name = ?2, version = ?3,
  parent = CASE WHEN name = '' AND version = '' THEN ?4 ELSE parent END
WHERE instance = ?1`}
	sqlExecution = &statement{`
INSERT INTO executions (instance, execution, status, started) VALUES (?1, ?2, 1, ?3)`}
	sqlOutcome = &statement{`
UPDATE executions SET status = ?3, output = ?4, completed = ?5 WHERE instance = ?1 AND execution = ?2`}
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
	if t.CustomStatus != nil {
		_, err := w.c.exec(sqlCustomStatus, signed(i.key), optionalBlob(t.CustomStatus.Status))
		if err != nil {
			return err
		}
	}
	if err := w.commitValues(i, t); err != nil {
		return err
	}
	if t.IsAwaited() {
		w.touch(i.id)
	}
	return w.commitOutcome(i, t.Outcome)
}

func (w *writer) describe(i *instance, s *provider.Started) error {
	if s == nil {
		return nil
	}
	i.pin = s.Pin
	if s.Name == i.name && s.Version == i.version {
		return nil
	}
	i.name, i.version = s.Name, s.Version
	_, err := w.c.exec(sqlRename, signed(i.key), s.Name, s.Version, s.Parent)
	return err
}

func (w *writer) nextExecution(i *instance, t *turn) error {
	if i.execution == 0 {
		parent := ""
		if s := t.Started; s != nil {
			i.name, i.version, parent = s.Name, s.Version, s.Parent
		}
		if _, err := w.c.exec(sqlCreate,
			signed(i.key), i.name, i.version, parent, w.now); err != nil {
			return err
		}
	} else if _, err := w.c.exec(sqlSizes,
		signed(i.key), signed(i.execution), i.events, i.bytes); err != nil {
		return err
	}
	i.execution, i.status = t.Execution, provider.Running
	i.lastEvent, i.events, i.bytes, i.pin = 0, 0, 0, 0
	_, err := w.c.exec(sqlExecution, signed(i.key), signed(i.execution), w.now)
	return err
}

func (w *writer) commitOutcome(i *instance, o *provider.Outcome) error {
	if o == nil {
		return nil
	}
	i.status = o.Status
	var completed any
	if o.Status.IsFinal() {
		completed = w.now
	}
	_, err := w.c.exec(sqlOutcome,
		signed(i.key), signed(i.execution), int64(o.Status), blob(o.Output), completed)
	return err
}
