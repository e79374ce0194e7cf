package postgres

import (
	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// Messages for a place where nobody lives yet wait for a start: hidden for as long as they may wait,
// so that they cost nothing, and dropped when they are next seen. A start waits for nobody.

// patienceCase gives how long a message waits, from the three times that its parameters name.
const patienceCase = `CASE kind WHEN 6 THEN $3::bigint WHEN 8 THEN $4::bigint ELSE $5::bigint END`

var (
	sqlDelayOrphans = define(`
UPDATE S.messages m SET due = o.start
FROM unnest($1::bigint[], $2::bigint[]) AS o (instance, start)
WHERE m.instance = o.instance AND m.due <= $3 AND m.instance = ANY($1::bigint[])`)
	sqlDropLate = define(`
WITH gone AS (
  DELETE FROM S.messages WHERE instance = ANY($1::bigint[]) AND kind NOT IN ` + starts + `
    AND effective + ` + patienceCase + ` <= $2::bigint RETURNING instance)
SELECT i.id, count(*) FROM gone CROSS JOIN LATERAL (
  SELECT id FROM S.instances WHERE key = gone.instance OFFSET 0) i GROUP BY i.id`)
	sqlHideWaiting = define(`
UPDATE S.messages SET due = effective + ` + patienceCase + `
WHERE instance = ANY($1::bigint[]) AND due <= $2::bigint AND kind NOT IN ` + starts)
	sqlDropPlaces = define(`
WITH gone AS (
  DELETE FROM S.instances i WHERE i.key = ANY($1::bigint[]) AND i.execution = 0
    AND NOT EXISTS (SELECT 1 FROM S.messages m WHERE m.instance = i.key)
    AND NOT EXISTS (SELECT 1 FROM S.details d WHERE d.instance = i.key) RETURNING i.key)
DELETE FROM S.duroxide_keys k USING gone WHERE k.instance = gone.key AND k.instance = ANY($1::bigint[])`)
)

// lateMessages are those of one place that were dropped.
type lateMessages struct {
	instance string
	count    int64
}

// hideOrphans deals with due messages of a place that has no due start. If it has one that is delayed,
// they wait with it.
func (g *group) hideOrphans(i *instance) {
	w, key := &g.writes.orphans, signed(i.key)
	if i.anyStart {
		w.delayed.instance = append(w.delayed.instance, key)
		w.delayed.start = append(w.delayed.start, i.nextStart)
		return
	}
	w.waiting, w.late = append(w.waiting, key), append(w.late, key)
}

// waitingAt gives the parameters of statements about what waits at places.
func (g *group) waitingAt(places []int64) []any {
	of := func(k provider.MessageKind) int64 {
		return provider.Patience(k, g.s.options.OrphanRetention).Milliseconds()
	}
	return []any{
		places, g.now, of(provider.QueueEvent), of(provider.CancelInstance), of(provider.EventRaised),
	}
}

func (g *group) dropLate(p *pipeline) {
	if late := g.writes.late; len(late) > 0 {
		p.each(sqlDropLate, func(r pgx.Rows) error {
			var dropped lateMessages
			err := r.Scan(&dropped.instance, &dropped.count)
			g.late = append(g.late, dropped)
			return err
		}, g.waitingAt(late)...)
	}
}

// warnOfLate tells of what a committed group has dropped.
func (g *group) warnOfLate() {
	for _, dropped := range g.late {
		g.s.log.Warn("postgres: dropped messages for an instance that was never started",
			"instance", dropped.instance, "messages", dropped.count)
	}
}

func (g *group) flushOrphans(p *pipeline) {
	w := &g.writes.orphans
	if d := &w.delayed; len(d.instance) > 0 {
		p.exec(sqlDelayOrphans, d.instance, d.start, g.now)
	}
	if len(w.waiting) > 0 {
		p.exec(sqlHideWaiting, g.waitingAt(w.waiting)...)
		p.exec(sqlDropPlaces, w.waiting)
	}
}
