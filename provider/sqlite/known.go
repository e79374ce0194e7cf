package sqlite

import (
	"duroxide/history"
	"duroxide/provider"
)

// rememberLimit bounds each of the writer's maps. Forgetting costs a few reads, nothing else.
const rememberLimit = 50_000

// known is what the writer knows of rows without reading them (I3).
type known struct {
	byKey  map[uint64]*instance
	byID   map[string]*instance
	tasks  map[uint64]task
	leases map[provider.LeaseID]*lease // nil until it was read; then it has all rows
	round  int64                       // below zero until it was read
}

func (k *known) forgetAll() {
	k.byKey = map[uint64]*instance{}
	k.byID = map[string]*instance{}
	k.tasks = map[uint64]task{}
	k.leases = nil
	k.round = -1
}

func (k *known) remember(i *instance) {
	k.byKey[i.key] = i
	k.byID[i.id] = i
}

func (k *known) drop(i *instance) {
	delete(k.byKey, i.key)
	delete(k.byID, i.id)
}

// trim bounds the maps. It runs between groups only, because a request relies on finding the same
// row again.
func (k *known) trim() {
	if len(k.byKey) >= rememberLimit {
		k.byKey = map[uint64]*instance{}
		k.byID = map[string]*instance{}
	}
	if len(k.tasks) >= rememberLimit {
		k.tasks = map[uint64]task{}
	}
}

// ids hands out numbers from a reserved block. A block is given up when another process has
// written, so that ids grow with the order of arrival across processes too.
type ids struct {
	nextID  uint64
	limitID uint64
}

const reserve = 4096

var (
	sqlReserve = &statement{`UPDATE counters SET next = next + ?1 WHERE name = 'id'`}
	sqlCounter = &statement{`SELECT next FROM counters WHERE name = 'id'`}
)

func (w *writer) newID() (uint64, error) {
	if w.nextID == w.limitID {
		if _, err := w.c.exec(sqlReserve, int64(reserve)); err != nil {
			return 0, err
		}
		next, err := number(w.c, sqlCounter)
		if err != nil {
			return 0, err
		}
		w.limitID = unsigned(next)
		w.nextID = w.limitID - reserve
	}
	id := w.nextID
	w.nextID++
	return id, nil
}

func (w *writer) forgetAll() {
	w.known.forgetAll()
	w.nextID, w.limitID = 0, 0
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
	// born says that there is a cold row.
	born    bool
	name    string
	version string
	life    history.Life
	parent  *history.Parent
	starts  uint64
	// hold says what the instance is held for, see held.
	hold *provider.Hold
	// messages is how many rows of messages there are at most. Zero spares looking for them.
	messages int64
}

// unknownMessages is the number of messages of an instance that was read: nobody has counted them.
const unknownMessages = 1 << 40

const instanceColumns = `
SELECT i.key, i.id, i.execution, i.status, i.last_event, i.epoch, i.lease, i.pin, i.batch,
       i.batch_due, i.events, i.bytes, i.dirty, i.done, i.done_after, d.name, d.version,
       d.life, d.parent, d.parent_execution, d.parent_event, d.parent_life, d.starts, i.lane,
       d.hold
FROM instances i LEFT JOIN details d ON d.instance = i.key `

var (
	sqlInstanceByKey = &statement{instanceColumns + `WHERE i.key = ?1 + 0`}
	sqlInstanceByID  = &statement{instanceColumns + `WHERE i.id = CAST(?1 AS TEXT)`}
)

// withKey gives the hot row of a token, or nil.
func (w *writer) withKey(key uint64) (*instance, error) {
	if i, ok := w.byKey[key]; ok {
		return i, nil
	}
	return w.readInstance(sqlInstanceByKey, signed(key))
}

// withID gives the hot row of an id, or nil.
func (w *writer) withID(id string) (*instance, error) {
	if i, ok := w.byID[id]; ok {
		return i, nil
	}
	return w.readInstance(sqlInstanceByID, id)
}

func (w *writer) readInstance(s *statement, key any) (*instance, error) {
	r, err := w.c.one(s, key)
	if err != nil || r == nil {
		return nil, err
	}
	i := &instance{
		key:       r.uint(0),
		id:        r.text(1),
		execution: r.uint(2),
		status:    executionStatus(r.int(3)),
		lastEvent: r.uint(4),
		epoch:     r.uint(5),
		lease:     provider.LeaseID(r.uint(6)),
		pin:       r.uint(7),
		batch:     r.uint(8),
		batchDue:  r.int(9),
		events:    r.int(10),
		bytes:     r.int(11),
		dirty:     r.int(12) != 0,
		done:      r.uint(13),
		doneAfter: r.uint(14),
		born:      !r.null(15),
		name:      r.text(15),
		version:   r.text(16),
		life:      r.life(17),
		starts:    r.uint(22),
		lane:      r.int(23),
		hold:      provider.DecodeHold(r.blob(24)),
		messages:  unknownMessages,
	}
	if r.uint(19) != 0 {
		i.parent = &history.Parent{
			Instance: r.text(18), Execution: r.uint(19), Event: r.uint(20), Life: r.life(21),
		}
	}
	w.remember(i)
	return i, nil
}

// task is what the writer knows of a claimed task.
type task struct {
	epoch   uint64
	lease   provider.LeaseID
	session *string
}
