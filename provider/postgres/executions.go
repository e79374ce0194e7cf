package postgres

import (
	"duroxide/history"
	"duroxide/provider"
)

// theExecutions finds the executions of a list c of (instance, execution, ...).
const theExecutions = `
CROSS JOIN LATERAL (
  SELECT ctid FROM S.executions
  WHERE instance = c.instance AND execution = c.execution OFFSET 0) e`

var (
	sqlAppend = define(`
INSERT INTO S.histories (instance, execution, first, body)
SELECT instance, execution, first, body
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
  AS n (instance, execution, first, body)`)
	sqlCreate = define(`
INSERT INTO S.details (instance, name, version, parent, created, life, parent_execution,
  parent_event, parent_life)
SELECT instance, name, version, parent, ` + momentMs(9, 10) + `, life,
  parent_execution, parent_event, parent_life
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::bigint[],
  $8::bytea[])
  AS n (instance, name, version, parent, life, parent_execution, parent_event, parent_life)`)
	sqlRename = define(`
UPDATE S.details d SET name = n.name, version = n.version
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (instance, name, version)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)
	sqlAdopt = define(`
UPDATE S.details d SET life = n.life FROM unnest($1::bigint[], $2::bytea[]) AS n (instance, life)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)
	sqlStarts = define(`
UPDATE S.details d SET starts = n.starts
FROM unnest($1::bigint[], $2::bigint[]) AS n (instance, starts)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)
	sqlExecution = define(`
INSERT INTO S.executions (instance, execution, status, started, completed, output, failure)
SELECT instance, execution, status, $3::bigint, nullif(completed, 0), output, nullif(failure, '')
FROM unnest($1::bigint[], $2::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[])
  AS n (instance, execution, status, completed, output, failure)`)
	sqlOutcome = define(`
UPDATE S.executions e SET status = o.status, output = o.output, failure = nullif(o.failure, ''),
  completed = CASE WHEN o.completed > 0 THEN greatest(o.completed, e.started) END
FROM (
  SELECT e.ctid, c.*
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::text[])
    AS c (instance, execution, status, completed, output, failure)` + theExecutions + `) o
WHERE e.ctid = o.ctid`)
	sqlSizes = define(`
UPDATE S.executions e SET events = n.events, bytes = n.bytes
FROM (
  SELECT e.ctid, c.*
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
    AS c (instance, execution, events, bytes)` + theExecutions + `) n
WHERE e.ctid = n.ctid`)
	sqlCustomStatus = define(`
UPDATE S.details d
SET custom_status = n.status, custom_status_version = d.custom_status_version + 1
FROM unnest($1::bigint[], $2::bytea[]) AS n (instance, status)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)
)

// commitExecution creates the instance and the execution with their first turn, and writes what
// changed of them.
func (g *group) commitExecution(i *instance, t *turn) {
	fresh := t.Execution > i.execution
	if fresh {
		g.nextExecution(i, t)
	}
	g.describe(i, t.Started)
	g.commitLife(i, t)
	if t.Cancelling != nil {
		g.cancelling(i, t.Cancelling)
	}
	if t.Patches != nil {
		g.answered(i, t)
	}
	if t.CustomStatus != nil {
		w := &g.writes.custom
		w.instance = append(w.instance, signed(i.key))
		w.status = append(w.status, optionalBlob(t.CustomStatus.Status))
	}
	g.commitValues(i, t)
	if t.IsAwaited() {
		g.changed.instances = append(g.changed.instances, i.id)
	}
	if fresh || t.Outcome != nil {
		g.commitOutcome(i, t, fresh)
	}
	g.commitLane(i, t)
}

func (g *group) describe(i *instance, s *provider.Started) {
	if s == nil {
		return
	}
	if s.Name == i.name && s.Version == i.version {
		return
	}
	i.name, i.version = s.Name, s.Version
	w := &g.writes.renamed
	w.instance = append(w.instance, signed(i.key))
	w.name, w.version = append(w.name, s.Name), append(w.version, s.Version)
}

// beginLife makes a place the home of a life. What has waited for one in vain is dropped, and the rest is
// visible again.
func (g *group) beginLife(i *instance, m provider.Message) {
	i.born, i.life, i.name, i.version, i.parent = true, m.Life, m.Name, "", m.Parent
	if m.Version != nil {
		i.version = *m.Version
	}
	g.create(i)
	if m.Level > i.pin {
		i.pin = m.Level
		g.touch(i)
	}
	g.move(i, m.LaneOf(i.pin))
	if !i.fresh {
		g.writes.late = append(g.writes.late, signed(i.key))
		g.writes.unhidden = append(g.writes.unhidden, signed(i.key))
	}
	for _, at := range i.waits {
		g.writes.arrived.due[at] = g.writes.arrived.effective[at]
	}
	i.waits = nil
}

// create makes the cold row of an instance.
func (g *group) create(i *instance) {
	parent := history.Parent{}
	if i.parent != nil {
		parent = *i.parent
	}
	w := &g.writes.created
	w.instance = append(w.instance, signed(i.key))
	w.name, w.version = append(w.name, i.name), append(w.version, i.version)
	w.life, w.parent = append(w.life, lifeBytes(i.life)), append(w.parent, parent.Instance)
	w.parentExecution = append(w.parentExecution, signed(parent.Execution))
	w.parentEvent = append(w.parentEvent, signed(parent.Event))
	w.parentLife = append(w.parentLife, lifeBytes(parent.Life))
}

// commitLife writes what a turn tells of the life itself, which is rare.
func (g *group) commitLife(i *instance, t *turn) {
	if i.life.IsZero() && !t.Life.IsZero() {
		i.life = t.Life
		w := &g.writes.lives
		w.instance, w.life = append(w.instance, signed(i.key)), append(w.life, lifeBytes(i.life))
	}
	if t.Starts > i.starts {
		i.starts = t.Starts
		w := &g.writes.starts
		w.instance, w.starts = append(w.instance, signed(i.key)), append(w.starts, signed(i.starts))
	}
}

func (g *group) nextExecution(i *instance, t *turn) {
	if !i.born { // An older release stored the start.
		i.born = true
		if s := t.Started; s != nil {
			i.name, i.version, i.parent = s.Name, s.Version, s.Parent
		}
		g.create(i)
	}
	if i.execution > 0 {
		w := &g.writes.sizes
		w.instance = append(w.instance, signed(i.key))
		w.execution = append(w.execution, signed(i.execution))
		w.events, w.bytes = append(w.events, i.events), append(w.bytes, i.bytes)
	}
	i.execution, i.status = t.Execution, provider.Running
	i.lastEvent, i.events, i.bytes = 0, 0, 0
}

// commitOutcome writes how an execution stands: a fresh one is inserted, also where it ends at once.
func (g *group) commitOutcome(i *instance, t *turn, fresh bool) {
	w, output, o := &g.writes.outcomes, []byte(nil), t.Outcome
	if fresh {
		w = &g.writes.executions
	}
	completed := int64(0)
	if o != nil {
		i.status, output = o.Status, blob(o.Output)
		if o.Status.IsFinal() {
			completed = g.now
		}
	}
	w.instance = append(w.instance, signed(i.key))
	w.execution = append(w.execution, signed(i.execution))
	w.status, w.completed = append(w.status, int64(i.status)), append(w.completed, completed)
	w.output, w.failure = append(w.output, output), append(w.failure, string(provider.FailureOf(&t.Commit)))
}

func (g *group) flushRecords(p *pipeline) {
	w := &g.writes.records
	if n := &w.rows; len(n.instance) > 0 {
		p.exec(sqlAppend, n.instance, n.execution, n.first, n.body)
	}
	if n := &w.created; len(n.instance) > 0 {
		fixed, least := g.s.moment()
		p.exec(sqlCreate, n.instance, n.name, n.version, n.parent, n.life, n.parentExecution,
			n.parentEvent, n.parentLife, fixed, least)
	}
	if n := &w.renamed; len(n.instance) > 0 {
		p.exec(sqlRename, n.instance, n.name, n.version)
	}
	if n := &w.lives; len(n.instance) > 0 {
		p.exec(sqlAdopt, n.instance, n.life)
	}
	if n := &w.starts; len(n.instance) > 0 {
		p.exec(sqlStarts, n.instance, n.starts)
	}
	if n := &w.holds; len(n.instance) > 0 {
		p.exec(sqlHold, n.instance, n.hold)
	}
	if n := &w.cancelling; len(n.instance) > 0 {
		p.exec(sqlCancelling, n.instance, n.cancelling)
	}
	if n := &w.patches; len(n.instance) > 0 {
		p.exec(sqlPatches, n.instance, n.execution, n.answers)
	}
	if n := &w.custom; len(n.instance) > 0 {
		p.exec(sqlCustomStatus, n.instance, n.status)
	}
	if n := &w.sizes; len(n.instance) > 0 {
		p.exec(sqlSizes, n.instance, n.execution, n.events, n.bytes)
	}
	if n := &w.executions; len(n.instance) > 0 {
		p.exec(sqlExecution, n.instance, n.execution, g.now, n.status, n.completed, n.output, n.failure)
	}
	if n := &w.outcomes; len(n.instance) > 0 {
		p.exec(sqlOutcome, n.instance, n.execution, n.status, n.completed, n.output, n.failure)
	}
}
