package history

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Life names who lives at an instance id. An id is a place: it can be used again after a deletion. A
// life is never used again, so what one instance stores about another says which life it means. It
// stays the same over continue-as-new. The zero Life is unknown: older releases wrote none.
type Life [16]byte

// IsZero reports whether the life is unknown.
func (l Life) IsZero() bool { return l == Life{} }

// String gives 32 hexadecimal digits, or "" where the life is unknown.
func (l Life) String() string {
	if l.IsZero() {
		return ""
	}
	return hex.EncodeToString(l[:])
}

// ParseLife reads what String gives; ok is false where it is something else.
func ParseLife(text string) (l Life, ok bool) {
	if len(text) != hex.EncodedLen(len(l)) {
		return l, text == ""
	}
	_, err := hex.Decode(l[:], []byte(text))
	return l, err == nil
}

// Fits reports whether the two can be the same life: they are equal, or one of them is unknown.
func (l Life) Fits(other Life) bool { return l == other || l.IsZero() || other.IsZero() }

// Started gives the life of an instance that this one starts. The number is that of the start within
// this life; it is never used twice, so that neither is the life, whatever becomes of the history.
func (l Life) Started(number uint64) Life {
	const label = "duroxide life"
	text := make([]byte, 0, len(label)+len(l)+8)
	text = append(append(text, label...), l[:]...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(text, number))
	return Life(sum[:len(l)])
}
