package postgres

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
	"duroxide/provider/rules"
)

var (
	sqlPendingHolder = define(`
SELECT i.id, i.epoch FROM S.instances i JOIN S.leases l ON l.id = i.lease
WHERE i.key = $1 AND i.lease = $2 AND l.until_ms > 0`)
	// The first page of what instances with these numbers were given, or have by now.
	sqlPending = define(`
SELECT p.* FROM unnest($1::bigint[]) AS k (key)
CROSS JOIN LATERAL (` + firstPage("k.key", "$2", "9223372036854775807") + `) p
ORDER BY p.instance, p.effective, p.id`)
	sqlQuarantine = define(`
UPDATE S.messages m SET attempts = m.attempts + 1, due = q.due
FROM (
  SELECT m.ctid, c.due
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (instance, id, due)` + theMessages + `) q
WHERE m.ctid = q.ctid`)
)

// Submit stores messages and claims free targets.
func (s *Store) Submit(
	ctx context.Context, sub provider.Submission,
) ([]provider.Submitted, error) {
	bodies, size, err := rules.EncodeMessages(sub.Messages)
	if err == nil {
		err = rules.CheckTargets(sub.Messages)
	}
	if err != nil {
		return nil, failure("submit", err)
	}
	if len(sub.Messages) == 0 {
		return nil, failure("submit", ctx.Err())
	}
	s.number(ctx, startLanes(sub.Messages))
	var results []provider.Submitted
	err = s.write(ctx, "submit", routeOf(sub.Messages[0].Instance), &request{
		size:  size,
		needs: func(n *needs) { n.messages(s, sub.Messages) },
		apply: func(g *group) error {
			results, _ = g.deliver(sub.Messages, bodies, sub.Claim)
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// target is one place that messages are delivered to by one call.
type target struct {
	*instance
	settled bool
}

// delivery is one call of deliver.
type delivery struct {
	g       *group
	targets map[string]*target
	claims  holder
}

// deliver stores messages, then claims the targets that are ready for the holder, if there is one.
// The claim stands in the result of the first message of its target. It gives the lease too.
func (g *group) deliver(
	messages []provider.Message, bodies [][]byte, h *provider.Holder,
) ([]provider.Submitted, provider.LeaseID) {
	d := delivery{g: g, claims: holder{Holder: h}, targets: map[string]*target{}}
	results := make([]provider.Submitted, len(messages))
	targets := make([]*target, len(messages))
	for n := range messages {
		targets[n] = d.accept(messages[n], bodies[n], &results[n])
	}
	for n, t := range targets {
		if t == nil {
			continue
		}
		if !t.settled {
			t.settled = true
			results[n].Claim = d.settle(t)
		}
		results[n].Life = t.life
		if g.live(t.lease) != nil {
			results[n].Held = t.lease
		}
	}
	return results, d.claims.Used
}

// accept stores a message if it is for who lives at its target. It gives where something was stored.
func (d *delivery) accept(m provider.Message, body []byte, result *provider.Submitted) *target {
	t := d.target(m.Instance)
	result.Existing, result.Starting = t.status, t.execution == 0 && t.taken()
	result.Fate = provider.FateOf(m, t.taken(), t.life, result.Existing, t.pin)
	if result.Fate == provider.Stored {
		result.Fate = d.admit(t, &m)
	}
	switch {
	case result.Fate == provider.Stored && m.IsKept():
		return nil
	case result.Fate == provider.Stored:
		d.insert(t, m, body, result)
		return t
	case result.Fate == provider.Taken && m.Refusal != nil:
		answer := *m.Refusal.For(result.Existing)
		to := d.target(answer.Instance)
		if provider.FateOf(answer, to.taken(), to.life, to.status, to.pin) != provider.Stored {
			return nil
		}
		result.Fate = provider.Refused
		d.insert(to, answer, provider.EncodeMessage(answer), result)
		return to
	default:
		return nil
	}
}

func (d *delivery) target(id string) *target {
	t, ok := d.targets[id]
	if !ok {
		t = &target{instance: d.g.byID[id]}
		d.targets[id] = t
	}
	return t
}

// arrival is a new message. Where the server gives it its number and its time, they are known when
// the transaction is done.
type arrival struct {
	message provider.Message
	// claimed is its copy in the claim of a fresh instance, or nil.
	claimed *provider.Message
	result  *provider.Submitted
}

func (d *delivery) insert(
	t *target, m provider.Message, body []byte, result *provider.Submitted,
) {
	g := d.g
	starts, isDue := rules.IsStart(m.Kind), m.DueMs <= g.now
	t.used = true
	g.place(t, m)
	m.ID, m.Attempts = 0, 0
	w, a := &g.writes.arrived, &arrival{message: m, result: result}
	if !g.short {
		a.numbered(g.newID(), cmp.Or(m.DueMs, g.now))
	}
	w.arrivals = append(w.arrivals, a)
	w.instance, w.id = append(w.instance, signed(t.key)), append(w.id, signed(a.message.ID))
	due, lane := a.message.DueMs, t.laneOf(&m)
	if !t.taken() {
		lane = unsorted
		// It waits for somebody to live here. The server cannot tell that time in advance.
		g.doubt = true
		t.waits = append(t.waits, len(w.due))
		due += provider.Patience(m.Kind, g.s.options.OrphanRetention).Milliseconds()
	}
	effective := a.message.DueMs
	if m.DueMs > 0 && isDue && !starts && m.Kind != provider.TimerDue {
		effective-- // It has another place than its number says: see firstPage.
	}
	w.due, w.effective = append(w.due, due), append(w.effective, effective)
	w.kind = append(w.kind, int64(m.Kind))
	w.execution = append(w.execution, signed(m.Execution))
	w.source, w.body = append(w.source, signed(m.Source)), append(w.body, body)
	w.lane, t.stored = append(w.lane, lane), true
	t.anyStart = t.anyStart || starts
	t.anyDue = t.anyDue || isDue
	t.startDue = t.startDue || (starts && isDue)
	if t.fresh && isDue {
		t.arrived = append(t.arrived, a)
	}
}

// place gives a target its lane where a message decides about that, and makes a delayed start due, and what
// waits with it, where one ends its instance.
func (g *group) place(t *target, m provider.Message) {
	switch {
	case rules.IsStart(m.Kind) && !t.taken():
		g.beginLife(t.instance, m)
	case m.Kind == provider.ContinueInstance:
		t.pin = max(t.pin, m.Level)
		g.move(t.instance, m.LaneOf(t.pin))
	case t.taken():
		g.raise(t.instance, m.Level)
	}
	if t.execution == 0 && t.taken() && m.BringsForward(t.parent) {
		g.writes.forward = append(g.writes.forward, signed(t.key))
		t.startDue = t.startDue || t.anyStart && !t.fresh
	}
}

// numbered takes note of number and effective time.
func (a *arrival) numbered(id uint64, effective int64) {
	a.message.ID, a.message.DueMs = id, effective
	a.result.ID, a.result.DueMs = id, effective
	if a.claimed != nil {
		a.claimed.ID, a.claimed.DueMs = id, effective
	}
}

// settle claims a target or asks what is left for others.
func (d *delivery) settle(t *target) *provider.InstanceClaim {
	g := d.g
	if held := g.live(t.lease); held != nil {
		// A node of another process learns of it by looking.
		g.changed.work = g.changed.work || !g.s.opening.has(held.node)
		return nil
	}
	if !t.taken() {
		return nil
	}
	if d.claims.MayTake() && t.deliverable() && g.serves(t.instance, d.claims.Holder) {
		d.claims.Taken++
		return g.claim(t.instance, &d.claims)
	}
	g.offer(t.instance)
	return nil
}

// undecodable is a message that is hidden after the claim that has met it.
type undecodable struct {
	instance string
	key, id  int64
	provider.Unreadable
}

// firstPage gives the messages of the first page of an instance, of those that were due at some time and
// have numbers up to one. Each part goes by an index: what goes first; timers and what was hidden, by
// effective time; the others, whose numbers are in that order. found counts more than the page takes
// where there is more.
func firstPage(key, due, last string) string {
	part := func(which, order string) string {
		return `
    (SELECT id FROM S.messages WHERE instance = ` + key + ` AND due <= ` + due + ` AND id <= ` + last + `
     AND ` + which + ` ORDER BY ` + order + ` LIMIT 257)`
	}
	return `
  SELECT instance, id, effective, attempts, marks, body, found FROM (
    SELECT m.*, count(*) OVER () AS found, row_number() OVER w AS number,
      sum(octet_length(m.body)) OVER w - octet_length(m.body) AS before
    FROM (` + part("kind IN "+beginnings, "effective, id") + ` UNION` +
		part("(kind = "+timers+" OR due > effective)", "effective, id") + ` UNION` +
		part("NOT (kind = "+timers+" OR due > effective)", "id") + `) c
    CROSS JOIN LATERAL (
      SELECT * FROM S.messages m WHERE m.instance = ` + key + ` AND m.id = c.id OFFSET 0) m
    WINDOW w AS (ORDER BY m.kind NOT IN ` + beginnings + `, m.effective, m.id)) m
  WHERE number <= 256 AND before < 1048576`
}

// scanGiven hands a message to the claim that it belongs to.
func (g *group) scanGiven(r pgx.Rows) error {
	var key, id, effective int64
	var attempts, marks, found int
	var body []byte
	if err := r.Scan(&key, &id, &effective, &attempts, &marks, &body, &found); err != nil {
		return err
	}
	claim := g.claims[unsigned(key)]
	claim.More = len(claim.Messages)+len(claim.Undecodable)+1 < found
	m, err := provider.DecodeMessage(body)
	if err != nil {
		bad := provider.UnreadableRow(err, attempts)
		claim.Undecodable = append(claim.Undecodable, provider.UndecodableMessage{ID: unsigned(id), Unreadable: bad})
		g.unknown = append(g.unknown, undecodable{instance: claim.Instance, key: key, id: id, Unreadable: bad})
		return nil
	}
	m.ID, m.Instance, m.DueMs = unsigned(id), claim.Instance, effective
	m.Attempts, m.Marks = attempts, marks
	claim.Messages = append(claim.Messages, m)
	claim.Attempt, claim.Marks = max(claim.Attempt, attempts+1), max(claim.Marks, marks)
	return nil
}

// quarantine hides messages that cannot be read for a while. The claims that met them are committed
// already, so a failure only means that they are met again.
func (s *Store) quarantine(ctx context.Context, unknown []undecodable) {
	if len(unknown) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	now := s.nowMs()
	var keys, ids, due []int64
	for _, m := range unknown {
		s.log.Warn("postgres: message cannot be read",
			"instance", m.instance, "message", m.id, "reason", m.Reason)
		keys, ids = append(keys, m.key), append(ids, m.id)
		due = append(due, now+m.Pause().Milliseconds())
	}
	p := s.pipeline()
	p.exec(sqlLockInstances, keys, []string(nil))
	p.exec(sqlQuarantine, keys, ids, due)
	if err := s.sendPool(ctx, p); err != nil {
		s.log.Warn("postgres: cannot hide messages that cannot be read", "error", err.Error())
	}
}

// Pending gives the first page of the due messages of a held instance. What cannot be read is left to the
// next claim.
func (s *Store) Pending(ctx context.Context, token provider.Token) (provider.Page, error) {
	if err := s.direct(ctx, "pending", s.endOver); err != nil {
		return provider.Page{}, err
	}
	now := s.nowMs()
	var held bool
	claim := &provider.InstanceClaim{}
	err := s.read(ctx, "pending", func(p *pipeline) {
		held, claim.Messages, claim.Undecodable = false, nil, nil
		g := &group{claims: map[uint64]*provider.InstanceClaim{token.Key: claim}}
		p.each(sqlPendingHolder, func(r pgx.Rows) error {
			var epoch int64
			err := r.Scan(&claim.Instance, &epoch)
			held = unsigned(epoch) == token.Epoch
			return err
		}, signed(token.Key), signed(token.Lease))
		p.each(sqlPending, g.scanGiven, []int64{signed(token.Key)}, now)
	})
	switch {
	case err != nil:
		return provider.Page{}, err
	case !held:
		return provider.Page{}, failure("pending", rules.LockLost())
	}
	return provider.Page{
		Messages: claim.Messages, More: claim.More, Undecodable: len(claim.Undecodable) > 0,
	}, nil
}
