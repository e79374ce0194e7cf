package history

import "encoding/json"

// Queues: their messages, and those who take them.
const (
	KindQueueSubscribed            Kind = 40
	KindQueueEventDelivered        Kind = 41
	KindQueueSubscriptionCancelled Kind = 42
	KindQueueEventWithdrawn        Kind = 43
)

var queueKinds = family{
	KindQueueSubscribed:            named[QueueSubscribed]("QueueSubscribed"),
	KindQueueEventDelivered:        named[QueueEventDelivered]("QueueEventDelivered"),
	KindQueueSubscriptionCancelled: named[QueueSubscriptionCancelled]("QueueSubscriptionCancelled"),
	KindQueueEventWithdrawn:        named[QueueEventWithdrawn]("QueueEventWithdrawn"),
}

// ScheduleQueue is the queue in which schedules are spoken to. An instance that a schedule starts begins with
// a message in it, which says so: it stays unread, and so goes with every continue-as-new.
const ScheduleQueue = "__duroxide_schedule"

// Carried is one unread queue message handed from an execution to its successor.
type Carried struct {
	Name string
	Data string
}

// QueueSubscribed asks for the next message of a queue.
type QueueSubscribed struct{ Name string }

// Kind gives the number of the kind.
func (QueueSubscribed) Kind() Kind { return KindQueueSubscribed }

func (QueueSubscribed) schedules() {}

func (d *QueueSubscribed) fields(w *Wire) { w.Text(&d.Name) }

func (d QueueSubscribed) encode(w *Wire) { d.fields(w) }

func (d QueueSubscribed) shape() any { return nameShape(d) }

func (d QueueSubscribed) isLong() bool { return isLong(d.Name) }

// QueueEventDelivered records the arrival of a queue message.
type QueueEventDelivered struct {
	Name string
	Data string
}

// Kind gives the number of the kind.
func (QueueEventDelivered) Kind() Kind { return KindQueueEventDelivered }

func (QueueEventDelivered) comesIn() {}

func (d *QueueEventDelivered) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Data)
}

func (d QueueEventDelivered) encode(w *Wire) { d.fields(w) }

func (d QueueEventDelivered) shape() any {
	envelope, data := OpenEnvelope(d.Data)
	return queuedShape{Name: d.Name, Data: payload(data), Request: envelope.Request}
}

type queuedShape struct {
	Name    string          `json:"name"`
	Data    json.RawMessage `json:"data"`
	Request string          `json:"request,omitempty"`
}

// QueueEventWithdrawn takes an unread message of a request out of its queue: who asked has given up.
type QueueEventWithdrawn struct {
	Name    string
	Request string
}

// Kind gives the number of the kind.
func (QueueEventWithdrawn) Kind() Kind { return KindQueueEventWithdrawn }

func (QueueEventWithdrawn) comesIn() {}

func (d *QueueEventWithdrawn) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Request)
}

func (d QueueEventWithdrawn) encode(w *Wire) { d.fields(w) }

func (d QueueEventWithdrawn) shape() any { return withdrawnShape(d) }

type withdrawnShape struct {
	Name    string `json:"name"`
	Request string `json:"request"`
}

// QueueSubscriptionCancelled closes a subscription without consuming a message.
type QueueSubscriptionCancelled struct{ Reason string }

// Kind gives the number of the kind.
func (QueueSubscriptionCancelled) Kind() Kind { return KindQueueSubscriptionCancelled }

func (QueueSubscriptionCancelled) cancels() {}

func (d *QueueSubscriptionCancelled) fields(w *Wire) { w.Text(&d.Reason) }

func (d QueueSubscriptionCancelled) encode(w *Wire) { d.fields(w) }

func (d QueueSubscriptionCancelled) shape() any { return reasonShape(d) }
