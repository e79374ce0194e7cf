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
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

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
			Message: "Entra credential resolution failed: could not acquire an initial access token",
			Err:     fmt.Errorf("%w: %w", provider.ErrCannotOpen, err),
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

// credentialChain gives the sources of tokens, in order. Those that this machine is not set up for
// are left out.
func credentialChain() (azcore.TokenCredential, error) {
	var sources []azcore.TokenCredential
	if c, err := azidentity.NewWorkloadIdentityCredential(nil); err == nil {
		sources = append(sources, c)
	}
	if c, err := azidentity.NewManagedIdentityCredential(nil); err == nil {
		sources = append(sources, c)
	}
	if c, err := azidentity.NewAzureCLICredential(nil); err == nil {
		sources = append(sources, c)
	}
	if c, err := azidentity.NewAzureDeveloperCLICredential(nil); err == nil {
		sources = append(sources, c)
	}
	chain, err := azidentity.NewChainedTokenCredential(sources, nil)
	if err != nil {
		return nil, fmt.Errorf("prepare credentials: %w", err)
	}
	return chain, nil
}

var errShortToken = errors.New("the token ends within five minutes")

// renew gets a new token. A panic of the library is an error like any other.
func (t *tokens) renew(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprint(p)
			t.log.Debug("postgres: the credential library failed", "stack", string(debug.Stack()))
			err = fmt.Errorf("the credential library failed: %s", text[:min(len(text), 256)])
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

// password gives the token for a new connection.
func (t *tokens) password(ctx context.Context) (string, error) {
	if t.left() <= 0 {
		if err := t.renew(ctx); err != nil {
			return "", err
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
			// The text may quote what the token service has answered.
			t.log.Warn("postgres: the access token could not be renewed",
				"credential", fmt.Sprintf("%T", t.credential))
			wait = entraRetry
			continue
		}
		wait = t.pause()
	}
}

func (t *tokens) pause() time.Duration { return max(entraRetry, min(t.ceiling, t.left())) }
