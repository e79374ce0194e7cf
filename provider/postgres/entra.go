package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"duroxide/provider"
)

// EntraAudience is the scope of tokens for Azure Database for PostgreSQL in the public cloud.
const EntraAudience = "https://ossrdbms-aad.database.windows.net/.default"

const (
	entraRefresh = 20 * time.Minute
	// entraMargin is the least life of a token that is used at all.
	entraMargin = 5 * time.Minute
	entraRetry  = 30 * time.Second
)

// Entra names a server whose passwords are Microsoft Entra ID tokens.
type Entra struct {
	Host     string
	Port     int
	Database string
	// User is the Entra principal that a database role is mapped to.
	User string
	// Audience is the scope that is requested; "" means EntraAudience.
	Audience string
	// Refresh bounds the time between two tokens; zero means 20 minutes.
	Refresh time.Duration
	// RootCAs are trusted instead of those of the machine, if set.
	RootCAs *x509.CertPool
	// Credential gives the tokens; nil means workload identity, managed identity, then the
	// developer tools, whichever answers first.
	Credential azcore.TokenCredential
}

// OpenEntra is Open for a server that takes Entra tokens. TLS with full verification is mandatory.
// It fails if no first token can be had. URL, Password and VerifyTLS of the options are ignored.
func OpenEntra(ctx context.Context, e Entra, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t, err := newTokens(&e, o.Log)
	if err != nil {
		return nil, failure("open", err)
	}
	if err := t.renew(ctx); err != nil {
		return nil, failure("open", &provider.Error{
			Message: "Entra credential resolution failed: could not acquire an initial access token: " +
				strings.Join(strings.Fields(err.Error()), " "),
			Err: fmt.Errorf("%w: %w", provider.ErrCannotOpen, err),
		})
	}
	o.URL = e.url()
	o.Password, o.VerifyTLS, o.rootCAs = t.password, true, e.RootCAs
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { t.run(background) })
	s.setClose(func() {
		stop()
		running.Wait()
	})
	return s, nil
}

func (e *Entra) url() string {
	u := url.URL{
		Scheme: "postgres", User: url.User(e.User), Path: "/" + e.Database,
		Host: net.JoinHostPort(e.Host, strconv.Itoa(e.Port)), RawQuery: "sslmode=verify-full",
	}
	return u.String()
}

// tokens keeps a token that is young enough.
type tokens struct {
	credential azcore.TokenCredential
	audience   string
	ceiling    time.Duration
	log        *slog.Logger

	mu      sync.Mutex // guards current
	current azcore.AccessToken
}

func newTokens(e *Entra, log *slog.Logger) (*tokens, error) {
	t := &tokens{credential: e.Credential, audience: e.Audience, ceiling: e.Refresh, log: log}
	if t.audience == "" {
		t.audience = EntraAudience
	}
	if t.ceiling <= 0 {
		t.ceiling = entraRefresh
	}
	if t.credential != nil {
		return t, nil
	}
	chain, err := credentialChain()
	t.credential = chain
	return t, err
}

var (
	errShortToken = errors.New("the token ends within five minutes")
	errLibrary    = errors.New("the credential library failed")
)

// renew gets a new token. A panic of the library is an error like any other; what it says may quote
// a token.
func (t *tokens) renew(ctx context.Context) (err error) {
	defer func() {
		if recover() != nil {
			t.log.Debug("postgres: the credential library failed", "stack", string(debug.Stack()))
			err = errLibrary
		}
	}()
	token, err := t.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{t.audience}})
	if err != nil {
		return fmt.Errorf("get a token: %w", err)
	}
	if time.Until(token.ExpiresOn) <= entraMargin {
		return errShortToken
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = token
	return nil
}

// password gives the token for a new connection. Without a new one the old one serves to its end.
func (t *tokens) password(ctx context.Context) (string, error) {
	if left := t.left(); left <= 0 {
		if err := t.renew(ctx); err != nil && left <= -entraMargin {
			return "", &connectionError{
				text: "the access token could not be renewed: " + err.Error(), err: errBroken,
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current.Token, nil
}

// left is how long the token may still be used.
func (t *tokens) left() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.current.ExpiresOn) - entraMargin
}

// run renews the token in time, so that new connections need not wait for it.
func (t *tokens) run(ctx context.Context) {
	wait := t.pause()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if err := t.renew(ctx); err != nil {
			t.log.Warn("postgres: the access token could not be renewed", "error", err.Error())
			wait = entraRetry
			continue
		}
		wait = t.pause()
	}
}

func (t *tokens) pause() time.Duration { return max(entraRetry, min(t.ceiling, t.left())) }
