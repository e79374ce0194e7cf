package memory

import (
	"context"

	"duroxide/provider"
)

// keys are those of the messages that an instance has had, the latest ones.
type keys struct {
	known map[string]knownKey
	// order has them as they came. One that came again stands there twice.
	order []numberedKey
	last  int
}

// knownKey says until when a key counts, and which of its places in the order is the latest.
type knownKey struct {
	until  int64
	number int
	// answer is the stored answer, for the key of a request.
	answer []byte
}

type numberedKey struct {
	hash   string
	number int
}

// has reports whether a key counts.
func (k *keys) has(hash string, now int64) bool {
	known, ok := k.known[hash]
	return ok && known.until > now
}

// add remembers a key, and forgets the oldest where there are too many.
func (k *keys) add(hash string, until int64, answer []byte) {
	if k.known == nil {
		k.known = map[string]knownKey{}
	}
	k.last++
	k.known[hash] = knownKey{until, k.last, answer}
	k.order = append(k.order, numberedKey{hash, k.last})
	for len(k.order) > provider.MostKeys {
		oldest := k.order[0]
		k.order = k.order[1:]
		if k.known[oldest.hash].number == oldest.number {
			delete(k.known, oldest.hash)
		}
	}
}

// admit gives the fate of a message that an instance may have.
func (s *store) admit(in *instance, m *provider.Message) provider.Fate {
	switch {
	case m.Key != "" && in.keys.has(string(m.KeyHash()), s.now):
		return provider.Repeated
	case m.IsLate(in.current, in.status()):
		return provider.Late
	default:
		return provider.Stored
	}
}

// addKey remembers the key of a message.
func (s *store) addKey(in *instance, m *provider.Message) {
	if m.Key == "" {
		return
	}
	var answer []byte
	if m.IsKept() {
		answer = provider.EncodeMessage(*m)
	}
	counts := m.KeyCounts(in.born, s.retention)
	in.keys.add(string(m.KeyHash()), s.now+counts.Milliseconds(), answer)
}

// Answer gives the answer that is kept for a request.
func (p *Provider) Answer(ctx context.Context, instance, request string) (*provider.Message, error) {
	var body []byte
	err := p.do(ctx, "answer", func(s *store) error {
		in := s.instances[instance]
		if in == nil {
			return nil
		}
		if hash := string(provider.AnswerHash(request)); in.keys.has(hash, s.now) {
			body = in.keys.known[hash].answer
		}
		return nil
	})
	if err != nil || body == nil {
		return nil, err
	}
	m, err := provider.DecodeMessage(body)
	return &m, err
}
