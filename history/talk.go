package history

import "encoding/json"

// What an instance says to others.
const (
	KindMessageSent Kind = 90
)

var talkKinds = family{
	KindMessageSent: named[MessageSent]("MessageSent"),
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
)

// MessageSent records what was sent to whoever lives at an id. It has no answer.
type MessageSent struct {
	Instance string
	// What is one of the constants above.
	What string
	// Name is that of a queue or signal, or empty.
	Name string
	Data string
}

// Kind gives the number of the kind.
func (MessageSent) Kind() Kind { return KindMessageSent }

func (d *MessageSent) fields(w *Wire) {
	w.Text(&d.Instance)
	w.Text(&d.What)
	w.Text(&d.Name)
	w.Text(&d.Data)
}

func (d MessageSent) encode(w *Wire) { d.fields(w) }

type sentShape struct {
	Instance string          `json:"instance"`
	What     string          `json:"what"`
	Name     string          `json:"name,omitempty"`
	Data     json.RawMessage `json:"data"`
}

func (d MessageSent) shape() any {
	return sentShape{Instance: d.Instance, What: d.What, Name: d.Name, Data: payload(d.Data)}
}
