package history

import "encoding/json"

// Class is what users are told as the kind of a failure.
type Class string

// The classes of failures.
const (
	ApplicationClass    Class = "application"
	CancelledClass      Class = "cancelled"
	TerminatedClass     Class = "terminated"
	NondeterminismClass Class = "nondeterminism"
	PoisonClass         Class = "poison"
	InfrastructureClass Class = "infrastructure"
	LimitClass          Class = "limit"
	TimeoutClass        Class = "timeout"
)

// Class gives the class of a failure, as far as it can be known here: what code threw is Application,
// and the host that described it knows more.
func (f Failure) Class() Class {
	switch {
	case f.Limit:
		return LimitClass
	case f.Category == Configuration:
		return NondeterminismClass
	case f.Category == Infrastructure:
		return InfrastructureClass
	case f.Category == Poison:
		return PoisonClass
	case f.Kind == CancelledKind:
		return CancelledClass
	case f.Kind == TerminatedKind:
		return TerminatedClass
	case f.Kind == TimedOutKind:
		return TimeoutClass
	default:
		return ApplicationClass
	}
}

// Shown gives the class that users are shown: what the host knows of what code threw is part of it.
func (f Failure) Shown() Class {
	class := f.Class()
	var thrown struct {
		Kind Class `json:"kind"`
	}
	if class == ApplicationClass && json.Unmarshal([]byte(f.Details), &thrown) == nil && thrown.Kind != "" {
		return thrown.Kind
	}
	return class
}

// Told is what hosts are told of a failure besides its text, as JSON.
type Told struct {
	Kind Class `json:"kind"`
	// Text is that of the failure, where it does not stand beside this.
	Text string `json:"text,omitempty"`
	// Activity is the name of the activity that failed; "" where none did, or where an older release
	// stored the failure.
	Activity string `json:"activity,omitempty"`
	// Attempts is how often the work was tried that is poison, or that has a policy.
	Attempts int    `json:"attempts,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Operation and Retryable describe trouble of the store.
	Operation string `json:"operation,omitempty"`
	Retryable bool   `json:"retryable,omitempty"`
	// Thrown is the host's own description of what code threw, or nil.
	Thrown json.RawMessage `json:"thrown,omitempty"`
}

// Told gives what is told of a failure.
func (f Failure) Told() Told {
	t := Told{
		Kind: f.Class(), Activity: f.ActivityName, Reason: f.Reason,
		Operation: f.Operation, Retryable: f.Retryable,
	}
	t.Attempts = f.Attempts
	if f.Category == Poison {
		t.Attempts = f.tries()
	}
	if thrown := json.RawMessage(f.Details); json.Valid(thrown) {
		t.Thrown = thrown
	}
	return t
}

// String gives the JSON text.
func (t Told) String() string {
	text, err := json.Marshal(t)
	if err != nil { // The host's part is valid JSON, and the rest are texts and numbers.
		return ""
	}
	return string(text)
}
