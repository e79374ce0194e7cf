package postgres

import (
	"context"

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
INSERT INTO S.duroxide_keys (instance, hash, number, until_ms, answer)
SELECT n.instance, n.hash, l.last + row_number() OVER (PARTITION BY n.instance ORDER BY n.at), n.until_ms, n.answer
FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[]) WITH ORDINALITY
  AS n (instance, hash, until_ms, answer, at)
CROSS JOIN LATERAL (
  SELECT coalesce(max(number), 0) AS last FROM S.duroxide_keys WHERE instance = n.instance OFFSET 0) l
ON CONFLICT (instance, hash) DO UPDATE
SET number = excluded.number, until_ms = excluded.until_ms, answer = excluded.answer`)
	sqlAnswer = define(`
SELECT k.answer FROM (SELECT key FROM S.instances WHERE id = $1 OFFSET 0) i
CROSS JOIN LATERAL (
  SELECT answer FROM S.duroxide_keys
  WHERE instance = i.key AND hash = $2::bytea AND until_ms > $3 OFFSET 0) k`)
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
		options := &d.g.s.options
		counts := m.KeyCounts(t.taken(), provider.Retention{Queue: options.OrphanRetention, Reply: options.ReplyRetention})
		w.instance, w.hash = append(w.instance, signed(t.key)), append(w.hash, hash)
		w.until = append(w.until, d.g.now+counts.Milliseconds())
		w.answer = append(w.answer, nil)
		if m.IsKept() {
			w.answer[len(w.answer)-1] = provider.EncodeMessage(*m)
			d.g.changed.instances = append(d.g.changed.instances, t.id)
		}
	}
	return provider.Stored
}

func (g *group) flushKeys(p *pipeline) {
	if w := &g.writes.keys; len(w.hash) > 0 {
		p.exec(sqlAddKeys, w.instance, w.hash, w.until, w.answer)
		p.exec(sqlTrimKeys, w.instance, len(w.hash)+provider.TrimmedKeys, g.now, provider.MostKeys)
	}
}

// Answer gives the answer that is kept for a request.
func (s *Store) Answer(ctx context.Context, instance, request string) (*provider.Message, error) {
	var body []byte
	now := s.nowMs()
	err := s.read(ctx, "answer", func(p *pipeline) {
		body = nil
		p.each(sqlAnswer, func(r pgx.Rows) error { return r.Scan(&body) },
			askable(instance), provider.AnswerHash(request), now)
	})
	if err != nil || body == nil {
		return nil, err
	}
	m, err := provider.DecodeMessage(body)
	return &m, failure("answer", err)
}
