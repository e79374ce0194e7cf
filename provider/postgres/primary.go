package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"duroxide/provider"
)

// A failover behind an address leaves connections open to a server that is no primary any more: one
// that takes no writes, and whose reads are old. So such a connection is given up, not only the
// statement that failed on it, and none is made to such a server: what is behind the address, or in
// the list of the URL, is asked again until there is a primary.

// errStandby is a server that takes no writes.
var errStandby = fmt.Errorf("%w: the server takes no writes, it is a standby or was made read-only",
	provider.ErrReadOnly)

// isStandby reports whether the server has said so: at connecting, and with the answer to the first
// statement after it changed. Through a pooler nothing is said, or something old.
func isStandby(conn *pgconn.PgConn) bool {
	const on = "on"
	return conn.ParameterStatus("in_hot_standby") == on ||
		conn.ParameterStatus("default_transaction_read_only") == on
}

// wantPrimary makes connections of a configuration be to servers that take writes. The next server of
// a list is tried where one does not.
func wantPrimary(config *pgx.ConnConfig) {
	asked := config.ValidateConnect
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if isStandby(conn) {
			return errStandby
		}
		if asked != nil {
			return asked(ctx, conn)
		}
		return nil
	}
}

// keepPrimary makes a pool give out connections to servers that take writes only. One that was idle was
// asked whether it is still there, and has said what it is, just before.
func keepPrimary(pool *pgxpool.Config) {
	pool.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
		return !isStandby(conn.PgConn()), nil
	}
}

// giveUpBroken has the driver close a connection with the errors after which it is no good.
func giveUpBroken(config *pgx.ConnConfig) {
	config.OnPgError = func(_ *pgconn.PgConn, err *pgconn.PgError) bool {
		return !isFatal(err) && !condemns(err)
	}
}

// onPrimary refuses what was read from a server that had become a standby by then.
func (s *Store) onPrimary(conn *pooled) error {
	if s.options.Pooler || !isStandby(conn.Conn().PgConn()) {
		return nil
	}
	_ = conn.Conn().Close(s.background) // it is of no use
	return errStandby
}

// renewPool drops the idle connections after one has broken: after a restart of the server, a failover
// or a failure of the network, none of them is good. Numbers that were taken from the sequence may be
// given again by a server that has not heard of it.
func (s *Store) renewPool(err error) {
	if !isConnection(err) || errors.Is(err, errAcquire) {
		return
	}
	s.pool.Reset()
	s.known.put(nil)
	s.listener.doubt(errors.Is(err, errStandby) || sqlState(err) == stateReadOnly)
}
