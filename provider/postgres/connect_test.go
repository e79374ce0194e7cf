package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
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

func TestWrongConnectionsAreRefusedWithTheirCauseAndNoSecret(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	silent := silence(t)
	for name, c := range map[string]struct {
		url  string
		want error
		says string
	}{
		"wrong scheme": {"mysql://u:secret@h/d", provider.ErrBadInput, "postgres://"},
		"a path":       {"/tmp/x.db", provider.ErrBadInput, "postgres://"},
		"empty":        {"", provider.ErrBadInput, "postgres://"},
		"bad port":     {"postgres://u:secret@h:port/d", provider.ErrBadInput, "malformed"},
		"mislaid password": {
			"postgres://u:se:cret@secret@h:1/d", provider.ErrCannotOpen, "",
		},
		"bad parameter": {url + "&sslmod=secret", provider.ErrBadInput, `"sslmod"`},
		"bad sslmode":   {"postgres://u:secret@h/d?sslmode=never", provider.ErrBadInput, "sslmode"},
		"no host": {
			"postgres://u:secret@no-such-host.invalid/d", provider.ErrCannotOpen,
			"no-such-host.invalid",
		},
		"nobody listens": {
			"postgres://u:secret@127.0.0.1:1/d", provider.ErrCannotOpen, "connection refused",
		},
		"silent":      {"postgres://u:secret@" + silent + "/d", provider.ErrCannotOpen, "timeout"},
		"no database": {pgtest.With(t, url, "", "", "nowhere"), provider.ErrCannotOpen, `database "nowhere" does not exist`},
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{
			URL: c.url, ConnectTimeout: 500 * time.Millisecond,
		})
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "secret", name)
		for ; err != nil; err = errors.Unwrap(err) {
			require.NotContains(t, fmt.Sprintf("%+v", err), "u:secret", name)
		}
	}
}

// silence gives the address of a server that accepts connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var taken sync.WaitGroup
	done := make(chan struct{})
	taken.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken.Go(func() {
				<-done
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(done)
		taken.Wait()
	})
	return l.Addr().String()
}

func TestTheEnvironmentOfTheDriverIsNotRead(t *testing.T) {
	url := pgtest.URL(t)
	schema := pgtest.Schema(t, url) // dropped when the environment is as it was
	t.Setenv("PGHOST", "no-such-host.invalid")
	t.Setenv("PGPORT", "1")
	t.Setenv("PGSSLMODE", "verify-full")
	t.Setenv("PGDATABASE", "nowhere")
	t.Setenv("PGOPTIONS", "-c nonsense=1")
	t.Setenv("PGTZ", "Mars/Olympus")
	open(t, postgres.Options{URL: url, Schema: schema})
}

func TestSchemaNamesAreCheckedAndKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, name := range []string{
		`a"; DROP SCHEMA public; --`, "a b", "1a", "ü", "a.b", "a-b", strings.Repeat("a", 64), " ",
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: url, Schema: name})
		require.ErrorIs(t, err, provider.ErrBadInput, name)
		require.ErrorContains(t, err, "Invalid schema_name '"+name+"': must ")
	}
	mixed := "Mixed_" + pgtest.Schema(t, url)
	pgtest.Drop(t, url, mixed)
	pgtest.Drop(t, url, strings.ToLower(mixed))
	o := postgres.Options{URL: url, Schema: mixed}
	submit(t, open(t, o), start("a"), nil)
	require.Len(t, claimTurns(t, open(t, o), holder("n")), 1, "the second open finds the first's")
	o.Schema = strings.ToLower(mixed)
	require.Empty(t, claimTurns(t, open(t, o), holder("n")), "another case is another schema")
	for _, reserved := range []string{"select", "table", "user"} {
		pgtest.Drop(t, url, reserved)
		submit(t, open(t, postgres.Options{URL: url, Schema: reserved}), start("a"), nil)
	}
}

func TestManyProcessesMayOpenANewSchemaAtOnce(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	o.NoListen = true
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			s, err := postgres.Open(context.Background(), o)
			require.NoError(t, err)
			require.NoError(t, s.Close(context.Background()))
		})
	}
	group.Wait()
}

func TestSchemasThatAreNotAsExpectedAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ damage, says string }{
		"newer":          {"INSERT INTO S.duroxide_migrations VALUES (99, '0099_later.sql')", "newer version"},
		"another ledger": {"UPDATE S.duroxide_migrations SET name = 'x'", "unknown migration"},
		"missing table":  {"DROP TABLE S.sessions", "no table sessions"},
		"a view":         {"ALTER TABLE S.sessions RENAME TO s2; CREATE VIEW S.sessions AS SELECT * FROM S.s2", "no table"},
		"no ledger":      {"DROP TABLE S.duroxide_migrations", "something else"},
		"empty ledger":   {"DELETE FROM S.duroxide_migrations", "not ours"},
	} {
		o := fresh(t)
		s := open(t, o)
		require.NoError(t, s.Script(t.Context(), c.damage), name)
		require.NoError(t, s.Close(t.Context()))
		_, err := postgres.Open(t.Context(), o)
		require.ErrorIs(t, err, provider.ErrSchema, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestVerifyingChangesNothing(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	o.VerifyOnly = true
	_, err := postgres.Open(t.Context(), o)
	require.ErrorIs(t, err, provider.ErrSchema)
	script, err := postgres.MigrationSQL(o.Schema)
	require.NoError(t, err)
	pgtest.Script(t, o.URL, script)
	submit(t, open(t, o), start("a"), nil)
	_, err = postgres.MigrationSQL("a b")
	require.ErrorIs(t, err, provider.ErrBadInput)
}

func TestAUserWithoutRightsMayUseATableThatIsThere(t *testing.T) {
	t.Parallel()
	o := fresh(t)
	role := "user_" + o.Schema
	script, err := postgres.MigrationSQL(o.Schema)
	require.NoError(t, err)
	pgtest.Script(t, o.URL, script+fmt.Sprintf(`
CREATE ROLE %[1]s LOGIN;
GRANT USAGE ON SCHEMA %[2]s TO %[1]s;
GRANT ALL ON ALL TABLES IN SCHEMA %[2]s TO %[1]s;
GRANT ALL ON ALL SEQUENCES IN SCHEMA %[2]s TO %[1]s`, quoted(role), quoted(o.Schema)))
	t.Cleanup(func() {
		pgtest.Script(t, o.URL, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", quoted(role)))
	})
	limited := o
	limited.URL = pgtest.With(t, o.URL, role, "", "")
	s := open(t, limited)
	submit(t, s, start("a"), nil)
	require.Len(t, claimTurns(t, s, holder("n")), 1)
	require.NoError(t, s.Close(t.Context()))
}

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

func TestEntraNeedsAFirstTokenThatLastsAndTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		credential *credential
		says       string
	}{
		"none":      {&credential{err: errors.New("no identity here")}, "could not acquire"},
		"too short": {&credential{token: "secret", life: 5 * time.Minute}, "could not acquire"},
		"panic":     {&credential{panic: true}, "could not acquire"},
		"no TLS":    {&credential{token: "secret", life: time.Hour}, "communicating"},
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
