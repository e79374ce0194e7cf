package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"duroxide/provider"
)

// SQLSTATEs with a meaning of their own, see the appendix of the PostgreSQL manual.
const (
	stateDivision      = "22012" // what an assertion in SQL raises
	stateUnique        = "23505"
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateCachedPlan    = "0A000"
	stateLockTimeout   = "55P03"
	stateCancelled     = "57014"
	statePreparedName  = "26000"
	statePreparedTwice = "42P05"
	stateAuthorization = "28000"
	statePassword      = "28P01"
	stateDiskFull      = "53100"
	stateReadOnly      = "25006"
	stateNoTable       = "42P01"
	stateNoSchema      = "3F000"
)

// sqlState gives the SQLSTATE of a server's error, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
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
	state := sqlState(err)
	switch state {
	case "":
		return isConnection(err), nil
	case stateSerialization, stateDeadlock, stateCachedPlan, stateLockTimeout, stateCancelled,
		statePreparedName, statePreparedTwice, stateDivision:
		return true, nil
	case stateDiskFull:
		return true, provider.ErrDiskFull
	case stateReadOnly:
		// A server that was demoted: its successor may be reached next time.
		return true, provider.ErrReadOnly
	case stateNoTable, stateNoSchema:
		return false, provider.ErrSchema
	}
	switch state[:2] {
	case "08", "53", "57":
		return true, nil
	default:
		return false, nil
	}
}

// isConnection reports whether the connection broke, or could not be made.
func isConnection(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.SeverityUnlocalized != "ERROR" {
		return true // the server says why it hangs up
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, errBroken) ||
		errors.Is(err, errAcquire) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "conn closed")
}

// isTransient reports whether a transaction that has certainly not been committed should simply be
// run again.
func isTransient(err error) bool {
	if errors.Is(err, errVanished) {
		return true
	}
	switch sqlState(err) {
	case stateSerialization, stateDeadlock, stateCachedPlan, stateLockTimeout, statePreparedName,
		statePreparedTwice, stateDivision:
		return true
	default:
		return false
	}
}

var (
	// errBroken is a connection that is lost in the middle of something.
	errBroken = errors.New("the connection to the database was lost")
	// errVanished is a row that was deleted while it was waited for.
	errVanished = errors.New("an instance was deleted at the same time")
	// errAcquire is what callers get while all connections are busy or none can be made.
	errAcquire = errors.New("pool timed out while waiting for an open connection")
)

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

func closed(op string) error {
	return &provider.Error{Op: op, Message: "the store is closed", Err: provider.ErrClosed}
}
