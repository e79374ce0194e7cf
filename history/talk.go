package history

import "encoding/json"

// What an instance says to others, and promises, which others settle.
const (
	KindMessageSent     Kind = 90
	KindPromiseMade     Kind = 91
	KindPromiseResolved Kind = 92
	KindPromiseRejected Kind = 93
)

var talkKinds = family{
	KindMessageSent:     named[MessageSent]("MessageSent"),
	KindPromiseMade:     named[PromiseMade]("PromiseMade"),
	KindPromiseResolved: named[PromiseResolved]("PromiseResolved"),
	KindPromiseRejected: named[PromiseRejected]("PromiseRejected"),
}

// What can be sent to an instance, in MessageSent.
const (
	// SentMessage is a message of a queue: Name, Data.
	SentMessage = "message"
	// SentSignal is a signal: Name, Data.
	SentSignal = "signal"
	// SentCancellation is a request to stop; Data is the reason, which is no JSON.
	SentCancellation = "cancellation"
	// SentTermination is SentCancellation for an instance that is to end whatever its code says.
	SentTermination = "termination"
	// SentAnswer answers a request of the life Name: Data is the value, Key the request.
	SentAnswer = "answer"
	// SentRejection answers a request with an error: Data is {message, details} as JSON.
	SentRejection = "rejection"
)

// MessageSent records what was sent to whoever lives at an id. It has no answer.
type MessageSent struct {
	Instance string
	// What is one of the constants above.
	What string
	// Name is that of a queue or signal, or empty.
	Name string
	Data string
	// Key is by what a message is known again that is sent twice; nil means none.
	Key *string
}

// Kind gives the number of the kind.
func (MessageSent) Kind() Kind { return KindMessageSent }

func (d *MessageSent) fields(w *Wire) {
	w.Text(&d.Instance)
	w.Text(&d.What)
	w.Text(&d.Name)
	w.Text(&d.Data)
	w.OptionalText(&d.Key)
}

func (d MessageSent) encode(w *Wire) { d.fields(w) }

type sentShape struct {
	Instance string          `json:"instance"`
	What     string          `json:"what"`
	Name     string          `json:"name,omitempty"`
	Data     json.RawMessage `json:"data"`
	Key      *string         `json:"idempotencyKey,omitempty"`
}

func (d MessageSent) shape() any {
	return sentShape{Instance: d.Instance, What: d.What, Name: d.Name, Data: payload(d.Data), Key: d.Key}
}

// PromiseMade opens a wait for somebody outside who has the token of the promise.
type PromiseMade struct{}

// Kind gives the number of the kind.
func (PromiseMade) Kind() Kind { return KindPromiseMade }

func (PromiseMade) schedules() {}

func (*PromiseMade) fields(*Wire) {}

func (PromiseMade) encode(*Wire) {}

func (PromiseMade) shape() any { return nil }

// PromiseResolved is the value that the promise has got that Source names.
type PromiseResolved struct{ Value string }

// Kind gives the number of the kind.
func (PromiseResolved) Kind() Kind { return KindPromiseResolved }

func (PromiseResolved) answers() {}

func (d *PromiseResolved) fields(w *Wire) { w.Text(&d.Value) }

func (d PromiseResolved) encode(w *Wire) { d.fields(w) }

func (d PromiseResolved) shape() any { return payload(d.Value) }

// PromiseRejected is the error that the promise has got that Source names.
type PromiseRejected struct{ Failure Failure }

// Kind gives the number of the kind.
func (PromiseRejected) Kind() Kind { return KindPromiseRejected }

func (PromiseRejected) answers() {}

func (d *PromiseRejected) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d PromiseRejected) encode(w *Wire) { d.fields(w) }

func (d PromiseRejected) shape() any { return failureShape(d.Failure) }

func (d PromiseRejected) failure() *Failure { return &d.Failure }
