package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

const (
	// notifyGap is the least time between two notifications of a process.
	notifyGap = 3 * time.Millisecond
	// pollEvery is how often the clock and the leases of others are looked at, and the whole store
	// where nobody tells of changes.
	pollEvery = time.Second
	// payloadBytes stays below what the server takes.
	payloadBytes = 7000
)

var (
	sqlNotify = define(`SELECT pg_notify($1, $2)`)
	// Losing a notification in a crash of the server is harmless.
	sqlRelaxed = define(`SELECT set_config('synchronous_commit', 'off', true)`)
	sqlEnded   = define(`SELECT EXISTS (SELECT 1 FROM S.leases WHERE until_ms > $1 AND until_ms <= $2)`)
)

// channel is where the processes of one schema tell each other of their commits.
func (s *Store) channel() string { return "duroxide_" + s.schema }

// notifier tells other processes what was committed: never inside the commits, because those would
// then wait for each other, and never more often than notifyGap.
type notifier struct {
	s *Store
	// self keeps a process from hearing itself.
	self string
	wake chan struct{}

	mu      sync.Mutex // guards pending
	pending change
}

func newNotifier(s *Store) *notifier {
	return &notifier{s: s, self: rand.Text()[:12], wake: make(chan struct{}, 1)}
}

func (n *notifier) add(c *change) {
	n.mu.Lock()
	n.pending.add(c)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) run() {
	ctx := n.s.background
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return
		}
		if n.send(ctx) != nil && rest(ctx, pollEvery) != nil {
			return
		}
		if rest(ctx, 2*notifyGap) != nil {
			return
		}
	}
}

func (n *notifier) send(ctx context.Context) error {
	n.mu.Lock()
	c := n.pending
	n.pending = change{}
	n.mu.Unlock()
	if c.isEmpty() {
		return nil
	}
	p := n.s.pipeline()
	p.exec(sqlRelaxed)
	p.exec(sqlNotify, n.s.channel(), n.self+" "+payload(&c))
	if err := n.s.sendPool(ctx, p); err != nil {
		n.add(&c)
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// payload tells of a change: whether there is work, the next due time, and hashes of the instances
// that changed, never their ids; "*" if there are too many.
func payload(c *change) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %d", flag(c.work), c.nextDue)
	for _, id := range distinct(c.instances) {
		if text.Len() > payloadBytes {
			return fmt.Sprintf("%d %d *", flag(c.work), c.nextDue)
		}
		text.WriteString(" " + strconv.FormatUint(routeOf(id), 36))
	}
	return text.String()
}

// asked remembers which instances somebody here has asked for, by the hash that notifications
// carry.
type asked struct {
	mu     sync.Mutex
	byHash map[string]string
}

const askedLimit = 50_000

func (a *asked) add(id string) {
	hash := strconv.FormatUint(routeOf(id), 36)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byHash == nil || len(a.byHash) >= askedLimit {
		// Those who wait for what is forgotten here find it by polling.
		a.byHash = map[string]string{}
	}
	a.byHash[hash] = id
}

func (a *asked) ids(hashes []string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for _, hash := range hashes {
		if id, ok := a.byHash[hash]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// heard tells the watchers of a notification.
func (s *Store) heard(text string) {
	fields := strings.Fields(text)
	if len(fields) < 3 || fields[0] == s.notifier.self || !s.watchers.any() {
		return
	}
	due, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return
	}
	c := provider.Change{Work: fields[1] == "1", NextDue: moment(due)}
	if hashes := fields[3:]; len(hashes) == 1 && hashes[0] == "*" {
		c.All = true
	} else {
		c.Instances = s.asked.ids(hashes)
	}
	if c.All || c.Work || due != 0 || len(c.Instances) > 0 {
		s.watchers.call(c)
	}
}

// everything tells the watchers that anything may have happened.
func (s *Store) everything() {
	if s.watchers.any() {
		s.watchers.call(provider.Change{All: true, Work: true})
	}
}

// listen keeps the listening connection, which has nothing else to do.
func (s *Store) listen() {
	for try := 1; ; try++ {
		err := s.listenOnce(func() { try = 0 })
		if s.background.Err() != nil {
			return
		}
		s.log.Warn("postgres: the listening connection was lost", "error", err.Error())
		if rest(s.background, pauseBefore(min(try+1, 8))) != nil {
			return
		}
	}
}

func (s *Store) listenOnce(connected func()) error {
	conn, err := s.dial(s.background)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	_, err = conn.Exec(s.background, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize(),
		pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	connected()
	s.clock.setListening(true)
	defer s.clock.setListening(false)
	s.everything() // what was told before is lost
	for {
		// A quiet connection is asked now and then whether it is still one.
		ctx, cancel := context.WithTimeout(s.background, 10*pollEvery)
		n, err := conn.WaitForNotification(ctx)
		quiet := ctx.Err() != nil && s.background.Err() == nil
		cancel()
		switch {
		case err == nil:
			s.heard(n.Payload)
		case !quiet:
			return err
		default:
			if err := s.ping(conn); err != nil {
				return err
			}
		}
	}
}

func (s *Store) ping(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(s.background, 5*time.Second)
	defer cancel()
	return conn.Ping(ctx)
}

// poll follows the clock of the server and finds what nobody tells of: leases that have ended, and
// everything while there is no listening connection. A store without watchers polls nothing but
// the clock.
func (s *Store) poll() {
	seen := s.nowMs()
	for rest(s.background, pollEvery) == nil {
		if !s.watchers.any() {
			continue
		}
		if err := s.synchronize(s.background); err != nil {
			continue // the next round asks again
		}
		now := s.nowMs()
		if !s.clock.isListening() {
			s.everything()
		} else if s.ended(seen, now) {
			s.watchers.call(provider.Change{Work: true})
		}
		seen = now
	}
}

func (s *Store) ended(from, to int64) bool {
	found := false
	p := s.pipeline()
	p.each(sqlEnded, func(r pgx.Rows) error { return r.Scan(&found) }, from, to)
	return s.sendPool(s.background, p) == nil && found
}
