package sqlite

import (
	"context"

	"duroxide/provider"
)

var (
	sqlKey     = &statement{`SELECT 1 FROM duroxide_keys WHERE instance = ?1 + 0 AND hash = ?2 AND until_ms > ?3`}
	sqlLastKey = &statement{`SELECT coalesce(max(number), 0) FROM duroxide_keys WHERE instance = ?1 + 0`}
	sqlAddKey  = &statement{`
INSERT INTO duroxide_keys (instance, hash, number, until_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (instance, hash) DO UPDATE
SET number = excluded.number, until_ms = excluded.until_ms, answer = excluded.answer`}
	sqlAnswer = &statement{`
SELECT k.answer FROM instances i JOIN duroxide_keys k ON k.instance = i.key
WHERE i.id = ?1 AND k.hash = ?2 AND k.until_ms > ?3`}
	sqlTrimKeys = &statement{`
DELETE FROM duroxide_keys WHERE instance = ?1 + 0
  AND number <= (SELECT max(number) FROM (
    SELECT number FROM duroxide_keys WHERE instance = ?1 + 0 ORDER BY number LIMIT ?2))
  AND (until_ms <= ?3 OR number <= ?4)`}
	sqlForgetKey = &statement{`DELETE FROM duroxide_keys WHERE instance = ?1 + 0 AND hash = ?2`}
	sqlDropKeys  = &statement{`DELETE FROM duroxide_keys WHERE instance = ?1 + 0`}
)

// admit gives the fate of a message that its target may have: whether its key is new there, which is
// remembered, and whether what it answers has not ended.
func (d *delivery) admit(t *target, m *provider.Message) (provider.Fate, error) {
	var hash []byte
	if m.Key != "" {
		hash = m.KeyHash()
		known, err := d.w.c.one(sqlKey, signed(t.key), hash, d.w.now)
		if err != nil {
			return 0, err
		}
		if known != nil {
			return provider.Repeated, nil
		}
	}
	if m.IsLate(t.execution, t.status) {
		return provider.Late, nil
	}
	if hash == nil {
		return provider.Stored, nil
	}
	options := d.w.store.options
	counts := m.KeyCounts(t.taken || t.start, provider.Retention{
		Queue: options.OrphanRetention, Reply: options.ReplyRetention,
	})
	var answer []byte
	if m.IsKept() {
		answer = provider.EncodeMessage(*m)
		d.w.touch(t.id)
	}
	return provider.Stored, d.w.addKey(t.key, hash, d.w.now+counts.Milliseconds(), answer)
}

// Answer gives the answer that is kept for a request.
func (s *Store) Answer(ctx context.Context, instance, request string) (*provider.Message, error) {
	var body []byte
	err := s.read(ctx, "answer", func(c *conn) error {
		body = nil
		r, err := c.one(sqlAnswer, instance, provider.AnswerHash(request), s.clock.Ms())
		if r != nil {
			body = r.blob(0)
		}
		return err
	})
	if err != nil || body == nil {
		return nil, err
	}
	m, err := provider.DecodeMessage(body)
	return &m, failure("answer", err)
}

// addKey remembers a key of an instance, and forgets some of those that count no more.
func (w *writer) addKey(instance uint64, hash []byte, until int64, answer []byte) error {
	last, err := w.c.one(sqlLastKey, signed(instance))
	if err != nil {
		return err
	}
	number := last.int(0) + 1
	if _, err := w.c.exec(sqlAddKey, signed(instance), hash, number, until, answer); err != nil {
		return err
	}
	_, err = w.c.exec(sqlTrimKeys, signed(instance), int64(provider.TrimmedKeys), w.now,
		number-provider.MostKeys)
	return err
}
