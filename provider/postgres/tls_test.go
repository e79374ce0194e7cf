package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// certificate gives a self-signed certificate for 127.0.0.1 and its key, in PEM.
func certificate(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// secureServer gives a server that offers TLS and demands passwords, the file and the pool of its
// certificate, and makes a role whose password is "token".
func secureServer(t *testing.T) (s *pgtest.Server, file string, pool *x509.CertPool) {
	t.Helper()
	s = pgtest.Own(t)
	public, key := certificate(t)
	s.UseTLS(t, public, key)
	s.RequirePasswords(t)
	pgtest.Script(t, s.URL, `
CREATE ROLE "me@example.com" LOGIN PASSWORD 'token';
GRANT CREATE ON DATABASE postgres TO "me@example.com"`)
	file = filepath.Join(t.TempDir(), "root.crt")
	require.NoError(t, os.WriteFile(file, public, 0o600))
	pool = x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(public))
	return s, file, pool
}

func TestTLSIsWhatTheURLSays(t *testing.T) {
	t.Parallel()
	server, file, _ := secureServer(t)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	for mode, c := range map[string]struct {
		parameters string
		encrypted  int64
		refused    string
	}{
		"disable":     {"sslmode=disable", 0, ""},
		"prefer":      {"", 1, ""},
		"require":     {"sslmode=require", 1, ""},
		"trusted":     {"sslmode=verify-full&sslrootcert=" + url.QueryEscape(file), 1, ""},
		"not trusted": {"sslmode=verify-full", 0, "unknown authority"},
	} {
		u := *base
		u.RawQuery = c.parameters
		s, err := postgres.Open(t.Context(), postgres.Options{URL: u.String(), Schema: "s"})
		if c.refused != "" {
			require.ErrorIs(t, err, provider.ErrCannotOpen, mode)
			require.ErrorContains(t, err, c.refused, mode)
			continue
		}
		require.NoError(t, err, mode)
		encrypted, err := s.Number(t.Context(),
			`SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()`)
		require.NoError(t, err)
		require.Equal(t, c.encrypted, encrypted, mode)
		require.NoError(t, s.Close(t.Context()))
	}
}

// The token comes from an endpoint as virtual machines in Azure have one.
func TestEntraTokensOfTheMachineAreThePasswords(t *testing.T) {
	server, _, pool := secureServer(t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("resource") != "https://ossrdbms-aad.database.windows.net" ||
			r.Header.Get("X-Identity-Header") != "header" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{
			"access_token": "token", "token_type": "Bearer", "resource": "x",
			"expires_on": strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10),
		})
	}))
	defer endpoint.Close()
	t.Setenv("IDENTITY_ENDPOINT", endpoint.URL)
	t.Setenv("IDENTITY_HEADER", "header")
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	e := postgres.Entra{
		Host: u.Hostname(), Port: port, Database: "postgres", User: "me@example.com",
	}
	_, err = postgres.OpenEntra(t.Context(), e, postgres.Options{Schema: "s"})
	require.ErrorContains(t, err, "unknown authority", "the certificate is always verified")
	e.RootCAs = pool
	s, err := postgres.OpenEntra(t.Context(), e, postgres.Options{Schema: "s"})
	require.NoError(t, err)
	submit(t, s, start("a"), nil)
	require.NoError(t, s.Close(context.Background()))
	http.DefaultClient.CloseIdleConnections()
}
