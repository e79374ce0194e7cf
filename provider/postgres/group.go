package postgres

import (
	"context"
	"time"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/clock"
	"duroxide/provider/rules"
)

// needs is what the requests of a group look at.
type needs struct {
	// targets are instances by id, which are made where they do not exist.
	targets []string
	// starts are those targets that get a start, with the lane of what it begins.
	starts map[string]int64
	keys   []int64
	tasks  []provider.Token
	// cancelled are tasks by what scheduled them.
	cancelInstances, cancelExecutions, cancelEvents []int64
	// consumed are messages that must exist.
	consumedInstances, consumedIDs []int64
	// keyHashes are the keys of messages for keyedIDs.
	keyedIDs  []string
	keyHashes [][]byte
	// sessions are those that may be taken, or that tasks will wait for.
	sessions []string
	ids      int
}

func (n *needs) isEmpty() bool {
	return len(n.targets) == 0 && len(n.keys) == 0 && len(n.tasks) == 0
}

func (n *needs) messages(s *Store, messages []provider.Message) {
	for i := range messages {
		n.targets = append(n.targets, messages[i].Instance)
		n.key(&messages[i])
		if rules.IsStart(messages[i].Kind) {
			if n.starts == nil {
				n.starts = map[string]int64{}
			}
			if _, ok := n.starts[messages[i].Instance]; !ok {
				n.starts[messages[i].Instance] = s.lanes.number(messages[i].LaneOf(messages[i].Level))
			}
		}
		if r := messages[i].Refusal; r != nil {
			n.targets = append(n.targets, r.Running.Instance)
			n.ids++
		}
	}
	n.ids += len(messages) + 1
}

// lanesOfTargets gives the lanes of targets that are made.
func (n *needs) lanesOfTargets() []int64 {
	all := make([]int64, len(n.targets))
	for k, id := range n.targets {
		all[k] = n.starts[id]
	}
	return all
}

// taskIDs gives the numbers of the tasks.
func (n *needs) taskIDs() []int64 {
	ids := make([]int64, len(n.tasks))
	for k, token := range n.tasks {
		ids[k] = signed(token.Key)
	}
	return ids
}

type messageKey struct{ instance, id int64 }

// group is one transaction: the rows that it has locked, as they are after what its requests have
// done so far, and the writes that make them so.
type group struct {
	s      *Store
	conn   *pooled
	needs  needs
	opened bool
	// short says that the rows of this group were not read: they are what this process knows.
	short bool
	// relied are the leases that must be live; doubt says that a short group needs more than is
	// known.
	relied map[provider.LeaseID]bool
	doubt  bool
	// mark is the number of this transaction of its writer; zero outside the committers.
	writer *writer
	mark   int64

	now int64
	// began is how much time had passed when the group began.
	began    time.Duration
	byKey    map[uint64]*instance
	byID     map[string]*instance
	tasks    map[uint64]*task
	leases   map[provider.LeaseID]*lease
	sessions map[string]*session
	present  map[messageKey]bool
	keys     map[keyed]bool
	ids      []uint64
	lastID   uint64

	writes  writes
	changed change
	// reads are the instances whose messages are read after the writes, and after has what is done
	// with the answers once the transaction is committed.
	claims  map[uint64]*provider.InstanceClaim
	made    map[uint64]*provider.InstanceClaim // of fresh instances
	offers  map[uint64]*offer
	after   []func()
	unknown []undecodable
	late    []lateMessages
}

// offer is what is left for others of an instance that nobody holds.
type offer struct {
	work    bool
	nextDue int64
}

func (s *Store) newGroup(conn *pooled) *group {
	return &group{
		s: s, conn: conn, began: s.clock.Passed(),
		byKey: map[uint64]*instance{}, byID: map[string]*instance{}, tasks: map[uint64]*task{},
		leases: map[provider.LeaseID]*lease{}, sessions: map[string]*session{},
		relied: map[provider.LeaseID]bool{}, present: map[messageKey]bool{}, keys: map[keyed]bool{},
		claims: map[uint64]*provider.InstanceClaim{}, made: map[uint64]*provider.InstanceClaim{},
		offers: map[uint64]*offer{}, writes: newWrites(),
	}
}

// release gives the connection back. What was not committed is rolled back.
func (g *group) release(ctx context.Context) {
	if g.conn == nil {
		return
	}
	if g.opened {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := g.conn.Exec(ctx, "ROLLBACK"); err != nil {
			// A connection in an unknown state is not used again.
			_ = g.conn.Conn().Close(ctx)
		}
	}
	g.conn.Release()
	g.conn = nil
}

// instance is the hot row of one instance, with what its cold one says about who it is.
type instance struct {
	key       uint64
	id        string
	execution uint64
	status    provider.ExecutionStatus
	lastEvent uint64
	epoch     uint64
	lease     provider.LeaseID
	pin       uint64
	lane      int64
	batch     uint64
	batchDue  int64
	events    int64
	bytes     int64
	dirty     bool
	done      uint64
	doneAfter uint64
	updated   int64
	// born says that there is a cold row.
	born    bool
	name    string
	version string
	life    history.Life
	parent  *history.Parent
	starts  uint64
	// hold says what the instance is held for, see held.
	hold *provider.Hold

	// fresh says that this transaction made the row; used, that it has a reason to stay. A fresh
	// row has no other messages than those that arrived.
	fresh, used bool
	// stored says that this transaction has stored a message of it; next is what begins its next
	// execution, where that was read.
	stored  bool
	next    *provider.Message
	arrived []*arrival
	// waits are the messages that this group stored before anybody lived here, by their place in the
	// columns.
	waits []int
	// What is known of its messages, where it was free when it was locked: whether any is due,
	// whether there is a start and whether one is due, and when the earliest start is.
	anyDue, anyStart, startDue bool
	nextStart                  int64
}

// taken reports whether somebody lives here. A start that an older release stored has no cold row; what
// waits is not read where a claim is at work, and there is none without a start.
func (i *instance) taken() bool {
	return i.born || i.execution > 0 || i.anyStart || i.lease != 0
}

// deliverable reports whether there is something that a claim would get.
func (i *instance) deliverable() bool {
	if i.execution == 0 {
		return i.startDue
	}
	return i.anyDue
}

// task is a locked task.
type task struct {
	id    uint64
	epoch uint64
	lease provider.LeaseID
	place place
}

// place is what scheduled a task.
type place struct{ instance, execution, event int64 }

type lease struct {
	clock.Lease
	node string
}

type session struct {
	owner string
	until int64
}

var (
	sqlBegin = define(`BEGIN ISOLATION LEVEL READ COMMITTED`)
	sqlLimit = define(`
SELECT set_config('statement_timeout', $1, true),
  set_config('idle_in_transaction_session_timeout', $2, true),
  set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`)
)

// begin adds what begins a transaction.
func (g *group) begin(p *pipeline) {
	g.opened = true
	p.exec(sqlBegin)
	if g.s.options.Pooler {
		p.exec(sqlLimit, milliseconds(g.s.options.statementWithin), milliseconds(idleInside))
	}
}

// stamp marks the transaction, so that its outcome can be found out.
func (g *group) stamp(p *pipeline, now int64) {
	if g.writer != nil {
		g.writer.last++
		g.mark = g.writer.last
		p.exec(sqlMark, g.writer.id, g.mark, now)
	}
}

// send runs a pipeline on the connection of the group.
func (g *group) send(ctx context.Context, p *pipeline) error {
	return g.conn.SendBatch(ctx, &p.batch).Close()
}

// newID takes one of the reserved numbers.
func (g *group) newID() uint64 {
	g.lastID = g.ids[0]
	g.ids = g.ids[1:]
	return g.lastID
}
