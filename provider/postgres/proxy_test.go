package postgres_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fault is what a network does to connections.
type fault int32

const (
	noFault fault = iota
	// cutting ends each connection after a random number of bytes of the server's answers.
	cutting
	// losingAnswers ends connections at the moment at which the server says that it is done, often
	// with a commit: the client hears of the end only.
	losingAnswers
	// delaying lets everything arrive late.
	delaying
	// swallowing lets nothing arrive, and nobody is told: a connection on which anything was lost
	// stays open and silent for good.
	swallowing
	// swallowingAnswers is swallowing that begins for each connection when the server says that it is
	// done.
	swallowingAnswers
)

// longestDelay is how late one packet may be.
const longestDelay = 10 * time.Millisecond

// proxy forwards connections to a server as a network with a fault does.
type proxy struct {
	listener net.Listener
	server   atomic.Value // string
	fault    atomic.Int32
	hits     atomic.Int64 // connections that were cut, or went silent
	made     atomic.Int64 // connections to the server
	running  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]bool
	closed bool
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	silent         atomic.Bool
	// greeted says that the server has accepted the client.
	greeted bool
}

func newProxy(t *testing.T, databaseURL string) (p *proxy, through string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p = &proxy{listener: l, open: map[net.Conn]bool{}}
	p.server.Store(u.Host)
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	u.Host = l.Addr().String()
	return p, u.String()
}

// lead has new connections go to another server. Those that there are stay where they are.
func (p *proxy) lead(t *testing.T, databaseURL string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	p.server.Store(u.Host)
}

func (p *proxy) set(f fault) { p.fault.Store(int32(f)) }

func (p *proxy) is(f fault) bool { return p.fault.Load() == int32(f) }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
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
		server, err := dialer.DialContext(context.Background(), "tcp", p.server.Load().(string))
		if err != nil {
			_ = client.Close()
			continue
		}
		p.made.Add(1)
		l := &link{client: client, server: server}
		if !p.add(l) {
			return
		}
		p.running.Go(func() { p.carry(l, server, client) })
		p.running.Go(func() { p.carry(l, client, server) })
	}
}

// add reports whether a link may go on. One that was made while the proxy closed is closed too: a silent
// one would never end.
func (p *proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = l.client.Close()
		_ = l.server.Close()
		return false
	}
	p.open[l.client], p.open[l.server] = true, true
	return true
}

// carry hands on what arrives in one direction until the connection's time has come. On a silent
// one, neither side hears that the other has hung up.
func (p *proxy) carry(l *link, to, from net.Conn) {
	left := 3000 + rand.IntN(60_000)
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			break
		}
		if to == l.client {
			left -= n
		}
		if p.strikes(l, to == l.client, left, buffer[:n]) {
			break
		}
		if l.silent.Load() {
			continue
		}
		if p.is(delaying) {
			time.Sleep(rand.N(longestDelay)) //nolint:forbidigo // this is the fault
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			break
		}
	}
	if !l.silent.Load() {
		p.end(l)
	}
}

// done is the server's message ReadyForQuery, outside a transaction.
var done = []byte("Z\x00\x00\x00\x05I")

// strikes reports whether the connection is cut now. It may fall silent instead.
func (p *proxy) strikes(l *link, isAnswer bool, left int, data []byte) bool {
	isDone := isAnswer && bytes.Contains(data, done)
	if isDone && !l.greeted {
		l.greeted, isDone = true, false
	}
	cut := p.is(cutting) && left < 0 || p.is(losingAnswers) && isDone && rand.IntN(8) == 0
	hush := p.is(swallowing) || p.is(swallowingAnswers) && isDone
	if cut || hush && !l.silent.Swap(true) {
		p.hits.Add(1)
	}
	return cut
}

func (p *proxy) end(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l.client)
	delete(p.open, l.server)
	_ = l.client.Close()
	_ = l.server.Close()
}
