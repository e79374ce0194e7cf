package history

import (
	"bytes"
	"encoding/json"
)

// JSON gives the fields of an event as JSON text, in the shape that users read in histories; ok is
// false for kinds without fields. Payloads that are JSON are embedded as they are, others as JSON
// strings, so that the text always is valid JSON.
func (e Event) JSON() (text string, ok bool) {
	if shape := e.Data.shape(); shape != nil {
		return encodeJSON(shape), true
	}
	return "", false
}

// Shapes that several kinds share.
type (
	// callShape serves activities, children and detached starts.
	callShape struct {
		Name     string          `json:"name"`
		Instance string          `json:"instance,omitempty"`
		Input    json.RawMessage `json:"input"`
		Version  *string         `json:"version,omitempty"`
		Session  *string         `json:"sessionId,omitempty"`
		Tag      *string         `json:"tag,omitempty"`
		Policy   json.RawMessage `json:"policy,omitempty"`
	}
	reasonShape struct {
		Reason string `json:"reason"`
	}
	nameShape struct {
		Name string `json:"name"`
	}
	// messageShape serves signals and messages of queues.
	messageShape struct {
		Name string          `json:"name"`
		Data json.RawMessage `json:"data"`
	}
)

// payload gives user text as JSON: as it is where it is JSON, null for none, else as a string.
func payload(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	if raw := json.RawMessage(text); json.Valid(raw) {
		return raw
	}
	return json.RawMessage(encodeJSON(text))
}

// encodeJSON gives JSON text without the escapes that only HTML needs. Its arguments are the shapes
// of this package, which always can be encoded.
func encodeJSON(v any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}
