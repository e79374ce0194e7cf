package postgres

import (
	"slices"
	"time"
)

// Messages for an instance that was never started wait for its start: hidden for as long as they
// are old, within bounds, so that looking at them stays cheap, and dropped in the end.
const (
	orphanRetention = 10 * time.Minute
	orphanLeast     = time.Second
	orphanMost      = time.Minute
)

var (
	sqlDelayOrphans = define(`
UPDATE S.messages m SET due = o.start
FROM unnest($1::bigint[], $2::bigint[]) AS o (instance, start)
WHERE m.instance = o.instance AND m.due <= $3 AND m.instance = ANY($1::bigint[])`)
	sqlDropQueues  = define(`DELETE FROM S.messages WHERE instance = ANY($1::bigint[]) AND due <= $2`)
	sqlDropOrphans = define(`
DELETE FROM S.messages WHERE instance = ANY($1::bigint[]) AND effective <= $2`)
	sqlHideOrphans = define(`
UPDATE S.messages SET due = $2::bigint + least(greatest($2::bigint - effective, $3::bigint), $4::bigint)
WHERE instance = ANY($1::bigint[]) AND due <= $2::bigint`)
	sqlDropPhantoms = define(`
DELETE FROM S.instances i WHERE i.key = ANY($1::bigint[]) AND i.execution = 0
  AND NOT EXISTS (SELECT 1 FROM S.messages m WHERE m.instance = i.key)`)
)

// hideOrphans deals with due messages of an instance that has no due start. If it has one that is
// delayed, they wait with it. Queue messages alone are dropped: what is sent before an instance
// exists is lost by contract.
func (g *group) hideOrphans(i *instance) {
	w, key := &g.writes.orphans, signed(i.key)
	switch {
	case i.anyStart:
		w.delayed.instance = append(w.delayed.instance, key)
		w.delayed.start = append(w.delayed.start, i.nextStart)
	case i.onlyQueue:
		w.queues = append(w.queues, key)
	default:
		w.waiting = append(w.waiting, key)
	}
}

func (g *group) flushOrphans(p *pipeline) {
	w := &g.writes.orphans
	if d := &w.delayed; len(d.instance) > 0 {
		p.exec(sqlDelayOrphans, d.instance, d.start, g.now)
	}
	if len(w.queues) > 0 {
		p.exec(sqlDropQueues, w.queues, g.now)
	}
	if len(w.waiting) > 0 {
		p.exec(sqlDropOrphans, w.waiting, g.now-orphanRetention.Milliseconds())
		p.exec(sqlHideOrphans, w.waiting, g.now, orphanLeast.Milliseconds(), orphanMost.Milliseconds())
	}
	if gone := slices.Concat(w.queues, w.waiting); len(gone) > 0 {
		g.s.log.Debug("postgres: messages for instances that were never started are hidden or dropped",
			"instances", len(gone))
		p.exec(sqlDropPhantoms, gone)
	}
}
