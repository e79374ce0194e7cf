package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
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
	"duroxide/provider/rules"
)

const (
	defaultMaxConns       = 10
	defaultAcquireTimeout = 30 * time.Second
	defaultConnectTimeout = 10 * time.Second
	defaultSchema         = "public"
	// connectionAge makes connections rotate, so that a new password or server is used in time.
	connectionAge = 30 * time.Minute
	// defaultConnectionIdle lets a store that is open and not used cost the server one connection, the
	// listening one.
	defaultConnectionIdle = 8 * time.Second
	statementTime         = 30 * time.Second
	idleInside            = 10 * time.Second
)

var (
	schemaName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	parameterName = regexp.MustCompile(`^[a-z_]+$`)
)

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

func isPostgres(scheme string) bool { return scheme == "postgres" || scheme == "postgresql" }

// poolerParameter of a URL says that a pooler lies between, which may be in transaction mode.
const (
	poolerParameter   = "pooler"
	poolerTransaction = "transaction"
)

// malformed quotes nothing: a password with such characters ends up in any part of the URL.
func malformed() error {
	return rules.Refuse(provider.ErrBadInput, "the URL is malformed: in user, password and database "+
		"write the characters : / ? # [ ] @ %% as %%3A %%2F %%3F %%23 %%5B %%5D %%40 %%25")
}

// settings reads a URL. Its errors never show the password.
func settings(text string) (map[string]string, error) {
	u, err := url.Parse(text)
	if scheme, _, ok := strings.Cut(text, "://"); !ok || !isPostgres(scheme) {
		return nil, rules.Refuse(provider.ErrBadInput,
			"the URL must begin with postgres:// or postgresql://")
	}
	if err != nil || u.Fragment != "" || u.User == nil && strings.Contains(u.EscapedPath(), "@") {
		return nil, malformed()
	}
	found := explicit()
	if u.Host != "" {
		found["host"], found["port"] = servers(u.Host)
	}
	setIf(found, "database", strings.TrimPrefix(u.Path, "/"))
	setIf(found, "user", u.User.Username())
	if password, ok := u.User.Password(); ok {
		found["password"] = password
	}
	if err := parameters(found, u); err != nil {
		return nil, err
	}
	return found, complete(found)
}

// servers reads a list of hosts, of which the first that answers is used.
func servers(list string) (hosts, ports string) {
	for n, text := range strings.Split(list, ",") {
		server := url.URL{Host: text}
		if n > 0 {
			hosts, ports = hosts+",", ports+","
		}
		hosts, ports = hosts+cmp.Or(server.Hostname(), "localhost"), ports+cmp.Or(server.Port(), "5432")
	}
	return hosts, ports
}

// parameters adds those of a URL.
func parameters(found map[string]string, u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return malformed()
	}
	for name, values := range query {
		value := values[len(values)-1]
		switch {
		case name == poolerParameter && value == poolerTransaction:
			continue // see Options.fill
		case name == poolerParameter:
			return rules.Refuse(provider.ErrBadInput, "the parameter pooler of the URL must be "+
				"transaction, whatever the mode of the pooler is")
		case slices.Contains(allowed, name):
			found[name] = value
		case u.User == nil || !parameterName.MatchString(name):
			return malformed()
		default:
			return rules.Refuse(provider.ErrBadInput, "the URL has an unknown parameter %q", name)
		}
	}
	if name := found["dbname"]; name != "" {
		found["database"] = name
	}
	delete(found, "dbname")
	return nil
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
			return rules.Refuse(provider.ErrBadInput, "the URL names no user")
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

// parse has the driver read settings, and nothing but them. The service that PGSERVICE names cannot
// be switched off: an empty one stands in for it.
func parse(settings map[string]string) (*pgxpool.Config, error) {
	text := keywords(settings)
	if os.Getenv("PGSERVICE") != "" {
		file, err := emptyService("duroxide")
		if err != nil {
			return nil, fmt.Errorf("stand in for the service of PGSERVICE: %w", err)
		}
		defer func() { _ = os.Remove(file) }()
		text += keywords(map[string]string{"service": "duroxide", "servicefile": file})
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, rules.Refuse(provider.ErrBadInput, "the URL cannot be used: %v", plainReason(err))
	}
	return config, nil
}

func emptyService(name string) (path string, err error) {
	file, err := os.CreateTemp("", "duroxide-service-")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString("[" + name + "]\n")
	return file.Name(), errors.Join(err, file.Close())
}

// connConfig gives the driver's configuration for a URL.
func connConfig(o *Options, text string) (*pgx.ConnConfig, error) {
	config, err := poolConfig(o, text)
	if err != nil {
		return nil, err
	}
	return config.ConnConfig, nil
}

// poolConfig gives the configuration of a pool for a URL.
func poolConfig(o *Options, text string) (*pgxpool.Config, error) {
	found, err := settings(text)
	if err != nil {
		return nil, err
	}
	pool, err := parse(found)
	if err != nil {
		return nil, err
	}
	configureConn(o, pool.ConnConfig, found)
	pool.MaxConns = int32(min(max(o.MaxConns, 1), 10_000))
	pool.MaxConnLifetime = connectionAge
	pool.MaxConnLifetimeJitter = connectionAge / 10
	pool.MaxConnIdleTime = cmp.Or(o.connectionIdle, defaultConnectionIdle)
	pool.HealthCheckPeriod = pool.MaxConnIdleTime / 8
	pool.BeforeConnect = o.beforeConnect
	if !o.Pooler {
		keepPrimary(pool)
	}
	return pool, nil
}

func configureConn(o *Options, config *pgx.ConnConfig, found map[string]string) {
	switch {
	case o.ConnectTimeout > 0:
		config.ConnectTimeout = o.ConnectTimeout
	case config.ConnectTimeout == 0:
		config.ConnectTimeout = defaultConnectTimeout
	}
	// Texts are UTF-8, whatever role, database or URL say: what they take for LATIN1 they would store as
	// other characters, which a process with other settings reads as such.
	params := map[string]string{
		"application_name": found["application_name"], "client_encoding": encodingUTF8,
	}
	if options := found["options"]; options != "" {
		params["options"] = options
	}
	if !o.Pooler {
		wantPrimary(config)
		params["statement_timeout"] = milliseconds(o.statementWithin)
		// What a decision rests on is read after the lock (P3), so never from an older snapshot.
		params["default_transaction_isolation"] = "read committed"
		params["idle_in_transaction_session_timeout"] = milliseconds(idleInside)
		params["client_min_messages"] = "warning"
		// Every statement finds its few rows by index. Plans made once, for any parameter, do just
		// that, also while a table is new and the server knows nothing of it yet.
		params["plan_cache_mode"] = "force_generic_plan"
		params["enable_seqscan"] = "off"
		// A bitmap scan meets the index entries of deleted rows again and again; an index scan marks
		// them, so that it meets them once. Messages and tasks come and go all the time.
		params["enable_bitmapscan"] = "off"
		params["jit"] = "off"
	}
	config.RuntimeParams = params
	giveUpBroken(config)
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
	if errors.Is(err, errStandby) {
		return &connectionError{text: errStandby.Error(), err: errStandby}
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		text := "error returned from database: " + server.Message
		if strings.HasPrefix(server.Message, "unsupported startup parameter") {
			text += "; behind a pooler, the URL needs the parameter pooler=transaction"
		}
		return &connectionError{text: text, err: err}
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
