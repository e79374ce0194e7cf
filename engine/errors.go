package engine

import (
	"errors"
	"fmt"

	"duroxide/history"
)

// What callers decide upon. Errors of the store come through unchanged or wrapped; see package
// provider for their sentinels.
var (
	// ErrTimeout: what was waited for did not happen in time. It may wrap the store's error where
	// the store could not be read meanwhile.
	ErrTimeout = errors.New("Operation timed out") //nolint:staticcheck // the text is part of the contract
	// ErrInstanceExists: an exclusive start found its id taken.
	ErrInstanceExists = errors.New("instance exists")
	// ErrCannotRepair: the state of an instance leaves nothing to take back.
	ErrCannotRepair = errors.New("instance cannot be repaired")
	// ErrWouldUndo: code has gone on since what is to be taken back; see WouldUndoError.
	ErrWouldUndo = errors.New("what code did since would be undone")
	// ErrInstanceEnded: the instance, or the execution that is meant, has ended.
	ErrInstanceEnded = errors.New("instance has ended")
	// ErrNotAnswered: nobody will answer a request; see NotAnsweredError.
	ErrNotAnswered = errors.New("request is not answered")
	// ErrShutdown: the engine or the runtime was shut down before the call was done.
	ErrShutdown = errors.New("the engine is shut down")
)

// InputError says that an argument is not acceptable. Nothing was done.
type InputError struct {
	// Message names the argument and the expectation.
	Message string
}

// Error gives "Invalid input: " and the message.
func (e *InputError) Error() string { return "Invalid input: " + e.Message }

// LimitError says that a name, an id or a version is longer than what is taken. Nothing was done.
type LimitError struct {
	// Message names the argument, its size and the limit.
	Message string
}

// Error gives the message.
func (e *LimitError) Error() string { return e.Message }

// checkSize refuses a text of more bytes than a limit allows.
func checkSize(argument, text string, most int) error {
	if len(text) <= most {
		return nil
	}
	return &LimitError{
		Message: fmt.Sprintf("%s size (%d bytes) exceeds limit (%d bytes)", argument, len(text), most),
	}
}

// checkName refuses a name, an id or a key that is longer than one may be that is given.
func checkName(argument, text string) error {
	return checkSize(argument, text, history.MaxNameBytes)
}

// RefusedError says why a management call was refused, in words for people. Programs ask
// errors.Is for the provider's sentinel.
type RefusedError struct {
	// Message is the whole text.
	Message string
	// Err is the sentinel, for example provider.ErrStillRunning.
	Err error
}

// Error gives the message.
func (e *RefusedError) Error() string { return e.Message }

// Unwrap gives the sentinel.
func (e *RefusedError) Unwrap() error { return e.Err }
