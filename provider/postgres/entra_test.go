package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// credential is a source of tokens that a test controls.
type credential struct {
	mu    sync.Mutex
	token string
	life  time.Duration
	err   error
	panic bool
	asked []string
}

func (c *credential) GetToken(
	_ context.Context, o policy.TokenRequestOptions,
) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panic {
		panic("secret token inside")
	}
	c.asked = append(c.asked, o.Scopes...)
	return azcore.AccessToken{Token: c.token, ExpiresOn: time.Now().Add(c.life)}, c.err
}

const initial = "Entra credential resolution failed: could not acquire an initial access token: "

func TestEntraNeedsAFirstTokenThatLastsAndTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		credential *credential
		says       string
	}{
		"none":      {&credential{err: errors.New("no identity here")}, initial + "get a token: no identity here"},
		"too short": {&credential{token: "secret", life: 5 * time.Minute}, initial + "the token ends within"},
		"panic":     {&credential{panic: true}, initial + "the credential library failed"},
		"no server": {&credential{token: "secret", life: time.Hour}, "connection refused"},
	} {
		_, err := postgres.OpenEntra(t.Context(), postgres.Entra{
			Host: "127.0.0.1", Port: 1, Database: "d", User: "me@example.com",
			Credential: c.credential,
		}, postgres.Options{ConnectTimeout: time.Second})
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "secret", name)
	}
	c := &credential{token: "secret", life: time.Hour}
	_, err := postgres.OpenEntra(t.Context(), postgres.Entra{
		Host: "127.0.0.1", Port: 1, Database: "d", User: "me", Audience: "https://x/.default",
		Credential: c,
	}, postgres.Options{ConnectTimeout: time.Second, Schema: "bad name"})
	require.ErrorIs(t, err, provider.ErrBadInput)
	require.Equal(t, []string{"https://x/.default"}, c.asked)
}

// tokenService is an endpoint as virtual machines in Azure have one. Its tokens are used for the
// next three seconds only.
type tokenService struct {
	mu     sync.Mutex
	status int
	token  string
	asked  []string
}

func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Query().Get("resource"))
	if r.Header.Get("X-Identity-Header") != "header" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(s.status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"access_token": s.token, "token_type": "Bearer", "resource": "x",
		"expires_on": strconv.FormatInt(time.Now().Add(5*time.Minute+3*time.Second).Unix(), 10),
	})
}

func (s *tokenService) set(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// machine makes the tests run on a machine with a token service.
func machine(t *testing.T, s *tokenService) {
	t.Helper()
	endpoint := httptest.NewServer(s)
	t.Cleanup(endpoint.Close)
	t.Setenv("IDENTITY_ENDPOINT", endpoint.URL)
	t.Setenv("IDENTITY_HEADER", "header")
}

func TestEntraTokensOfTheMachineAreThePasswords(t *testing.T) { //nolint:paralleltest // environment
	server, _, pool := secureServer(t)
	service := &tokenService{status: http.StatusOK, token: "secret1"}
	machine(t, service)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	e := postgres.Entra{
		Host: u.Hostname(), Port: port, Database: "postgres", User: "me@example.com",
	}
	var logged bytes.Buffer
	o := postgres.Options{Schema: "s", Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{
		Level: slog.LevelDebug,
	}))}
	_, err = postgres.OpenEntra(t.Context(), e, o)
	require.ErrorContains(t, err, "unknown authority", "the certificate is always verified")
	e.RootCAs = pool
	named := e
	named.Host = "localhost"
	_, err = postgres.OpenEntra(t.Context(), named, o)
	require.ErrorContains(t, err, "match localhost", "and the name in it")
	s, err := postgres.OpenEntra(t.Context(), e, o)
	require.NoError(t, err)
	submit(t, s, start("a"), nil)

	pgtest.Script(t, server.URL, `
ALTER ROLE "me@example.com" PASSWORD 'secret2';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'duroxide'`)
	service.set("secret2")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	insist(ctx, t, func() error {
		_, err := s.Submit(ctx, provider.Submission{Messages: []provider.Message{start("b")}})
		return err
	})
	require.Subset(t, []string{"https://ossrdbms-aad.database.windows.net"}, service.asked)
	require.NoError(t, s.Close(context.Background()))
	require.NotContains(t, logged.String(), "secret")
}

// A machine outside Azure may have something else where the tokens of a machine come from.
func TestEntraTokensComeFromTheDeveloperToolsElsewhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for az is a shell script")
	}
	machine(t, &tokenService{status: http.StatusForbidden, token: "secret"})
	e := postgres.Entra{
		Host: "127.0.0.1", Port: 1, Database: "d", User: "me", Audience: "https://elsewhere/.default",
	}
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	_, err := postgres.OpenEntra(t.Context(), e, postgres.Options{})
	require.ErrorContains(t, err, initial)
	require.ErrorContains(t, err, "ManagedIdentityCredential: the token service answered 403")
	require.ErrorContains(t, err, "AzureCLICredential: executable not found on path")
	require.NotContains(t, err.Error(), "secret")
	script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", `{"accessToken":"secret","expires_on":`+
		strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)+`,"expiresOn":"2999-01-01 00:00:00.0"}`)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "az"), []byte(script), 0o700))
	_, err = postgres.OpenEntra(t.Context(), e, postgres.Options{})
	require.ErrorContains(t, err, "connection refused", "there is a token")
}
