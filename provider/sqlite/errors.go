package sqlite

import (
	"errors"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"

	"duroxide/provider"
	"duroxide/provider/rules"
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

// failure returns what callers get for what an operation returned, see rules.Failure.
func failure(op string, err error) error { return rules.Failure(op, err, classify) }

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
