package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

// scanned bounds how many due messages of free instances one search takes, and how many of its own;
// leastScanned is how many it does in each lane.
const (
	scanned      = provider.MostWaiting
	leastScanned = 64
)

const free = `NOT EXISTS (SELECT 1 FROM S.leases l WHERE l.id = i.lease AND l.until_ms > 0)`

// dueInstances walks over the due messages m of a lane w with their instances i, held under the live lease l.
const dueInstances = `
FROM (SELECT instance, due, id FROM S.messages WHERE lane = w.lane AND due <= $1 ORDER BY due, id) m
CROSS JOIN LATERAL (
  SELECT i.id AS name
  FROM S.instances i LEFT JOIN S.leases l ON l.id = i.lease AND l.until_ms > 0
  WHERE i.key = m.instance AND `

// What sqlReady gives, by the first column.
const (
	lockedKey = 1
	waiting   = 2
	freeCount = 3
)

var (
	// Walks over what is due in the lanes $2 give three things: keys of free instances, locked now, longest
	// waiting first; the messages of those held under the lease $5; and how many were free, locked by others
	// or not. Each has a limit of its own in each lane, so that what is held hides nothing that is free.
	sqlReady = define(`
WITH free AS MATERIALIZED (
  SELECT instance, min(due) AS due, min(id) AS id, min(lane) AS lane FROM (
    SELECT m.*, w.lane FROM unnest($2::bigint[]) AS w (lane) CROSS JOIN LATERAL (
      SELECT m.instance, m.due, m.id ` + dueInstances + ` l.id IS NULL OFFSET 0) i
      LIMIT $4) m) m
  GROUP BY instance),
mine AS (
  SELECT m.* FROM unnest($2::bigint[]) AS w (lane) CROSS JOIN LATERAL (
    SELECT m.instance, m.id, i.name ` + dueInstances + ` l.id = $5 OFFSET 0) i
    LIMIT $4) m),
locked AS (
  SELECT i.key, free.lane FROM free JOIN S.instances i ON i.key = free.instance
  WHERE i.key = ANY(ARRAY(SELECT instance FROM free)) AND ` + free + `
  ORDER BY free.due, free.id LIMIT $3 FOR UPDATE OF i SKIP LOCKED)
SELECT 1, key, '', NULL::bigint[], lane FROM locked
UNION ALL SELECT 2, 0, name, array_agg(id), 0 FROM mine GROUP BY name
UNION ALL SELECT 3, count(*), '', NULL, 0 FROM free`)
	// Timers of held instances are no reason to wake up. The number of rows that are looked at is
	// bounded; beyond it the first one that was not looked at is reported.
	sqlNextDue = define(`
SELECT coalesce(least(
  coalesce(
    (SELECT m.due
     FROM (SELECT due, instance FROM S.messages WHERE due > $1 ORDER BY due LIMIT 500) m
     CROSS JOIN LATERAL (
       SELECT 1 FROM S.instances i
       WHERE i.key = m.instance AND ` + free + ` AND i.lane = ANY($2::bigint[])
         AND (i.execution <> 0 OR EXISTS (
         SELECT 1 FROM S.messages s WHERE s.instance = i.key AND s.kind IN ` + starts + `))
       OFFSET 0) i
     LIMIT 1),
    (SELECT due FROM S.messages WHERE due > $1 ORDER BY due OFFSET 500 LIMIT 1)),
  (SELECT due FROM S.tasks WHERE lease = 0 AND place = 0 AND due > $1 ORDER BY due LIMIT 1)), 0)`)
)

// Claim takes ready instances and tasks. A round that has begun is not given up when ctx ends, so
// that nothing is claimed that nobody knows of.
func (s *Store) Claim(ctx context.Context, r provider.ClaimRequest) (provider.Claimed, error) {
	c := &claiming{s: s, r: &r, route: r.Route}
	if r.Turns != nil {
		c.turns.Holder, c.takes = r.Turns, r.Turns.Turns
	}
	if r.Tasks != nil {
		c.tasks.Holder = r.Tasks
	}
	return s.claim(ctx, "claim", c)
}

func (s *Store) claim(ctx context.Context, op string, c *claiming) (provider.Claimed, error) {
	if err := s.enter(ctx); err != nil {
		return provider.Claimed{}, failure(op, err)
	}
	defer s.leave()
	s.claims.RLock()
	defer s.claims.RUnlock()
	if err := c.run(ctx); err != nil {
		return provider.Claimed{}, failure(op, err)
	}
	return c.claimed, nil
}

// claiming is one call of Claim. It takes as many rounds as it needs, each a transaction.
type claiming struct {
	s *Store
	r *provider.ClaimRequest
	// takes says which lanes of instances are taken; overdue, if not zero, by when they must have become ready.
	takes        func(provider.Lane) bool
	overdue      int64
	claimed      provider.Claimed
	messages     int // of the claimed instances
	turns, tasks holder
	// route has the sessions that were opened by this call.
	route provider.Route
	// more says that the last round may have left something that is ready; passed, that somebody
	// had locked it.
	more, passed bool
	placed       int
	sorted       int
	next         int64
}

// passTries is how often candidates are looked at again that somebody has locked.
const passTries = 3

func (c *claiming) run(ctx context.Context) error {
	passed, failed := 0, 0
	for {
		write := c.s.leases.Try()
		err := c.round(ctx)
		if err == nil {
			err = c.s.addLanes(ctx) // that it has missed
		}
		if ctx.Err() == nil {
			err = lostNetwork(err)
			done(write, true, err) // To lock rows is to write.
		} else {
			write.Passed()
		}
		switch {
		case err != nil:
			failed++
			c.s.renewPool(err)
			if failed >= groupTries || !again(err) || rest(ctx, pauseBefore(failed)) != nil {
				return c.partly(err)
			}
			continue
		case c.passed && passed < passTries:
			passed++
			if err := rest(ctx, 2*time.Millisecond); err != nil {
				return c.partly(err)
			}
			continue
		case c.more:
			continue
		}
		c.claimed.NextDue = moment(c.next)
		return nil
	}
}

// partly gives what earlier rounds have claimed rather than the error of a later one.
func (c *claiming) partly(err error) error {
	if len(c.claimed.Instances) > 0 || len(c.claimed.Tasks) > 0 {
		return nil
	}
	return err
}

func (c *claiming) wantedTurns() int {
	if c.r.Turns == nil {
		return 0
	}
	return max(c.r.MaxTurns-len(c.claimed.Instances), 0)
}

func (c *claiming) wantedTasks() int {
	if c.r.Tasks == nil {
		return 0
	}
	return max(c.r.MaxTasks-len(c.claimed.Tasks), 0)
}

// found is what the first round trips of a round have locked.
type found struct {
	survey
	keys []int64
	// lanes are those in which the keys were found.
	lanes   map[int64]int64
	exists  bool
	waiting []provider.Waiting
	waitingTasks
	// tasks are those that are chosen.
	tasks []*readyTask
}

// sessions gives the sessions of the tasks that were chosen, and those that may be without any.
func (f *found) sessions() []string {
	names := slices.Clone(f.empty)
	for _, t := range f.tasks {
		if t.Session != nil {
			names = append(names, *t.Session)
		}
	}
	return distinct(names)
}

func (c *claiming) round(ctx context.Context) (err error) {
	c.more, c.passed = false, false
	if err := c.s.endOver(ctx); err != nil {
		return err
	}
	conn, err := c.s.acquire(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	g := c.s.newGroup(conn)
	defer func() {
		g.release(ctx)
		if err != nil {
			c.s.opening.forget(g.writes.opened.node)
		}
	}()
	var f found
	if err := c.search(ctx, g, &f); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	slices.SortFunc(f.waiting, func(a, b provider.Waiting) int { return cmp.Compare(a.Instance, b.Instance) })
	c.claimed.Waiting = f.waiting
	c.passed = len(f.keys) == 0 && f.exists && c.wantedTurns() > 0
	if f.late && c.placed < placeTries {
		// What came back goes first, so it gets its places before anything is claimed.
		c.placed++
		c.more = true
		g.release(ctx)
		return c.placeLate(ctx)
	}
	if f.unsorted && c.sorted < placeTries {
		c.sorted++
		c.more = true
		g.release(ctx)
		return c.sortTasks(ctx)
	}
	if len(f.keys) == 0 && len(f.tasks) == 0 && len(f.empty) == 0 {
		return g.finish(ctx)
	}
	if err := c.look(ctx, g, &f); err != nil {
		return fmt.Errorf("read what was found: %w", err)
	}
	return c.take(ctx, g, &f)
}

// search locks what is ready and not locked by others.
func (c *claiming) search(ctx context.Context, g *group, f *found) (err error) {
	if f.survey, err = c.survey(ctx, g); err != nil {
		return err
	}
	p := c.s.pipeline()
	g.begin(p)
	before := c.s.nowMs()
	if c.r.Turns != nil {
		p.each(sqlReady, f.scanFound, cmp.Or(c.overdue, before), append([]int64{}, f.turns...), c.wantedTurns(),
			max(scanned/max(len(f.turns), 1), leastScanned), signed(c.r.Turns.Lease))
	}
	want := c.wantedTasks()
	if want > 0 {
		c.searchTasks(p, f, before, want)
	}
	p.each(sqlNextDue, func(r pgx.Rows) error { return r.Scan(&c.next) }, before, append([]int64{}, f.turns...))
	c.report(p, &f.survey, before)
	g.readRest(p, 0)
	if err := g.send(ctx, p); err != nil {
		return err
	}
	g.timed(before)
	if want > 0 {
		f.tasks, c.claimed.MoreTasks = f.choose(want)
	}
	return nil
}

// scanFound takes one row of sqlReady.
func (f *found) scanFound(r pgx.Rows) error {
	var what int32
	var number, lane int64
	var name string
	var ids []int64
	if err := r.Scan(&what, &number, &name, &ids, &lane); err != nil {
		return err
	}
	switch what {
	case lockedKey:
		f.keys = append(f.keys, number)
		if f.lanes == nil {
			f.lanes = map[int64]int64{}
		}
		f.lanes[number] = lane
	case waiting:
		w := provider.Waiting{Instance: name}
		for _, id := range ids {
			w.Messages = append(w.Messages, unsigned(id))
		}
		f.waiting = append(f.waiting, w)
	case freeCount:
		f.exists = number > 0
	}
	return nil
}

// look reads the locked rows, now that nobody can change them (P3).
func (c *claiming) look(ctx context.Context, g *group, f *found) error {
	p := c.s.pipeline()
	sessions := f.sessions()
	g.lockSessions(p, sessions)
	if len(f.tasks) > 0 {
		f.readBodies(p)
	}
	if len(f.keys) > 0 {
		p.each(sqlReadInstances, g.scanInstance, f.keys, []string(nil))
		p.each(sqlWaiting, g.scanWaiting, f.keys, []string(nil), g.now)
		if unsorted := f.unsortedKeys(); len(unsorted) > 0 {
			p.each(sqlNextStarts, g.scanStart, unsorted)
		}
		// A renewal may have been committed since the search: an instance whose lease lives again is left
		// out of what waits, and take must know why.
		p.each(sqlLeases, g.scanLease)
	}
	g.reserve(p, 2) // the leases
	return g.send(ctx, p)
}

// take claims what is still as it was found.
func (c *claiming) take(ctx context.Context, g *group, f *found) error {
	turns, tasks := c.turns, c.tasks
	instances := c.takeTurns(g, f, &turns)
	got, bad := g.claimTasks(f.tasks, &c.route, &tasks)
	g.writes.fronts, g.writes.round = f.sessions(), f.round
	if err := g.finish(ctx); err != nil {
		return err
	}
	for _, claim := range instances {
		c.claimed.Instances = append(c.claimed.Instances, *claim)
		c.messages += len(claim.Messages)
	}
	c.claimed.Tasks, c.claimed.Undecodable = append(c.claimed.Tasks, got...), append(c.claimed.Undecodable, bad...)
	for n := range got {
		c.route = c.route.Opening(got[n].Task.Session)
	}
	c.turns, c.tasks = turns, tasks
	c.claimed.TurnLease, c.claimed.TaskLease = turns.Used, tasks.Used
	// What was not claimed is hidden now, held, or another's, so that this ends.
	c.more = (len(f.keys) > 0 && c.wantedTurns() > 0) || (len(f.tasks) > 0 && c.wantedTasks() > 0)
	if c.more && c.messages >= provider.ClaimMessages {
		c.more, c.claimed.MoreTurns = false, true
		c.claimed.MoreTasks = c.claimed.MoreTasks || len(f.tasks) > 0
	}
	return nil
}

// takeTurns claims the instances that are still as they were found.
func (c *claiming) takeTurns(g *group, f *found, turns *holder) (instances []*provider.InstanceClaim) {
	for _, key := range f.keys {
		i := g.byKey[unsigned(key)]
		switch {
		case i == nil || g.live(i.lease) != nil:
			// Somebody was faster; the next search leaves it out.
		case i.execution == 0 && !i.startDue:
			g.hideOrphans(i)
		case f.lanes[key] == anyTurn && i.endsForAll() && i.deliverable(), // by what ends it
			g.sorted(i, f.lanes[key]) && i.deliverable() && g.isIn(i, c.takes):
			instances = append(instances, g.claim(i, turns))
		default:
			// It belongs to a lane of others: then it is there afterwards.
		}
	}
	return instances
}

// claim takes a free instance. Its messages are read after the writes, unless all are at hand.
func (g *group) claim(i *instance, h *holder) *provider.InstanceClaim {
	lease := g.lease(h)
	if i.lease != 0 {
		g.markClaim(i)
	}
	i.epoch++
	i.lease, i.batch, i.batchDue = lease, g.lastID, g.now
	g.touch(i)
	claim := &provider.InstanceClaim{
		Token:     provider.Token{Key: i.key, Epoch: i.epoch, Lease: i.lease},
		Instance:  i.id,
		Life:      i.life,
		Starts:    i.starts,
		Parent:    i.parent,
		Hold:      i.held(),
		Execution: i.execution,
		LastEvent: i.lastEvent,
		Level:     i.pin,
		Status:    i.status,
		Name:      i.name,
		Version:   i.version,
		Attempt:   1,
	}
	if i.fresh {
		g.made[i.key] = claim
		i.giveArrived(claim)
	} else {
		g.claims[i.key] = claim
	}
	return claim
}

// markClaim marks what the running claim of an instance was given.
func (g *group) markClaim(i *instance) {
	w := &g.writes.takenOver
	w.instance, w.batch = append(w.instance, signed(i.key)), append(w.batch, signed(i.batch))
	w.batchDue = append(w.batchDue, i.batchDue)
}

// giveArrived gives a claim of a fresh instance the first page of what there is, what was due at some time
// first.
func (i *instance) giveArrived(claim *provider.InstanceClaim) {
	due := func(a *arrival) int64 { return cmp.Or(a.message.DueMs, math.MaxInt64) }
	slices.SortStableFunc(i.arrived, func(a, b *arrival) int { return cmp.Compare(due(a), due(b)) })
	var page []*arrival
	page, claim.More = provider.CutPage(i.arrived, func(a **arrival) (provider.MessageKind, int) {
		return provider.SizeOf(&(*a).message)
	})
	claim.Messages = make([]provider.Message, len(page))
	for n, a := range page {
		a.claimed = &claim.Messages[n]
		*a.claimed = a.message
	}
}

// held gives the instance of a token that is valid now.
func (g *group) held(token provider.Token) (*instance, error) {
	i := g.byKey[token.Key]
	if i == nil || i.epoch != token.Epoch || i.lease != token.Lease || g.live(i.lease) == nil {
		g.doubt = true
		return nil, rules.LockLost()
	}
	return i, nil
}
