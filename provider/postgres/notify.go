package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"duroxide/provider"
)

const (
	// notifyGap is the least time between two notifications of a process.
	notifyGap = 3 * time.Millisecond
	// taskPatience is how long tasks are left to this process, which has no slot for them now but may
	// have one soon, before others are told.
	taskPatience = 25 * time.Millisecond
	// quickTime bounds the statements of the goroutines here, which nobody waits for: on a lost
	// network the server never answers.
	quickTime = 5 * time.Second
	// payloadBytes stays below what the server takes.
	payloadBytes = 7000
)

var (
	sqlNotify = define(`SELECT pg_notify($1, $2)`)
	// Losing a notification in a crash of the server is harmless.
	sqlRelaxed = define(`SELECT set_config('synchronous_commit', 'off', true)`)
)

// channel is where the processes of one schema tell each other of their commits. The server would
// take no longer name than this, and listen to the beginning of one.
func (s *Store) channel() string {
	if name := "duroxide_" + s.schema; len(name) <= maxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(s.schema))
	return "duroxide_" + hex.EncodeToString(sum[:16])
}

// notifier tells other processes what was committed: never inside the commits, because those would
// then wait for each other, and never more often than notifyGap.
type notifier struct {
	s *Store
	// self keeps a process from hearing itself.
	self string
	wake chan struct{}

	mu      sync.Mutex // guards what follows
	pending change
	// tasks says that others will be told of tasks.
	tasks bool
}

func newNotifier(s *Store) *notifier {
	return &notifier{s: s, self: rand.Text()[:12], wake: make(chan struct{}, 1)}
}

func (n *notifier) add(c *change) {
	atOnce := *c
	atOnce.tasks = false
	n.mu.Lock()
	if c.tasks && !n.tasks {
		n.tasks = true
		time.AfterFunc(taskPatience, n.addTasks)
	}
	n.pending.add(&atOnce)
	n.mu.Unlock()
	if !atOnce.isEmpty() {
		n.signal()
	}
}

// addTasks has others told of the tasks that were left to this process until now.
func (n *notifier) addTasks() {
	n.mu.Lock()
	n.pending.tasks = n.pending.tasks || n.tasks
	n.tasks = false
	n.mu.Unlock()
	n.signal()
}

func (n *notifier) signal() {
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
		if quick(ctx, n.send) != nil && rest(ctx, pollEvery) != nil {
			return
		}
		if rest(ctx, 2*notifyGap) != nil {
			return
		}
	}
}

func quick(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, quickTime)
	defer cancel()
	return call(ctx)
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

// What a notification says of work.
const (
	noWork   = "0"
	anyWork  = "1"
	taskWork = "2"
	// deletion follows them where instances were deleted.
	deletion = "d"
)

func (c *change) kindOfWork() string {
	kind := noWork
	switch {
	case c.work:
		kind = anyWork
	case c.tasks:
		kind = taskWork
	}
	if c.deleted {
		kind += deletion
	}
	return kind
}

// payload tells of a change: what work there is, the next due time, and hashes of the instances
// that changed, never their ids; "*" if there are too many.
func payload(c *change) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %d", c.kindOfWork(), c.nextDue)
	for _, id := range distinct(c.instances) {
		if text.Len() > payloadBytes {
			return fmt.Sprintf("%s %d *", c.kindOfWork(), c.nextDue)
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
	if len(fields) < 3 || fields[0] == s.notifier.self || !s.watchers.Any() {
		return
	}
	due, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return
	}
	work, deleted := strings.CutSuffix(fields[1], deletion)
	c := provider.Change{
		Work: work != noWork, TasksOnly: work == taskWork, Deleted: deleted, NextDue: moment(due),
	}
	if hashes := fields[3:]; len(hashes) == 1 && hashes[0] == "*" {
		c.All = true
	} else {
		c.Instances = s.asked.ids(hashes)
	}
	if c.All || c.Work || c.Deleted || due != 0 || len(c.Instances) > 0 {
		s.watchers.Call(c)
	}
}

// everything tells the watchers that anything may have happened.
func (s *Store) everything() {
	if s.watchers.Any() {
		s.watchers.Call(provider.Change{All: true, Deleted: true, Work: true})
	}
}
