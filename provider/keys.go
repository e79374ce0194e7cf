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
	MostKeys     = 10_000
	// TrimmedKeys is how many keys at most that count no more go with each one that comes.
	TrimmedKeys = 8
)

// KeyCounts is how long the key of a message counts where somebody is at its target, or nobody: then no
// longer than the message waits, given how long those of queues do.
func (m *Message) KeyCounts(there bool, queue time.Duration) time.Duration {
	if there {
		return KeyRetention
	}
	return min(KeyRetention, Patience(m.Kind, queue))
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
