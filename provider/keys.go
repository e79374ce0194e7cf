package provider

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// What a message is known again by. A key counts among the messages of its kind and name that one life
// gets, those that wait for its start among them, across executions. A second message with it is Repeated.
// Each counts for KeyRetention, and an instance has the latest MostKeys.
const (
	KeyRetention = 7 * 24 * time.Hour
	// ReplyRetention is how long an answer is kept, and its key, where the store is told nothing else.
	ReplyRetention = 24 * time.Hour
	MostKeys       = 10_000
	// TrimmedKeys is how many keys at most that count no more go with each one that comes.
	TrimmedKeys = 8
)

// Retention is how long a store keeps what nobody has taken: queue messages that wait for their instance, and
// answers.
type Retention struct{ Queue, Reply time.Duration }

// KeyCounts is how long the key of a message counts where somebody is at its target, or nobody: then no
// longer than the message waits.
func (m *Message) KeyCounts(there bool, r Retention) time.Duration {
	switch {
	case m.Kind == RequestAnswered:
		return r.Reply
	case there:
		return KeyRetention
	default:
		return min(KeyRetention, Patience(m.Kind, r.Queue))
	}
}

// IsKept reports whether a message stays with its key and goes to nobody.
func (m *Message) IsKept() bool { return m.Kind == RequestAnswered }

// AnswerHash gives what stores keep of the key of the answer to a request.
func AnswerHash(request string) []byte {
	m := Message{Kind: RequestAnswered, Key: request}
	return m.KeyHash()
}

// KeyHash gives what stores keep of a key, with kind and name: texts of any length, in an index.
func (m *Message) KeyHash() []byte {
	h := sha256.New()
	_, _ = h.Write(binary.BigEndian.AppendUint64([]byte{byte(m.Kind)}, uint64(len(m.Name))))
	_, _ = h.Write([]byte(m.Name))
	_, _ = h.Write([]byte(m.Key))
	return h.Sum(nil)
}

// IsLate reports whether a message answers an execution that has ended, given that of its target and how
// it stands. An answer that only the engine sends is always stored: nobody waits to be told.
func (m *Message) IsLate(execution uint64, s ExecutionStatus) bool {
	return m.Kind == PromiseSettled && (execution > m.Execution || s.IsFinal())
}
