package sqlite

import "duroxide/provider"

var (
	sqlDropLaterHistories = &statement{`
DELETE FROM histories WHERE instance = ?1 + 0 AND execution > ?2 + 0`}
	sqlDropLaterExecutions = &statement{`
DELETE FROM executions WHERE instance = ?1 + 0 AND execution > ?2 + 0`}
	sqlHasExecution = &statement{`
SELECT 1 FROM executions WHERE instance = ?1 + 0 AND execution = ?2 + 0`}
)

// isTaken reports whether somebody lives at an id.
func (w *writer) isTaken(id string) (bool, error) {
	i, err := w.withID(id)
	if err != nil || i == nil || i.born {
		return i != nil, err
	}
	start, err := w.c.one(sqlAnyStart, signed(i.key)) // One that an older release stored.
	return start != nil, err
}

// rewritten puts the instance of a rewrite into the execution that is meant, and makes a fresh one.
func (w *writer) rewritten(rw *rewrite) error {
	if rw.Fresh {
		return w.found(rw)
	}
	i := rw.found
	if err := w.describe(i, rw.Started); err != nil || i.execution == rw.Execution {
		return err
	}
	for _, s := range []*statement{sqlDropLaterHistories, sqlDropLaterExecutions} {
		if _, err := w.c.exec(s, signed(i.key), signed(rw.Execution)); err != nil {
			return err
		}
	}
	i.execution = rw.Execution
	return nil
}

// found makes an instance as a start does, with an execution.
func (w *writer) found(rw *rewrite) error {
	d := delivery{w: w, targets: map[string]*target{}}
	t, err := d.target(rw.Instance)
	if err != nil {
		return err
	}
	if err := d.beginLife(t, rw.Start()); err != nil {
		return err
	}
	i := t.instance
	rw.found = i
	if t.fresh {
		_, err := w.c.exec(sqlInsertInstance, signed(i.key), i.id, int64(0), int64(0), int64(0), int64(0),
			i.lane, signed(i.pin))
		if err != nil {
			return err
		}
		w.remember(i)
	}
	i.execution, i.status = rw.Execution, provider.Running
	_, err = w.c.exec(sqlExecution, signed(i.key), signed(i.execution), w.now)
	return err
}
