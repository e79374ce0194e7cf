package history

import (
	"encoding/json"
	"strings"
)

// envelopeMark begins the data of a queue message with an envelope. No JSON text begins with it.
const envelopeMark = "\x01"

// Envelope is what travels with the data of a queue message, in front of them: the mark, the envelope as JSON
// and a line feed. lib/envelope.js writes it, and reads it for the code.
type Envelope struct {
	// Request is the id of the request that the message asks, or empty.
	Request string `json:"request"`
}

// OpenEnvelope gives what travels with the data of a queue message, and the data without it.
func OpenEnvelope(data string) (Envelope, string) {
	var e Envelope
	around, isMarked := strings.CutPrefix(data, envelopeMark)
	if !isMarked {
		return e, data
	}
	head, rest, ok := strings.Cut(around, "\n")
	if !ok || json.Unmarshal([]byte(head), &e) != nil {
		return Envelope{}, data
	}
	return e, rest
}
