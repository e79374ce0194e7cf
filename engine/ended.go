package engine

import (
	"log/slog"
	"strings"

	"duroxide/engine/replay"
)

// Ended is an execution that has ended, as it is told once its end is committed. The JSON names are those that
// users see.
type Ended struct {
	InstanceID           string `json:"instanceId"`
	ExecutionID          uint64 `json:"executionId"`
	OrchestrationName    string `json:"orchestrationName"`
	OrchestrationVersion string `json:"orchestrationVersion"`
	ParentInstanceID     string `json:"parentInstanceId,omitempty"`
	ParentExecutionID    uint64 `json:"parentExecutionId,omitempty"`
	// Status is Completed, Failed or ContinuedAsNew.
	Status string `json:"status"`
	// Error is the text of the failure, and Kind its kind.
	Error string `json:"error,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// StartedAt and EndedAt are the recorded times, in milliseconds since 1970.
	StartedAt int64 `json:"startedAt"`
	EndedAt   int64 `json:"endedAt"`
	// RepairedAt is when the execution was last retried or rewound, and was told as ended before; 0: never.
	RepairedAt int64 `json:"repairedAt,omitempty"`
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string `json:"headers"`
}

// told describes the end that a turn is about to commit; nil where there is none, or nobody wants to know.
// What is in memory of the instance may be gone after the commit.
func (t *turn) told(d replay.Delta) *Ended {
	if d.Ending == nil || t.rt.set.onEnd == nil {
		return nil
	}
	inv := t.inv
	e := &Ended{
		InstanceID: inv.Instance, ExecutionID: inv.Execution, OrchestrationName: inv.Name,
		OrchestrationVersion: inv.Version, Status: outcome(d.Ending).Status.String(), Headers: inv.Headers,
		EndedAt: t.rt.nowMs(),
	}
	if n := len(d.Events); n > 0 {
		e.EndedAt = d.Events[n-1].TimeMs
	}
	e.StartedAt = e.EndedAt
	if t.r.x != nil {
		e.StartedAt, e.RepairedAt = t.r.x.StartedMs(), t.r.x.RepairedMs()
	}
	if p := t.r.parent; p != nil {
		e.ParentInstanceID, e.ParentExecutionID = p.Instance, p.Execution
	}
	if f := d.Ending.Failure; f != nil {
		told := f.Told()
		e.Error, e.Kind = f.Display(), string(told.Kind)
	}
	return e
}

// Trace gives the trace that the caller of a start was in, as a field of log records; nothing where there was none.
func (i Invocation) Trace() []slog.Attr {
	// Nothing else in the text of headers can look like this: quotes within a header have a backslash.
	_, rest, found := strings.Cut(i.Headers, `"traceparent":"`)
	const version, digits = len("00-"), 32
	if !found || len(rest) < version+digits || strings.Trim(rest[version:version+digits], "0123456789abcdef") != "" {
		return nil
	}
	return []slog.Attr{slog.String("trace_id", rest[version:version+digits])}
}
