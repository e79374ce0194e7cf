package postgres

import "duroxide/provider"

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
INSERT INTO S.details (instance, name, version, parent, created)
SELECT instance, name, version, parent, $5::bigint
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS n (instance, name, version, parent)`)
	// The parent is stored once, with the first description of an execution.
	sqlRename = define(`
UPDATE S.details d SET name = n.name, version = n.version,
  parent = CASE WHEN d.name = '' AND d.version = '' THEN n.parent ELSE d.parent END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS n (instance, name, version, parent)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)
	sqlExecution = define(`
INSERT INTO S.executions (instance, execution, status, started, completed, output)
SELECT instance, execution, status, $3::bigint, nullif(completed, 0), output
FROM unnest($1::bigint[], $2::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])
  AS n (instance, execution, status, completed, output)`)
	sqlOutcome = define(`
UPDATE S.executions e SET status = o.status, output = o.output, completed = nullif(o.completed, 0)
FROM (
  SELECT e.ctid, c.*
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])
    AS c (instance, execution, status, completed, output)` + theExecutions + `) o
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
		g.commitOutcome(i, t.Outcome, fresh)
	}
}

func (g *group) describe(i *instance, s *provider.Started) {
	if s == nil {
		return
	}
	i.pin = s.Pin
	if s.Name == i.name && s.Version == i.version {
		return
	}
	i.name, i.version = s.Name, s.Version
	w := &g.writes.renamed
	w.instance = append(w.instance, signed(i.key))
	w.name, w.version = append(w.name, s.Name), append(w.version, s.Version)
	w.parent = append(w.parent, s.Parent)
}

func (g *group) nextExecution(i *instance, t *turn) {
	if i.execution == 0 {
		parent := ""
		if s := t.Started; s != nil {
			i.name, i.version, parent = s.Name, s.Version, s.Parent
		}
		w := &g.writes.created
		w.instance = append(w.instance, signed(i.key))
		w.name, w.version = append(w.name, i.name), append(w.version, i.version)
		w.parent = append(w.parent, parent)
	} else {
		w := &g.writes.sizes
		w.instance = append(w.instance, signed(i.key))
		w.execution = append(w.execution, signed(i.execution))
		w.events, w.bytes = append(w.events, i.events), append(w.bytes, i.bytes)
	}
	i.execution, i.status = t.Execution, provider.Running
	i.lastEvent, i.events, i.bytes, i.pin = 0, 0, 0, 0
}

// commitOutcome writes how an execution stands: a fresh one is inserted, also where it ends at once.
func (g *group) commitOutcome(i *instance, o *provider.Outcome, fresh bool) {
	w, output := &g.writes.outcomes, []byte(nil)
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
	w.output = append(w.output, output)
}

func (g *group) flushRecords(p *pipeline) {
	w := &g.writes.records
	if n := &w.rows; len(n.instance) > 0 {
		p.exec(sqlAppend, n.instance, n.execution, n.first, n.body)
	}
	if n := &w.created; len(n.instance) > 0 {
		p.exec(sqlCreate, n.instance, n.name, n.version, n.parent, g.now)
	}
	if n := &w.renamed; len(n.instance) > 0 {
		p.exec(sqlRename, n.instance, n.name, n.version, n.parent)
	}
	if n := &w.custom; len(n.instance) > 0 {
		p.exec(sqlCustomStatus, n.instance, n.status)
	}
	if n := &w.sizes; len(n.instance) > 0 {
		p.exec(sqlSizes, n.instance, n.execution, n.events, n.bytes)
	}
	if n := &w.executions; len(n.instance) > 0 {
		p.exec(sqlExecution, n.instance, n.execution, g.now, n.status, n.completed, n.output)
	}
	if n := &w.outcomes; len(n.instance) > 0 {
		p.exec(sqlOutcome, n.instance, n.execution, n.status, n.completed, n.output)
	}
}
