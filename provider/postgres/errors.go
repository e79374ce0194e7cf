package postgres

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"duroxide/provider/rules"
)

// SQLSTATEs with a meaning of their own, see the appendix of the PostgreSQL manual. states.go says what
// becomes of all others.
const (
	stateDivision    = "22012" // what an assertion in SQL raises
	stateLockTimeout = "55P03"
	stateTooMany     = "53300" // the server, the database or the role has as many connections as it may
	stateDiskFull    = "53100"
	stateReadOnly    = "25006"
	stateNoTable     = "42P01"
	stateUnique      = "23505"
)

// sqlState gives the SQLSTATE of a server's error, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// failure returns what callers get for what an operation returned, see rules.Failure.
func failure(op string, err error) error { return rules.Failure(op, err, classify) }

func classify(err error) (retryable bool, sentinel error) {
	server, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case answered:
		v := verdictOn(server)
		return v.fate != permanent || isConnection(err), v.sentinel
	case errors.Is(err, errRestart):
		return false, nil // a panic of ours, which the same call would cause again
	default:
		// The driver says no more of a broken connection than what it has read last.
		return true, nil
	}
}

// isConnection reports whether the connection broke, could not be made, or is no good any more.
func isConnection(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && (isFatal(server) || condemns(server)) {
		return true // the server says why it hangs up, or why one should
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, errBroken) || errors.Is(err, errStandby) ||
		errors.Is(err, errAcquire) || pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed)
}

func isFatal(err *pgconn.PgError) bool {
	return err.SeverityUnlocalized == "FATAL" || err.SeverityUnlocalized == "PANIC"
}

// condemns reports whether an error is about the connection or the server behind it, so that nothing
// more is to be had there.
func condemns(err *pgconn.PgError) bool { return verdictOn(err).fate == condemned }

// isTransient reports whether a transaction that has certainly not been committed should simply be
// run again.
func isTransient(err error) bool {
	if errors.Is(err, errVanished) {
		return true
	}
	server, answered := errors.AsType[*pgconn.PgError](err)
	return answered && verdictOn(server).fate == conflict
}

// isUndecided reports whether a server's error leaves open whether the transaction was committed: it
// came with the end of the connection, perhaps after the commit, or says so.
func isUndecided(err error) bool {
	server, answered := errors.AsType[*pgconn.PgError](err)
	return !answered || isFatal(server) || verdictOn(server).undecided
}

var (
	// errBroken is a connection that is lost in the middle of something.
	errBroken = errors.New("the connection to the database was lost")
	// errVanished is a row that was deleted while it was waited for.
	errVanished = errors.New("an instance was deleted at the same time")
	// errAcquire is what callers get while all connections are busy or none can be made.
	errAcquire = errors.New("pool timed out while waiting for an open connection")
)
