package provider

import "encoding/json"

// Cancelling says that the code of an instance was told to stop and has time to clean up. It is stored as
// JSON, for people too.
type Cancelling struct {
	Reason string `json:"reason"`
	// SinceMs is when it was told, UntilMs when its time is over.
	SinceMs int64 `json:"since"`
	UntilMs int64 `json:"until"`
}

// At gives what holds of it in a status. The receiver may be nil.
func (c *Cancelling) At(s ExecutionStatus) *Cancelling {
	if s != Running {
		return nil
	}
	return c
}

// EncodeCancelling gives the stored bytes; nil is none.
func EncodeCancelling(c *Cancelling) []byte { return encoded(c) }

// DecodeCancelling gives back what EncodeCancelling wrote, and nil for what cannot be read: it only tells.
func DecodeCancelling(body []byte) *Cancelling { return decoded[Cancelling](body) }

// encoded gives the JSON of what people may read too; nil is none.
func encoded[T any](v *T) []byte {
	if v == nil {
		return nil
	}
	body, err := json.Marshal(v)
	if err != nil { // Texts and numbers always have JSON.
		return nil
	}
	return body
}

// decoded gives back what encoded gave, or nil for what cannot be read.
func decoded[T any](body []byte) *T {
	v := new(T)
	if len(body) == 0 || json.Unmarshal(body, v) != nil {
		return nil
	}
	return v
}
