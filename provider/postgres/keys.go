package postgres

import (
	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

var (
	sqlKnownKeys = define(`
SELECT k.instance, k.hash FROM unnest($1::text[], $2::bytea[]) AS a (id, hash)
CROSS JOIN LATERAL (SELECT key FROM S.instances WHERE id = a.id OFFSET 0) i
CROSS JOIN LATERAL (
  SELECT instance, hash FROM S.duroxide_keys
  WHERE instance = i.key AND hash = a.hash AND until_ms > $3 OFFSET 0) k`)
	sqlAddKeys = define(`
INSERT INTO S.duroxide_keys (instance, hash, number, until_ms)
SELECT n.instance, n.hash, l.last + row_number() OVER (PARTITION BY n.instance ORDER BY n.at), n.until_ms
FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) WITH ORDINALITY AS n (instance, hash, until_ms, at)
CROSS JOIN LATERAL (
  SELECT coalesce(max(number), 0) AS last FROM S.duroxide_keys WHERE instance = n.instance OFFSET 0) l
ON CONFLICT (instance, hash) DO UPDATE SET number = excluded.number, until_ms = excluded.until_ms`)
	sqlForgetKeys = define(`DELETE FROM S.duroxide_keys WHERE instance = $1 AND hash = ANY($2::bytea[])`)
	sqlTrimKeys   = define(`
DELETE FROM S.duroxide_keys WHERE ctid = ANY(ARRAY(
  SELECT k.ctid FROM (SELECT DISTINCT instance FROM unnest($1::bigint[]) AS n (instance)) n
  CROSS JOIN LATERAL (
    SELECT ctid, number, until_ms FROM S.duroxide_keys WHERE instance = n.instance ORDER BY number
    LIMIT $2) k
  CROSS JOIN LATERAL (
    SELECT max(number) AS last FROM S.duroxide_keys WHERE instance = n.instance OFFSET 0) l
  WHERE k.until_ms <= $3 OR k.number <= l.last - $4::bigint))`)
)

// keyed is a key of an instance.
type keyed struct {
	instance uint64
	hash     string
}

// key notes that a message needs to know whether its key is known.
func (n *needs) key(m *provider.Message) {
	if m.Key != "" {
		n.keyedIDs, n.keyHashes = append(n.keyedIDs, m.Instance), append(n.keyHashes, m.KeyHash())
	}
}

func (g *group) readKeys(p *pipeline, now int64) {
	if n := &g.needs; len(n.keyHashes) > 0 {
		p.each(sqlKnownKeys, func(r pgx.Rows) error {
			var instance int64
			var hash []byte
			err := r.Scan(&instance, &hash)
			g.keys[keyed{unsigned(instance), string(hash)}] = true
			return err
		}, n.keyedIDs, n.keyHashes, now)
	}
}

// admit gives the fate of a message that its target may have: whether its key is new there, which is
// remembered, and whether what it answers has not ended.
func (d *delivery) admit(t *target, m *provider.Message) provider.Fate {
	var hash []byte
	if m.Key != "" {
		hash = m.KeyHash()
		if d.g.keys[keyed{t.key, string(hash)}] {
			return provider.Repeated
		}
	}
	if m.IsLate(t.execution, t.status) {
		return provider.Late
	}
	if hash != nil {
		d.g.keys[keyed{t.key, string(hash)}] = true
		w := &d.g.writes.keys
		counts := m.KeyCounts(t.taken(), d.g.s.options.OrphanRetention)
		w.instance, w.hash = append(w.instance, signed(t.key)), append(w.hash, hash)
		w.until = append(w.until, d.g.now+counts.Milliseconds())
	}
	return provider.Stored
}

func (g *group) flushKeys(p *pipeline) {
	if w := &g.writes.keys; len(w.hash) > 0 {
		p.exec(sqlAddKeys, w.instance, w.hash, w.until)
		p.exec(sqlTrimKeys, w.instance, len(w.hash)+provider.TrimmedKeys, g.now, provider.MostKeys)
	}
}
