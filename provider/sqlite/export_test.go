package sqlite

import (
	"context"
	"database/sql/driver"

	"duroxide/provider/process"
)

// Script runs SQL on the writing connection, so that tests can damage what is stored.
func (s *Store) Script(ctx context.Context, text string) error {
	return s.write(ctx, "script", 0, func(w *writer) error {
		w.c.writes++
		err := w.c.script(text)
		w.forgetAll()
		return err
	})
}

// Number gives the first number that a query finds.
func (s *Store) Number(ctx context.Context, text string) (int64, error) {
	var found int64
	err := s.read(ctx, "number", func(c *conn) (err error) {
		q := &statement{text}
		found, err = number(c, q)
		_ = c.forget(q)
		return err
	})
	return found, err
}

// Hold stops the writer inside a group until release is closed; began is closed when it has
// stopped.
func (s *Store) Hold(ctx context.Context, began, release chan struct{}) error {
	first := true
	return s.write(ctx, "hold", 0, func(*writer) error {
		if first {
			first = false
			close(began)
			<-release
		}
		return nil
	})
}

// Waiting gives the number of requests that the writer has not taken yet.
func (s *Store) Waiting() int { return len(s.requests) }

// Statements gives how many statements the writer has run.
func (s *Store) Statements(ctx context.Context) (int, error) {
	var runs int
	err := s.write(ctx, "statements", 0, func(w *writer) error {
		runs = w.c.runs
		return nil
	})
	return runs, err
}

// frequent are the statements that run with claims, steps and waiting clients.
var frequent = map[string]*statement{
	"ready instances": sqlReady, "waiting": sqlWaiting, "waiting after": sqlWaitingAfter,
	"sessions of a lane": sqlSessionsOfLane, "more sessions": sqlMoreSessions, "next message": sqlNextMessage,
	"beyond": sqlNextBeyond, "next task": sqlNextTask, "pending": sqlPending,
	"goes first": sqlFirst, "was hidden": sqlHidden,
	"claim": sqlClaim, "any due": sqlAnyDue, "next due": sqlNextDue, "any start": sqlAnyStart,
	"by key": sqlInstanceByKey, "by id": sqlInstanceByID, "free instances": sqlFreeInstances,
	"held": sqlHeld, "mark claims": sqlMarkClaims, "commit turn": sqlCommitTurn,
	"drop timer": sqlDropTimer, "outcome": sqlOutcome, "late tasks": sqlLate,
	"last place": sqlLastPlace, "tasks": sqlFront, "session tasks": sqlFrontSession,
	"overdue": sqlOverdue, "name": sqlName, "lane": sqlLane, "find lane": sqlFindLane, "message lanes": sqlMessageLanes,
	"next turn lane": sqlNextTurnLane, "next task lane": sqlNextTaskLane,
	"next session lane": sqlNextSessionLane, "unsorted turns": sqlUnsortedTurns,
	"unsorted tasks": sqlUnsortedTasks, "oldest turn": sqlOldestTurn, "oldest task": sqlOldestTask,
	"ready task": sqlReadyTask, "own sessions": sqlOwnSessions, "free sessions": sqlFreeSessions,
	"open session": sqlOpenSession, "session front": sqlSessionFront, "free tasks": sqlFreeTasks,
	"held tasks":  sqlHeldTasks,
	"cancel task": sqlCancelTask, "history": sqlHistory, "written": sqlWritten, "base": sqlBase, "status": sqlStatus,
	"stats": sqlStats, "value": sqlValue, "values": sqlValues, "children": sqlChildren,
	"merge": sqlMergeValues, "clear": sqlClearValues, "next start": sqlNextStart,
	"mark claim": sqlMarkClaim, "hide until": sqlHideUntil, "unhide": sqlUnhide,
	"waiting start": sqlWaitingStart, "free ends": sqlFreeEnds, "stopping": sqlStopping,
}

// Plans gives the steps of the query plan of each frequent statement.
func (s *Store) Plans(ctx context.Context) (map[string][]string, error) {
	plans := map[string][]string{}
	err := s.read(ctx, "plans", func(c *conn) error {
		for name, frequent := range frequent {
			explained := &statement{"EXPLAIN QUERY PLAN " + frequent.sql}
			args := make([]driver.Value, 12)
			err := c.each(explained, func(r *rows) bool {
				plans[name] = append(plans[name], r.text(3))
				return true
			}, args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return plans, err
}

// ToBeExamined reports whether the first claim is followed by a look for damage.
func (s *Store) ToBeExamined() bool { return s.unclean.Load() }

// Examined waits until the look for damage is over.
func (s *Store) Examined() { s.examining.Wait() }

// OpenAs is Open in another process.
func OpenAs(ctx context.Context, o Options, here process.ID) (*Store, error) {
	return openAs(ctx, o, here)
}
