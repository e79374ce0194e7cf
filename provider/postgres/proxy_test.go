package postgres_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
	"duroxide/provider/postgres/pgtest"
)

// proxy forwards connections to a server and, while it is told to, cuts each after a random number
// of bytes of the server's answers: so that now and then the answer to a COMMIT is what is lost.
type proxy struct {
	listener net.Listener
	server   string
	cutting  atomic.Bool
	cuts     atomic.Int64
	running  sync.WaitGroup

	mu   sync.Mutex // guards open
	open map[net.Conn]bool
}

func newProxy(t *testing.T, databaseURL string) (p *proxy, through string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p = &proxy{listener: l, server: u.Host, open: map[net.Conn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	u.Host = l.Addr().String()
	return p, u.String()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		var dialer net.Dialer
		server, err := dialer.DialContext(context.Background(), "tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		p.running.Go(func() {
			_, _ = io.Copy(server, client)
			p.end(client, server)
		})
		p.running.Go(func() {
			p.forward(client, server)
			p.end(client, server)
		})
	}
}

func (p *proxy) end(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
	_ = client.Close()
	_ = server.Close()
}

// forward hands on what the server answers until the connection's time has come.
func (p *proxy) forward(client, server net.Conn) {
	left := 3000 + rand.IntN(60_000)
	buffer := make([]byte, 4096)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		left -= n
		if left < 0 && p.cutting.Load() {
			p.cuts.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestNothingIsLostOrDoubledWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	p, through := newProxy(t, direct)
	o := postgres.Options{URL: through, Schema: pgtest.Schema(t, direct), MaxConns: 2}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	traffic(t, stores, func(steps *atomic.Int64) {
		p.cutting.Store(true)
		reached(t, steps, 300)
		p.cutting.Store(false)
	})
	require.Positive(t, p.cuts.Load())
	t.Log("connections cut:", p.cuts.Load())
}
