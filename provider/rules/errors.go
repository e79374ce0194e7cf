package rules

import (
	"context"
	"errors"
	"fmt"

	"duroxide/provider"
)

// Refuse returns an error for a rule of the contract: what is wrong, and the sentinel that programs know.
func Refuse(sentinel error, format string, args ...any) error {
	return &provider.Error{Message: fmt.Sprintf(format, args...), Err: sentinel}
}

// IsRefusal reports whether an error is a rule of the contract rather than trouble.
func IsRefusal(err error) bool {
	var refusal *provider.Error
	var lost *provider.TaskLostError
	return errors.As(err, &refusal) || errors.As(err, &lost)
}

// Failure returns what a caller gets for what an operation returned: refusals keep their sentinel and get
// the name of the operation, and errors of the driver are judged by classify, which gives the sentinel of
// those that programs can do something about.
func Failure(op string, err error, classify func(error) (retryable bool, sentinel error)) error {
	var known *provider.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		if known.Op == "" {
			known.Op = op
		}
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, provider.ErrTaskLost):
		return fmt.Errorf("%s: %w", op, err)
	}
	retryable, sentinel := classify(err)
	if sentinel != nil {
		err = fmt.Errorf("%w: %w", sentinel, err)
	}
	return &provider.Error{Op: op, Retryable: retryable, Err: err}
}

// LockLost returns the refusal of a token or a lease that is no longer valid.
func LockLost() error { return Refuse(provider.ErrLockLost, "%v", provider.ErrLockLost) }

// NotFound returns the refusal of an instance that does not exist.
func NotFound(instance string) error {
	return Refuse(provider.ErrInstanceNotFound, "Instance %s not found", instance)
}

// Changed returns the refusal of a repair whose instances are not as it says.
func Changed() error { return Refuse(provider.ErrChanged, "%v", provider.ErrChanged) }

// Closed returns the refusal of a call after Close.
func Closed(op string) error {
	return &provider.Error{Op: op, Message: "the store is closed", Err: provider.ErrClosed}
}
