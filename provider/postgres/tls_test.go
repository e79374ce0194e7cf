package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
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
// certificate, and makes a role whose password is "secret1".
func secureServer(t *testing.T) (s *pgtest.Server, file string, pool *x509.CertPool) {
	t.Helper()
	s = pgtest.Own(t)
	public, key := certificate(t)
	s.UseTLS(t, public, key)
	s.RequirePasswords(t)
	pgtest.Script(t, s.URL, `
CREATE ROLE "me@example.com" LOGIN PASSWORD 'secret1';
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
	root := "&sslrootcert=" + url.QueryEscape(file)
	for mode, c := range map[string]struct {
		host, parameters string
		encrypted        int64
		refused          string
	}{
		"disable":      {"127.0.0.1", "sslmode=disable", 0, ""},
		"allow":        {"127.0.0.1", "sslmode=allow", 0, ""},
		"prefer":       {"127.0.0.1", "", 1, ""},
		"require":      {"127.0.0.1", "sslmode=require", 1, ""},
		"trusted":      {"127.0.0.1", "sslmode=verify-full" + root, 1, ""},
		"not trusted":  {"127.0.0.1", "sslmode=verify-full", 0, "unknown authority"},
		"another name": {"localhost", "sslmode=verify-full" + root, 0, "match localhost"},
		"any name":     {"localhost", "sslmode=verify-ca" + root, 1, ""},
		"no file":      {"127.0.0.1", "sslmode=verify-ca&sslrootcert=/nowhere", 0, "CA file"},
	} {
		u := *base
		u.RawQuery, u.Host = c.parameters, net.JoinHostPort(c.host, base.Port())
		s, err := postgres.Open(t.Context(), postgres.Options{URL: u.String(), Schema: "s"})
		if c.refused != "" {
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
	pgtest.Script(t, server.URL, "ALTER SYSTEM SET ssl = off")
	require.NoError(t, server.Stop())
	require.NoError(t, server.Run())
	base.RawQuery = "sslmode=require"
	_, err = postgres.Open(t.Context(), postgres.Options{URL: base.String(), Schema: "s"})
	require.ErrorIs(t, err, provider.ErrCannotOpen)
	require.ErrorContains(t, err, "refused TLS")
}
