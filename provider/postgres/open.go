package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/process"
	"duroxide/provider/rules"
)

// maxIdentifier is the length of the longest name that the server keeps, in bytes.
const maxIdentifier = 63

// committerLimit bounds the number of committers.
const committerLimit = 4

// Open connects to a database, brings the schema up to date and starts the store. The URL is all
// that counts: neither the environment of the driver nor its files are read. Errors wrap
// provider.ErrBadInput (URL or schema name), ErrCannotOpen (no server, no such database, not
// allowed) or ErrSchema (not ours, or written by a newer version). No error shows a password.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o, process.This())
	if err != nil {
		return nil, failure("open", err)
	}
	return s, nil
}

func open(ctx context.Context, o Options, here process.ID) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.fill(); err != nil {
		return nil, err
	}
	config, err := poolConfig(&o, o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{
		options: o, log: o.Log, schema: o.Schema, texts: rendered(o.Schema),
		questions: make(chan *question), stopped: make(chan struct{}), process: here,
	}
	if s.server.passed = o.Passed; o.Passed == nil {
		s.server.passed = clock.Passed
	}
	s.routes.clear()
	s.room, s.listener, s.notifier = newRoom(int(config.MaxConns)), &listener{s: s}, newNotifier(s)
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		teachBytes(c)
		s.room.connected()
		return nil
	}
	direct := o.URL
	if o.Direct != "" {
		direct = o.Direct
	}
	if s.listening, err = connConfig(&o, direct); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	s.background, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if s.pool, err = pgxpool.NewWithConfig(s.background, config); err != nil { //nolint:contextcheck // see Close
		s.stop()
		return nil, fmt.Errorf("%w: %w", provider.ErrCannotOpen, hideSecrets(err))
	}
	if err := s.settle(ctx); err != nil {
		s.pool.Close()
		s.stop()
		return nil, unreachable(err)
	}
	s.run() //nolint:contextcheck // it goes on until Close
	return s, nil
}

// settle does the first work of a store, which also shows that the pool's connections can be made.
func (s *Store) settle(ctx context.Context) error {
	for try := 1; ; try++ {
		err := s.synchronize(ctx)
		if err == nil {
			err = s.dropWriters(ctx, nil)
		}
		if err == nil {
			err = s.endLeases(ctx)
		}
		if err == nil || !isTransient(err) || try == directTries {
			return err
		}
		if err := rest(ctx, pauseBefore(try)); err != nil {
			return err
		}
	}
}

// run starts the goroutines of an open store.
func (s *Store) run() {
	// Each commit has its fixed costs, so few large groups are better than many small ones, as long as
	// one connection keeps up.
	count := max(min(committerLimit, runtime.NumCPU()/2, s.options.MaxConns-1), 1)
	for range count {
		requests := make(chan *request, 4*groupLimit)
		s.committers = append(s.committers, requests)
		w := &writer{id: rand.Text()}
		s.writers = append(s.writers, w.id)
		s.working.Go(func() { s.commits(requests, w) })
	}
	s.idle.Go(s.notifier.run)
	s.idle.Go(s.poll)
	s.idle.Go(s.answers)
	if !s.options.NoListen {
		s.idle.Go(s.listener.run)
	}
}

func (o *Options) fill() error {
	if o.Schema == "" {
		o.Schema = defaultSchema
	}
	if err := CheckSchema(o.Schema); err != nil {
		return err
	}
	if u, err := url.Parse(o.URL); err == nil && u.Query().Get(poolerParameter) == poolerTransaction {
		o.Pooler = true
	}
	if o.Pooler && o.Direct == "" {
		o.NoListen = true
	}
	o.OrphanRetention = cmp.Or(o.OrphanRetention, provider.OrphanRetention)
	o.ReplyRetention = cmp.Or(o.ReplyRetention, provider.ReplyRetention)
	if o.MaxConns <= 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.AcquireTimeout <= 0 {
		o.AcquireTimeout = defaultAcquireTimeout
	}
	if o.migrateWithin <= 0 {
		o.migrateWithin = defaultMigrateWithin
	}
	if o.statementWithin <= 0 {
		o.statementWithin = statementTime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// CheckSchema refuses names that are no plain identifiers, or belong to the server, with
// provider.ErrBadInput.
func CheckSchema(name string) error {
	if len(name) > maxIdentifier {
		return rules.Refuse(provider.ErrBadInput,
			"Invalid schema_name '%s': must have at most 63 characters", name)
	}
	if !schemaName.MatchString(name) {
		return rules.Refuse(provider.ErrBadInput,
			"Invalid schema_name '%s': must match [A-Za-z_][A-Za-z0-9_]*", name)
	}
	if strings.HasPrefix(name, "pg_") || name == "information_schema" {
		return rules.Refuse(provider.ErrBadInput,
			"Invalid schema_name '%s': it belongs to the server, as all do that begin with pg_; "+
				"give another one", name)
	}
	return nil
}

// prepare makes the first connection, on which the schema is checked or brought up to date.
func (s *Store) prepare(ctx context.Context) error {
	conn, err := s.dial(ctx)
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.Routine == noConversion {
		return rules.Refuse(provider.ErrCannotOpen, "the database %q cannot hold every text: %s",
			s.listening.Database, server.Message)
	}
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s.version = conn.PgConn().ParameterStatus("server_version")
	if err := s.checkEncoding(ctx, conn); err != nil {
		return err
	}
	return s.migrate(ctx, conn)
}

const (
	encodingUTF8 = "UTF8"
	// noConversion is where in the server a connection ends that asks for an encoding which the server
	// cannot make of its own.
	noConversion = "InitializeClientEncoding"
)

var sqlEncoding = define(`SELECT current_database(), current_setting('server_encoding')`)

// checkEncoding refuses a database that cannot hold every text. One without an encoding holds the bytes
// that it is given.
func (s *Store) checkEncoding(ctx context.Context, conn *pgx.Conn) error {
	var database, encoding string
	if err := conn.QueryRow(ctx, s.texts[sqlEncoding]).Scan(&database, &encoding); err != nil {
		return fmt.Errorf("read the encoding of the database: %w", err)
	}
	if encoding == encodingUTF8 || encoding == "SQL_ASCII" {
		return nil
	}
	return rules.Refuse(provider.ErrCannotOpen, "the database %q has the encoding %s, which cannot hold every "+
		"text; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", database, encoding)
}

// refusals are the classes of what a server says to somebody whom it does not know, to a database that
// is not there, or to what it cannot do. Once a store is open, any of these may pass; until then the
// URL is as likely to be wrong.
var refusals = []string{"0A", "22", "28", "3D", "42"}

func unreachable(err error) error {
	if rules.IsRefusal(err) || errors.Is(err, context.Canceled) {
		return err
	}
	retryable, _ := classify(err)
	if state := sqlState(err); len(state) == stateLength && slices.Contains(refusals, state[:2]) {
		retryable = false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		retryable = false
	}
	return &provider.Error{
		Message: err.Error(), Retryable: retryable,
		Err: fmt.Errorf("%w: %w", provider.ErrCannotOpen, err),
	}
}
