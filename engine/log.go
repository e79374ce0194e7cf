package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// Targets of log records: filters select by them.
const (
	targetOrchestration = "duroxide::orchestration"
	targetActivity      = "duroxide::activity"
	targetRuntime       = "duroxide::runtime"
	targetWorker        = "duroxide::runtime::worker"
	targetTurns         = "duroxide::runtime::dispatchers::orchestration"
	targetRegistry      = "duroxide::runtime::registry"
	targetProvider      = "duroxide::provider"
)

// log writes the engine's records. Failures of infrastructure and configuration are errors,
// application failures are warnings, the cancellation of a running activity is information, and
// what is routine is for debugging. Payloads are never written.
type log struct{ out *slog.Logger }

// newLog gives a log to the logger, or one that discards everything for nil.
func newLog(out *slog.Logger) log {
	if out == nil {
		out = slog.New(slog.DiscardHandler)
	}
	return log{out: out}
}

//nolint:contextcheck // a record belongs to no call
func (l log) write(level slog.Level, target, message string, attrs ...slog.Attr) {
	ctx := context.Background()
	if !l.out.Enabled(ctx, level) {
		return
	}
	all := make([]slog.Attr, 0, len(attrs)+1)
	all = append(all, slog.String("target", target))
	l.out.LogAttrs(ctx, level, message, append(all, attrs...)...)
}

func (l log) runtimeStarted(node, engineVersion, store, storeVersion string, s settings) {
	attrs := []slog.Attr{
		slog.String("node_id", node),
		slog.String("engine_version", engineVersion),
		slog.String("provider", store),
		slog.String("provider_version", storeVersion),
		slog.Int("orchestration_concurrency", s.orchestrationConcurrency),
		slog.Int("worker_concurrency", s.workerConcurrency),
		slog.String("service_name", s.serviceName),
	}
	if s.serviceVersion != "" {
		attrs = append(attrs, slog.String("service_version", s.serviceVersion))
	}
	l.write(slog.LevelInfo, targetRuntime, fmt.Sprintf("duroxide runtime (%s) starting with provider %s (%s)",
		engineVersion, store, storeVersion), attrs...)
}

func (l log) runtimeStopped(node string, clean bool) {
	l.write(slog.LevelInfo, targetRuntime, "duroxide runtime stopped",
		slog.String("node_id", node), slog.Bool("clean", clean))
}

func (l log) orchestrationStarted(inv Invocation) {
	l.write(slog.LevelDebug, targetRuntime, "Orchestration started", instanceAttrs(inv)...)
}

// orchestrationEnded reports a completed or continued execution.
func (l log) orchestrationEnded(inv Invocation, status provider.ExecutionStatus, events int) {
	l.write(slog.LevelDebug, targetRuntime, "Orchestration ended", append(instanceAttrs(inv),
		slog.String("status", status.String()), slog.Int("history_events", events))...)
}

func (l log) orchestrationFailed(inv Invocation, events int, f history.Failure) {
	l.write(failureLevel(f), targetRuntime, failureText("Orchestration", f), slices.Concat(append(instanceAttrs(inv),
		slog.Int("history_events", events),
		slog.String("error_type", string(f.Category)),
		slog.String("error", f.Display())), stackAttrs(f))...)
}

// replayDiffers reports the first difference that a replay has let pass.
func (l log) replayDiffers(d *replay.Divergence) {
	l.write(slog.LevelWarn, targetRuntime, "The code does something else than its history says, which only strictReplay refuses",
		slog.String("instance_id", d.Instance),
		slog.Uint64("execution_id", d.Execution),
		slog.String("orchestration_name", d.Name),
		slog.String("orchestration_version", d.Version),
		slog.Uint64("event_id", d.EventID),
		slog.String("difference", d.Reason))
}

// graceOver warns of code that was ended while it cleaned up.
func (l log) graceOver(inv Invocation, reason string, waiting []string) {
	l.write(slog.LevelWarn, targetRuntime, "The time to clean up after a cancellation is over",
		append(instanceAttrs(inv), slog.String("reason", reason), slog.Any("waits_for", waiting))...)
}

func (l log) activityStarted(call ActivityCall) {
	l.write(slog.LevelDebug, targetRuntime, "Activity started", activityAttrs(call)...)
}

func (l log) activityCompleted(call ActivityCall, took time.Duration, resultSize int) {
	l.write(slog.LevelDebug, targetRuntime, "Activity completed", append(activityAttrs(call),
		slog.String("outcome", "success"),
		slog.Int64("duration_ms", took.Milliseconds()),
		slog.Int("result_size", resultSize))...)
}

func (l log) activityFailed(call ActivityCall, took time.Duration, f history.Failure) {
	l.write(failureLevel(f), targetRuntime, failureText("Activity", f), slices.Concat(append(activityAttrs(call),
		slog.String("outcome", string(f.Category)),
		slog.Int64("duration_ms", took.Milliseconds()),
		slog.String("error", f.Display())), stackAttrs(f))...)
}

// attemptFailed reports a failed attempt that is not the last one.
func (l log) attemptFailed(call ActivityCall, took time.Duration, f history.Failure, pause time.Duration) {
	l.write(slog.LevelWarn, targetRuntime, "Activity attempt failed, it is tried again",
		slices.Concat(append(activityAttrs(call),
			slog.String("outcome", string(f.Category)),
			slog.Int64("duration_ms", took.Milliseconds()),
			slog.String("error", f.Display()),
			slog.Float64("backoff_secs", pause.Seconds())), stackAttrs(f))...)
}

// thrown is the part of the host's description of a failure that is for people who search for its place.
type thrown struct {
	Stack string  `json:"stack"`
	Cause *thrown `json:"cause"`
}

// stackAttrs gives where a failure was thrown, and its causes; nothing where the host does not say.
func stackAttrs(f history.Failure) []slog.Attr {
	var t thrown
	if json.Unmarshal([]byte(f.Details), &t) != nil || t.Stack == "" {
		return nil
	}
	var text strings.Builder
	text.WriteString(t.Stack)
	for c := t.Cause; c != nil && c.Stack != ""; c = c.Cause {
		text.WriteString("\nCaused by: " + c.Stack)
	}
	return []slog.Attr{slog.String("stack", text.String())}
}

func (l log) activityCancelled(call ActivityCall, reason string) {
	l.write(slog.LevelInfo, targetRuntime, "Activity cancelled", append(activityAttrs(call),
		slog.String("outcome", "cancelled"), slog.String("reason", reason))...)
}

// activityStopped reports that an activity has returned or thrown after it was cancelled. It is no failure.
func (l log) activityStopped(call ActivityCall, took time.Duration) {
	l.write(slog.LevelDebug, targetRuntime, "Cancelled activity ended", append(activityAttrs(call),
		slog.String("outcome", "cancelled"), slog.Int64("duration_ms", took.Milliseconds()))...)
}

// activityAbandoned reports an attempt that has no outcome, and when there is another one.
func (l log) activityAbandoned(call ActivityCall, err error, delay time.Duration) {
	l.write(slog.LevelWarn, targetWorker, "Activity abandoned", append(activityAttrs(call),
		slog.Any("error", err),
		slog.Float64("backoff_secs", delay.Seconds()))...)
}

// activityNotStored reports an outcome that the store refused, and when it is tried again; zero
// means never, because the task is not held any more.
func (l log) activityNotStored(call ActivityCall, err error, retryIn time.Duration) {
	l.write(slog.LevelWarn, targetWorker, "Activity outcome not stored", append(activityAttrs(call),
		slog.Any("error", err), slog.Float64("backoff_secs", retryIn.Seconds()))...)
}

// unserved reports ready work that this runtime has no code for.
func (l log) unserved(u provider.Unserved, waits time.Duration) {
	what, version := "activity", u.Lane.Version
	if u.Lane.Kind == provider.Turn {
		what, version = "orchestration", cmp.Or(u.Lane.Version, "latest")
	}
	l.write(slog.LevelWarn, targetRegistry, "No such "+what+" is registered here, it waits for a runtime that has it",
		slog.String("instance_id", u.Instance),
		slog.String("name", u.Lane.Name),
		slog.String("version", version),
		slog.Uint64("format_level", u.Lane.Level),
		slog.Float64("waiting_secs", waits.Seconds()))
}

// held reports an instance that does not go on with this code.
func (l log) held(d *replay.Divergence, code string) {
	l.write(slog.LevelError, targetTurns, "Instance held: its history does not fit this code",
		slog.String("instance_id", d.Instance),
		slog.Uint64("execution_id", d.Execution),
		slog.String("orchestration_name", d.Name),
		slog.String("orchestration_version", d.Version),
		slog.String("code_id", code),
		slog.Any("error", d))
}

// overdue reports an activity that is ended because no runtime has its code.
func (l log) overdue(t *provider.Task, after time.Duration) {
	l.write(slog.LevelWarn, targetRegistry, "No runtime has taken an activity, it fails",
		slog.String("instance_id", t.Instance),
		slog.Uint64("execution_id", t.Execution),
		slog.String("activity_name", t.Name),
		slog.Float64("waiting_secs", after.Seconds()))
}

// messageDropped reports a message that changes nothing: a duplicate, a stale completion, a signal
// that nobody waits for.
func (l log) messageDropped(instance string, m provider.Message, reason string) {
	l.write(slog.LevelWarn, targetTurns, "Message dropped",
		slog.String("instance_id", instance),
		slog.Int("message_kind", int(m.Kind)),
		slog.String("name", m.Name),
		slog.Uint64("execution_id", m.Execution),
		slog.Uint64("source_event_id", m.Source),
		slog.String("reason", reason))
}

// messageUndecodable reports a stored message that cannot be read and is put aside.
func (l log) messageUndecodable(instance string, m provider.UndecodableMessage) {
	l.write(slog.LevelError, targetTurns, "Message cannot be decoded",
		slog.String("instance_id", instance),
		slog.Uint64("message_id", m.ID),
		slog.Int("tries", m.Tries),
		slog.String("error", m.Reason))
}

// taskUndecodable reports a stored task that cannot be read and is put aside.
func (l log) taskUndecodable(t provider.UndecodableTask) {
	l.write(slog.LevelError, targetTurns, "Task cannot be decoded",
		slog.String("instance_id", t.Instance),
		slog.Uint64("execution_id", t.Execution),
		slog.Uint64("activity_id", t.Event),
		slog.Int("tries", t.Tries),
		slog.String("error", t.Reason))
}

// turnAbandoned reports a turn that was given back, and for how long.
func (l log) turnAbandoned(instance string, err error, attempt int, delay time.Duration) {
	l.write(slog.LevelWarn, targetTurns, "Turn abandoned",
		slog.String("instance_id", instance),
		slog.Any("error", err),
		slog.Int("attempt_count", attempt),
		slog.Float64("backoff_secs", delay.Seconds()))
}

// leaseLost reports claims that this node lost: another one has them now, or nobody.
func (l log) leaseLost(what string, lease provider.LeaseID) {
	l.write(slog.LevelWarn, targetTurns, "Lease lost: "+what, slog.Uint64("lease", uint64(lease)))
}

// storeFailed reports an error of the store that is retried.
func (l log) storeFailed(op string, err error, retryIn time.Duration) {
	l.write(slog.LevelWarn, targetProvider, "Store error, trying again",
		slog.String("operation", op),
		slog.Any("error", err),
		slog.Float64("backoff_secs", retryIn.Seconds()))
}

// panicked reports a panic of the engine's own code.
func (l log) panicked(where string, value any, stack []byte) {
	l.write(slog.LevelError, targetRuntime, "Panic",
		slog.String("where", where),
		slog.Any("error", value),
		slog.String("stack", string(stack)))
}

// recovered reports a panic at the top of a goroutine instead of letting it end the process.
func (l log) recovered(where string) {
	if v := recover(); v != nil {
		l.panicked(where, v, debug.Stack())
	}
}

// failureText tells failures of user code from those of anything else.
func failureText(what string, f history.Failure) string {
	if f.Category == history.Application {
		return what + " failed (application error)"
	}
	return what + " failed"
}

func failureLevel(f history.Failure) slog.Level {
	if f.Category == history.Application {
		return slog.LevelWarn
	}
	return slog.LevelError
}

func instanceAttrs(inv Invocation) []slog.Attr {
	return append([]slog.Attr{
		slog.String("instance_id", inv.Instance),
		slog.Uint64("execution_id", inv.Execution),
		slog.String("orchestration_name", inv.Name),
		slog.String("orchestration_version", inv.Version),
	}, inv.Trace()...)
}

func activityAttrs(call ActivityCall) []slog.Attr {
	tag := "default"
	if call.Tag != nil {
		tag = *call.Tag
	}
	return append(instanceAttrs(call.Invocation),
		slog.String("activity_name", call.Activity),
		slog.Uint64("activity_id", call.ID),
		slog.String("activity_tag", tag),
		slog.String("worker_id", call.WorkerID),
		slog.Int("attempt_count", call.Attempt))
}

// threadBlocked names what holds the thread of user code, or what may hold it.
func (l log) threadBlocked(running []Running, certain bool, after time.Duration) {
	attrs := []slog.Attr{slog.Int64("after_ms", after.Milliseconds())}
	switch {
	case certain:
		attrs = append(attrs, runningAttrs(running[0])...)
	case len(running) == 0:
		attrs = append(attrs, slog.String("blocked_by", "code that is neither activity nor orchestration"))
	default:
		attrs = append(attrs, slog.String("blocked_by", namesOf(running)))
	}
	l.write(slog.LevelWarn, targetRuntime,
		"The JavaScript thread is blocked; what it has not begun is left to other processes", attrs...)
}

// maxNamed bounds the activities that one record names.
const maxNamed = 5

func namesOf(running []Running) string {
	names := make([]string, 0, maxNamed)
	for _, r := range running[:min(len(running), maxNamed)] {
		names = append(names, fmt.Sprintf("activity %q of %q", r.Activity, r.Invocation.Instance))
	}
	text := strings.Join(names, ", ")
	if more := len(running) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(running) == 1 {
		return "perhaps " + text
	}
	return "one of " + text + ", or other code"
}

func runningAttrs(r Running) []slog.Attr {
	attrs := instanceAttrs(r.Invocation)
	if r.Activity == "" {
		return append(attrs, slog.String("blocked_by", fmt.Sprintf("orchestration %q", r.Invocation.Name)))
	}
	return append(attrs, slog.String("activity_name", r.Activity), slog.Uint64("activity_id", r.ID),
		slog.String("blocked_by", fmt.Sprintf("activity %q", r.Activity)))
}

// threadAnswers reports the end of what threadBlocked reported.
func (l log) threadAnswers(after time.Duration) {
	l.write(slog.LevelInfo, targetRuntime, "The JavaScript thread answers again",
		slog.Int64("after_ms", after.Milliseconds()))
}

// stepOverdue reports orchestration code that may never return.
func (l log) stepOverdue(inv Invocation, after time.Duration) {
	l.write(slog.LevelError, targetRuntime, "Orchestration code has not returned from a step; it may never do so",
		append(instanceAttrs(inv), slog.Int64("after_ms", after.Milliseconds()))...)
}
