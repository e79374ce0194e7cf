package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"

	"duroxide/provider"
)

// Primary result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	codeBusy      = 5
	codeLocked    = 6
	codeReadOnly  = 8
	codeInterrupt = 9
	codeIO        = 10
	codeCorrupt   = 11
	codeFull      = 13
	codeCannot    = 14
	codeNotADB    = 26
)

// code gives the primary result code of a driver error, or zero.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func isBusy(err error) bool {
	c := code(err)
	return c == codeBusy || c == codeLocked
}

// failure wraps what an operation returned: refusals and contract errors keep their sentinel,
// driver errors get one where programs can do something about them.
func failure(op string, err error) error {
	var known *provider.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		if known.Op == "" {
			known.Op = op
		}
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", op, err)
	}
	retryable, sentinel := classify(err)
	if sentinel != nil {
		err = fmt.Errorf("%w: %w", sentinel, err)
	}
	return &provider.Error{Op: op, Retryable: retryable, Err: err}
}

func classify(err error) (retryable bool, sentinel error) {
	switch code(err) {
	case codeBusy, codeLocked, codeIO, codeInterrupt:
		return true, nil
	case codeFull:
		return true, provider.ErrDiskFull
	case codeCannot:
		return true, provider.ErrCannotOpen
	case codeReadOnly:
		return false, provider.ErrReadOnly
	case codeCorrupt, codeNotADB:
		return false, provider.ErrCorrupt
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return false, provider.ErrReadOnly
	case errors.Is(err, syscall.ENOSPC):
		return true, provider.ErrDiskFull
	}
	return false, nil
}

// refuse makes an error for a rule of the contract.
func refuse(sentinel error, format string, args ...any) error {
	return &provider.Error{Message: fmt.Sprintf(format, args...), Err: sentinel}
}

// isRefusal reports whether an error is a rule of the contract rather than trouble.
func isRefusal(err error) bool {
	var refusal *provider.Error
	var lost *provider.TaskLostError
	return errors.As(err, &refusal) || errors.As(err, &lost)
}
