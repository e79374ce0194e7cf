package provider

import (
	"errors"
	"fmt"

	"duroxide/history"
)

// Work: returned by Commit, Complete, Renew and Pending.
var (
	// ErrLockLost: the token or lease is unknown, replaced, or has ended.
	ErrLockLost = errors.New("Invalid lock token") //nolint:staticcheck // the text is part of the contract
	// ErrDuplicateEvent: an event id is zero, does not rise, or is already stored.
	ErrDuplicateEvent = errors.New("duplicate event id")
	// ErrAlreadyCommitted: this very turn was committed by an earlier call.
	ErrAlreadyCommitted = errors.New("turn already committed")
	// ErrTaskLost: a consumed task is no longer held; see TaskLostError.
	ErrTaskLost = errors.New("activity was cancelled or its lease ended")
	// ErrMessageLost: a consumed message does not exist.
	ErrMessageLost = errors.New("message already consumed")
	// ErrBadInput: the call itself is wrong, for example a completion of the wrong kind.
	ErrBadInput = errors.New("bad input")
)

// Reading and managing.
var (
	// ErrInstanceNotFound: no such instance.
	ErrInstanceNotFound = errors.New("instance not found")
	// ErrExecutionNotFound: the instance has no such execution.
	ErrExecutionNotFound = errors.New("execution not found")
	// ErrChanged: what is to be repaired has changed meanwhile.
	ErrChanged = errors.New("instance has changed meanwhile")
	// ErrStillRunning: the instance runs and force was not given.
	ErrStillRunning = errors.New("instance is still running")
	// ErrIsSubOrchestration: a child cannot be deleted alone.
	ErrIsSubOrchestration = errors.New("instance is a sub-orchestration")
	// ErrOrphanedChild: a listed instance has a child that is not listed.
	ErrOrphanedChild = errors.New("instance has a child that is not listed")
)

// Storage.
var (
	// ErrCorrupt: stored data cannot be decoded, or some of it is missing.
	ErrCorrupt = errors.New("stored data is corrupt")
	// ErrNewer: stored data is of a newer release. It is kept for whoever knows it.
	ErrNewer = history.ErrNewer
	// ErrClosed: the provider was closed.
	ErrClosed = errors.New("provider is closed")
	// ErrSchema: the database is not ours, or was written by a newer version.
	ErrSchema = errors.New("database schema does not match")
	// ErrReadOnly: the file or its folder cannot be written.
	ErrReadOnly = errors.New("database is read-only")
	// ErrDiskFull: there is no space left to write. Nothing that was acknowledged is lost.
	ErrDiskFull = errors.New("disk is full")
	// ErrReplaced: the files of the store were deleted, moved or replaced while it was open. It does
	// nothing any more until it is opened again.
	ErrReplaced = errors.New("files of the store were replaced")
	// ErrCannotOpen: the file cannot be opened or created.
	ErrCannotOpen = errors.New("database cannot be opened")
)

// Error is what every provider method returns for failures of storage and rule violations.
// Its text is "operation: message".
type Error struct {
	// Op is the operation in snake_case, for example "get_instance_info".
	Op string
	// Message is for people; programs use errors.Is.
	Message string
	// Retryable means that the same call may succeed later: busy, connection, disk trouble.
	Retryable bool
	// Err is the sentinel or the driver's error.
	Err error
}

// Error gives "operation: message".
func (e *Error) Error() string {
	if e.Message == "" && e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return e.Op + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsRetryable reports whether the call may be repeated unchanged.
func IsRetryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable
}

// TaskLostError says which consumed tasks refused a commit. It is ErrTaskLost.
type TaskLostError struct{ Tasks []Token }

// Error gives the text of ErrTaskLost with the number of tasks.
func (e *TaskLostError) Error() string {
	return fmt.Sprintf("%v (%d tasks)", ErrTaskLost, len(e.Tasks))
}

// Is reports whether target is ErrTaskLost.
func (e *TaskLostError) Is(target error) bool { return target == ErrTaskLost }
