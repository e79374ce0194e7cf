package main

import (
	"context"
	"encoding/json"
	"errors"

	"duroxide/engine"
	"duroxide/provider"
)

// codedError is a Go error as JavaScript gets it.
type codedError struct {
	code    string
	message string
	// details is a JSON object, or "".
	details string
}

// Codes without an error value of their own.
const (
	codeInternal       = "INTERNAL"
	codeStorage        = "STORAGE"
	codeInvalidInput   = "INVALID_INPUT"
	codeUnknownRequest = "UNKNOWN_REQUEST"
	codeLimit          = "LIMIT_EXCEEDED"
)

// codes is the table of errors that callers decide upon; the first match counts. lib/errors.js has
// the same codes, and a test compares them.
var codes = []struct {
	err  error
	code string
}{
	{engine.ErrTimeout, "TIMEOUT"},
	{engine.ErrInstanceExists, "INSTANCE_EXISTS"},
	{engine.ErrCannotRepair, "CANNOT_REPAIR"},
	{engine.ErrWouldUndo, "WOULD_UNDO"},
	{engine.ErrInstanceEnded, "INSTANCE_ENDED"},
	{engine.ErrNotAnswered, "NOT_ANSWERED"},
	{engine.ErrShutdown, "SHUTDOWN"},
	{engine.ErrHostGone, "HOST_GONE"},
	{provider.ErrInstanceNotFound, "INSTANCE_NOT_FOUND"},
	{provider.ErrExecutionNotFound, "EXECUTION_NOT_FOUND"},
	{provider.ErrStillRunning, "STILL_RUNNING"},
	{provider.ErrIsSubOrchestration, "IS_SUB_ORCHESTRATION"},
	{provider.ErrOrphanedChild, "ORPHANED_CHILD"},
	{provider.ErrLockLost, "LOCK_LOST"},
	{provider.ErrCorrupt, "CORRUPT"},
	{provider.ErrSchema, "SCHEMA"},
	{provider.ErrNewer, "SCHEMA"},
	{provider.ErrClosed, "CLOSED"},
	{provider.ErrReadOnly, "READ_ONLY"},
	{provider.ErrReplaced, "STORE_REPLACED"},
	{provider.ErrDiskFull, "DISK_FULL"},
	{provider.ErrCannotOpen, "CANNOT_OPEN"},
	{provider.ErrBadInput, codeInvalidInput},
	{errUnknownRequest, codeUnknownRequest},
	{errTooLarge, "TOO_LARGE"},
	{context.Canceled, "CANCELLED"},
	{context.DeadlineExceeded, "TIMEOUT"},
}

// failureDetails is what an error says besides its text.
type failureDetails struct {
	Operation string `json:"operation,omitempty"`
	Retryable bool   `json:"retryable,omitempty"`
	Stack     string `json:"stack,omitempty"`
	// Status is that of an instance that has not answered.
	Status string `json:"status,omitempty"`
	// Migrations are those of a store that lacks some.
	Migrations *migrationCount `json:"migrations,omitempty"`
}

type migrationCount struct {
	Applied int `json:"applied"`
	Known   int `json:"known"`
}

// undoDetails is what a refused repair would undo.
type undoDetails struct {
	InstanceID  string        `json:"instanceId"`
	ExecutionID uint64        `json:"executionId"`
	Events      []undoneEvent `json:"events"`
}

type undoneEvent struct {
	EventID uint64 `json:"eventId"`
	Kind    string `json:"kind"`
}

func undoDetailsOf(e *engine.WouldUndoError) undoDetails {
	d := undoDetails{InstanceID: e.Instance, ExecutionID: e.Execution}
	for _, event := range e.Events {
		d.Events = append(d.Events, undoneEvent{EventID: event.ID, Kind: event.Kind().String()})
	}
	return d
}

// codeError gives the code, the text and the details of an error.
func codeError(err error) codedError {
	c := codedError{code: codeOf(err), message: err.Error()}
	if undo, ok := errors.AsType[*engine.WouldUndoError](err); ok {
		c.details = encodeJSON(undoDetailsOf(undo))
		return c
	}
	var details failureDetails
	if stored, ok := errors.AsType[*provider.Error](err); ok {
		details.Operation, details.Retryable = stored.Op, stored.Retryable
	}
	if silent, ok := errors.AsType[*engine.NotAnsweredError](err); ok {
		details.Status = silent.State
	}
	if behind, ok := errors.AsType[*provider.BehindError](err); ok {
		details.Migrations = &migrationCount{behind.Applied, behind.Known}
	}
	if panicked, ok := errors.AsType[*panicError](err); ok {
		details.Stack = panicked.stack
	}
	if details != (failureDetails{}) {
		c.details = encodeJSON(details)
	}
	return c
}

func codeOf(err error) string {
	for _, entry := range codes {
		if errors.Is(err, entry.err) {
			return entry.code
		}
	}
	if _, ok := errors.AsType[*engine.InputError](err); ok {
		return codeInvalidInput
	}
	if _, ok := errors.AsType[*engine.LimitError](err); ok {
		return codeLimit
	}
	if _, ok := errors.AsType[*provider.Error](err); ok {
		return codeStorage
	}
	return codeInternal
}

// encodeJSON encodes values of our own types, which cannot fail.
func encodeJSON(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(b)
}
