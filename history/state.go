package history

// What outlives an execution: the custom status and the key-value store.
const (
	KindCustomStatusUpdated Kind = 60
	KindKeyValueSet         Kind = 61
	KindKeyValueCleared     Kind = 62
	KindKeyValuesCleared    Kind = 63
)

var stateKinds = family{
	KindCustomStatusUpdated: named[CustomStatusUpdated]("CustomStatusUpdated"),
	KindKeyValueSet:         named[KeyValueSet]("KeyValueSet"),
	KindKeyValueCleared:     named[KeyValueCleared]("KeyValueCleared"),
	KindKeyValuesCleared:    named[KeyValuesCleared]("KeyValuesCleared"),
}

// CustomStatusUpdated sets the custom status; nil resets it.
type CustomStatusUpdated struct{ Status *string }

// Kind gives the number of the kind.
func (CustomStatusUpdated) Kind() Kind { return KindCustomStatusUpdated }

func (CustomStatusUpdated) changes() {}

func (d *CustomStatusUpdated) fields(w *Wire) { w.OptionalText(&d.Status) }

func (d CustomStatusUpdated) encode(w *Wire) { d.fields(w) }

type statusShape struct {
	Status *string `json:"status"`
}

func (d CustomStatusUpdated) shape() any { return statusShape(d) }

// KeyValueSet stores a value. UpdatedAtMs is the time that pruning by age compares.
type KeyValueSet struct {
	Key         string
	Value       string
	UpdatedAtMs int64
}

// Kind gives the number of the kind.
func (KeyValueSet) Kind() Kind { return KindKeyValueSet }

func (KeyValueSet) changes() {}

func (d *KeyValueSet) fields(w *Wire) {
	w.Text(&d.Key)
	w.Text(&d.Value)
	w.Int(&d.UpdatedAtMs)
}

func (d KeyValueSet) encode(w *Wire) { d.fields(w) }

type valueShape struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	UpdatedAtMs int64  `json:"updatedAtMs"`
}

func (d KeyValueSet) shape() any { return valueShape(d) }

func (d KeyValueSet) isLong() bool { return isLong(d.Key) }

// KeyValueCleared removes one key.
type KeyValueCleared struct{ Key string }

// Kind gives the number of the kind.
func (KeyValueCleared) Kind() Kind { return KindKeyValueCleared }

func (KeyValueCleared) changes() {}

func (d *KeyValueCleared) fields(w *Wire) { w.Text(&d.Key) }

func (d KeyValueCleared) encode(w *Wire) { d.fields(w) }

type keyShape struct {
	Key string `json:"key"`
}

func (d KeyValueCleared) shape() any { return keyShape(d) }

// KeyValuesCleared removes every key.
type KeyValuesCleared struct{}

// Kind gives the number of the kind.
func (KeyValuesCleared) Kind() Kind { return KindKeyValuesCleared }

func (KeyValuesCleared) changes() {}

func (*KeyValuesCleared) fields(*Wire) {}

func (KeyValuesCleared) encode(*Wire) {}

func (KeyValuesCleared) shape() any { return nil }
