package engine

import (
	"errors"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

func (t *turn) poison(kind history.FailureKind, message string) history.Failure {
	return history.Failure{
		Category: history.Poison, Kind: kind, Message: message,
		Attempts: t.r.attempt - 1, MaxAttempts: t.rt.set.maxAttempts,
		Instance: t.r.instance, Execution: max(t.r.execution, 1),
	}
}

// finishPoisoned fails a running instance whose messages were tried too often. It goes through the
// ordinary end where the history can be read, and writes the bare failure where it cannot.
func (t *turn) finishPoisoned() error {
	err := t.index()
	switch {
	case err == nil:
		return t.finishFailed(t.poison(history.PoisonOrchestrationKind, t.r.name))
	case errors.Is(err, provider.ErrNewer):
		return err
	}
	t.takeAll()
	t.inv = Invocation{
		Instance: t.r.instance, Execution: t.r.execution, Name: t.r.name, Version: t.r.version,
	}
	f := t.poison(history.PoisonHistoryKind, err.Error())
	t.last = t.r.last
	return t.commit(replay.Delta{
		Events: []history.Event{{
			ID: t.r.last + 1, TimeMs: max(t.rt.nowMs(), t.floorMs), Engine: t.rt.e.version,
			Data: history.OrchestrationFailed{Failure: f},
		}},
		Ending: &replay.Ending{Kind: replay.Failed, Failure: &f},
	})
}

// index makes what a history means, without its code.
func (t *turn) index() error {
	record, err := t.read()
	if err != nil {
		return err
	}
	if t.r.x, _, err = replay.Load(record.Events, t.params(record)); err != nil {
		return err
	}
	t.last = t.r.x.LastEvent()
	t.describe()
	return nil
}

// finishFailed ends the execution without its code. What has led to that is consumed with the last part.
func (t *turn) finishFailed(f history.Failure) error {
	if err := t.fail(f); err != nil {
		return err
	}
	t.takeAll()
	return t.finish()
}
