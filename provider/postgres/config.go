package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"duroxide/provider"
)

const (
	defaultMaxConns       = 10
	defaultAcquireTimeout = 30 * time.Second
	defaultConnectTimeout = 10 * time.Second
	defaultSchema         = "public"
	// connectionAge makes connections rotate, so that a new password or server is used in time.
	connectionAge = 30 * time.Minute
	statementTime = 30 * time.Second
	idleInside    = 10 * time.Second
)

var schemaName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// explicit has every setting that the driver would otherwise take from the environment or from
// files in the home directory. Settings of the URL replace those here.
func explicit() map[string]string {
	return map[string]string{
		"host": "localhost", "port": "5432", "database": "", "user": "", "password": "",
		"passfile": "", "application_name": "duroxide", "connect_timeout": "0",
		"sslmode": "prefer", "sslkey": "", "sslcert": "", "sslcertmode": "allow", "sslsni": "1",
		"sslrootcert": "", "sslpassword": "", "sslnegotiation": "postgres",
		"target_session_attrs": "any", "timezone": "", "options": "", "min_protocol_version": "",
		"max_protocol_version": "", "channel_binding": "prefer", "require_auth": "",
	}
}

// allowed are the parameters that a URL may have.
var allowed = []string{
	"application_name", "channel_binding", "connect_timeout", "dbname", "host", "options",
	"password", "port", "require_auth", "sslcert", "sslcertmode", "sslkey", "sslmode",
	"sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "user",
}

// poolerParameter of a URL says with the value "transaction" that a pooler in that mode lies between.
const poolerParameter = "pooler"

// settings reads a URL. Its errors never show the password.
func settings(text string) (map[string]string, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The text of the error quotes the URL, and with it the password.
		reason := err
		if detail, ok := errors.AsType[*url.Error](err); ok {
			reason = detail.Err
		}
		if strings.Contains(reason.Error(), "port") || strings.Contains(reason.Error(), "userinfo") {
			reason = errors.New("host, port, user or password is malformed")
		}
		return nil, refuse(provider.ErrBadInput, "the URL cannot be read: %v", reason)
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, refuse(provider.ErrBadInput,
			"the URL must begin with postgres:// or postgresql://")
	}
	found := explicit()
	setIf(found, "host", u.Hostname())
	setIf(found, "port", u.Port())
	setIf(found, "database", strings.TrimPrefix(u.Path, "/"))
	setIf(found, "user", u.User.Username())
	if password, ok := u.User.Password(); ok {
		found["password"] = password
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, refuse(provider.ErrBadInput, "the parameters of the URL cannot be read")
	}
	for name, values := range query {
		if name == poolerParameter {
			continue // see Options.fill
		}
		if !slices.Contains(allowed, name) {
			return nil, refuse(provider.ErrBadInput, "the URL has an unknown parameter %q", name)
		}
		if name == "dbname" {
			name = "database"
		}
		found[name] = values[len(values)-1]
	}
	return found, complete(found)
}

func setIf(m map[string]string, name, value string) {
	if value != "" {
		m[name] = value
	}
}

func complete(found map[string]string) error {
	if found["user"] == "" {
		account, err := user.Current()
		if err != nil {
			return refuse(provider.ErrBadInput, "the URL names no user")
		}
		found["user"] = account.Username
	}
	if found["database"] == "" {
		found["database"] = found["user"]
	}
	return nil
}

// keywords writes settings in the driver's other form, in which nothing is left out.
func keywords(settings map[string]string) string {
	var text strings.Builder
	for name, value := range settings {
		value = strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `'`, `\'`)
		fmt.Fprintf(&text, "%s='%s' ", name, value)
	}
	return text.String()
}

// connConfig gives the driver's configuration for a URL.
func connConfig(o *Options, text string) (*pgx.ConnConfig, error) {
	found, err := settings(text)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(keywords(found))
	if err != nil {
		return nil, refuse(provider.ErrBadInput, "the URL cannot be used: %v", plainReason(err))
	}
	switch {
	case o.ConnectTimeout > 0:
		config.ConnectTimeout = o.ConnectTimeout
	case config.ConnectTimeout == 0:
		config.ConnectTimeout = defaultConnectTimeout
	}
	params := map[string]string{"application_name": found["application_name"]}
	if options := found["options"]; options != "" {
		params["options"] = options
	}
	if !o.Pooler {
		params["statement_timeout"] = milliseconds(statementTime)
		params["idle_in_transaction_session_timeout"] = milliseconds(idleInside)
		params["client_min_messages"] = "warning"
		// Every statement finds its few rows by index. Plans made once, for any parameter, do just
		// that, also while a table is new and the server knows nothing of it yet.
		params["plan_cache_mode"] = "force_generic_plan"
		params["enable_seqscan"] = "off"
		params["jit"] = "off"
	}
	config.RuntimeParams = params
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	if o.Pooler {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if o.VerifyTLS {
		config.TLSConfig = &tls.Config{
			ServerName: config.Host, MinVersion: tls.VersionTLS12, RootCAs: o.rootCAs,
		}
		config.Fallbacks = nil
	}
	return config, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// plainReason leaves out the text that the driver quotes of what it parsed.
func plainReason(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	text := err.Error()
	if _, reason, ok := strings.Cut(text, "`: "); ok {
		return errors.New(reason)
	}
	return errors.New("a setting is malformed")
}

func poolConfig(o *Options) (*pgxpool.Config, error) {
	// The pool's own parser wants text; what it finds is replaced at once.
	config, err := pgxpool.ParseConfig(keywords(explicit()))
	if err != nil {
		return nil, fmt.Errorf("prepare the pool: %w", err)
	}
	if config.ConnConfig, err = connConfig(o, o.URL); err != nil {
		return nil, err
	}
	config.MaxConns = int32(min(max(o.MaxConns, 1), 10_000))
	config.MaxConnLifetime = connectionAge
	config.MaxConnLifetimeJitter = connectionAge / 10
	config.MaxConnIdleTime = 5 * time.Minute
	config.BeforeConnect = o.beforeConnect
	return config, nil
}

func (o *Options) beforeConnect(ctx context.Context, config *pgx.ConnConfig) error {
	if o.Password == nil {
		return nil
	}
	password, err := o.Password(ctx)
	if err != nil {
		return err
	}
	config.Password = password
	return nil
}

// connectionError is what is said of a failed connection: the real cause, without the rest of
// what the driver tells.
type connectionError struct {
	text string
	err  error
}

func (e *connectionError) Error() string { return e.text }

func (e *connectionError) Unwrap() error { return e.err }

// hideSecrets shortens the driver's error of a failed connection to its cause.
func hideSecrets(err error) error {
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return &connectionError{text: plainReason(err).Error(), err: errBroken}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return err
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &connectionError{text: "error returned from database: " + server.Message, err: err}
	}
	return &connectionError{text: "error communicating with database: " + cause(err), err: err}
}

// cause gives the innermost reasons of a failed connection.
func cause(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "database="); ok {
		if _, reasons, ok := strings.Cut(after, "`: "); ok {
			return strings.Join(strings.Fields(reasons), " ")
		}
		if _, reasons, ok := strings.Cut(after, ": "); ok {
			return strings.Join(strings.Fields(reasons), " ")
		}
		if _, reasons, ok := strings.Cut(after, ":"); ok {
			return strings.Join(strings.Fields(reasons), " ")
		}
	}
	return strings.Join(strings.Fields(text), " ")
}
