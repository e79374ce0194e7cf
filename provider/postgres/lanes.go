package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// Lanes that are no rows of work.
const (
	// unsorted is the lane of what nobody has looked at yet, or where nobody lives.
	unsorted = 0
	// anyTurn is the lane of instances that have ended.
	anyTurn = 1
)

var (
	sqlAddLanes = define(`
INSERT INTO S.duroxide_lanes (key, kind, name, version, tagged, tag, level)
SELECT key, kind, name, version, tagged, tag, level
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::boolean[], $6::bytea[],
  $7::bigint[]) AS n (key, kind, name, version, tagged, tag, level)
ORDER BY key ON CONFLICT DO NOTHING`)
	sqlFindLanes = define(`
SELECT id, kind, name, version, tagged, tag, level FROM S.duroxide_lanes WHERE key = ANY($1::bytea[])`)
	sqlReadLanes = define(`
SELECT id, kind, name, version, tagged, tag, level FROM S.duroxide_lanes WHERE id = ANY($1::bigint[])`)
	// Sent after all that inserts messages.
	sqlMoveMessages = define(`
UPDATE S.messages m SET lane = CASE WHEN c.held > 0 AND m.kind IN ` + ends + ` THEN 1 ELSE c.lane END
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (instance, lane, held)
WHERE m.instance = c.instance AND m.instance = ANY($1::bigint[]) AND m.lane <> c.lane`)

	// One step through the index for each lane, however much is in it.
	sqlTurnLanes = define(`
WITH RECURSIVE lanes AS (
  (SELECT lane FROM S.messages ORDER BY lane LIMIT 1)
  UNION ALL
  SELECT (SELECT m.lane FROM S.messages m WHERE m.lane > lanes.lane ORDER BY m.lane LIMIT 1)
  FROM lanes WHERE lanes.lane IS NOT NULL)
SELECT lane FROM lanes WHERE lane IS NOT NULL`)
	sqlTaskLanes = define(`
WITH RECURSIVE lanes AS (
  (SELECT lane FROM S.tasks WHERE ` + waitingTask + ` ORDER BY lane LIMIT 1)
  UNION ALL
  SELECT (SELECT t.lane FROM S.tasks t
    WHERE ` + waitingTask + ` AND t.lane > lanes.lane ORDER BY t.lane LIMIT 1)
  FROM lanes WHERE lanes.lane IS NOT NULL)
SELECT lane FROM lanes WHERE lane IS NOT NULL`)

	// What begins the next execution of instances of which only that knows where they go on.
	sqlNextStarts = define(`
SELECT c.instance, m.body FROM unnest($1::bigint[]) AS c (instance) CROSS JOIN LATERAL (
  SELECT body FROM S.messages WHERE instance = c.instance AND kind IN ` + starts + ` ORDER BY due, id LIMIT 1) m`)
	sqlUnsortedTasks = define(`
SELECT id, tag, session, body FROM S.tasks WHERE ` + waitingTask + ` AND lane = 0
ORDER BY place, id LIMIT $1 FOR UPDATE SKIP LOCKED`)
	sqlSortTasks = define(`
UPDATE S.tasks t SET lane = c.lane, attempts = t.attempts + c.hidden::int,
  place = CASE WHEN c.hidden > 0 THEN 0 ELSE t.place END,
  due = CASE WHEN c.hidden > 0 THEN $4 + 1000 * least(2 ^ least(t.attempts, 6), 60) ELSE t.due END
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (id, lane, hidden)
WHERE t.id = c.id AND t.id = ANY($1::bigint[])`)

	sqlOldestTurns = define(`
SELECT w.lane, m.due, m.name FROM unnest($2::bigint[]) AS w (lane) CROSS JOIN LATERAL (
  SELECT m.due, i.name FROM (
    SELECT instance, due FROM S.messages WHERE lane = w.lane AND due <= $1 ORDER BY due, id LIMIT 500) m
  CROSS JOIN LATERAL (
    SELECT i.id AS name FROM S.instances i WHERE i.key = m.instance AND ` + free + ` OFFSET 0) i
  LIMIT 1) m`)
	sqlOldestTasks = define(`
SELECT w.lane, t.due, i.id FROM unnest($1::bigint[]) AS w (lane) CROSS JOIN LATERAL (
  SELECT due, instance FROM S.tasks WHERE ` + waitingTask + ` AND lane = w.lane
  ORDER BY place, id LIMIT 1) t
CROSS JOIN LATERAL (SELECT id FROM S.instances WHERE key = t.instance OFFSET 0) i`)
)

// lanes are those whose numbers are known: they never change.
type lanes struct {
	mu      sync.Mutex
	numbers map[provider.Lane]int64
	byID    map[int64]provider.Lane
	// missed are lanes that were asked for and not known.
	missed []provider.Lane
}

// lanesLimit bounds how many are remembered. Forgetting costs a round trip, nothing else.
const lanesLimit = 20_000

func (l *lanes) learn(lane provider.Lane, number int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil || len(l.byID) >= lanesLimit {
		l.numbers, l.byID = map[provider.Lane]int64{}, map[int64]provider.Lane{}
	}
	l.numbers[lane], l.byID[number] = number, lane
}

// number gives the number of a lane, or unsorted where it is not known. A later call finds it.
func (l *lanes) number(lane provider.Lane) int64 {
	if lane.Kind == provider.AnyTurn {
		return anyTurn
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	number, ok := l.numbers[lane]
	if !ok && !slices.Contains(l.missed, lane) {
		l.missed = append(l.missed, lane)
	}
	return number
}

func (l *lanes) of(number int64) (provider.Lane, bool) {
	if number == anyTurn {
		return provider.Lane{Kind: provider.AnyTurn}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lane, ok := l.byID[number]
	return lane, ok
}

// take gives what was missed.
func (l *lanes) take() []provider.Lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	missed := l.missed
	l.missed = nil
	return missed
}

// laneColumns are lanes column by column.
type laneColumns struct {
	kind, level             []int64
	key, name, version, tag [][]byte
	tagged                  []bool
}

func columnsOf(all []provider.Lane) (c laneColumns) {
	for _, l := range all {
		c.key = append(c.key, digest(l))
		c.kind, c.level = append(c.kind, int64(l.Kind)), append(c.level, signed(l.Level))
		c.name, c.version = append(c.name, blob(l.Name)), append(c.version, blob(l.Version))
		c.tagged, c.tag = append(c.tagged, l.Tagged), append(c.tag, blob(l.Tag))
	}
	return c
}

// digest names a lane in an index.
func digest(l provider.Lane) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %t %q %d", l.Kind, l.Name, l.Version, l.Tagged, l.Tag, l.Level))
	return sum[:]
}

func (c *laneColumns) arguments() []any {
	return []any{c.key, c.kind, c.name, c.version, c.tagged, c.tag, c.level}
}

// number makes sure that the numbers of lanes are known, before work is stored that is in them. Where that
// fails the work is stored unsorted.
func (s *Store) number(ctx context.Context, wanted []provider.Lane) {
	for _, lane := range wanted {
		s.lanes.number(lane)
	}
	if err := s.addLanes(ctx); err != nil {
		s.log.Debug("postgres: lanes are not known", "error", err.Error())
	}
}

// addLanes makes the lanes that were missed.
func (s *Store) addLanes(ctx context.Context) error {
	missed := s.lanes.take()
	if len(missed) == 0 {
		return nil
	}
	columns := columnsOf(missed)
	return s.direct(ctx, "number_lanes", func(ctx context.Context) error {
		p := s.pipeline()
		p.exec(sqlAddLanes, columns.arguments()...)
		p.each(sqlFindLanes, s.scanLane, columns.key)
		return s.sendPool(ctx, p)
	})
}

func (s *Store) scanLane(r pgx.Rows) error {
	number, lane, err := laneIn(r)
	if err == nil {
		s.lanes.learn(lane, number)
	}
	return err
}

// laneIn reads a row of a lane.
func laneIn(r pgx.Rows) (number int64, l provider.Lane, err error) {
	var level int64
	var kind int16
	var name, version, tag []byte
	err = r.Scan(&number, &kind, &name, &version, &l.Tagged, &tag, &level)
	l.Name, l.Version, l.Tag = string(name), string(version), string(tag)
	l.Kind, l.Level = provider.LaneKind(kind), unsigned(level) //nolint:gosec // written by this package
	return number, l, err
}

// startLanes gives the lanes of what messages begin.
func startLanes(messages []provider.Message) []provider.Lane {
	var all []provider.Lane
	for n := range messages {
		if m := &messages[n]; rules.IsStart(m.Kind) {
			all = append(all, m.LaneOf(m.Level))
		}
	}
	return all
}

// lanesOf gives the lanes of what a turn stores.
func lanesOf(t *turn) []provider.Lane {
	all := startLanes(t.Send)
	if s := t.Started; s != nil {
		all = append(all, provider.TurnLane(s.Name, s.Version, t.Level))
	}
	for n := range t.NewTasks {
		all = append(all, provider.LaneOf(&t.NewTasks[n].Task))
	}
	return all
}

// wanted gives the lane where an instance belongs; false where only its start knows that.
func (g *group) wanted(i *instance) (provider.Lane, bool) {
	switch i.status {
	case provider.Completed, provider.Failed:
		return provider.Lane{Kind: provider.AnyTurn}, true
	case provider.Running:
		return i.held().Held(provider.TurnLane(i.name, i.version, i.pin)), true
	case provider.NotCommitted, provider.ContinuedAsNew:
	}
	if i.next != nil {
		return i.next.LaneOf(i.pin), true
	}
	if lane, ok := g.s.lanes.of(i.lane); ok && lane.Kind == provider.Turn {
		lane.Level = i.pin
		return lane, true
	}
	return provider.TurnLane(i.name, i.version, i.pin), i.born && i.status == provider.NotCommitted
}

// move gives an instance and its messages another lane.
func (g *group) move(i *instance, lane provider.Lane) {
	number := g.s.lanes.number(lane)
	if number == i.lane {
		return
	}
	i.lane = number
	g.touch(i)
	if !i.fresh || i.stored {
		g.writes.moved[i.key] = number
	}
}

// raise takes note of a message of a higher format level.
func (g *group) raise(i *instance, level uint64) {
	if level <= i.pin {
		return
	}
	i.pin = level
	g.touch(i)
	lane, _ := g.wanted(i)
	g.move(i, lane)
}

// commitLane moves an instance to where it belongs after a turn. What begins the next execution moves
// it on.
func (g *group) commitLane(i *instance, t *turn) {
	held := t.Hold != nil || i.hold != nil
	if held {
		g.hold(i, t.Hold)
	}
	if !held && i.lane != unsorted && t.Started == nil && t.Outcome == nil && t.Level <= i.pin {
		return
	}
	i.pin = max(i.pin, t.Level)
	lane, _ := g.wanted(i)
	if i.status == provider.ContinuedAsNew && t.Outcome != nil {
		lane = provider.TurnLane(i.name, i.version, i.pin)
	}
	g.move(i, lane)
}

// serves reports whether a holder can run an instance.
func (g *group) serves(i *instance, h *provider.Holder) bool {
	return h != nil && g.isIn(i, h.Turns)
}

// isIn reports whether an instance belongs to one of some lanes.
func (g *group) isIn(i *instance, takes func(provider.Lane) bool) bool {
	lane, known := g.wanted(i)
	return known && takes(lane)
}

func (g *group) flushMoved(p *pipeline) {
	if len(g.writes.moved) == 0 {
		return
	}
	keys := sortedKeys(g.writes.moved)
	numbers, held := make([]int64, len(keys)), make([]int64, len(keys))
	for n, key := range keys {
		numbers[n] = g.writes.moved[unsigned(key)]
		if i := g.byKey[unsigned(key)]; i != nil && i.endsForAll() {
			held[n] = 1
		}
	}
	p.exec(sqlMoveMessages, keys, numbers, held)
}
